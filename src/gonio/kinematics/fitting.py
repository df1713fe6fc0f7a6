"""Least-squares fits of rotations and joint values to points, all frames at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gonio.types import FloatArray

_STEPS = 10
_DAMPING = 1e-9
_PROBE = 1e-5
_SMALL_ENOUGH = 1e-5  # radians


def turned_onto(points: FloatArray, targets: FloatArray) -> FloatArray:
    """Rotation that brings points nearest to targets.

    Kabsch, Acta Cryst A32, 1976, 922-923; Söderkvist and Wedin, J Biomech 26, 1993, 1473-1477.

    Args:
        points: (M, 3) or (T, M, 3), in the body, from the point about which it turns.
        targets: (T, M, 3), in the lab, from the same point.

    Returns:
        (T, 3, 3) lab from body; NaN where a target is, or where there are fewer than two points.
    """
    moving = np.broadcast_to(points, targets.shape)
    rotation = np.full((len(targets), 3, 3), np.nan)
    known = np.isfinite(targets).all(axis=(1, 2)) & np.isfinite(moving).all(axis=(1, 2))
    if targets.shape[1] < 2 or not known.any():
        return rotation
    u, _, vt = np.linalg.svd(np.swapaxes(targets[known], 1, 2) @ moving[known])
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    rotation[known] = u @ vt
    return rotation


def gauss_newton(
    residual: Callable[[FloatArray], FloatArray],
    start: FloatArray,
    low: FloatArray,
    high: FloatArray,
) -> FloatArray:
    """Least-squares values of a few unknowns in each frame, within bounds.

    Args:
        residual: (T, P) values to (T, R) differences.
        start: (T, P).
        low: (P,) least values.
        high: (P,) greatest values.

    Returns:
        (T, P); NaN in the frames whose residual is NaN.
    """
    values = np.nan_to_num(start)  # frames without a start have no residual either
    unknowns = values.shape[1]
    for _ in range(_STEPS):
        now = residual(values)
        slope = np.stack(
            [(residual(values + _PROBE * step) - now) / _PROBE for step in np.eye(unknowns)],
            axis=-1,
        )  # (T, R, P)
        normal = np.swapaxes(slope, 1, 2) @ slope + _DAMPING * np.eye(unknowns)
        gradient = np.swapaxes(slope, 1, 2) @ now[:, :, None]
        missing = ~np.isfinite(normal).all(axis=(1, 2)) | ~np.isfinite(gradient).all(axis=(1, 2))
        normal[missing], gradient[missing] = np.eye(unknowns), 0.0
        before = values
        values = np.clip(values - np.linalg.solve(normal, gradient)[:, :, 0], low, high)
        if np.abs(values - before).max(initial=0.0) < _SMALL_ENOUGH:
            break
    values[~np.isfinite(residual(values)).all(axis=1)] = np.nan
    return values
