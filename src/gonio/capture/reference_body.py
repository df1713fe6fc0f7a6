"""The body to which every truth is scaled before anything is learned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gonio.skeleton import BONES, COCO

REFERENCE_BONES_M = 4.15
"""Sum of the lengths of 12 bones in the reference body, metres: about that of somebody of 1.70 m.
One camera does not show how tall somebody is, so no network is asked for it."""


def reference_scale(truth: NDArray[np.floating]) -> float:
    """The factor that scales a clip to the reference body.

    Args:
        truth: (T, 17, 3) metres; NaN where missing.

    Returns:
        1 where no frame shows all bones.
    """
    ends = np.array([[COCO[a], COCO[b]] for a, b in BONES])
    bones = np.linalg.norm(truth[:, ends[:, 1]] - truth[:, ends[:, 0]], axis=2)
    whole = np.isfinite(bones).all(axis=1)
    if not whole.any():
        return 1.0
    return float(REFERENCE_BONES_M / np.median(bones[whole].sum(axis=1)))
