"""Poses of every row of the comparison on a clip, and their errors.

Each row gets what it would get in use: the networks see repaired landmarks, as in `inference`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tqdm import tqdm

from gonio.capture.pairs import pelvis_forward_from_joints, viewpoint
from gonio.capture.repaired_shard import repaired_shard
from gonio.capture.shards import Shard
from gonio.frames import camera_angles_from_up, normalised, ray_from_camera
from gonio.landmarks.pose import mid_hip_rays, pose_without_refiner
from gonio.options import CameraOptions, RepairOptions
from gonio.signals import nearest, resample
from gonio.training.error_tables import ScoredClip, performer_of
from gonio.training.frame_errors import frame_errors, scaled_pose, true_frames
from gonio.training.image_points import with_true_image
from gonio.training.recordings import (
    BASELINES,
    DEMO,
    KNOWN_GRAVITY,
    KNOWN_IMAGE,
    SHIPPED,
    EvaluationOptions,
    Refiner,
)
from gonio.training.source_chain import repair_of_source
from gonio.types import FloatArray, LandmarkSequence, RefinedPose, known

_TOWARDS_CAMERA = np.array([0.0, 0.0, -1.0])


def score_clips(
    recordings: Mapping[str, Iterable[Shard]],
    refiners: Mapping[str, Refiner],
    repair: RepairOptions | None = None,
) -> list[ScoredClip]:
    """Errors of every row on every clip.

    Args:
        recordings: name -> clips with truth.
        refiners: name of a row -> network; they come after the rows without one.
        repair: as `inference` repairs; all of it if not given.
    """
    repair = repair or RepairOptions()
    jobs = [(name, shard) for name, shards in recordings.items() for shard in shards]
    for refiner in refiners.values():
        if jobs:
            _warm_up(refiner, jobs[0][1])
    shown = tqdm(jobs, desc="evaluate", unit=" clips", disable=None)
    return [score_clip(name, shard, refiners, repair) for name, shard in shown]


def score_clip(
    recording: str, shard: Shard, refiners: Mapping[str, Refiner], repair: RepairOptions
) -> ScoredClip:
    """Errors of every row on one clip, all over the same samples; arguments as of `score_clips`.

    These are the joints that every row knows: repair fills gaps that other rows leave out, and what
    is hard to see must not count for it alone. The landmarks of some sources are repaired and
    filtered already (`source_chain`): there the first three rows are the same.
    """
    repair = repair_of_source(shard.source, repair)
    seen = shard.landmark_sequence
    filtered = repair.model_copy(update={"swaps": False, "fill_gaps": False})
    repaired = repaired_shard(shard, repair)
    plain = (seen, repaired_shard(shard, filtered), repaired)
    found: dict[str, tuple[RefinedPose, float]] = {}
    for row, landmarks in zip(BASELINES, plain, strict=True):
        pose = pose_with_viewpoint(landmarks)
        found[row] = at_times(pose, landmarks.time_s, shard.time_s), float("nan")
    for row, refiner in refiners.items():
        camera = true_camera(shard) if row == KNOWN_GRAVITY else None
        landmarks = with_true_image(repaired, shard) if row == KNOWN_IMAGE else repaired
        begin = time.perf_counter()
        pose = refiner.refine(landmarks, camera)
        seconds = time.perf_counter() - begin
        found[row] = at_times(pose, repaired.time_s, shard.time_s), seconds
    samples = np.all([known(pose.positions) for pose, _ in found.values()], axis=0)
    return ScoredClip(
        recording,
        shard,
        errors={row: frame_errors(pose, shard, s, samples) for row, (pose, s) in found.items()},
        poses={row: scaled_pose(pose, shard) for row, (pose, _) in found.items()},
    )


def pose_with_viewpoint(landmarks: LandmarkSequence) -> RefinedPose:
    """MediaPipe's own pose, with the viewpoint that follows from it if the camera is level."""
    pose = pose_without_refiner(landmarks)
    forward = pelvis_forward_from_joints(pose.positions, pose.up)
    towards_camera = np.broadcast_to(_TOWARDS_CAMERA, pose.up.shape)
    azimuth, elevation = viewpoint(towards_camera, pose.up, forward)
    return RefinedPose(pose.positions, pose.sigma, pose.up, azimuth, elevation)


def true_camera(shard: Shard) -> CameraOptions:
    """What a user who knows the camera's pitch and roll would say, of a camera that stands still.

    The field of view is not the true one, which no user knows.

    Args:
        shard: with true gravity in at least one frame; without, nothing is said.
    """
    turns = ray_from_camera(mid_hip_rays(shard.landmark_sequence, CameraOptions()))
    up = np.einsum("tij,ti->tj", turns, shard.up.astype(float))
    up = up[known(up)]
    if not len(up):
        return CameraOptions()
    pitch, roll = camera_angles_from_up(normalised(up.mean(axis=0)))
    return CameraOptions(pitch_deg=pitch, roll_deg=roll)


def at_times(pose: RefinedPose, time_s: FloatArray, wanted_s: FloatArray) -> RefinedPose:
    """A pose at the times of its truth: repair may have brought it to another frame rate.

    Positions and sigma are interpolated; directions and feet are those of the nearest frame.

    Args:
        pose: T frames.
        time_s: (T,) seconds.
        wanted_s: (N,) seconds.
    """
    if np.array_equal(time_s, wanted_s):
        return pose
    return replace(
        pose.at(nearest(time_s, wanted_s)),
        positions=resample(pose.positions, time_s, wanted_s),
        sigma=resample(pose.sigma, time_s, wanted_s),
    )


def _warm_up(refiner: Refiner, shard: Shard) -> None:
    """Let a network do what it does once only, such as allocating, before the clock runs."""
    refiner.refine(shard.landmark_sequence)


def evaluation_record(
    recordings: Mapping[str, Sequence[Shard]],
    refiners: Mapping[str, Refiner],
    options: EvaluationOptions,
    demo_truth: str,
) -> dict[str, Any]:
    """What was measured: the recordings, the networks, and what to know before reading.

    Args:
        recordings: name -> clips with truth.
        refiners: name of a row -> network.
        options: of the run.
        demo_truth: where the truth of the demo comes from.
    """
    notes = []
    if options.shipped and SHIPPED not in refiners:
        notes.append("Gonio comes without a checkpoint: there is no row of a shipped network.")
    if DEMO in recordings and demo_truth != "reference trial":
        notes.append(
            f"The truth of the demo is the {demo_truth}: it flatters the image plane, and is 3 to "
            "6 cm from the reference trial."
        )
    return {
        "notes": notes,
        "recordings": {
            name: _described(shards) | ({"truth": demo_truth} if name == DEMO else {})
            for name, shards in recordings.items()
        },
        "networks": {row: refiner.header for row, refiner in refiners.items()},
        "parameters": options.model_dump(),
    }


def _described(shards: Sequence[Shard]) -> dict[str, Any]:
    return {
        "source": sorted({shard.source for shard in shards}),
        "clips": len(shards),
        "frames_with_truth": sum(int(true_frames(shard).sum()) for shard in shards),
        "subjects": len({shard.subject for shard in shards}),
        "performers": sorted({performer_of(shard) for shard in shards}),
        "detectors": sorted({shard.detector for shard in shards}),
        "frame_rates_hz": sorted({round(shard.fps, 2) for shard in shards}),
    }
