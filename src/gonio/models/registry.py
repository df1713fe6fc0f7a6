"""Which networks a run uses: the user's own checkpoints, those that come with Gonio, or none.

The networks themselves are one file each in this folder.
"""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from gonio.errors import InputError, MissingFileError
from gonio.landmarks.pose import pose_without_refiner
from gonio.models.checkpoint_io import file_digest, part_of, read_header
from gonio.options import CHECKPOINTS_OF, DEFAULT_REFINER, CameraOptions, Refiner
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
        choice: what the parameters name, or what the default came to.
        used: name in the catalog -> file of each checkpoint that is used.
        own: name in the catalog -> where the user's own checkpoint would be.
        depth: corrects the pose, or None.
        joint: corrects the angles, or None.
        main: corrects both, in the place of the others, or None.
        instead: why the default came to something else than its first choice; empty where not.
    """

    choice: Refiner
    used: Mapping[str, Path]
    own: Mapping[str, Path] = field(default_factory=dict)
    depth: DepthRefiner | None = None
    joint: JointRefiner | None = None
    main: MainRefiner | None = None
    instead: str = ""

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

    def checkpoint(self, name: str) -> dict[str, str] | None:
        """As `checkpoint_record` of a network, by its name in the catalog; None if it is unused."""
        return checkpoint_record(self.used[name], self.own[name]) if name in self.used else None

    @property
    def change_angles(self) -> bool:
        """Whether the choice corrects angles."""
        return self.main is not None or self.joint is not None

    def angles(
        self,
        angles: pd.DataFrame,
        landmarks: LandmarkSequence,
        camera: CameraOptions,
        *,
        both_ways: bool = True,
    ) -> pd.DataFrame:
        """The 36 angles, corrected if the choice does that.

        Args:
            angles: `time_s` and 36 columns, of T frames, from the pose that `pose` gave.
            landmarks: repaired; frames at other times are brought to those of the angles.
            camera: as in `pose`; a network that looks at the pose again needs it.
            both_ways: whether networks that ask for it look at the mirror image too.

        Returns:
            The same columns and times; NaN where the angles were NaN.

        Raises:
            InputError: the table or the landmarks do not go together; the message says why.
        """
        if self.main is not None:
            return self.main.refine_angles(angles, landmarks, camera, both_ways=both_ways)
        if self.joint is not None:
            return self.joint.refine_angles(angles, landmarks, both_ways=both_ways)
        return angles


def load_refiners(choice: Refiner, own: Mapping[str, Path]) -> Refiners:
    """The networks that a choice of refiner needs, all of them.

    Args:
        choice: as the parameters name it.
        own: where the user's own checkpoints would be, by their names in the catalog.

    Raises:
        MissingFileError: a checkpoint that is needed is not there.
        InputError: one is broken, foreign, older or of another kind, or a main refiner joins
            others than there are.
    """
    return _loaded(choice, _all_found(choice, own), own)


def refiners_for(choice: Refiner, own: Mapping[str, Path]) -> Refiners:
    """The networks of a run: as `load_refiners`, but that the default makes do with less.

    Args:
        choice: as the parameters name it; the default gives way as `default_choice` says, and
            goes as far as its networks are there.
        own: where the user's own checkpoints would be, by their names in the catalog.

    Raises:
        MissingFileError, InputError: as `load_refiners`.
    """
    if choice != DEFAULT_REFINER:
        return load_refiners(choice, own)
    choice, instead = default_choice(own)
    return replace(_loaded(choice, _found(choice, own), own), instead=instead)


def _all_found(choice: Refiner, own: Mapping[str, Path]) -> dict[str, Path]:
    """All checkpoints of a choice.

    Raises:
        MissingFileError: names the first that is not there.
    """
    used = _found(choice, own)
    for name in CHECKPOINTS_OF[choice]:
        if name not in used:
            raise MissingFileError(no_checkpoint(name, own[name]))
    return used


def _found(choice: Refiner, own: Mapping[str, Path]) -> dict[str, Path]:
    """The checkpoints of a choice up to the first that is not there.

    The angles of a pose that is not refined are not those that a network of angles learned from.
    """
    used: dict[str, Path] = {}
    for name in CHECKPOINTS_OF[choice]:
        path = checkpoint_of(name, own[name])
        if path is None:
            break
        used[name] = path
    return used


def _loaded(choice: Refiner, used: Mapping[str, Path], own: Mapping[str, Path]) -> Refiners:
    if not used:
        return Refiners(choice, used, own)
    from gonio.models.depth_refiner import DepthRefiner
    from gonio.models.joint_refiner import JointRefiner
    from gonio.models.main_refiner import MainRefiner

    if choice == "main":
        return Refiners(choice, used, own, main=MainRefiner.load(used["main_refiner"], own))
    depth, joint = used.get("depth_refiner"), used.get("joint_refiner")
    return Refiners(
        choice,
        used,
        own,
        depth=DepthRefiner.load(depth) if depth else None,
        joint=JointRefiner.load(joint) if joint else None,
    )


def default_choice(own: Mapping[str, Path]) -> tuple[Refiner, str]:
    """What the default comes to: `main`, unless it is not there or passes over the user's work.

    A main refiner works with the depth and joint refiner that it was trained with. Where the user
    has trained another one, both are used one after the other, as if `both` had been asked for.

    Args:
        own: where the user's own checkpoints would be, by their names in the catalog.

    Returns:
        `main` or `both`, and why it is not `main`; empty where it is.

    Raises:
        InputError: the main refiner's checkpoint is broken or foreign.
    """
    path = checkpoint_of("main_refiner", own["main_refiner"])
    if path is None:
        return "both", no_checkpoint("main_refiner", own["main_refiner"])
    header = read_header(path)
    for name in CHECKPOINTS_OF["both"]:
        joined = part_of(header, name, path).get("sha256")  # None for one that it holds itself
        if joined and own[name].is_file() and file_digest(own[name]) != joined:
            return "both", (
                f"the main refiner joins another {name.replace('_', ' ')} than your own, "
                f"{own[name].parent.name}/{own[name].name}: train one that joins it (kedro run "
                "--pipeline main_refiner)"
            )
    return DEFAULT_REFINER, ""


def check_refiners(choice: Refiner, own: Mapping[str, Path]) -> None:
    """See before a run that its networks are there and that those of the user's own can be used.

    Those that come with Gonio are known to be good; loading them takes PyTorch, which need not be
    waited for.

    Args:
        choice: as the parameters name it.
        own: where the user's own checkpoints would be, by their names in the catalog.

    Raises:
        MissingFileError, InputError: as `load_refiners`.
    """
    if any(path.exists() for path in own.values()):
        shared_refiners(choice, own)
    elif choice != DEFAULT_REFINER:
        _all_found(choice, own)


def shared_refiners(choice: Refiner, own: Mapping[str, Path]) -> Refiners:
    """The same as `refiners_for`, loaded once as long as no file changes: for use, not to train.

    Args:
        choice: as the parameters name it.
        own: where the user's own checkpoints would be, by their names in the catalog.

    Raises:
        MissingFileError, InputError: as `load_refiners`.
    """
    files = [path for name in own for path in _places(name, own[name])]
    stamps = tuple((path, _stamp(path)) for path in files)
    return _shared(choice, tuple(own.items()), stamps)


@lru_cache(maxsize=1)
def _shared(
    choice: Refiner, own: tuple[tuple[str, Path], ...], _: tuple[tuple[Path, Any], ...]
) -> Refiners:
    return refiners_for(choice, dict(own))


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes with a file; None where there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def checkpoint_of(name: str, own: Path) -> Path | None:
    """The checkpoint of a network: the user's own, else the shipped one, else none.

    Args:
        name: in the catalog.
        own: where the user's own would be.

    Raises:
        InputError: something that is no file stands there.
    """
    if os.path.lexists(own) and not own.is_file():
        raise InputError(
            f"{own} is no file, so it holds no checkpoint of the {name.replace('_', ' ')}; remove "
            "it, or put a .safetensors file there"
        )
    return next((place for place in _places(name, own) if place.is_file()), None)


def _places(name: str, own: Path) -> tuple[Path, Path]:
    """Where a checkpoint may lie, the user's own place first."""
    return own, SHIPPED_FOLDER / f"{name}.safetensors"


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
