"""Which recordings are evaluated and with which networks: the parameters, and what they mean."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, get_args

import numpy as np
from pydantic import Field, field_validator

from gonio.capture.manifest import Manifest
from gonio.capture.shards import Shard, read_shard
from gonio.capture.store import ShardStore
from gonio.capture.tasks import Split
from gonio.errors import InputError, MissingFileError
from gonio.options import CameraOptions, Options
from gonio.types import LandmarkSequence, RefinedPose

_log = logging.getLogger(__name__)

DEMO, FOLDER = "demo", "folder"
SHIPPED = "shipped"
"""Name of the row of the network that comes with Gonio."""
SHIPPED_MAIN = "main"
"""Name of the row of the main refiner that comes with Gonio: its pose before augmentation."""
_WITHOUT = f"{SHIPPED} - "
"""Begins the names of the rows of it without a step of its use."""
KNOWN_GRAVITY = f"{SHIPPED} + known gravity"
"""Name of the row of it where the user knows the camera's pitch and roll: those of the truth."""
KNOWN_IMAGE = f"{SHIPPED} + true image points"
"""Name of the row of it where the detector's points on the image are those of the truth: what is
left is not the image's."""
BASELINES: tuple[str, ...] = ("raw", "raw + filter + scale", "repaired")
"""Names of the rows without a network."""
_SPLITS: tuple[str, ...] = get_args(Split)


class Refiner(Protocol):
    """What the evaluation needs of a network."""

    @property
    def header(self) -> dict[str, Any]:
        """Header of the checkpoint: configuration, metrics, data, versions."""
        ...

    def refine(
        self, landmarks: LandmarkSequence, camera: CameraOptions | None = None
    ) -> RefinedPose:
        """Correct a pose."""
        ...


class EvaluationOptions(Options):
    """All parameters of the pipeline `evaluation`.

    Attributes:
        recordings: what to measure on. `demo`: Pose2Sim's four cameras; `<source>_<split>`, such
            as `rendered_test`: the shards of a source and split in the shard folder; `folder`:
            every shard that lies in the shard folder itself. A text with `+` between the names
            does as well as a list.
        max_shards: measure on at most so many shards of each recording, spread evenly; None: all.
        shipped: whether the checkpoint that comes with Gonio is the last row.
        checkpoints: name of a row -> path of its checkpoint, in the order of the table.
        steps_of_use: whether there are rows of the shipped checkpoint without each of the steps of
            its use (`depth_refiner.STEPS_OF_USE`), one that is told the camera's true pitch and
            roll, and one whose image points are the true ones.
        worst_clips: how many of the worst clips are drawn.
        angles: whether joint angles are measured too, through the whole chain of `inference`.
    """

    recordings: tuple[str, ...] = (DEMO,)
    max_shards: int | None = Field(None, ge=1)
    shipped: bool = True
    checkpoints: dict[str, str] | None = None
    steps_of_use: bool = False
    worst_clips: int = Field(6, ge=0, le=24)
    angles: bool = True

    @field_validator("recordings", mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        return tuple(value.split("+")) if isinstance(value, str) else value

    @field_validator("recordings")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        odd = [name for name in value if name not in (DEMO, FOLDER) and not _source_split(name)]
        if odd or not value or len(set(value)) < len(value):
            raise ValueError(
                f"allowed are {DEMO}, {FOLDER} and <source>_<split> with the splits "
                f"{', '.join(_SPLITS)} (rendered_test), each once"
            )
        return value

    @field_validator("checkpoints")
    @classmethod
    def _free(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        own = {*BASELINES, SHIPPED, SHIPPED_MAIN, KNOWN_GRAVITY, KNOWN_IMAGE}
        taken = sorted(n for n in value or {} if n in own or n.startswith(_WITHOUT))
        if taken:
            raise ValueError(f"{', '.join(taken)} are rows already; name the checkpoint otherwise")
        return value

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any] | None) -> EvaluationOptions:
        """Check the parameters under `evaluation`; without them all have their defaults.

        Raises:
            InputError: a value that is not allowed, or a name that nothing reads.
        """
        return cls.of_group("evaluation", parameters)


def _source_split(name: str) -> tuple[str, Split] | None:
    source, _, split = name.rpartition("_")
    return next(((source, s) for s in get_args(Split) if s == split and source), None)


def recorded_shards(name: str, folder: Path, max_shards: int | None = None) -> list[Shard]:
    """The shards of a recording that is not the demo.

    Args:
        name: `folder`, or `<source>_<split>`.
        folder: of shards, or one that `data_conversion` has filled.
        max_shards: at most so many, spread evenly over their sorted names.

    Raises:
        InputError: there is no such shard, or one is damaged.
    """
    named = _source_split(name)
    if named is None:
        paths = sorted(folder.glob("*.npz"))
    else:
        source, split = named
        manifest: Manifest = ShardStore(folder).manifest()
        paths = manifest.select([source]).shards(split)
    if not paths:
        raise InputError(
            f"the recording {name!r} has no shard in {folder}; give the folder with "
            "shards_folder=<folder>, or convert the data first (kedro run --pipeline "
            "data_conversion)"
        )
    count = min(len(paths), max_shards or len(paths))
    chosen = np.linspace(0, len(paths) - 1, count).round().astype(int)
    return [read_shard(paths[index]) for index in chosen]


def load_refiners(options: EvaluationOptions) -> dict[str, Refiner]:
    """The networks of the table, by the names of their rows, the shipped ones last.

    Where Gonio comes without a checkpoint its row is left out, and the log says so.

    Raises:
        MissingFileError: a checkpoint that the parameters name is not there.
        InputError: a checkpoint is broken or of another version.
    """
    from gonio.models.depth_refiner import DepthRefiner
    from gonio.models.main_refiner import MainRefiner

    refiners: dict[str, Refiner] = {
        name: DepthRefiner.load(path) for name, path in (options.checkpoints or {}).items()
    }
    if not options.shipped:
        return refiners
    try:
        shipped = DepthRefiner.load()
        if options.steps_of_use:
            for step in shipped.steps():
                refiners[_WITHOUT + step] = shipped.without(step)
            refiners |= {KNOWN_GRAVITY: shipped, KNOWN_IMAGE: shipped}
        refiners[SHIPPED] = shipped
    except MissingFileError as error:
        _log.warning("no row %r: %s", SHIPPED, error)
    try:
        refiners[SHIPPED_MAIN] = MainRefiner.load()
    except MissingFileError as error:
        _log.warning("no row %r: %s", SHIPPED_MAIN, error)
    return refiners
