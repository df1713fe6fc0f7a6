"""Which network a run uses: the user's own checkpoint, the one that comes with Gonio, or none.

The networks themselves are one file each in this folder.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pandas as pd

from gonio.errors import InputError, MissingFileError
from gonio.landmarks.pose import pose_without_refiner
from gonio.models.checkpoint_io import read_header
from gonio.options import CameraOptions, Refiner
from gonio.types import LandmarkSequence, RefinedPose

NETWORKS: tuple[Refiner, ...] = ("none", "depth")
"""The choices of refiner that this version of Gonio can run."""

_log = logging.getLogger(__name__)


def check_refiner(refiner: Refiner, checkpoints: Mapping[str, Path]) -> None:
    """See before a run that its networks can be loaded.

    Only `depth` may be without a checkpoint: it is the default, and a run without it says so.

    Args:
        refiner: as the parameters name it.
        checkpoints: where the user's own checkpoints would be, by their names in the catalog.

    Raises:
        MissingFileError: a checkpoint that was asked for is not there.
        InputError: one is broken, foreign, older, or of a network that this version cannot run.
    """
    for name, path in checkpoints.items():
        if name != "depth_refiner":
            read_header(path, name)
            continue
        checkpoint = depth_checkpoint(path)
        if checkpoint is not None:
            from gonio.models.depth_refiner import DepthRefiner

            DepthRefiner.load(checkpoint)
        elif refiner != "depth":
            raise MissingFileError(no_depth_checkpoint(path))
    if refiner not in NETWORKS:
        _refuse(refiner)


def depth_checkpoint(own: Path) -> Path | None:
    """The depth refiner's checkpoint: the user's own, else the shipped one, else none.

    Args:
        own: where the user's own would be.
    """
    from gonio.models import depth_refiner

    places = (own, depth_refiner.SHIPPED_CHECKPOINT)
    return next((place for place in places if place.is_file()), None)


def no_depth_checkpoint(own: Path) -> str:
    """Says that there is no depth refiner, and how to get one."""
    return (
        f"there is no checkpoint of a depth refiner, neither {own.parent.name}/{own.name} nor one "
        "in the installed package: train one (kedro run --pipeline depth_training), put one there, "
        "or choose refiner=none"
    )


def refined_pose(
    refiner: Refiner, own: Path, landmarks: LandmarkSequence, camera: CameraOptions
) -> tuple[RefinedPose, Path | None]:
    """The pose, its depth corrected if the refiner does that.

    Args:
        refiner: as the parameters name it.
        own: where the user's own checkpoint of the depth refiner would be.
        landmarks: repaired.
        camera: as far as the user knows it.

    Returns:
        The pose and the checkpoint it was made with; MediaPipe's own pose and None where the
        refiner leaves the pose alone, or is `depth` and has no checkpoint (which is logged).

    Raises:
        MissingFileError: the refiner is `both`, and there is no checkpoint.
        InputError: the checkpoint is broken, or this version cannot run the refiner.
    """
    if refiner in ("none", "joint"):
        return pose_without_refiner(landmarks, camera), None
    if refiner == "main":
        _refuse(refiner)
    checkpoint = depth_checkpoint(own)
    if checkpoint is not None:
        from gonio.models.depth_refiner import DepthRefiner

        return DepthRefiner.load(checkpoint).refine(landmarks, camera), checkpoint
    if refiner != "depth":
        raise MissingFileError(no_depth_checkpoint(own))
    _log.warning("depth is not corrected: %s", no_depth_checkpoint(own))
    return pose_without_refiner(landmarks, camera), None


def checkpoint_record(checkpoint: Path, own: Path) -> dict[str, str]:
    """What identifies a checkpoint: its name, whose it is, and the start of its SHA-256."""
    with checkpoint.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "file": checkpoint.name,
        "from": f"own, in {own.parent.name}" if checkpoint == own else "shipped with Gonio",
        "sha256": digest[:12],
    }


def refined_angles(
    refiner: Refiner, checkpoint: Path, angles: pd.DataFrame, landmarks: LandmarkSequence
) -> pd.DataFrame:
    """The angles corrected by what the rest of the pose allows.

    Raises:
        InputError: this version cannot run the refiner.
    """
    _refuse(refiner)


def _refuse(refiner: Refiner) -> NoReturn:
    raise InputError(
        f"refiner is {refiner!r}; this version of Gonio can run {', '.join(NETWORKS)}: run with "
        "refiner=depth"
    )
