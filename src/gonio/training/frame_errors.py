"""Every error of a pose, frame by frame: of one clip, or of many one after the other.

What is constant over a clip (bone-length variation, milliseconds) stands at each of its frames, so
that a mean over frames of several clips weights each clip by its length.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gonio.capture.shards import Shard
from gonio.errors import InputError
from gonio.frames import bone_length_cv
from gonio.kinematics.unwrapping import wrapped_deg
from gonio.training import metrics
from gonio.types import BoolArray, FloatArray, RefinedPose, known

Errors = NDArray[np.float32]
"""Half the memory of double precision, and still nanometres."""


@dataclass(frozen=True)
class FrameErrors:
    """Errors of N frames that have a truth; NaN where the pose or the truth is missing.

    Attributes:
        offset: (N, 17, 3) pose minus truth after the clip's scale, metres, ray frame.
        unscaled: (N, 17, 3) the same without the scale.
        aligned: (N, 17) distance after the best rotation, translation and scale of each frame,
            metres.
        limb_deg: (N, 14) angle between limb and true limb, degrees.
        acceleration: (N, 17) after the clip's scale, where the truth has one too, m/s^2.
        true_acceleration: (N, 17) of the truth, where the pose has one too, m/s^2.
        sigma: (N, 17, 3) one standard deviation, scaled as the pose, metres; NaN where unknown.
        azimuth_offset_deg: (N,) azimuth minus the true one, degrees in [-180, 180).
        elevation_deg: (N,) absolute error, degrees.
        up_deg: (N,) angle to the true direction against gravity, degrees.
        swapped: (N,) 1 where the pose is nearer to the truth with left and right exchanged.
        missing: (N,) 1 where a joint of the pose is missing.
        bone_length_cv: (N,) of the clip, where the bone has a truth, in parts of 1.
        milliseconds: (N,) a frame, of the refiner on the clip; NaN where there is none.
    """

    offset: Errors
    unscaled: Errors
    aligned: Errors
    limb_deg: Errors
    acceleration: Errors
    true_acceleration: Errors
    sigma: Errors
    azimuth_offset_deg: Errors
    elevation_deg: Errors
    up_deg: Errors
    swapped: Errors
    missing: Errors
    bone_length_cv: Errors
    milliseconds: Errors

    def __len__(self) -> int:
        return len(self.offset)

    @property
    def depth(self) -> Errors:
        """(N, 17) absolute error along the ray, metres."""
        return np.abs(self.offset[..., 2])

    @property
    def position(self) -> Errors:
        """(N, 17) distance from the truth, metres."""
        return np.asarray(np.linalg.norm(self.offset, axis=2))

    @property
    def azimuth_deg(self) -> Errors:
        """(N,) absolute error of the azimuth on the circle, degrees."""
        return np.abs(self.azimuth_offset_deg)

    def select(self, frames: BoolArray) -> FrameErrors:
        """The errors of some frames, chosen by a (N,) mask."""
        return FrameErrors(**{f.name: getattr(self, f.name)[frames] for f in fields(self)})


def joined(parts: Iterable[FrameErrors]) -> FrameErrors:
    """The errors of several clips, one after the other.

    Raises:
        InputError: there is none.
    """
    several = list(parts)
    if not several:
        raise InputError("there are no errors to join; evaluate at least one clip")
    return FrameErrors(
        **{
            f.name: np.concatenate([getattr(p, f.name) for p in several])
            for f in fields(FrameErrors)
        }
    )


def true_frames(shard: Shard) -> BoolArray:
    """(T,) frames in which at least one joint has a truth; only these are measured."""
    return np.asarray(known(shard.ground_truth.astype(float)).any(axis=1), dtype=bool)


def scaled_pose(pose: RefinedPose, shard: Shard) -> FloatArray:
    """The positions (T, 17, 3), metres, with the one scale that suits the clip's truth."""
    return pose.positions * metrics.clip_scale(pose.positions, shard.ground_truth.astype(float))


def frame_errors(
    pose: RefinedPose,
    shard: Shard,
    seconds: float = float("nan"),
    samples: BoolArray | None = None,
) -> FrameErrors:
    """Errors of a pose on one clip, in the frames that have a truth.

    Args:
        pose: of the frames of the shard.
        shard: the truth; joints that it lacks are left out.
        seconds: that the refiner took for the clip.
        samples: (T, 17) the joints that are measured; all of them if not given. Only `missing`
            is of the whole pose.

    Raises:
        InputError: the pose has another number of frames than the truth.
    """
    if len(pose) != len(shard):
        raise InputError(
            f"the pose has {len(pose)} frames and the truth of {shard.sequence} {shard.camera} "
            f"has {len(shard)}; give a pose of the same frames"
        )
    truth = shard.ground_truth.astype(float)
    missing = ~known(pose.positions).all(axis=1)
    if samples is not None:
        pose = _only(pose, samples)
    scale = metrics.clip_scale(pose.positions, truth)
    scaled = pose.positions * scale
    whole_clip = {
        "offset": scaled - truth,
        "unscaled": pose.positions - truth,
        "aligned": metrics.aligned_errors(pose.positions, truth),
        "limb_deg": metrics.limb_angles(pose.positions, truth),
        "sigma": pose.sigma * scale,
        "azimuth_offset_deg": wrapped_deg(pose.azimuth_deg - shard.azimuth),
        "elevation_deg": np.abs(pose.elevation_deg - shard.elevation),
        "up_deg": metrics.angles_between(pose.up, shard.up.astype(float)),
        "swapped": metrics.swapped_frames(scaled, truth),
        "missing": missing,
        **_over_the_clip(scaled, truth, shard.time_s),
        "milliseconds": np.full(len(shard), 1000 * seconds / len(shard)),
    }
    there = true_frames(shard)
    chosen = {name: np.asarray(v)[there].astype(np.float32) for name, v in whole_clip.items()}
    return FrameErrors(**chosen)


def _only(pose: RefinedPose, samples: BoolArray) -> RefinedPose:
    """A pose of some joints (T, 17); gravity and viewpoint where there is any of them."""
    joints, frames = samples[..., None], np.asarray(samples.any(axis=1))
    return replace(
        pose,
        positions=np.where(joints, pose.positions, np.nan),
        sigma=np.where(joints, pose.sigma, np.nan),
        up=np.where(frames[:, None], pose.up, np.nan),
        azimuth_deg=np.where(frames, pose.azimuth_deg, np.nan),
        elevation_deg=np.where(frames, pose.elevation_deg, np.nan),
    )


def _over_the_clip(scaled: FloatArray, truth: FloatArray, time_s: FloatArray) -> dict[str, Any]:
    pose_moves = metrics.accelerations(scaled, time_s)
    truth_moves = metrics.accelerations(truth, time_s)
    both = np.isfinite(pose_moves) & np.isfinite(truth_moves)
    measured = np.where(known(truth)[..., None], scaled, np.nan)
    return {
        "acceleration": np.where(both, pose_moves, np.nan),
        "true_acceleration": np.where(both, truth_moves, np.nan),
        "bone_length_cv": np.full(len(scaled), bone_length_cv(measured)),
    }
