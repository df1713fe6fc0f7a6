"""The markers of a body whose joints and feet are known, such as the truth of a training pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gonio.markers.complete import complete_inputs
from gonio.markers.from_pose import build_markers, floor_height, start_at_origin
from gonio.skeleton import (
    ALL_MARKERS,
    COCO_FROM_MEDIAPIPE,
    MARKERS,
    MEDIAPIPE,
    MEDIAPIPE_LANDMARKS,
)
from gonio.types import BoolArray, FloatArray, MarkerTrajectories, known

FOOT_MARKERS: tuple[str, ...] = (
    "RHeel",
    "RBigToe",
    "RSmallToe",
    "LHeel",
    "LBigToe",
    "LSmallToe",
)
"""Markers of the six known points of the feet, in their order."""


def markers_of_known_points(
    joints: FloatArray, feet: FloatArray, height_m: float
) -> tuple[FloatArray, BoolArray]:
    """The 22 markers of known points, made as those of a video are.

    Only the crown of the head is estimated, and the small toe where `feet` lacks it.

    Args:
        joints: (T, 17, 3) COCO joints, metres, origin at mid-hip, any axes.
        feet: (T, 6, 3) heel, big toe, small toe of R then L, the same axes; NaN where unknown.
        height_m: stature, metres.

    Returns:
        (T, 22, 3) metres, same origin and axes; NaN where unknown.
        (T, 22) true where a marker is estimated.
    """
    body = np.full((len(joints), len(MEDIAPIPE_LANDMARKS), 3), np.nan)
    body[:, list(COCO_FROM_MEDIAPIPE)] = joints
    for first, side in ((0, "right"), (3, "left")):
        body[:, MEDIAPIPE[f"{side}_heel"]] = feet[:, first]
        body[:, MEDIAPIPE[f"{side}_foot_index"]] = feet[:, first + 1]
    nothing = np.zeros(body.shape[:2], dtype=bool)
    markers, estimated = build_markers(body, nothing, height_m, estimate_missing=False)
    columns = [MARKERS.index(name) for name in FOOT_MARKERS]
    there = known(feet)
    markers[:, columns] = np.where(there[..., None], feet, markers[:, columns])
    estimated[:, columns] &= ~there
    return markers, estimated


def known_trajectories(
    joints: FloatArray,
    feet: FloatArray,
    extra: FloatArray,
    lab_from_body: FloatArray,
    path: FloatArray,
    *,
    rate_hz: float,
    height_m: float,
    start_s: float = 0.0,
) -> MarkerTrajectories:
    """Paths of the 22 markers of known points, and of the 43 others, in the lab frame.

    Feet that are not known are put square to the shank (`complete_inputs`) and flagged: the
    augmenter needs them.

    Args:
        joints: as in `markers_of_known_points`; so `feet`.
        feet: see there.
        extra: (T, 43, 3) the augmented markers, same axes and origin; NaN where unknown.
        lab_from_body: (T, 3, 3) rotations from the axes of the points into the lab frame.
        path: (T, 3) mid-hip, lab axes, metres, any origin.
        rate_hz: frames a second.
        height_m: stature, metres.
        start_s: time of the first frame, seconds.

    Returns:
        (T, 65, 3) metres, lab frame: lowest foot at y = 0, first mid-hip over the origin.
    """
    body, estimated = markers_of_known_points(joints, feet, height_m)
    points = np.concatenate([body, extra], axis=1)
    start = start_at_origin(path)[:, None]
    positions = np.einsum("tij,tkj->tki", lab_from_body, points) + start
    positions[..., 1] -= floor_height(positions[:, : len(MARKERS)])
    first = MarkerTrajectories(MARKERS, positions[:, : len(MARKERS)], rate_hz, estimated, start_s)
    whole = first if known(feet).all() else _with_feet(first, height_m)
    unseen = np.zeros(extra.shape[:2], dtype=bool)
    return MarkerTrajectories(
        ALL_MARKERS,
        np.concatenate([whole.positions, positions[:, len(MARKERS) :]], axis=1),
        rate_hz,
        np.concatenate([whole.estimated, unseen], axis=1),
        start_s,
    )


def _with_feet(markers: MarkerTrajectories, height_m: float) -> MarkerTrajectories:
    """The feet completed, and nothing else: a joint that is not known stays so."""
    complete = complete_inputs(markers, height_m)
    columns = [MARKERS.index(name) for name in FOOT_MARKERS]
    positions, estimated = markers.positions.copy(), markers.estimated.copy()
    positions[:, columns] = complete.positions[:, columns]
    estimated[:, columns] = complete.estimated[:, columns]
    return replace(markers, positions=positions, estimated=estimated)
