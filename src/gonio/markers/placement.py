"""From the ray frame of every single frame to one lab frame for the whole clip."""

from __future__ import annotations

import numpy as np

from gonio.errors import InputError
from gonio.frames import focal_length_px, lab_from_camera, normalised, ray_from_camera
from gonio.landmarks.pose import mid_hip_rays
from gonio.options import CameraOptions
from gonio.signals import low_pass
from gonio.skeleton import COCO_FROM_MEDIAPIPE
from gonio.types import BoolArray, FloatArray, LandmarkSequence, known

MIN_JOINTS = 6
"""Fewer joints than this do not place a body."""
PLACEMENT_CUTOFF_HZ = 3.0
"""Low-pass of the path of the body through the room; its distance from one camera is noisy."""
SMALLEST_SPREAD = 1e-6
"""Joints nearer together on the image than this, in focal lengths, say nothing of the distance."""


def lab_rotations(
    up: FloatArray, landmarks: LandmarkSequence, camera: CameraOptions
) -> tuple[FloatArray, FloatArray]:
    """Rotations from the ray frame of each frame, and from the camera, into the lab frame.

    Gravity and the horizontal direction to the camera, from the mean ray, are constants of the
    clip.

    Args:
        up: (3,) direction against gravity, camera frame; see `gravity.gravity_of`.
        landmarks: T frames.
        camera: field of view.

    Returns:
        lab_from_ray (T, 3, 3), NaN where nobody was seen, and lab_from_camera (3, 3).

    Raises:
        InputError: no frame has a mid-hip.
    """
    rays = mid_hip_rays(landmarks, camera)
    turns = ray_from_camera(rays)
    seen = known(rays)
    if not seen.any():
        raise InputError("no frame shows both hips; the body cannot be placed in the lab frame")
    to_lab = lab_from_camera(up, rays[seen].mean(axis=0))
    return to_lab @ np.swapaxes(turns, 1, 2), to_lab


def body_path(
    positions: FloatArray,
    landmarks: LandmarkSequence,
    camera: CameraOptions,
) -> FloatArray:
    """Path of the mid-hip in the camera frame, from where the joints appear in the image.

    For every frame the translation t is sought for which the joints X project onto their image
    points u with a pinhole camera, f (X + t)_xy = u (X + t)_z: two linear equations a joint,
    solved by least squares weighted with visibility.

    Args:
        positions: (T, 17, 3) joints, metres, origin at mid-hip, ray frame.
        landmarks: the same T frames.
        camera: field of view.

    Returns:
        (T, 3) metres, camera frame, low-pass filtered; NaN where too few joints were seen.
    """
    turns = ray_from_camera(mid_hip_rays(landmarks, camera))
    joints = np.einsum("tji,tkj->tki", turns, positions)
    focal = focal_length_px(landmarks.image_size, camera.field_of_view_deg)
    columns = list(COCO_FROM_MEDIAPIPE)
    size = np.asarray(landmarks.image_size, dtype=float)
    offset = (landmarks.image[:, columns] - 0.5) * size / focal
    weight = landmarks.visibility[:, columns]
    path = _translations(joints, offset, weight)
    if len(path) > 1 and landmarks.rate_hz > 2 * PLACEMENT_CUTOFF_HZ:
        path = low_pass(path, landmarks.rate_hz, PLACEMENT_CUTOFF_HZ)
    return path


def _translations(joints: FloatArray, offset: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted least squares for t in x + t_x = u (z + t_z), y + t_y = v (z + t_z).

    (T, 3); NaN where too few joints are seen, all are in one place on the image, or the body would
    be behind the camera.
    """
    seen = np.isfinite(joints).all(axis=2) & np.isfinite(offset).all(axis=2) & (weight > 0)
    w = np.where(seen, weight, 0.0)
    u = np.where(seen[..., None], offset, 0.0)
    x = np.where(seen[..., None], joints, 0.0)
    rows = np.zeros((*w.shape, 2, 3))
    rows[..., 0, 0] = rows[..., 1, 1] = 1.0
    rows[..., 2] = -u
    target = u * x[..., 2:] - x[..., :2]
    normal = np.einsum("tk,tkai,tkaj->tij", w, rows, rows)
    right = np.einsum("tk,tkai,tka->ti", w, rows, target)
    path = np.full((len(joints), 3), np.nan)
    enough = (seen.sum(axis=1) >= MIN_JOINTS) & _spread_out(w, u)
    if enough.any():
        path[enough] = np.linalg.solve(normal[enough], right[enough][..., None])[..., 0]
    path[path[:, 2] <= 0] = np.nan
    return path


def _spread_out(weight: FloatArray, offset: FloatArray) -> BoolArray:
    """(T,) whether image points (T, K, 2) of some weight (T, K) are not all in one place."""
    total = np.maximum(weight.sum(axis=1), np.finfo(float).tiny)[:, None]
    centre = (weight[..., None] * offset).sum(axis=1) / total
    away = ((offset - centre[:, None]) ** 2).sum(axis=2)
    far = 1.0 + (centre**2).sum(axis=1)
    return np.asarray((weight * away).sum(axis=1) / total[:, 0] > SMALLEST_SPREAD**2 * far)


def head_up(nose: FloatArray, left_ear: FloatArray, right_ear: FloatArray) -> FloatArray:
    """(T, 3) unit vector from the ears to the crown: right x forward in the head's own frame."""
    right = normalised(right_ear - left_ear)
    forward = nose - (left_ear + right_ear) / 2
    return normalised(np.cross(right, forward))
