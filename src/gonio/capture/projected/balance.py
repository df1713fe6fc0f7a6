"""Bodies in balance: who stands still has the middle of the body's mass above the feet."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from gonio.frames import normalised, turn_vectors
from gonio.skeleton import COCO
from gonio.types import FloatArray

STANDING_KINDS: tuple[str, ...] = ("poses", "reach", "bend", "one_leg")
"""Kinds of made motion that stand on their feet without a step."""
PARTS: tuple[tuple[str, str, float, float], ...] = (
    ("shoulder", "hip", 0.5, 0.497 / 2),
    ("shoulder", "elbow", 0.436, 0.028),
    ("elbow", "wrist", 0.682, 0.022),
    ("hip", "knee", 0.433, 0.100),
    ("knee", "ankle", 0.433, 0.0465),
    ("ankle", "ankle", 0.0, 0.0145),
)
"""Parts of a side: ends, place of the mass between them, share of the body's mass (Winter 2009,
table 4.1; half of the trunk, forearm with hand, the foot at the ankle)."""
HEAD_SHARE = 0.081
LIFTED_M = 0.04
"""A foot that is so much higher than the other bears a third of its weight."""
SMOOTH_FRAMES = 2.0
LARGEST_DEG = 30.0


def centre_of_mass(joints: FloatArray) -> FloatArray:
    """(T, 3) of COCO joints (T, 17, 3), in their axes and units."""
    total = HEAD_SHARE * joints[:, [COCO["left_ear"], COCO["right_ear"]]].mean(axis=1)
    for side in ("left", "right"):
        for first, second, place, share in PARTS:
            a, b = (joints[:, COCO[f"{side}_{name}"]] for name in (first, second))
            total = total + share * (a + place * (b - a))
    return np.asarray(total)


def support(feet: FloatArray, up: FloatArray) -> FloatArray:
    """(T, 3) the middle between the feet, near to the lower one where they differ in height.

    Args:
        feet: (T, 6, 3) metres, three points of the right foot, then of the left.
        up: (T, 3) unit vectors against gravity.
    """
    places = feet.reshape(len(feet), 2, 3, 3).mean(axis=2)
    height = np.einsum("tfi,ti->tf", places, up)
    weight = np.exp(-(height - height.min(axis=1, keepdims=True)) / LIFTED_M)
    weight = weight / weight.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("tf,tfi->ti", weight, places))


def beside_support(joints: FloatArray, feet: FloatArray, up: FloatArray) -> FloatArray:
    """(T, 3) level offset of the centre of mass from the middle of the feet; arguments as below."""
    return _level(centre_of_mass(joints) - support(feet, up), up)


def _level(vectors: FloatArray, up: FloatArray) -> FloatArray:
    """(T, 3) the part of vectors (3,) or (T, 3) that is at right angles to `up`."""
    return np.asarray(vectors - np.sum(vectors * up, axis=1, keepdims=True) * up)


def balancing_turns(
    joints: FloatArray, feet: FloatArray, up: FloatArray, aside: FloatArray
) -> FloatArray:
    """Turns of a body as a whole that bring its mass above its feet, or where it is to lie.

    Args:
        joints: (T, 17, 3) metres.
        feet: (T, 6, 3) metres, same axes.
        up: (T, 3) unit vectors against gravity, same axes.
        aside: (3,) or (T, 3) where beside the middle of the feet the mass comes to lie, metres;
            its level part counts.

    Returns:
        (T, 3, 3) rotations, smooth over time, of 30 degrees at most.
    """
    offset = centre_of_mass(joints) - support(feet, up)
    wanted = np.linalg.norm(offset, axis=1, keepdims=True) * up + _level(aside, up)
    vector = turn_vectors(offset, normalised(wanted))
    angle = np.linalg.norm(vector, axis=1, keepdims=True)
    vector = vector * np.minimum(1.0, np.radians(LARGEST_DEG) / np.maximum(angle, 1e-12))
    smooth = gaussian_filter1d(vector, SMOOTH_FRAMES, axis=0, mode="nearest")
    return np.asarray(Rotation.from_rotvec(smooth).as_matrix())
