"""Shards with joint angles, ready for training the joint refiner and the main refiner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from gonio.capture.manifest import Manifest, Record
from gonio.capture.repaired_shard import repaired_shard
from gonio.capture.shards import Shard, read_shard
from gonio.capture.tasks import digest
from gonio.errors import InputError
from gonio.landmarks.inputs import FRAME_FEATURES, PoseInputs
from gonio.models.depth_refiner import DepthRefiner
from gonio.models.joint_refiner import AngleInputs, JointRefiner, angle_inputs
from gonio.models.main_refiner import MainInputs, main_inputs
from gonio.options import RepairOptions
from gonio.signals import nearest, since_start
from gonio.skeleton import COCO_FROM_MEDIAPIPE
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
from gonio.training.detector_errors import AS_IN_USE, DetectorErrors, seen_with
from gonio.training.prepare import prepare_repaired
from gonio.training.source_chain import repair_of_source
from gonio.types import LandmarkSequence, RefinedPose

A = TypeVar("A", bound="AngleClip")
ANGLES_FORMAT = 2


@dataclass(frozen=True)
class AngleClip(Clip):
    """Computed and true angles of a clip; what is missing is 0 and has no weight.

    Attributes:
        angles, visibility, angle_there: as `AngleInputs`.
        time: (T,) seconds.
        truth: (T, 12, 3) radians.
        angle_weight: (T, 12) 1 where the truth of a joint is known too.
    """

    SHAPES: ClassVar = {
        "angles": (12, 3),
        "visibility": (12,),
        "angle_there": (12,),
        "time": (),
        "truth": (12, 3),
        "angle_weight": (12,),
    }
    MASKS: ClassVar[tuple[str, ...]] = ("angle_there",)
    WEIGHTS: ClassVar[tuple[str, ...]] = ("angle_weight",)

    angles: Array
    visibility: Array
    angle_there: NDArray[np.bool_]
    time: Array
    truth: Array
    angle_weight: Array

    @property
    def inputs(self) -> AngleInputs:
        """What the networks see."""
        time_s = self.time.astype(float)
        return AngleInputs(self.angles, self.visibility, self.angle_there, time_s)


@dataclass(frozen=True)
class MainClip(AngleClip):
    """What both refiners say of a clip, and the truth; what is missing is 0 and has no weight.

    Attributes:
        landmarks, frame, there, pose, weight: as `PreparedSequence`.
        refined, log_sigma, pose_there, view: as `MainInputs` (its `frame` is `view` here).
        joint_refined: (T, 12, 3) radians.
    """

    SHAPES: ClassVar = {
        "landmarks": (33, 6),
        "frame": (len(FRAME_FEATURES),),
        "there": (33,),
        "pose": (17, 3),
        "weight": (),
        "refined": (17, 3),
        "log_sigma": (17, 3),
        "pose_there": (17,),
        "view": (6,),
        "joint_refined": (12, 3),
        **AngleClip.SHAPES,
    }
    MASKS: ClassVar = ("there", "pose_there", *AngleClip.MASKS)
    WEIGHTS: ClassVar = ("weight",)  # sigma is calibrated on it

    landmarks: Array
    frame: Array
    there: NDArray[np.bool_]
    pose: Array
    weight: Array
    refined: Array
    log_sigma: Array
    pose_there: NDArray[np.bool_]
    view: Array
    joint_refined: Array

    @property
    def main_inputs(self) -> MainInputs:
        """What the main refiner sees beside the angles."""
        raw = self.landmarks[:, list(COCO_FROM_MEDIAPIPE)] * self.pose_there[..., None]
        return MainInputs(raw, self.refined, self.log_sigma, self.pose_there, self.view)


@dataclass(frozen=True)
class Preparation:
    """What a clip is prepared with.

    Attributes:
        repair: as `inference` repairs.
        refiners: hashes of the checkpoints that are run on it.
        errors: how the detector errs in the training split of each source, as when its angles
            were computed; the other splits are seen as in use.
    """

    repair: RepairOptions
    refiners: tuple[str, ...] = ()
    errors: Mapping[str, DetectorErrors] = field(default_factory=dict)

    def repair_of(self, record: Record) -> RepairOptions:
        """How the landmarks of a record are repaired."""
        return repair_of_source(record.source, self.repair)

    def errors_of(self, record: Record) -> DetectorErrors:
        """How the detector errs on the clip of a record."""
        return self.errors.get(record.source, AS_IN_USE) if record.split == "train" else AS_IN_USE

    def key(self, record: Record) -> str:
        """Name of the prepared clip of a record: changes with the shard and all of this."""
        errors = [self.errors_of(record).model_dump()] if self.refiners else []
        ways = [self.repair_of(record).model_dump(), list(self.refiners), *errors]
        return digest([ANGLES_FORMAT, made_from(record), *ways])


def prepare_angles(shard: Shard, repair: RepairOptions) -> AngleClip:
    """Angles of a shard as the networks see them, beside the truth.

    Args:
        shard: with angles.
        repair: as `inference` repairs.

    Raises:
        InputError: the shard has no angles.
    """
    return _angles_beside(shard, repaired_shard(shard, repair))


def _angles_beside(shard: Shard, repaired: LandmarkSequence) -> AngleClip:
    computed, true = shard.corrupted_angles, shard.ground_truth_angles
    if computed is None or true is None:
        raise InputError(
            f"the shard {shard.sequence} {shard.camera} has no angles; make them with "
            "kedro run --pipeline joint_angle_generation"
        )
    rows = nearest(repaired.time_s, shard.time_s)
    inputs = angle_inputs(computed.astype(float), repaired.visibility[rows], shard.time_s)
    weight = np.isfinite(true).all(axis=2) & inputs.there
    return AngleClip(
        angles=inputs.angles,
        visibility=inputs.visibility,
        angle_there=inputs.there,
        time=since_start(shard.time_s),
        truth=np.where(weight[..., None], np.radians(true), 0.0).astype(np.float32),
        angle_weight=weight.astype(np.float32),
    )


def prepare_main(
    shard: Shard,
    repair: RepairOptions,
    depth: DepthRefiner,
    joint: JointRefiner,
    errors: DetectorErrors = AS_IN_USE,
) -> MainClip:
    """What both refiners say of a shard, as in use, beside the truth.

    Args:
        shard: with angles.
        repair: as `inference` repairs.
        depth: the depth refiner that the main refiner joins.
        joint: the joint refiner that it joins.
        errors: how the detector erred when the angles were computed.

    Raises:
        InputError: the shard has no angles.
    """
    repaired = repaired_shard(shard, repair)
    angles = _angles_beside(shard, repaired)
    repaired = seen_with(errors, shard, repaired)
    whole = prepare_repaired(shard, repaired)
    inputs = PoseInputs(whole.landmarks, whole.frame, whole.there)
    rows = nearest(repaired.time_s, shard.time_s)
    said = main_inputs(inputs, depth.predict(repaired)).at(rows)
    clip = whole.at(rows)
    refined = angles.angles + joint.deltas(angles.inputs)
    return MainClip(
        landmarks=clip.landmarks,
        frame=clip.frame,
        there=clip.there,
        pose=clip.pose,
        weight=clip.weight,
        refined=said.refined,
        log_sigma=said.log_sigma,
        pose_there=said.pose_there,
        view=said.frame,
        joint_refined=refined.astype(np.float32),
        **{name: getattr(angles, name) for name in AngleClip.SHAPES},
    )


def refined_pose_of(clip: MainClip) -> RefinedPose:
    """The depth refiner's pose of a clip, with what the main refiner needs of it."""
    there = clip.pose_there[..., None]
    unknown = np.full(len(clip), np.nan)
    return RefinedPose(
        positions=np.where(there, clip.refined.astype(float), np.nan),
        sigma=np.where(there, np.exp(clip.log_sigma.astype(float)), np.nan),
        up=np.full((len(clip), 3), np.nan),
        azimuth_deg=unknown,
        elevation_deg=unknown,
        refiner="depth",
    )


class AngleStore(ClipStore[AngleClip]):
    """A folder of clips for the joint refiner.

    Args:
        root: the folder; it need not exist yet.
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__(root, AngleClip)


class MainStore(ClipStore[MainClip]):
    """A folder of clips for the main refiner.

    Args:
        root: the folder; it need not exist yet.
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__(root, MainClip)


def prepare_angle_clips(
    manifest: Manifest, store: AngleStore, preparation: Preparation
) -> Iterator[Prepared[AngleClip]]:
    """Prepare the shards that are not prepared yet, for the joint refiner.

    Raises:
        InputError: a shard is damaged or has no angles.
    """
    for record, key in left_to_prepare(manifest, store, preparation.key):
        shard = read_shard(manifest.path_of(record))
        yield Prepared(key, prepare_angles(shard, preparation.repair_of(record)))


def prepare_main_clips(
    manifest: Manifest,
    store: MainStore,
    preparation: Preparation,
    refiners: tuple[DepthRefiner, JointRefiner],
) -> Iterator[Prepared[MainClip]]:
    """Prepare the shards that are not prepared yet, for the main refiner.

    Args:
        manifest: of the shards with angles.
        store: says what is there already.
        preparation: names the checkpoints of the refiners too.
        refiners: that the main refiner joins.

    Raises:
        InputError: a shard is damaged or has no angles.
    """
    for record, key in left_to_prepare(manifest, store, preparation.key):
        shard = read_shard(manifest.path_of(record))
        repair, errors = preparation.repair_of(record), preparation.errors_of(record)
        yield Prepared(key, prepare_main(shard, repair, *refiners, errors))


def angle_clip_list(
    manifest: Manifest,
    store: ClipStore[A],
    preparation: Preparation,
    repeats: Mapping[str, int] | None = None,
) -> ClipList[A]:
    """The clips of a manifest for the joint refiner or the main refiner.

    Args:
        manifest: of the shards with angles.
        store: of the prepared clips.
        preparation: as they were prepared.
        repeats: how often the training clips of a source are taken; once where not named.

    Raises:
        InputError: the training or the validation split is empty.
    """
    return list_clips(manifest, store, preparation.key, repeats)
