"""What refiners did to a pose and to angles, and from where the camera looks: for the record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gonio.kinematics.unwrapping import wrapped_deg
from gonio.landmarks.pose import scale_between
from gonio.skeleton import COCO_FROM_MEDIAPIPE, COCO_JOINTS, JOINTS, Joint
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


def angle_record(
    computed: pd.DataFrame, refined: pd.DataFrame | None, refiner: str
) -> dict[str, Any]:
    """How far a network changed the angles, joint by joint.

    A change counts on the circle: 359 degrees more are one degree less.

    Args:
        computed: `time_s` and the 36 angles as the markers give them, degrees, T rows.
        refined: the same after a network; None where there was none.
        refiner: its name.

    Returns:
        JSON values: the mean absolute change over all angles and frames, and of each joint the mean
        over its three angles, the largest change with its sign, its angle and its time. Where no
        network changed angles: that they are not corrected.
    """
    if refined is None:
        return {"refiner": "none", "angles_corrected": False}
    names = [str(name) for name in computed.columns if name != "time_s"]
    change = wrapped_deg(
        refined[names].to_numpy(dtype=float) - computed[names].to_numpy(dtype=float)
    )
    time_s = computed["time_s"].to_numpy(dtype=float)
    return {
        "refiner": refiner,
        "angles_corrected": True,
        "mean_change_deg": _mean(np.abs(change)),
        "change_of_joints": {
            joint.name: _change_of(joint, names, change, time_s) for joint in JOINTS
        },
    }


def _change_of(
    joint: Joint, names: list[str], change: FloatArray, time_s: FloatArray
) -> dict[str, float | str | None]:
    """Mean and largest of the changes (T, 36), degrees, of a joint's own columns among `names`."""
    own = [column for column, name in enumerate(names) if name.startswith(f"{joint.name}_")]
    size = np.abs(change[:, own])
    if np.isnan(size).all():
        return dict.fromkeys(("mean_deg", "largest_deg", "angle", "time_s"))
    frame, angle = divmod(int(np.nanargmax(size)), len(own))
    name = names[own[angle]].removeprefix(f"{joint.name}_").removesuffix("_deg")
    return {
        "mean_deg": _mean(size),
        "largest_deg": _rounded(change[frame, own[angle]]),
        "angle": name.replace("_", " "),
        "time_s": _rounded(time_s[frame]),
    }


def refiner_in_use(pose: dict[str, Any], angles: dict[str, Any]) -> str:
    """The choice of refiner that a run came to: `depth` without a checkpoint is `none`.

    Args:
        pose: of `pose_record`.
        angles: of `angle_record`.
    """
    names = [record["refiner"] for record in (pose, angles) if record["refiner"] != "none"]
    used = list(dict.fromkeys(names))
    return "both" if len(used) == 2 else (used or ["none"])[0]


def checkpoints_of(*records: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The checkpoints that a run used, by the names of their networks in the catalog.

    Args:
        records: of `pose_record` and `angle_record`, with `checkpoint` where there was one.
    """
    return {
        f"{record['refiner']}_refiner": record["checkpoint"]
        for record in records
        if "checkpoint" in record
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
