"""Hip joint centres from the four skin markers of the pelvis."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gonio.frames import normalised
from gonio.skeleton import Side
from gonio.types import FloatArray


def pelvis_axes(
    r_asis: FloatArray, l_asis: FloatArray, r_psis: FloatArray, l_psis: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The ISB pelvis frame: origin midway between the ASIS, axes X forward, Y up, Z right.

    Wu et al. 2002, J Biomech 35:543, hip joint: Z from left to right ASIS, X in the plane of
    both ASIS and the middle of the PSIS, orthogonal to Z and forward, Y = Z x X.

    Args:
        r_asis: (T, 3), any frame, any unit; so the others.
        l_asis: (T, 3).
        r_psis: (T, 3).
        l_psis: (T, 3).

    Returns:
        Origin (T, 3) and rotation (T, 3, 3) whose columns are X, Y, Z; NaN where undefined.
    """
    origin = (r_asis + l_asis) / 2
    z = normalised(r_asis - l_asis)
    forward = origin - (r_psis + l_psis) / 2
    x = normalised(forward - np.einsum("ti,ti->t", forward, z)[:, None] * z)
    return origin, np.stack([x, np.cross(z, x), z], axis=-1)


def hip_centre_offset(width_m: ArrayLike, depth_m: ArrayLike, side: Side) -> FloatArray:
    """Hip joint centre in the pelvis frame, from midway between the ASIS.

    Harrington et al. 2007, J Biomech 40:595, equations for all groups without leg length, in
    millimetres: forward -0.24 PD - 9.9, up -0.30 PW - 10.9, outward 0.33 PW + 7.3.

    Args:
        width_m: PW (...), distance between the ASIS, metres.
        depth_m: PD (...), distance between the middles of the ASIS and of the PSIS, metres.
        side: R or L.

    Returns:
        (..., 3) metres: X forward, Y up, Z right.
    """
    outward = 0.33 * np.asarray(width_m) + 0.0073
    forward = -0.24 * np.asarray(depth_m) - 0.0099
    up = -0.30 * np.asarray(width_m) - 0.0109
    return np.stack([forward, up, outward if side == "R" else -outward], axis=-1)


def hip_centres_from_pelvis(
    r_asis: FloatArray, l_asis: FloatArray, r_psis: FloatArray, l_psis: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Right and left hip joint centre, frame by frame, by `hip_centre_offset`.

    Args:
        r_asis: (T, 3) metres, any frame; so the others.
        l_asis: (T, 3).
        r_psis: (T, 3).
        l_psis: (T, 3).

    Returns:
        Right and left centre, (T, 3) metres each, same frame; NaN where a marker is missing.
    """
    origin, axes = pelvis_axes(r_asis, l_asis, r_psis, l_psis)
    width = np.linalg.norm(r_asis - l_asis, axis=1)
    depth = np.linalg.norm(origin - (r_psis + l_psis) / 2, axis=1)

    def centre(side: Side) -> FloatArray:
        offset = hip_centre_offset(width, depth, side)
        return np.asarray(origin + np.einsum("tij,tj->ti", axes, offset))

    return centre("R"), centre("L")
