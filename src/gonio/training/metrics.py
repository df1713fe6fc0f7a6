"""Errors of poses against the truth, both in metres in the ray frame, origin at mid-hip.

Every function takes (T, J, 3) arrays; samples that are NaN in either are left out.
"""

from __future__ import annotations

import numpy as np

from gonio.skeleton import COCO, COCO_MIRROR
from gonio.types import BoolArray, FloatArray, known

_LIMB_JOINTS = [i for name, i in COCO.items() if i >= COCO["left_shoulder"]]


def clip_scale(pose: FloatArray, truth: FloatArray) -> float:
    """The one factor that brings a pose nearest to the truth over the whole clip."""
    both = known(pose) & known(truth)
    return float((pose[both] * truth[both]).sum() / (pose[both] ** 2).sum())


def position_errors(pose: FloatArray, truth: FloatArray) -> FloatArray:
    """(T, J) distances, metres."""
    return np.asarray(np.linalg.norm(pose - truth, axis=2))


def depth_errors(pose: FloatArray, truth: FloatArray) -> FloatArray:
    """(T, J) absolute errors along the ray, metres."""
    return np.abs(pose[..., 2] - truth[..., 2])


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


def _mean(errors: FloatArray) -> FloatArray:
    there = np.isfinite(errors)
    total = np.where(there, errors, 0).sum(axis=1)
    return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)
