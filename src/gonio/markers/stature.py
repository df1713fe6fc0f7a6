"""Stature from a pose, and the scale that follows from the true one.

Segment lengths as shares of stature after Drillis and Contini (1966), in Winter, Biomechanics and
Motor Control of Human Movement, 4th ed. 2009, figure 4.1: thigh 0.530 - 0.285, shank 0.285 - 0.039,
hip to shoulder 0.818 - 0.530.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gonio.errors import InputError
from gonio.frames import normalised
from gonio.skeleton import COCO
from gonio.types import BoolArray, FloatArray, RefinedPose

SEGMENTS_SHARE = (0.530 - 0.285) + (0.285 - 0.039) + (0.818 - 0.530)
"""Thigh + shank + hip to shoulder as a share of stature."""
STRAIGHT_KNEE_DEG = 25.0
UPRIGHT_TRUNK_DEG = 25.0


@dataclass(frozen=True)
class Stature:
    """An estimate of stature.

    Attributes:
        height_m: in the units of the pose, metres.
        frames: number of frames it was taken over.
        upright: whether those were upright frames; otherwise there were none and all were taken.
    """

    height_m: float
    frames: int
    upright: bool


def estimate_stature(pose: RefinedPose) -> Stature:
    """Median stature over the upright frames, from the lengths of thigh, shank and trunk.

    A frame is upright if its knees are straighter than 25 degrees and its trunk leans less than
    25 degrees. Lengths are used instead of heights above the floor, so that a leaning camera
    changes nothing.

    Args:
        pose: (T, 17, 3) metres, ray frame.

    Raises:
        InputError: no frame shows trunk and a whole leg.
    """
    lengths = _segments_length(pose.positions)
    usable = np.isfinite(lengths)
    if not usable.any():
        raise InputError(
            "stature cannot be estimated: no frame shows the trunk and one whole leg; film the "
            "whole body"
        )
    upright = usable & _upright(pose)
    chosen = upright if upright.any() else usable
    return Stature(
        height_m=float(np.median(lengths[chosen]) / SEGMENTS_SHARE),
        frames=int(chosen.sum()),
        upright=bool(upright.any()),
    )


def _joint(positions: FloatArray, name: str) -> FloatArray:
    return positions[:, COCO[name]]


def _middle(positions: FloatArray, part: str) -> FloatArray:
    return (_joint(positions, f"left_{part}") + _joint(positions, f"right_{part}")) / 2


def _segments_length(positions: FloatArray) -> FloatArray:
    """(T,) thigh + shank (mean of the sides that are there) + mid-hip to mid-shoulder."""
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
    mean = np.where(seen, legs, 0).sum(axis=0) / np.where(seen.any(axis=0), seen.sum(axis=0), np.nan)
    trunk = np.linalg.norm(_middle(positions, "shoulder") - _middle(positions, "hip"), axis=1)
    return np.asarray(mean + trunk)


def _angle_deg(a: FloatArray, b: FloatArray) -> FloatArray:
    cosine = np.einsum("ti,ti->t", normalised(a), normalised(b))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


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
