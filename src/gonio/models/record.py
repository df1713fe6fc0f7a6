"""What a refiner did to a pose, and from where it thinks the camera looks: for the record."""

from __future__ import annotations

from typing import Any

import numpy as np

from gonio.kinematics.unwrapping import wrapped_deg
from gonio.landmarks.pose import scale_between
from gonio.skeleton import COCO_FROM_MEDIAPIPE, COCO_JOINTS
from gonio.types import FloatArray, LandmarkSequence, RefinedPose

RAY_AXES = ("across", "down", "depth")
"""The axes of the ray frame in words."""
ALL_ROUND = 0.2
"""Below this length of the mean direction an azimuth has no mean: the subject turned around."""


def pose_record(pose: RefinedPose, landmarks: LandmarkSequence) -> dict[str, Any]:
    """Refiner, viewpoint, and how far the joints were moved, once both poses are equally large.

    Args:
        pose: T frames, refined or not.
        landmarks: what it was made from, the same frames.

    Returns:
        JSON values. Of a pose that no network made: that its depth is not corrected.
    """
    if pose.refiner == "none":
        return {"refiner": "none", "depth_corrected": False}
    scale = scale_between(pose, landmarks)
    raw = scale * landmarks.world[:, list(COCO_FROM_MEDIAPIPE)]
    moved_cm = 100 * np.linalg.norm(pose.positions - raw, axis=2)
    return {
        "refiner": pose.refiner,
        "depth_corrected": True,
        "viewpoint": viewpoint_record(pose.azimuth_deg, pose.elevation_deg),
        "size_ratio_to_mediapipe": _rounded(scale),
        "mean_change_cm": _mean(moved_cm),
        "change_of_joints_cm": dict(
            zip(COCO_JOINTS, (_mean(joint) for joint in moved_cm.T), strict=True)
        ),
        "mean_sigma_cm": {
            name: _mean(100 * pose.sigma[..., axis]) for axis, name in enumerate(RAY_AXES)
        },
    }


def viewpoint_record(
    azimuth_deg: FloatArray, elevation_deg: FloatArray
) -> dict[str, dict[str, float | None]]:
    """Mean and range of the viewpoint over a clip, the azimuth on the circle.

    Args:
        azimuth_deg: (T,) 0 where the camera is in front, 90 at the subject's right; NaN if unknown.
        elevation_deg: (T,) above the horizontal plane; NaN if unknown.

    Returns:
        `mean_deg`, `from_deg` and `to_deg` of `azimuth` and `elevation`; azimuths in [0, 360): a
        range from 350 to 20 passes through 0. A subject who is seen from all around has no mean
        azimuth; None too where nothing is known.
    """
    elevation = elevation_deg[np.isfinite(elevation_deg)]
    known = (elevation.mean(), elevation.min(), elevation.max()) if len(elevation) else ()
    flat = tuple(_rounded(value) for value in known) or (None, None, None)
    return {
        name: dict(zip(("mean_deg", "from_deg", "to_deg"), values, strict=True))
        for name, values in (
            ("azimuth", _around_the_circle(azimuth_deg[np.isfinite(azimuth_deg)])),
            ("elevation", flat),
        )
    }


def _around_the_circle(angles: FloatArray) -> tuple[float | None, float | None, float | None]:
    """Mean, smallest and largest of angles on the circle, [0, 360) degrees."""
    if not len(angles):
        return None, None, None
    direction = np.exp(1j * np.radians(angles)).mean()
    if abs(direction) < ALL_ROUND:
        return None, 0.0, 360.0
    mean = float(np.degrees(np.angle(direction)))
    off = wrapped_deg(angles - mean)
    ends = (mean, mean + off.min(), mean + off.max())
    middle, low, high = (_rounded(end) % 360 for end in ends)
    return middle, low, high


def _mean(values: FloatArray) -> float | None:
    """Mean of what is known; None where nothing is."""
    there = values[np.isfinite(values)]
    return _rounded(there.mean()) if len(there) else None


def _rounded(value: float | np.floating) -> float:
    return round(float(value), 3)
