"""Stature from a pose, and the scale that follows from the true one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gonio.errors import InputError
from gonio.frames import normalised
from gonio.markers.proportions import LEG, TRUNK
from gonio.skeleton import COCO
from gonio.types import BoolArray, FloatArray, MarkerTrajectories, RefinedPose

STRAIGHT_KNEE_DEG = 25.0
UPRIGHT_TRUNK_DEG = 25.0


@dataclass(frozen=True)
class Stature:
    """An estimate of stature.

    Attributes:
        height_m: in the units of the pose, metres.
        frames: number of frames it was taken over.
        upright: whether those were upright frames; otherwise there were none and all were taken.
        parts: what it was taken from: `leg and trunk`, or one of them where the other is not seen.
    """

    height_m: float
    frames: int
    upright: bool
    parts: str


def estimate_stature(pose: RefinedPose) -> Stature:
    """Median stature over the upright frames, from the lengths of thigh, shank and trunk.

    A frame is upright if its knees are straighter than 25 degrees and its trunk leans less than
    25 degrees. Lengths are used instead of heights above the floor, so that a leaning camera
    changes nothing. Where no frame shows both a whole leg and the trunk, one of them has to do.

    Args:
        pose: (T, 17, 3) metres, ray frame.

    Raises:
        InputError: no frame shows the trunk or a whole leg.
    """
    leg, trunk = _leg_length(pose.positions), _trunk_length(pose.positions)
    for parts, length, share in (
        ("leg and trunk", leg + trunk, LEG + TRUNK),
        ("trunk", trunk, TRUNK),
        ("leg", leg, LEG),
    ):
        usable = np.isfinite(length) & (length > 0)  # points in one place are no body
        if usable.any():
            upright = usable & _upright(pose)
            chosen = upright if upright.any() else usable
            height = float(np.median(length[chosen]) / share)
            return Stature(height, int(chosen.sum()), bool(upright.any()), parts)
    raise InputError(
        "stature cannot be estimated: no frame shows the trunk or a whole leg; film the whole body"
    )


def stature_of_markers(markers: MarkerTrajectories) -> float | None:
    """Stature as `estimate_stature` finds it, from markers at the joints; None where it does not.

    Args:
        markers: (T, M, 3) metres, Y up, those of both sides' shoulders, hips, knees and ankles
            that are known.

    Returns:
        Metres.
    """
    pose = np.full((len(markers), len(COCO), 3), np.nan)
    for part in ("Shoulder", "Hip", "Knee", "Ankle"):
        for letter, side in (("R", "right"), ("L", "left")):
            if letter + part in markers:
                pose[:, COCO[f"{side}_{part.lower()}"]] = markers[letter + part]
    nothing = np.full(len(pose), np.nan)
    up = np.broadcast_to([0.0, 1.0, 0.0], (len(pose), 3))
    try:
        found = estimate_stature(
            RefinedPose(pose, np.full_like(pose, np.nan), up, nothing, nothing)
        )
    except InputError:
        return None
    return found.height_m


def _joint(positions: FloatArray, name: str) -> FloatArray:
    return positions[:, COCO[name]]


def _middle(positions: FloatArray, part: str) -> FloatArray:
    return (_joint(positions, f"left_{part}") + _joint(positions, f"right_{part}")) / 2


def _leg_length(positions: FloatArray) -> FloatArray:
    """(T,) thigh + shank, mean of the sides that are seen."""
    legs = np.stack(
        [
            np.linalg.norm(_joint(positions, f"{s}_hip") - _joint(positions, f"{s}_knee"), axis=1)
            + np.linalg.norm(
                _joint(positions, f"{s}_knee") - _joint(positions, f"{s}_ankle"), axis=1
            )
            for s in ("left", "right")
        ]
    )
    seen = np.isfinite(legs)
    count = np.where(seen.any(axis=0), seen.sum(axis=0), np.nan)
    return np.asarray(np.where(seen, legs, 0).sum(axis=0) / count)


def _trunk_length(positions: FloatArray) -> FloatArray:
    """(T,) mid-hip to mid-shoulder."""
    trunk = _middle(positions, "shoulder") - _middle(positions, "hip")
    return np.asarray(np.linalg.norm(trunk, axis=1))


def _angle_deg(a: FloatArray, b: FloatArray) -> FloatArray:
    cosine = np.einsum("ti,ti->t", normalised(a), normalised(b))
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _upright(pose: RefinedPose) -> BoolArray:
    p = pose.positions
    trunk = _angle_deg(_middle(p, "shoulder") - _middle(p, "hip"), pose.up) < UPRIGHT_TRUNK_DEG
    straight = [
        _angle_deg(
            _joint(p, f"{s}_hip") - _joint(p, f"{s}_knee"),
            _joint(p, f"{s}_knee") - _joint(p, f"{s}_ankle"),
        )
        for s in ("left", "right")
    ]
    bend = np.fmax(*straight)  # a leg that is not seen does not count
    return np.asarray(trunk & (bend < STRAIGHT_KNEE_DEG))
