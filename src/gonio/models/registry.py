"""Which networks a run uses: the user's own checkpoints, those that come with Gonio, or none.

The networks themselves are one file each in this folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from gonio.errors import MissingFileError
from gonio.landmarks.pose import pose_without_refiner
from gonio.models.checkpoint_io import file_digest
from gonio.options import CHECKPOINTS_OF, DEFAULT_REFINER, CameraOptions, Refiner
from gonio.signals import nearest
from gonio.types import LandmarkSequence, RefinedPose

if TYPE_CHECKING:
    from gonio.models.depth_refiner import DepthRefiner
    from gonio.models.joint_refiner import JointRefiner
    from gonio.models.main_refiner import MainRefiner

SHIPPED_FOLDER = Path(__file__).parent / "weights"
TRAINED_BY = {
    "depth_refiner": "depth_training",
    "joint_refiner": "joint_training",
    "main_refiner": "main_refiner",
}
"""The pipeline that makes each checkpoint."""


@dataclass(frozen=True)
class Refiners:
    """The networks of one choice of refiner, ready to use.

    Attributes:
        choice: as the parameters name it.
        used: name in the catalog -> file of each checkpoint that is used.
        depth: corrects the pose, or None.
        joint: corrects the angles, or None.
        main: corrects both, in the place of the others, or None.
    """

    choice: Refiner
    used: Mapping[str, Path]
    depth: DepthRefiner | None = None
    joint: JointRefiner | None = None
    main: MainRefiner | None = None

    def pose(self, landmarks: LandmarkSequence, camera: CameraOptions) -> RefinedPose:
        """The pose, its depth corrected if the choice does that, else MediaPipe's own.

        Args:
            landmarks: repaired.
            camera: as far as the user knows it.
        """
        network = self.main or self.depth
        if network is None:
            return pose_without_refiner(landmarks, camera)
        return network.refine(landmarks, camera)

    @property
    def change_angles(self) -> bool:
        """Whether the choice corrects angles."""
        return self.main is not None or self.joint is not None

    def angles(self, angles: pd.DataFrame, landmarks: LandmarkSequence) -> pd.DataFrame:
        """The 36 angles, corrected if the choice does that.

        Args:
            angles: `time_s` and 36 columns, of T frames, from the pose that `pose` gave.
            landmarks: repaired; frames at other times are brought to those of the angles.

        Returns:
            The same columns and times; NaN where the angles were NaN.
        """
        if self.main is not None:
            return self.main.refine_angles(angles, landmarks)
        if self.joint is not None:
            rows = nearest(landmarks.time_s, angles["time_s"].to_numpy(dtype=float))
            return self.joint.refine(angles, landmarks.visibility[rows])
        return angles


def load_refiners(choice: Refiner, own: Mapping[str, Path]) -> Refiners:
    """The networks that a choice of refiner needs.

    Only the default may be without its checkpoints; who runs without says so.

    Args:
        choice: as the parameters name it.
        own: where the user's own checkpoints would be, by their names in the catalog.

    Raises:
        MissingFileError: a checkpoint that is needed is not there.
        InputError: one is broken, foreign, older or of another kind.
    """
    used: dict[str, Path] = {}
    for name in CHECKPOINTS_OF[choice]:
        path = checkpoint_of(name, own[name])
        if path is None and choice == DEFAULT_REFINER:
            break  # the angles of a pose that is not refined are not those that were learned from
        if path is None:
            raise MissingFileError(no_checkpoint(name, own[name]))
        used[name] = path
    if not used:
        return Refiners(choice, used)
    from gonio.models.depth_refiner import DepthRefiner
    from gonio.models.joint_refiner import JointRefiner
    from gonio.models.main_refiner import MainRefiner

    if choice == "main":
        return Refiners(choice, used, main=MainRefiner.load(used["main_refiner"], own))
    depth, joint = used.get("depth_refiner"), used.get("joint_refiner")
    return Refiners(
        choice,
        used,
        depth=DepthRefiner.load(depth) if depth else None,
        joint=JointRefiner.load(joint) if joint else None,
    )


def checkpoint_of(name: str, own: Path) -> Path | None:
    """The checkpoint of a network: the user's own, else the shipped one, else none.

    Args:
        name: in the catalog.
        own: where the user's own would be.
    """
    places = (own, SHIPPED_FOLDER / f"{name}.safetensors")
    return next((place for place in places if place.is_file()), None)


def no_checkpoint(name: str, own: Path) -> str:
    """Says that there is no checkpoint of a network, and how to get one."""
    return (
        f"there is no checkpoint of the {name.replace('_', ' ')}, neither "
        f"{own.parent.name}/{own.name} nor one in the installed package: train one (kedro run "
        f"--pipeline {TRAINED_BY[name]}), put one there, or choose refiner=none"
    )


def checkpoint_record(checkpoint: Path, own: Path) -> dict[str, str]:
    """What identifies a checkpoint: its name, whose it is, and the start of its SHA-256."""
    return {
        "file": checkpoint.name,
        "from": f"own, in {own.parent.name}" if checkpoint == own else "shipped with Gonio",
        "sha256": file_digest(checkpoint),
    }
