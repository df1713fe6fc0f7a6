"""How large sigma must be to mean one standard deviation: measured on the validation split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gonio.errors import InputError
from gonio.landmarks.inputs import PoseInputs
from gonio.models.depth_refiner import DepthRefiner
from gonio.training.clips import Array, ClipStore
from gonio.training.metrics import clip_scale
from gonio.training.prepare import PreparedSequence
from gonio.types import FloatArray, RefinedPose

WITHIN_ONE_SIGMA = 0.6827
"""Share of a normal distribution within one standard deviation."""


@dataclass(frozen=True)
class Calibration:
    """Factors on sigma.

    Attributes:
        sigma_scale: of x, y and z; 1 for a network that does not give sigma.
        described: shares within 1 and 2 sigma and the errors in use; JSON values.
    """

    sigma_scale: list[float]
    described: dict[str, Any]


def calibrate(
    refiner: DepthRefiner, store: ClipStore[PreparedSequence], clips: Sequence[tuple[str, int]]
) -> Calibration:
    """Find the factor for each axis with which 68.27 % of the errors lie within one sigma.

    The clips are refined as in use, all frames of them, each with the one scale that brings it
    nearest to the truth.

    Args:
        refiner: its own `sigma_scale` must be 1.
        store: of the prepared clips.
        clips: (key, frames) of the validation split.
    """
    pairs = [errors_in_use(refiner, store.load(key)) for key, _ in clips]
    errors, sigma = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return calibration_of(errors, sigma if refiner.network.config.sigma_head else None)


def calibration_of(errors: FloatArray, sigma: FloatArray | None) -> Calibration:
    """The factors and what they were found on.

    Args:
        errors: (N, 17, 3) metres.
        sigma: (N, 17, 3) metres that was given with them; None where none was.

    Raises:
        InputError: there are no errors.
    """
    if not len(errors):
        raise InputError(
            "no frame of the validation clips has the truth and an answer for every joint, so "
            "errors and sigma cannot be measured; convert more data"
        )
    described: dict[str, Any] = {
        "depth_mean_cm": _rounded(100 * np.abs(errors[..., 2]).mean()),
        "position_mean_cm": _rounded(100 * np.linalg.norm(errors, axis=-1).mean()),
    }
    if sigma is None:
        return Calibration([1.0, 1.0, 1.0], described)
    ratios = np.abs(errors / sigma).reshape(-1, 3)
    scale = np.quantile(ratios, WITHIN_ONE_SIGMA, axis=0)
    described |= {
        "within_1_sigma_before": _share(ratios, 1.0),
        "within_1_sigma": _share(ratios / scale, 1.0),
        "within_2_sigma": _share(ratios / scale, 2.0),
    }
    return Calibration([_rounded(s) for s in scale], described)


def errors_in_use(refiner: DepthRefiner, clip: PreparedSequence) -> tuple[FloatArray, FloatArray]:
    """Errors of a clip that is refined as in use, and the sigma that was given with them.

    Returns:
        (N, 17, 3) refined less true, metres, and (N, 17, 3) sigma, of the frames that count and in
        which every joint is there.
    """
    inputs = PoseInputs(clip.landmarks, clip.frame, clip.there)
    pose = refiner.refine_inputs(inputs, clip.time.astype(float), clip.rate_hz)
    return scaled_errors(pose, clip.pose, clip.weight)


def scaled_errors(
    pose: RefinedPose, true_pose: Array, weight: Array
) -> tuple[FloatArray, FloatArray]:
    """Errors of a clip with the one scale that brings it nearest to the truth, and its sigma.

    Args:
        pose: of T frames.
        true_pose: (T, 17, 3) metres, ray frame.
        weight: (T,) above 0 for frames that count.

    Returns:
        As `errors_in_use`.
    """
    truth = true_pose.astype(float)
    counts = (weight > 0) & np.isfinite(pose.positions).all(axis=(1, 2))
    if not counts.any():
        return np.zeros((0, *truth.shape[1:])), np.zeros((0, *truth.shape[1:]))
    scale = clip_scale(pose.positions[counts], truth[counts])
    return scale * pose.positions[counts] - truth[counts], scale * pose.sigma[counts]


def _share(ratios: FloatArray, limit: float) -> float:
    return _rounded((ratios <= limit).mean())


def _rounded(value: float) -> float:
    return round(float(value), 4)
