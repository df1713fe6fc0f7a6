"""How large sigma must be to mean one standard deviation: measured on the validation split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from gonio.models.depth_refiner import PoseAwareDepthRefiner
from gonio.training.data import ClipRows, stacked
from gonio.training.module import scaled_to
from gonio.types import FloatArray

WITHIN_ONE_SIGMA = 0.6827
"""Share of a normal distribution within one standard deviation."""


@dataclass(frozen=True)
class Calibration:
    """Factors on sigma.

    Attributes:
        sigma_scale: of x, y and z; 1 for a network that does not give sigma.
        described: shares within 1 and 2 sigma before and after; JSON values.
    """

    sigma_scale: list[float]
    described: dict[str, Any]


def calibrate(network: PoseAwareDepthRefiner, rows: ClipRows, batch_rows: int = 32) -> Calibration:
    """Find the factor for each axis with which 68.27 % of the errors lie within one sigma.

    Args:
        network: trained.
        rows: the validation clips as they are.
        batch_rows: rows at a time.
    """
    if not network.config.sigma_head:
        return Calibration([1.0, 1.0, 1.0], {})
    ratios = _ratios(network, rows, batch_rows)
    scale = np.quantile(ratios, WITHIN_ONE_SIGMA, axis=0)
    described = {
        "within_1_sigma_before": _share(ratios, 1.0),
        "within_1_sigma": _share(ratios / scale, 1.0),
        "within_2_sigma": _share(ratios / scale, 2.0),
    }
    return Calibration([round(float(s), 4) for s in scale], described)


def _ratios(network: PoseAwareDepthRefiner, rows: ClipRows, batch_rows: int) -> FloatArray:
    """(N, 3) |error| in units of sigma."""
    found: list[FloatArray] = []
    loader = DataLoader(rows, batch_size=batch_rows, collate_fn=stacked)
    with torch.inference_mode():
        for batch, target in loader:
            refined = network(batch)
            assert refined.log_sigma is not None  # the caller looked at the configuration
            error = (scaled_to(refined.pose, target) - target.pose).abs()
            ratio = error / refined.log_sigma.exp()
            found.append(ratio[target.weight > 0].reshape(-1, 3).double().numpy())
    return np.concatenate(found)


def _share(ratios: FloatArray, limit: float) -> float:
    return round(float((ratios <= limit).mean()), 4)
