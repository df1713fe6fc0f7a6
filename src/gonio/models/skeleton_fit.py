"""One skeleton a clip: joints are moved, where they are least sure, until bones keep their length.

MediaPipe's image points are good, so across the view a joint hardly moves; along the view, where
sigma is large, the length of the bone says how far it reaches.
"""

from __future__ import annotations

import numpy as np

from gonio.frames import mid_hip_of
from gonio.skeleton import BONES, COCO
from gonio.types import FloatArray

ROUNDS = 12
LENGTH_SIGMA = 0.04
"""How far the length of a bone may be off, as a share of it: joints are no hinges, and landmarks
slide on the skin."""
_SIDES = {"left": "right", "right": "left"}


def clip_bone_lengths(positions: FloatArray, sigma: FloatArray) -> FloatArray:
    """The length of each bone over a clip: the weighted median, left and right together.

    Args:
        positions: (T, 17, 3) metres.
        sigma: (T, 17, 3) metres; frames in which the ends of a bone are unsure count less.

    Returns:
        (12,) metres in the order of `BONES`; NaN where a bone is never there.
    """
    lengths = np.full(len(BONES), np.nan)
    for number, bone in enumerate(BONES):
        same = {bone, (_other(bone[0]), _other(bone[1]))}
        found, weight = [], []
        for a, b in same:
            i, j = COCO[a], COCO[b]
            found.append(np.linalg.norm(positions[:, j] - positions[:, i], axis=1))
            weight.append(1 / (sigma[:, [i, j]] ** 2).sum(axis=(1, 2)))
        lengths[number] = _weighted_median(np.concatenate(found), np.concatenate(weight))
    return lengths


def _other(name: str) -> str:
    side, part = name.split("_", 1)
    return f"{_SIDES[side]}_{part}"


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    good = np.isfinite(values) & np.isfinite(weights)
    if not good.any():
        return float("nan")
    order = np.argsort(values[good])
    share = np.cumsum(weights[good][order])
    return float(values[good][order][np.searchsorted(share, share[-1] / 2)])


def fit_skeleton(positions: FloatArray, sigma: FloatArray) -> FloatArray:
    """Give every bone its length of the clip.

    Each bone in turn is a measurement of the distance between its ends, with which both are
    corrected in proportion to their variances (the update of a Kalman filter, Kalman 1960, J. Basic
    Eng. 82:35, for one linearised scalar); a few rounds bring all bones together.

    Args:
        positions: (T, 17, 3) metres, ray frame, mid-hip origin.
        sigma: (T, 17, 3) one standard deviation, metres.

    Returns:
        (T, 17, 3) metres, mid-hip origin; NaN where the input is NaN.
    """
    lengths = clip_bone_lengths(positions, sigma)
    fitted, variance = positions.copy(), sigma**2
    for _ in range(ROUNDS):
        for (a, b), length in zip(BONES, lengths, strict=True):
            if np.isfinite(length):
                _pull(fitted, variance, COCO[a], COCO[b], length)
    return np.asarray(fitted - mid_hip_of(fitted)[:, np.newaxis])


def _pull(fitted: FloatArray, variance: FloatArray, a: int, b: int, length: float) -> None:
    """Move the ends of one bone towards its length, in place."""
    vector = fitted[:, b] - fitted[:, a]
    now = np.linalg.norm(vector, axis=1, keepdims=True)
    direction = vector / np.maximum(now, 1e-6)
    along_a, along_b = variance[:, a] * direction, variance[:, b] * direction
    spread = ((along_a + along_b) * direction).sum(axis=1, keepdims=True)
    gain = (length - now) / (spread + ROUNDS * (LENGTH_SIGMA * length) ** 2)
    change_a, change_b = gain * along_a, gain * along_b
    whole = np.isfinite(change_a + change_b).all(axis=1)
    fitted[whole, a] -= change_a[whole]
    fitted[whole, b] += change_b[whole]
