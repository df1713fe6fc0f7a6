"""Truth and MediaPipe's word about the same frames, made into one shard.

Every source gives its truth in the camera frame, in metres, as `Truth`. All conversions that the
shards need (mid-hip origin, ray frame, viewpoint, units of the image) are made here, once, for all
sources alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gonio.capture.cameras import Camera
from gonio.capture.shards import Shard, ShardLabels
from gonio.errors import InputError
from gonio.frames import lab_from_camera, mid_hip_of, normalised, ray_from_camera
from gonio.skeleton import AUGMENTED_MARKERS, COCO, COCO_FROM_MEDIAPIPE, COCO_JOINTS
from gonio.types import FloatArray, LandmarkSequence

FEET_POINTS = 6
"""Heel, big toe, small toe of the right foot, then of the left."""
STEEPEST_HIP_AXIS_DEG = 60.0
"""Where the hip axis is steeper (somebody lies on a side), the trunk says where forward is."""


@dataclass(frozen=True)
class Truth:
    """What is true about the person in each frame, seen from the camera.

    Attributes:
        joints: (N, 17, 3) COCO joints, metres, camera frame (origin at the camera centre).
        up: (3,) or (N, 3) direction against gravity, camera frame; kept as (N, 3) unit vectors.
        camera: intrinsics, lens and image size.
        feet: (N, 6, 3) heel, big toe, small toe of R then L, metres, camera frame; NaN if unknown.
        markers: (N, 43, 3) augmented markers, metres, camera frame; NaN if unknown.
        pelvis_forward: (N, 3) heading of the pelvis, camera frame; derived from the joints with
            `pelvis_forward_from_joints` where not given.
        stature_m: metres, NaN if unknown.

    Raises:
        InputError: shapes that do not agree, no frame, or a gravity that is missing.
    """

    joints: FloatArray
    up: FloatArray
    camera: Camera
    feet: FloatArray | None = None
    markers: FloatArray | None = None
    pelvis_forward: FloatArray | None = None
    stature_m: float = float("nan")

    def __post_init__(self) -> None:
        n = len(np.atleast_1d(self.joints))
        joints = _checked("joints", self.joints, (n, len(COCO_JOINTS), 3))
        if n == 0:
            raise InputError("Truth.joints has no frame; allowed are one or more")
        gravity = np.asarray(self.up, dtype=float)
        if gravity.shape == (3,):
            gravity = np.broadcast_to(gravity, (n, 3))
        up = normalised(_checked("up", gravity, (n, 3)))
        if not np.isfinite(up).all():
            raise InputError("Truth.up is missing or zero in some frames; every frame needs it")
        forward = (
            pelvis_forward_from_joints(joints, up)
            if self.pelvis_forward is None
            else _checked("pelvis_forward", self.pelvis_forward, (n, 3))
        )
        markers_shape = (n, len(AUGMENTED_MARKERS), 3)
        _set(self, joints=joints, up=up, pelvis_forward=forward, stature_m=float(self.stature_m))
        _set(self, feet=_or_missing("feet", self.feet, (n, FEET_POINTS, 3)))
        _set(self, markers=_or_missing("markers", self.markers, markers_shape))

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def mid_hip(self) -> FloatArray:
        """(N, 3) midpoint of the hip joints, metres, camera frame."""
        return mid_hip_of(self.joints)

    def first(self, count: int) -> Truth:
        """The truth of the first `count` frames."""
        return replace(
            self,
            joints=self.joints[:count],
            up=self.up[:count],
            feet=_known(self.feet)[:count],
            markers=_known(self.markers)[:count],
            pelvis_forward=_known(self.pelvis_forward)[:count],
        )


def _checked(name: str, value: Any, shape: tuple[int, ...]) -> FloatArray:
    array = np.asarray(value, dtype=float)
    if array.shape != shape:
        raise InputError(f"Truth.{name} has shape {array.shape}; allowed is {shape}")
    if np.isinf(array).any():
        raise InputError(f"Truth.{name} holds infinite values; a missing value is NaN")
    return array


def _or_missing(name: str, value: FloatArray | None, shape: tuple[int, ...]) -> FloatArray:
    return np.full(shape, np.nan) if value is None else _checked(name, value, shape)


def _set(owner: object, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(owner, name, value)


def pelvis_forward_from_joints(joints: FloatArray, up: FloatArray) -> FloatArray:
    """Heading of the pelvis: the horizontal direction across the hip axis.

    The hip axis from right to left, crossed with `up`, points forward however far the trunk bends,
    and to the feet of somebody who lies on the back. Where the hip axis is steeper than
    `STEEPEST_HIP_AXIS_DEG`, the trunk's front (hip axis x trunk) stands in.

    Args:
        joints: (N, 17, 3) COCO joints, metres, camera frame.
        up: (N, 3) unit vectors against gravity, camera frame.

    Returns:
        (N, 3) unit vectors at right angles to `up`; NaN where the hips are missing.
    """
    to_left = normalised(joints[:, COCO["left_hip"]] - joints[:, COCO["right_hip"]])
    shoulders = joints[:, [COCO["left_shoulder"], COCO["right_shoulder"]]].mean(axis=1)
    across = normalised(np.cross(to_left, up))
    front = np.cross(to_left, shoulders - mid_hip_of(joints))
    level_front = normalised(front - np.sum(front * up, axis=1, keepdims=True) * up)
    steep = np.abs(np.sum(to_left * up, axis=1)) > np.sin(np.radians(STEEPEST_HIP_AXIS_DEG))
    return np.asarray(np.where(steep[:, None], level_front, across))


def viewpoint(
    towards_camera: FloatArray, up: FloatArray, pelvis_forward: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Azimuth and elevation of the camera seen from the pelvis.

    Args:
        towards_camera: (N, 3) from the pelvis to the camera, any frame.
        up: (N, 3) unit vectors against gravity, the same frame.
        pelvis_forward: (N, 3) heading of the pelvis, the same frame; its horizontal part counts.

    Returns:
        Azimuth (N,) in [0, 360) degrees, about gravity, 0 = camera in front, 90 = at the subject's
        right; elevation (N,) in [-90, 90] degrees above the horizontal plane. The azimuth is NaN
        where the pelvis has no heading.
    """
    level = pelvis_forward - np.sum(pelvis_forward * up, axis=1, keepdims=True) * up
    forward = normalised(np.where(np.linalg.norm(level, axis=1, keepdims=True) > 1e-6, level, 0))
    right = np.cross(forward, up)
    direction = normalised(towards_camera)
    along = np.sum(direction * forward, axis=1)
    sideways = np.sum(direction * right, axis=1)
    azimuth = np.degrees(np.arctan2(sideways, along)) % 360.0
    azimuth = np.where(azimuth >= 360.0, 0.0, azimuth)  # -1e-17 % 360 is 360
    elevation = np.degrees(np.arcsin(np.clip(np.sum(direction * up, axis=1), -1.0, 1.0)))
    return np.asarray(azimuth), np.asarray(elevation)


def build_shard(
    landmarks: LandmarkSequence,
    truth: Truth,
    labels: ShardLabels,
    frame_index: NDArray[np.int64] | None = None,
) -> Shard:
    """One shard from MediaPipe's landmarks and the truth of the same frames.

    `pose_2d` and `landmarks_2d` hold what MediaPipe said on the image as it was recorded, lens
    included, because that is all that there is in use. Rows without a person, and rows without
    truth, stay, as NaN, so that time is not torn: `Shard.paired` says which rows have both.

    Args:
        landmarks: N frames.
        truth: the same N frames.
        labels: source, sequence, camera, subject, frames a second, detector.
        frame_index: (N,) position of each frame in the video; 0, 1, 2 ... if not given.

    Raises:
        InputError: the lengths or image sizes do not agree, or no frame has truth.
    """
    _check_agreement(landmarks, truth)
    mid_hip = truth.mid_hip
    ray_from_cam = ray_from_camera(mid_hip)
    azimuth, elevation = viewpoint(-mid_hip, truth.up, _forward(truth))
    known = np.isfinite(mid_hip).all(axis=1)
    mean_ray = normalised(mid_hip[known]).mean(axis=0)
    lab_from_cam = lab_from_camera(truth.up[known].mean(axis=0), mean_ray)

    def in_ray_frame(points: FloatArray) -> FloatArray:
        relative = points - mid_hip[:, None]
        return np.asarray(np.einsum("nij,nkj->nki", ray_from_cam, relative))

    coco = list(COCO_FROM_MEDIAPIPE)
    world = landmarks.world - mid_hip_of(landmarks.world[:, coco])[:, None]
    points_2d = landmarks.points_2d
    return Shard.of(
        labels,
        image_size=landmarks.image_size,
        stature_m=truth.stature_m,
        corrupted=world[:, coco],
        ground_truth=in_ray_frame(truth.joints),
        visibility=landmarks.visibility[:, coco],
        pose_2d=points_2d[:, coco],
        azimuth=azimuth.astype(np.float32) % np.float32(360),  # 359.99999 rounds to 360
        elevation=elevation,
        camera_relative=-mid_hip @ lab_from_cam.T,
        up=np.einsum("nij,nj->ni", ray_from_cam, truth.up),
        landmarks_world=world,
        landmarks_2d=points_2d,
        landmarks_visibility=landmarks.visibility,
        feet_truth=in_ray_frame(_known(truth.feet)),
        markers_truth=in_ray_frame(_known(truth.markers)),
        frame_index=np.arange(len(truth)) if frame_index is None else frame_index,
        time_s=landmarks.time_s,
    )


def _known(array: FloatArray | None) -> FloatArray:
    assert array is not None  # filled by Truth on construction
    return array


def _forward(truth: Truth) -> FloatArray:
    return _known(truth.pelvis_forward)


def _check_agreement(landmarks: LandmarkSequence, truth: Truth) -> None:
    if len(landmarks) != len(truth):
        raise InputError(
            f"MediaPipe saw {len(landmarks)} frames and the truth has {len(truth)}; both must be "
            "of the same frames"
        )
    if landmarks.image_size != truth.camera.image_size:
        raise InputError(
            f"the video is {landmarks.image_size} pixels and its camera {truth.camera.image_size}; "
            "both must be of the same image. Was the video scaled?"
        )
    if not np.isfinite(truth.mid_hip).any():
        raise InputError("no frame has a truth for both hips; nothing can be paired")
