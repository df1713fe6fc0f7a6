"""Shards made ready for training: repaired as in use, inputs and truth side by side, on disk.

Repair runs once a shard and not once an epoch; training reads what it needs and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gonio.capture.manifest import Manifest, Record
from gonio.capture.reference_body import reference_scale
from gonio.capture.repaired_shard import repaired_shard
from gonio.capture.shards import Shard, read_shard
from gonio.capture.tasks import digest
from gonio.landmarks.inputs import FRAME_FEATURES, pose_inputs
from gonio.options import RepairOptions
from gonio.signals import nearest, since_start
from gonio.training.clips import (
    Array,
    Clip,
    ClipList,
    ClipStore,
    Prepared,
    left_to_prepare,
    list_clips,
    made_from,
)
from gonio.training.source_chain import repair_of_source
from gonio.training.targets import camera_in_pelvis
from gonio.types import LandmarkSequence

PREPARED_FORMAT = 3


@dataclass(frozen=True)
class PreparedSequence(Clip):
    """One clip ready for training; what is missing is 0 and has no weight.

    Attributes:
        landmarks, frame, there: as `PoseInputs`.
        time: (T,) seconds.
        pose: (T, 17, 3) truth, metres, ray frame, scaled to the reference body.
        up: (T, 3) truth.
        camera: (T, 3) truth: camera in the axes of the pelvis, metres, scaled as the pose.
        weight: (T,) 1 where both the person and the truth are there.
        camera_weight: (T,) 1 where the camera's truth is there too.
    """

    SHAPES: ClassVar = {
        "landmarks": (33, 6),
        "frame": (len(FRAME_FEATURES),),
        "there": (33,),
        "time": (),
        "pose": (17, 3),
        "up": (3,),
        "camera": (3,),
        "weight": (),
        "camera_weight": (),
    }
    MASKS: ClassVar = ("there",)

    landmarks: Array
    frame: Array
    there: NDArray[np.bool_]
    time: Array
    pose: Array
    up: Array
    camera: Array
    weight: Array
    camera_weight: Array


def prepare_shard(shard: Shard, repair: RepairOptions) -> PreparedSequence:
    """Repair a shard's landmarks as in use, and put inputs and truth side by side.

    Args:
        shard: one sequence of one camera.
        repair: the steps of repair; none of them for landmarks that were repaired before.

    Raises:
        InputError: as `repaired_shard`.
    """
    return prepare_repaired(shard, repaired_shard(shard, repair))


def prepare_repaired(shard: Shard, repaired: LandmarkSequence) -> PreparedSequence:
    """The same of landmarks that are repaired already.

    Args:
        shard: one sequence of one camera.
        repaired: its landmarks.
    """
    rows = nearest(shard.time_s, repaired.time_s)
    inputs = pose_inputs(repaired.world, repaired.points_2d, repaired.visibility)
    truth = shard.ground_truth[rows].astype(float)
    scale = reference_scale(shard.ground_truth)
    distance = np.linalg.norm(shard.camera_relative[rows], axis=1) * scale
    camera = camera_in_pelvis(shard.azimuth[rows], shard.elevation[rows], distance)
    weight = np.isfinite(truth).all(axis=(1, 2)) & inputs.there.any(axis=1)
    camera_weight = weight & np.isfinite(camera).all(axis=1)
    return PreparedSequence(
        landmarks=inputs.landmarks,
        frame=inputs.frame,
        there=inputs.there,
        time=since_start(repaired.time_s),
        pose=_filled(truth * scale, weight),
        up=_filled(shard.up[rows], weight),
        camera=_filled(camera, camera_weight),
        weight=weight.astype(np.float32),
        camera_weight=camera_weight.astype(np.float32),
    )


def _filled(values: NDArray[Any], there: NDArray[np.bool_]) -> Array:
    mask = there.reshape(-1, *[1] * (values.ndim - 1))
    return np.where(mask, np.nan_to_num(values), 0.0).astype(np.float32)


class PreparedStore(ClipStore[PreparedSequence]):
    """A folder of clips for the depth refiner.

    Args:
        root: the folder; it need not exist yet.
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__(root, PreparedSequence)


def prepared_key(record: Record, repair: RepairOptions) -> str:
    """Name of a prepared clip: changes with the shard and with the way it is prepared."""
    own = repair_of_source(record.source, repair)
    return digest([PREPARED_FORMAT, made_from(record), own.model_dump()])


def prepare(
    manifest: Manifest, store: PreparedStore, repair: RepairOptions
) -> Iterator[Prepared[PreparedSequence]]:
    """Prepare the shards that are not prepared yet.

    Args:
        manifest: of the sources to train on.
        store: says what is there already; it is not written to.
        repair: as `inference` repairs.

    Raises:
        InputError: a shard is damaged, or has too few frames a second for the low-pass.
    """
    for record, key in left_to_prepare(manifest, store, partial(prepared_key, repair=repair)):
        shard = read_shard(manifest.path_of(record))
        yield Prepared(key, prepare_shard(shard, repair_of_source(record.source, repair)))


def clip_list(
    manifest: Manifest,
    store: PreparedStore,
    repair: RepairOptions,
    repeats: Mapping[str, int] | None = None,
) -> ClipList[PreparedSequence]:
    """The clips of a manifest.

    Args:
        manifest: of the sources to train on.
        store: of the prepared clips.
        repair: as they were prepared.
        repeats: how often the training clips of a source are taken; once where not named.

    Raises:
        InputError: the training or the validation split is empty.
    """
    return list_clips(manifest, store, partial(prepared_key, repair=repair), repeats)
