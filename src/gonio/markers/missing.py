"""Landmarks that are not seen, estimated from the other side, mirrored in the body's own frame."""

from __future__ import annotations

import numpy as np

from gonio.frames import normalised
from gonio.skeleton import MEDIAPIPE, MEDIAPIPE_LANDMARKS, MEDIAPIPE_MIRROR
from gonio.types import BoolArray, FloatArray


def mirror_missing(world: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Fill missing landmarks of one side from the other, mirrored at the body's median plane.

    The median plane stands through the middle of the hips and has the axis from the left to the
    right hip as its normal; for the arms the shoulders take the place of the hips. Where one of a
    pair is missing, the other pair's axis is used, and the middle lies half the median width from
    the one that is seen (or, where the width was never seen, through the middle of the other
    pair). Either side serves the other; what is missing on both sides stays NaN.

    Args:
        world: (T, 33, 3) metres, any frame that turns no hand into the other.

    Returns:
        The filled landmarks (T, 33, 3), and a mask (T, 33) of those that were estimated.
    """
    filled = np.array(world, dtype=float)
    hips, shoulders = (_pair(world, part) for part in ("hip", "shoulder"))
    for pair, other, below in ((hips, shoulders, True), (shoulders, hips, False)):
        columns = [i for i, name in enumerate(MEDIAPIPE_LANDMARKS) if _below_hips(name) is below]
        origin, normal = _median_plane(pair, other)
        twins = world[:, np.array(MEDIAPIPE_MIRROR)[columns]]
        offset = twins - origin[:, None]
        across = np.einsum("tki,ti->tk", offset, normal)
        mirrored = twins - 2 * across[..., None] * normal[:, None]
        filled[:, columns] = np.where(np.isnan(world[:, columns]), mirrored, world[:, columns])
    estimated = np.isnan(world).any(axis=2) & np.isfinite(filled).all(axis=2)
    return filled, estimated


def _below_hips(name: str) -> bool:
    return MEDIAPIPE[name] >= MEDIAPIPE["left_hip"]


def _pair(world: FloatArray, part: str) -> tuple[FloatArray, FloatArray]:
    return world[:, MEDIAPIPE[f"left_{part}"]], world[:, MEDIAPIPE[f"right_{part}"]]


def _median_plane(
    pair: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """A point (T, 3) of the median plane and its normal (T, 3) to the right."""
    left, right = pair
    normal = normalised(right - left)
    fallback = normalised(other[1] - other[0])
    normal = np.where(np.isnan(normal), fallback, normal)
    widths = np.linalg.norm(right - left, axis=1)
    half = np.median(widths[np.isfinite(widths)]) / 2 if np.isfinite(widths).any() else np.nan
    origin = (left + right) / 2
    origin = np.where(np.isnan(origin), left + half * normal, origin)
    origin = np.where(np.isnan(origin), right - half * normal, origin)
    origin = np.where(np.isnan(origin), (other[0] + other[1]) / 2, origin)
    return origin, normal
