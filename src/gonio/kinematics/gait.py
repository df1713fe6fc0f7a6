"""Foot strikes and foot offs of a clip in which somebody walks or runs.

Zeni, Richards and Higginson, Gait & Posture 27, 2008, 710-714: the foot strikes when its heel is
farthest in front of the pelvis and leaves the ground when its toe is farthest behind. The
direction is the pelvis' own forward direction in the horizontal plane, frame by frame, so that
treadmill, overground and walking in a curve are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.signal import find_peaks

from gonio.frames import normalised
from gonio.kinematics.angles import filtered
from gonio.kinematics.landmarks import SIDES, has_samples, recognised_paths
from gonio.kinematics.segments import segment_frames
from gonio.signals import fill_short_gaps
from gonio.skeleton import Side
from gonio.types import FloatArray, MarkerTrajectories

CUTOFF_HZ = 6.0
LONGEST_GAP_S = 0.2
SMALLEST_EXCURSION_M = 0.2
"""A heel travels at least so far along the pelvis' direction in each stride."""
SHORTEST_STRIDE_S, LONGEST_STRIDE_S = 0.4, 2.5
LEAST_OPPOSITION = -0.5
"""Correlation of the two heels' paths along the direction: walking legs swing in opposition."""


@dataclass(frozen=True)
class GaitEvents:
    """Events of both feet.

    Attributes:
        foot_strike_s: times of foot strikes, seconds, by side.
        foot_off_s: times of foot offs, seconds, by side.
        stride_length_m: median distance on the ground between two strikes of one heel; near 0 on a
            treadmill.
    """

    foot_strike_s: Mapping[Side, FloatArray]
    foot_off_s: Mapping[Side, FloatArray]
    stride_length_m: float

    @property
    def stride_time_s(self) -> float:
        """Median time between two strikes of one foot, seconds."""
        return float(np.median(np.concatenate([np.diff(self.foot_strike_s[s]) for s in SIDES])))

    @property
    def cadence_per_min(self) -> float:
        """Steps a minute."""
        return 120.0 / self.stride_time_s

    def strides(self, side: Side) -> list[tuple[float, float]]:
        """Successive strides of one foot as (start, stop), seconds."""
        times = [float(time) for time in self.foot_strike_s[side]]
        return list(pairwise(times))


@dataclass(frozen=True)
class NotGait:
    """The clip shows no gait.

    Attributes:
        reason: why, in plain words.
    """

    reason: str


def gait_events(markers: MarkerTrajectories) -> GaitEvents | NotGait:
    """Foot strikes and foot offs, or why the clip is not gait.

    Args:
        markers: (T, M, 3) metres, lab; needs ASIS, PSIS, heels and toes.

    Returns:
        `NotGait` where there are 12 frames a second or fewer, markers are missing, the feet do not
        swing in opposition, or there are fewer than two strides of each foot.

    Raises:
        InputError: no known marker.
    """
    if markers.rate_hz <= 2 * CUTOFF_HZ:
        return NotGait(
            f"there are {markers.rate_hz:.4g} frames a second; gait needs more than "
            f"{2 * CUTOFF_HZ:g}"
        )
    heel, toe, ground, reason = _forward_paths(markers)
    if reason:
        return NotGait(reason)
    reason = _why_not_gait(heel)
    if reason:
        return NotGait(reason)
    apart = max(1, round(SHORTEST_STRIDE_S * markers.rate_hz))
    strikes = {side: _peaks(heel[side], apart) for side in SIDES}
    offs = {side: _peaks(-toe[side], apart) for side in SIDES}
    reason = _why_no_strides(strikes, markers.rate_hz)
    if reason:
        return NotGait(reason)
    lengths = [
        np.linalg.norm(np.diff(ground[side][strikes[side]], axis=0), axis=1) for side in SIDES
    ]
    return GaitEvents(
        {side: markers.time_s[strikes[side]] for side in SIDES},
        {side: markers.time_s[offs[side]] for side in SIDES},
        float(np.median(np.concatenate(lengths))),
    )


def _forward_paths(
    markers: MarkerTrajectories,
) -> tuple[dict[Side, FloatArray], dict[Side, FloatArray], dict[Side, FloatArray], str]:
    """Heel and toe in front of the pelvis (T,) and heel on the ground (T, 2), metres; a reason."""
    smooth = filtered(markers, CUTOFF_HZ)
    paths = recognised_paths(smooth)
    needed = [f"{p}_{name}_study" for p in ("r", "L") for name in ("calc", "toe")]
    needed += [f"{p}.{name}_study" for p in ("r", "L") for name in ("ASIS", "PSIS")]
    absent = [name.removesuffix("_study") for name in needed if not has_samples(paths, name)]
    if absent:
        return {}, {}, {}, f"the markers {', '.join(absent)} are missing"
    frame = segment_frames(smooth)["pelvis"]
    forward = normalised(frame.rotation[:, :, 0] * [1.0, 0.0, 1.0])
    longest = round(LONGEST_GAP_S * markers.rate_hz)
    heel: dict[Side, FloatArray] = {}
    toe: dict[Side, FloatArray] = {}
    ground: dict[Side, FloatArray] = {}
    for side, prefix in zip(SIDES, ("r", "L"), strict=True):
        for target, name in ((heel, "calc"), (toe, "toe")):
            ahead = ((paths[f"{prefix}_{name}_study"] - frame.origin) * forward).sum(axis=1)
            target[side] = fill_short_gaps(ahead, longest)[0]
        ground[side] = fill_short_gaps(paths[f"{prefix}_calc_study"][:, [0, 2]], longest)[0]
    gaps = max(float(np.isnan(path).mean()) for path in (*heel.values(), *toe.values()))
    reason = f"pelvis or feet are missing in {gaps:.0%} of the frames" if gaps > 0.2 else ""
    return heel, toe, ground, reason


def _why_not_gait(heel: Mapping[Side, FloatArray]) -> str:
    for side in SIDES:
        low, high = np.nanpercentile(heel[side], [5, 95])
        if high - low < SMALLEST_EXCURSION_M:
            return (
                f"the {side} heel moves {100 * (high - low):.0f} cm along the body's direction; "
                f"gait needs {100 * SMALLEST_EXCURSION_M:.0f} cm"
            )
    both = np.isfinite(heel["R"]) & np.isfinite(heel["L"])
    opposition = float(np.corrcoef(heel["R"][both], heel["L"][both])[0, 1])
    if not opposition <= LEAST_OPPOSITION:
        return (
            f"the feet do not swing in opposition (correlation {opposition:.2f}; gait needs "
            f"{LEAST_OPPOSITION} or less)"
        )
    return ""


def _peaks(path: FloatArray, apart: int) -> FloatArray:
    """Frames of the maxima that stand out by half of the path's span."""
    low, high = np.nanpercentile(path, [5, 95])
    filled = np.where(np.isfinite(path), path, low)
    found, _ = find_peaks(filled, prominence=0.5 * (high - low), distance=apart)
    return np.asarray(found)


def _why_no_strides(strikes: Mapping[Side, FloatArray], rate_hz: float) -> str:
    counts = {side: len(strikes[side]) for side in SIDES}
    if min(counts.values()) < 2:
        return (
            f"there are {counts['R']} strikes of the right and {counts['L']} of the left foot; "
            "gait needs two of each"
        )
    order = sorted((int(frame), side) for side in SIDES for frame in strikes[side])
    turns = np.mean([a[1] != b[1] for a, b in pairwise(order)])
    if turns < 0.8:
        return f"right and left foot take turns in {turns:.0%} of the steps; gait needs 80 %"
    for side in SIDES:
        stride = float(np.median(np.diff(strikes[side]))) / rate_hz
        if not SHORTEST_STRIDE_S <= stride <= LONGEST_STRIDE_S:
            return (
                f"a stride of the {side} foot takes {stride:.2f} s; gait needs "
                f"{SHORTEST_STRIDE_S} to {LONGEST_STRIDE_S} s"
            )
    return ""
