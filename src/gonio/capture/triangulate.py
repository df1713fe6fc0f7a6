"""3D joints from several calibrated cameras, for recordings that come without truth."""

from __future__ import annotations

import numpy as np

from gonio.capture.demo import Camera
from gonio.types import FloatArray


def triangulate(cameras: list[Camera], image_px: FloatArray, weight: FloatArray) -> FloatArray:
    """Linear triangulation weighted by visibility (Hartley and Zisserman 2004, section 12.2).

    Args:
        cameras: C cameras.
        image_px: (C, T, J, 2) image points, pixels; NaN where not seen.
        weight: (C, T, J) at least 0.

    Returns:
        (T, J, 3) metres, world axes; NaN where fewer than two cameras see a point.
    """
    rows = []
    for camera, points, w in zip(cameras, image_px, weight, strict=True):
        projection = camera.matrix @ np.column_stack(
            [camera.rotation, -camera.rotation @ camera.position]
        )
        projection = projection / np.linalg.norm(projection[2, :3])
        seen = np.isfinite(points).all(axis=2) & (w > 0)
        at = np.where(seen[..., None], points, 0.0)
        strength = np.where(seen, w, 0.0)[..., None, None] / 1000
        rows.append(strength * (at[..., None] * projection[2] - projection[:2]))
    equations = np.concatenate(rows, axis=2)  # (T, J, 2 C, 4)
    _, _, vt = np.linalg.svd(equations)
    point = vt[..., -1, :]
    views = (np.abs(equations).sum(axis=3) > 0).sum(axis=2)
    return np.where((views >= 4)[..., None], point[..., :3] / point[..., 3:], np.nan)
