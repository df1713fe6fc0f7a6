"""Errors of poses against the truth, both in metres in the ray frame, origin at mid-hip.

Poses are (T, J, 3) arrays of COCO joints; samples that are NaN in either are left out.
"""

from __future__ import annotations

import numpy as np

from gonio.frames import normalised
from gonio.signals import rate_of, rate_tolerance_s
from gonio.skeleton import COCO, COCO_LIMBS, COCO_MIRROR
from gonio.types import BoolArray, FloatArray, known

_LIMB_JOINTS = [i for name, i in COCO.items() if i >= COCO["left_shoulder"]]


def clip_scale(pose: FloatArray, truth: FloatArray) -> float:
    """The one factor that brings a pose nearest to the truth over the whole clip.

    NaN where no sample is there in both, or the pose is zero throughout.
    """
    both = known(pose) & known(truth)
    size = (pose[both] ** 2).sum()
    return float((pose[both] * truth[both]).sum() / size) if size > 0 else float("nan")


def position_errors(pose: FloatArray, truth: FloatArray) -> FloatArray:
    """(T, J) distances, metres."""
    return np.asarray(np.linalg.norm(pose - truth, axis=2))


def aligned_errors(pose: FloatArray, truth: FloatArray) -> FloatArray:
    """(T, J) distances after the best rotation, translation and scale of each frame, metres.

    Procrustes alignment by singular value decomposition (Umeyama 1991, IEEE PAMI 13:376).
    """
    both = known(pose) & known(truth)
    weight = both / np.maximum(both.sum(axis=1, keepdims=True), 1)
    x = np.where(both[..., None], pose, 0.0)
    y = np.where(both[..., None], truth, 0.0)
    x = x - np.einsum("tj,tji->ti", weight, x)[:, None]
    y = y - np.einsum("tj,tji->ti", weight, y)[:, None]
    x, y = np.where(both[..., None], x, 0.0), np.where(both[..., None], y, 0.0)
    u, s, vt = np.linalg.svd(np.einsum("tji,tjk->tik", y, x))
    sign = np.sign(np.linalg.det(u @ vt))
    s[:, -1] *= sign
    u[:, :, -1] *= sign[:, None]
    scale = s.sum(axis=1) / np.maximum((x**2).sum(axis=(1, 2)), 1e-12)
    turned = np.einsum("tik,tjk->tji", u @ vt, x) * scale[:, None, None]
    errors = np.linalg.norm(turned - y, axis=2)
    return np.where(both, errors, np.nan)


def swapped_frames(pose: FloatArray, truth: FloatArray) -> BoolArray:
    """(T,) frames of COCO poses that come nearer to the truth with left and right exchanged."""
    mirror = list(COCO_MIRROR)
    as_is = _mean(position_errors(pose, truth)[:, _LIMB_JOINTS])
    exchanged = _mean(position_errors(pose[:, mirror], truth)[:, _LIMB_JOINTS])
    return np.asarray(as_is > exchanged)


def angles_between(vectors: FloatArray, others: FloatArray) -> FloatArray:
    """Angles between vectors (..., 3) of any length, degrees in [0, 180].

    From sine and cosine, so that small angles keep their digits. NaN where a vector is missing or
    has no length.
    """
    a, b = normalised(vectors), normalised(others)
    sine = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.degrees(np.arctan2(sine, np.sum(a * b, axis=-1))))


def limb_angles(pose: FloatArray, truth: FloatArray) -> FloatArray:
    """(T, 14) angles between the limbs of `COCO_LIMBS` and the true ones, degrees."""
    return angles_between(_along(pose, COCO_LIMBS), _along(truth, COCO_LIMBS))


def accelerations(pose: FloatArray, time_s: FloatArray) -> FloatArray:
    """(T, J) size of the second derivative of the positions over time, m/s^2.

    Central differences of three neighbouring frames at the clip's rate; NaN at both ends, beside
    gaps and where a step is not one of that rate. Compared with that of the truth it is the jitter
    of a pose.

    Args:
        pose: (T, J, 3) metres.
        time_s: (T,) strictly increasing, seconds.
    """
    found = np.full(pose.shape[:2], np.nan)
    if len(pose) < 3:
        return found
    rate_hz = rate_of(time_s)
    even = np.abs(np.diff(time_s) - 1 / rate_hz) <= rate_tolerance_s(rate_hz)
    change = pose[2:] - 2 * pose[1:-1] + pose[:-2]
    change[~(even[1:] & even[:-1])] = np.nan
    found[1:-1] = np.linalg.norm(change, axis=2) * rate_hz**2
    return found


def share_within(errors: FloatArray, sigma: FloatArray, sigmas: float) -> float:
    """Share of the errors that are at most so many standard deviations; NaN where none is known.

    Of errors with a normal distribution 68.3 % are within one and 95.4 % within two.

    Args:
        errors: any shape and unit, signed or not.
        sigma: one standard deviation of each, the same shape and unit.
        sigmas: how many.
    """
    there = np.isfinite(errors) & np.isfinite(sigma)
    if not there.any():
        return float("nan")
    return float((np.abs(errors[there]) <= sigmas * sigma[there]).mean())


def _along(pose: FloatArray, limbs: tuple[tuple[str, str], ...]) -> FloatArray:
    """(T, L, 3) vectors from the proximal to the distal joint of each limb."""
    near, far = ([COCO[limb[end]] for limb in limbs] for end in (0, 1))
    return np.asarray(pose[:, far] - pose[:, near])


def _mean(errors: FloatArray) -> FloatArray:
    there = np.isfinite(errors)
    total = np.where(there, errors, 0).sum(axis=1)
    return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)
