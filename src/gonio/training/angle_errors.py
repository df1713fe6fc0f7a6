"""Errors of joint angles on a clip: on the circle, with and without the clip's constant offset.

Two poses are compared in the same of their equal Euler angles. For the error of a frame the truth
is told in those that are nearest in that frame; for what concerns a whole curve (correlation, range
of motion) it stays one continuous curve, in those that are nearest on the whole: near a singularity
the nearest of each frame would jump to and fro.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gonio.kinematics.angles import nearest_equal
from gonio.kinematics.unwrapping import continuous_deg, twin_deg, wrapped_deg
from gonio.skeleton import ANGLE_COLUMNS, JOINTS
from gonio.training.angle_statistics import circular_mean_deg
from gonio.types import BoolArray, FloatArray

CONSTANT_DEG = 0.01
"""A curve with a standard deviation below this is constant: it has no correlation."""
RANGE_PERCENTILES = (2.0, 98.0)
"""The range of motion lies between them: a single wild frame is no motion."""
_COUNT = len(ANGLE_COLUMNS)


@dataclass(frozen=True)
class AngleErrors:
    """Errors of each of the 36 angles, of one clip or the mean of several; NaN where unknown.

    Attributes:
        frames: (36,) frames that count.
        true_frames: (36,) frames with a truth, whether they count or not.
        missing: (36,) those of them in which the row knows no angle.
        absolute: (36,) mean absolute error on the circle, degrees.
        without_offset: (36,) the same after the mean offset of the clip is taken off.
        correlation: (36,) Pearson's, of the curve with the true one; NaN where one is constant.
        range_error: (36,) absolute difference of the ranges of motion, degrees.
        range_bias: (36,) by how much the range is larger than the true one, degrees; below 0
            movement is lost.
    """

    frames: NDArray[np.int64]
    true_frames: NDArray[np.int64]
    missing: NDArray[np.int64]
    absolute: FloatArray
    without_offset: FloatArray
    correlation: FloatArray
    range_error: FloatArray
    range_bias: FloatArray


def angle_errors(
    estimate: FloatArray, truth: FloatArray, counted: BoolArray | None = None
) -> AngleErrors:
    """Errors of the angles of a clip.

    Args:
        estimate: (T, 12, 3) degrees in the order of `skeleton.JOINTS`; NaN where missing.
        truth: (T, 12, 3) degrees, in any of the equal angles of a pose; NaN where unknown.
        counted: (T, 12, 3) samples that count, of those that both sides know; all if not given.
    """
    both = np.isfinite(estimate) & np.isfinite(truth)
    used = both if counted is None else both & counted
    missing = np.isfinite(truth) & ~np.isfinite(estimate)
    said = np.where(used, estimate, np.nan)
    true = np.where(used, truth, np.nan)
    difference = wrapped_deg(said - nearest_equal(true, said)).reshape(-1, _COUNT)
    rest = wrapped_deg(difference - circular_mean_deg(difference))
    curves = curves_beside(true, said).reshape(-1, _COUNT)
    shape = [_shape_errors(a, b) for a, b in zip(said.reshape(-1, _COUNT).T, curves.T, strict=True)]
    correlation, range_bias = np.array(shape).T
    return AngleErrors(
        frames=used.reshape(-1, _COUNT).sum(axis=0),
        true_frames=np.isfinite(truth).reshape(-1, _COUNT).sum(axis=0),
        missing=missing.reshape(-1, _COUNT).sum(axis=0),
        absolute=_mean(np.abs(difference)),
        without_offset=_mean(np.abs(rest)),
        correlation=correlation,
        range_error=np.abs(range_bias),
        range_bias=range_bias,
    )


def mean_errors(clips: Sequence[AngleErrors]) -> AngleErrors:
    """The errors of several clips together.

    Absolute errors weigh as the frames of their clip; correlation and range of motion, which a clip
    has once, are means over the clips that have them.
    """
    frames = np.stack([clip.frames for clip in clips])
    total = frames.sum(axis=0)

    def over_frames(name: str) -> FloatArray:
        sums = np.nansum(np.stack([getattr(clip, name) for clip in clips]) * frames, axis=0)
        return np.where(total > 0, sums / np.maximum(total, 1), np.nan)

    return AngleErrors(
        frames=total,
        true_frames=np.sum([clip.true_frames for clip in clips], axis=0),
        missing=np.sum([clip.missing for clip in clips], axis=0),
        absolute=over_frames("absolute"),
        without_offset=over_frames("without_offset"),
        correlation=_mean(np.stack([clip.correlation for clip in clips])),
        range_error=_mean(np.stack([clip.range_error for clip in clips])),
        range_bias=_mean(np.stack([clip.range_bias for clip in clips])),
    )


def curves_beside(truth: FloatArray, estimate: FloatArray) -> FloatArray:
    """The truth as continuous curves, in those of its equal angles nearest to the whole estimate.

    Args:
        truth: (T, 12, 3) degrees; NaN where unknown. Of a joint without all three angles, each
            angle has but its own turns of 360 degrees.
        estimate: (T, 12, 3) degrees, known where the truth is.

    Returns:
        (T, 12, 3) degrees.
    """
    result = np.full(truth.shape, np.nan)
    for column in range(len(JOINTS)):
        true, said = truth[:, column], estimate[:, column]
        whole = np.isfinite(true).all(axis=1)
        if whole.any():
            result[whole, column] = _nearest_curve(true[whole], said[whole])
            continue
        for k in range(3):
            there = np.isfinite(true[:, k])
            curve = np.unwrap(true[there, k], period=360.0)
            result[there, column, k] = _turned(curve, said[there, k])
    return result


def _nearest_curve(truth: FloatArray, estimate: FloatArray) -> FloatArray:
    """One of the two continuous curves (T, 3) of the same orientations; the middle angle is X."""
    plain = wrapped_deg(truth)
    over = np.abs(plain[:, 1]) > 90.0
    plain[over] = wrapped_deg(twin_deg(plain[over]))
    curve = continuous_deg(plain, patience=None)
    both = [_turned(curve, estimate), _turned(twin_deg(curve), estimate)]
    return min(both, key=lambda one: float(np.abs(one - estimate).sum()))


def _turned(curve: FloatArray, estimate: FloatArray) -> FloatArray:
    """The curve plus those full turns that bring it nearest on the whole."""
    if len(curve) == 0:
        return curve
    return np.asarray(curve + 360.0 * np.round(np.median(estimate - curve, axis=0) / 360.0))


def _shape_errors(estimate: FloatArray, truth: FloatArray) -> tuple[float, float]:
    """Correlation, and range of motion beyond the true one, of one angle, (T,) degrees each."""
    there = np.isfinite(estimate) & np.isfinite(truth)
    if not there.any():
        return float("nan"), float("nan")
    said, true = (np.unwrap(curve[there], period=360.0) for curve in (estimate, truth))
    ranges = [float(np.diff(np.percentile(curve, RANGE_PERCENTILES))[0]) for curve in (said, true)]
    varies = min(said.std(), true.std()) >= CONSTANT_DEG
    correlation = float(np.corrcoef(said, true)[0, 1]) if varies else float("nan")
    return correlation, ranges[0] - ranges[1]


def _mean(values: FloatArray) -> FloatArray:
    """(36,) mean over the first axis of what is known; NaN where nothing is."""
    there = np.isfinite(values)
    count = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
