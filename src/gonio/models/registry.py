"""Which network a checkpoint holds; the networks themselves are one file each in this folder."""

from __future__ import annotations

from typing import NoReturn

import pandas as pd

from gonio.datasets.checkpoint import CheckpointFile
from gonio.errors import InputError
from gonio.types import LandmarkSequence, RefinedPose

NETWORKS: tuple[str, ...] = ()
"""Kinds of network that this version of Gonio can run."""


def refined_pose(
    refiner: str, checkpoint: CheckpointFile, landmarks: LandmarkSequence
) -> RefinedPose:
    """The pose with its depth corrected.

    Raises:
        MissingFileError: there is no checkpoint.
        InputError: the checkpoint is broken, or of a kind that this version cannot run.
    """
    _refuse(refiner, checkpoint)


def refined_angles(
    refiner: str,
    checkpoint: CheckpointFile,
    angles: pd.DataFrame,
    landmarks: LandmarkSequence,
) -> pd.DataFrame:
    """The angles corrected by what the rest of the pose allows.

    Raises:
        MissingFileError: there is no checkpoint.
        InputError: the checkpoint is broken, or of a kind that this version cannot run.
    """
    _refuse(refiner, checkpoint)


def _refuse(refiner: str, checkpoint: CheckpointFile) -> NoReturn:
    kind = checkpoint.header()["kind"]
    known = ", ".join(NETWORKS) or "none yet"
    raise InputError(
        f"refiner is {refiner!r}, and {checkpoint.path} holds a network of kind {kind!r}; this "
        f"version of Gonio can run {known}: run with refiner=none"
    )
