"""Signals over time that may have gaps: rate, gap filling, zero-phase low-pass, resampling.

Every function takes time on the first axis and treats NaN as missing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.signal import butter, sosfiltfilt

from gonio.errors import InputError

FILTER_ORDER = 4
"""Order of the low-pass after both passes (a second-order Butterworth, forward and back)."""
SHORTEST_RUN = 4
"""Samples between two gaps that can be filtered; what is shorter is left as it is."""
TWO_PASSES = (np.sqrt(2) - 1) ** 0.25
"""What a second-order filter's cut-off is divided by, so that two passes have it: 0.802."""
USUAL_WITHIN = 0.5
"""A step that differs from the median by more than this share of it tells nothing of the rate."""
EVEN_WITHIN = 0.1
"""Times that differ from those of a constant rate by less than this share of a step are even."""
CLOCK_S = 0.001
"""So are those within a millisecond, to which MKV and WebM round their time stamps, seconds."""


def runs_of(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open intervals (start, stop) in which a (T,) mask is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def rate_of(time_s: NDArray[np.floating]) -> float:
    """Samples a second: the inverse of the mean of the usual time steps.

    Where all are usual that is the number of steps over the whole time, whatever the time stamps
    are rounded to. Pauses and dropped frames are left out.

    Args:
        time_s: (T,) strictly increasing, seconds.

    Returns:
        Hz; NaN for fewer than two times.
    """
    steps = np.diff(time_s)
    if len(steps) == 0:
        return float("nan")
    median = np.percentile(steps, 50, method="lower")
    return float(1 / steps[np.abs(steps - median) <= USUAL_WITHIN * median].mean())


def rate_tolerance_s(rate_hz: float) -> float:
    """How far a time may be from that of a constant rate and count as it, seconds."""
    return (1 + 1e-6) * max(EVEN_WITHIN / rate_hz, CLOCK_S)


def evenly_spaced(time_s: NDArray[np.floating]) -> bool:
    """Whether times are those of a constant rate: start + k / rate, see `rate_of`.

    Args:
        time_s: (T,) strictly increasing, seconds.
    """
    if len(time_s) < 3:
        return True
    rate_hz = rate_of(time_s)
    off = time_s - time_s[0] - np.arange(len(time_s)) / rate_hz
    return bool(np.abs(off).max() <= rate_tolerance_s(rate_hz))


def low_pass(values: NDArray[np.floating], rate_hz: float, cutoff_hz: float) -> NDArray[np.float64]:
    """Zero-phase low-pass of each column, run by run between its gaps.

    A Butterworth filter is applied forward and back (order 4 in all). For the two passes the
    tangent of its cut-off, which the bilinear transform keeps, is corrected by 0.802, so that the
    gain at `cutoff_hz` is -3 dB at any rate
    (Winter, Biomechanics and Motor Control of Human Movement, 4th ed. 2009, section 3.4.4.2).
    Runs of fewer than 4 samples are left as they are.

    Args:
        values: (T, ...) any unit.
        rate_hz: samples a second.
        cutoff_hz: where the gain is -3 dB, below half the rate.

    Returns:
        (T, ...) of the same unit; NaN where the input is NaN.

    Raises:
        InputError: `cutoff_hz` is not between 0 and half the rate, which one frame does not have.
    """
    if len(values) == 1 and 0.5 * rate_hz <= cutoff_hz:
        raise InputError(
            f"one frame is too few for a low-pass at {cutoff_hz:g} Hz, because it has no rate: "
            "give a clip of 2 frames or more, or leave the low-pass out"
        )
    if not 0 < cutoff_hz < 0.5 * rate_hz:
        raise InputError(
            f"cut-off {cutoff_hz} Hz does not suit a rate of {rate_hz:.6g} Hz: choose a value "
            f"above 0 and below half the rate ({0.5 * rate_hz:.6g} Hz)"
        )
    tangent = np.tan(np.pi * cutoff_hz / rate_hz) / TWO_PASSES
    once_hz = rate_hz / np.pi * np.arctan(tangent)
    sos = butter(FILTER_ORDER // 2, once_hz, fs=rate_hz, output="sos")
    flat = _columns(values)
    for columns, (start, stop) in _column_runs(np.isfinite(flat)):
        if stop - start >= SHORTEST_RUN:
            block = flat[start:stop, columns]
            pad = min(len(block) - 1, int(3 * rate_hz / cutoff_hz))
            flat[start:stop, columns] = sosfiltfilt(sos, block, axis=0, padlen=pad)
    return flat.reshape(np.shape(values))


def smoothest_path(
    values: NDArray[np.floating],
    sigma: NDArray[np.floating],
    rate_hz: float,
    *,
    acceleration: float,
    lasting_s: float,
) -> NDArray[np.float64]:
    """The likeliest path of a body behind unsure samples: each column, run by run between its gaps.

    Samples err by sigma, their errors last `lasting_s`, and accelerations are normal about 0: the
    path minimises the sum over the frames of ((path - value) / sigma)^2 / lasting_s +
    (its acceleration / `acceleration`)^2, a smoothing spline on a grid (Eilers 2003, Anal Chem
    75:3631). Where samples are sure it follows them, where they are not it stays smooth.
    Runs of fewer than 4 samples are left as they are.

    Args:
        values: (T, ...) any unit.
        sigma: the same shape, one standard deviation, same unit, above 0 where a value is known.
        rate_hz: samples a second.
        acceleration: standard deviation of the path's acceleration, unit/s^2.
        lasting_s: how long the errors of samples last, seconds.

    Returns:
        (T, ...) of the same unit; NaN where the input is NaN.

    Raises:
        InputError: `acceleration` or `lasting_s` is not above 0.
    """
    if not (acceleration > 0 and lasting_s > 0):
        raise InputError(
            f"acceleration is {acceleration:g} and lasting_s {lasting_s:g}; both must be above 0"
        )
    flat = _columns(values)
    weight = np.asarray(sigma, dtype=float).reshape(flat.shape) ** -2.0 / lasting_s
    stiffness = (rate_hz**2 / acceleration) ** 2
    for columns, (start, stop) in _column_runs(np.isfinite(flat) & np.isfinite(weight)):
        if stop - start < SHORTEST_RUN:
            continue
        bands = stiffness * _second_difference_bands(stop - start)
        for column in columns:
            own = weight[start:stop, column]
            matrix = bands.copy()
            matrix[-1] += own
            flat[start:stop, column] = solveh_banded(matrix, own * flat[start:stop, column])
    return flat.reshape(np.shape(values))


def _second_difference_bands(count: int) -> NDArray[np.float64]:
    """(3, count) upper bands of D'D, D being the second difference of `count` samples."""
    bands = np.zeros((3, count))
    bands[2, :-2] += 1.0
    bands[2, 1:-1] += 4.0
    bands[2, 2:] += 1.0
    bands[1, 1:-1] -= 2.0
    bands[1, 2:] -= 2.0
    bands[0, 2:] = 1.0
    return bands


def _columns(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """A copy of values (T, ...) as (T, N), T being 0 or more."""
    return np.array(values, dtype=float).reshape(len(values), int(np.prod(np.shape(values)[1:])))


def _column_runs(
    finite: NDArray[np.bool_],
) -> list[tuple[NDArray[np.intp], tuple[int, int]]]:
    """Group columns with the same gaps: (columns, run) for each run of finite samples."""
    alike: dict[bytes, list[int]] = {}
    for column, pattern in enumerate(np.packbits(finite, axis=0).T):
        alike.setdefault(pattern.tobytes(), []).append(column)
    return [
        (np.array(columns, dtype=np.intp), run)
        for columns in alike.values()
        for run in runs_of(finite[:, columns[0]])
    ]


def fill_short_gaps(
    values: NDArray[np.floating], max_gap: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Fill gaps of at most `max_gap` samples between two known samples by a straight line.

    Gaps at the beginning or the end have one side only and stay NaN.

    Args:
        values: (T, ...).
        max_gap: longest gap to fill, samples; 0 fills none.

    Returns:
        The filled values (T, ...) and a mask (T, ...) of the samples that were filled.
    """
    flat = _columns(values)
    filled = np.zeros(flat.shape, dtype=bool)
    for columns, (start, stop) in _column_runs(~np.isfinite(flat)):
        if start == 0 or stop == len(flat) or stop - start > max_gap:
            continue
        share = (np.arange(start, stop) - (start - 1)) / (stop - start + 1)
        before, after = flat[start - 1, columns], flat[stop, columns]
        flat[start:stop, columns] = before + share[:, None] * (after - before)
        filled[start:stop, columns] = True
    return flat.reshape(np.shape(values)), filled.reshape(np.shape(values))


def since_start(time_s: NDArray[np.floating]) -> NDArray[np.float32]:
    """(T,) seconds since the first frame, which single precision keeps apart at any hour.

    Args:
        time_s: (T,) seconds from any moment, of 1970 if need be.
    """
    return np.asarray(time_s - time_s[:1], dtype=np.float32)


def nearest(sorted_values: NDArray[np.floating], wanted: NDArray[np.floating]) -> NDArray[np.intp]:
    """Index of the nearest value for each wanted one; of two equally near the earlier.

    Args:
        sorted_values: (N,) increasing, at least one.
        wanted: (M,).

    Returns:
        (M,) indices into `sorted_values`.
    """
    after = np.clip(np.searchsorted(sorted_values, wanted), 1, max(len(sorted_values) - 1, 1))
    if len(sorted_values) == 1:
        return np.zeros(len(wanted), dtype=np.intp)
    earlier = wanted - sorted_values[after - 1] <= sorted_values[after] - wanted
    return np.where(earlier, after - 1, after).astype(np.intp)


def rows_at(
    values: NDArray[np.floating],
    time_s: NDArray[np.floating],
    wanted_s: NDArray[np.floating],
) -> NDArray[np.float64]:
    """The samples of a series at other times: each the nearest, none of them interpolated.

    Args:
        values: (T, ...).
        time_s: (T,) strictly increasing, seconds.
        wanted_s: (U,) seconds.

    Returns:
        (U, ...); NaN where no sample lies within half a step of the series.
    """
    taken = np.full((len(wanted_s), *np.shape(values)[1:]), np.nan)
    if len(time_s) < 2:
        found = np.isin(wanted_s, time_s)
        taken[found] = values
        return taken
    rows = nearest(time_s, wanted_s)
    there = np.abs(time_s[rows] - wanted_s) <= 0.5 / rate_of(time_s)
    taken[there] = np.asarray(values, dtype=float)[rows[there]]
    return taken


def resample(
    values: NDArray[np.floating],
    time_s: NDArray[np.floating],
    new_time_s: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Linear interpolation at new times; a new sample is NaN where a neighbour is missing.

    Args:
        values: (T, ...).
        time_s: (T,) strictly increasing, seconds.
        new_time_s: (U,) seconds, within the range of `time_s`.

    Returns:
        (U, ...).
    """
    right = np.clip(np.searchsorted(time_s, new_time_s, side="left"), 1, max(len(time_s) - 1, 1))
    if len(time_s) == 1:
        return np.repeat(np.asarray(values, dtype=float), len(new_time_s), axis=0)
    left = right - 1
    share = (new_time_s - time_s[left]) / (time_s[right] - time_s[left])
    share = np.clip(share, 0.0, 1.0).reshape(-1, *([1] * (np.ndim(values) - 1)))
    v_left, v_right = np.asarray(values, float)[left], np.asarray(values, float)[right]
    # 0 * NaN is NaN: an exact hit on one side must not look at the other.
    return np.where(
        share <= 1e-9,
        v_left,
        np.where(share >= 1 - 1e-9, v_right, (1 - share) * v_left + share * v_right),
    )


def resample_deg(
    angles: NDArray[np.floating],
    time_s: NDArray[np.floating],
    new_time_s: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Angles at new times, interpolated along the shorter way round the circle.

    Args:
        angles: (T, ...) degrees; a step of more than half a turn is a jump, not a motion.
        time_s: (T,) strictly increasing, seconds.
        new_time_s: (U,) seconds, within the range of `time_s`.

    Returns:
        (U, ...) degrees, within half a turn of the nearest frame; NaN beside a missing one.
    """
    sine, cosine = (resample(f(np.radians(angles)), time_s, new_time_s) for f in (np.sin, np.cos))
    near = np.asarray(angles, dtype=float)[nearest(time_s, new_time_s)]
    between = np.degrees(np.arctan2(sine, cosine))
    return np.asarray(between + 360.0 * np.round((near - between) / 360.0))


def stride_of(rate_hz: float, step_s: float) -> int:
    """Whole frames in a time step, 1 or more; 1 where the rate is unknown (a single frame).

    The last digits of a rate do not matter, which differ with the length of a clip: at 25 frames a
    second a step of 0.1 s, 2.5 frames, is always 2.
    """
    return max(1, round(round(step_s * rate_hz, 2))) if np.isfinite(rate_hz) else 1
