"""Foot strikes and foot offs of a clip in which somebody walks or runs.

Zeni, Richards and Higginson, Gait & Posture 27, 2008, 710-714: the foot strikes when its heel is
farthest in front of the pelvis and leaves the ground when its toe is farthest behind. The
direction is the pelvis' own forward direction in the horizontal plane, frame by frame, so that
treadmill, overground and walking in a curve are alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.signal import find_peaks

from gonio.frames import normalised
from gonio.kinematics.angles import filtered
from gonio.kinematics.gait_phases import Frames, GaitPhases, phases_of
from gonio.kinematics.landmarks import SIDES, has_samples, recognised_paths
from gonio.kinematics.segments import collected_warnings, segment_frames
from gonio.signals import fill_short_gaps, runs_of
from gonio.skeleton import Side
from gonio.types import BoolArray, FloatArray, MarkerTrajectories

CUTOFF_HZ = 6.0
LONGEST_GAP_S = 0.2
KNOWN_AROUND_S = 0.1
"""A path is known for so long before and after each of its maxima, or the true one may be out of
sight."""
SMALLEST_EXCURSION_M = 0.2
"""A heel travels at least so far along the pelvis' direction in each stride."""
SHORTEST_STRIDE_S, LONGEST_STRIDE_S = 0.4, 2.5
LEAST_OPPOSITION = -0.5
"""Correlation of the two heels' paths along the direction: walking legs swing in opposition."""
LEAST_TURNS = 0.8
"""Share of the steps in which right and left foot take turns."""
DEEPEST_ARC = 0.3
"""Where a foot goes back, its lower one of heel and toe is no deeper below the line from strike to
off than this share of the way. On the ground it stays on that line, and the pelvis rises and falls
by little: up to 0.15 in made walks, limps and slopes, 0.26 in runs. A pedal takes it round half a
circle: 0.36 to 0.74 at 60 to 100 turns a minute, whatever the ankle does."""
MUCH_DEPTH = 0.5
"""From this share of the stride's length on, 60 degrees to the camera's axis, depth is large."""
OF_THE_LENS = (
    "The walk goes in good part towards the camera or away from it. There the stride length, and "
    "any speed that is made of it, is only as right as camera.field_of_view_deg, which is 60 "
    "where nothing is said: with a lens of 45 degrees a stride along the camera's axis comes out "
    "at 0.7 of its length. See that it is that of your camera, or film the walk from the side. "
    "Times, shares of the stride, step lengths and joint angles hardly depend on it."
)
"""What a reader of a stride length should know where much of it is depth."""


@dataclass(frozen=True)
class GaitEvents:
    """Events of both feet.

    Attributes:
        foot_strike_s: times of foot strikes, seconds, by side.
        foot_off_s: times of foot offs, seconds, by side.
        stride_s: (N, 2) start and end of each complete stride, seconds, by side: two successive
            strikes of the foot between which the path of its heel is known throughout.
        stride_length_m: median distance on the ground between the two strikes of a complete
            stride; near 0 on a treadmill.
        depth_share: how much of the strides' length is along the lab's X, which in a video is the
            direction to the camera, 0 to 1; NaN on a treadmill.
        phases: stance, double support and step lengths.
    """

    foot_strike_s: Mapping[Side, FloatArray]
    foot_off_s: Mapping[Side, FloatArray]
    stride_s: Mapping[Side, FloatArray]
    stride_length_m: float
    depth_share: float = float("nan")
    phases: GaitPhases = field(default_factory=GaitPhases)

    @property
    def stride_time_s(self) -> float:
        """Median time of the complete strides of both feet, seconds."""
        return float(np.median(np.concatenate([np.diff(self.stride_s[s])[:, 0] for s in SIDES])))

    @property
    def cadence_per_min(self) -> float:
        """Steps a minute."""
        return 120.0 / self.stride_time_s

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences that a reader of the lengths should know first."""
        return (OF_THE_LENS,) if self.depth_share > MUCH_DEPTH else ()

    def strides(self, side: Side) -> list[tuple[float, float]]:
        """Complete strides of one foot as (start, stop), seconds."""
        return [(float(start), float(stop)) for start, stop in self.stride_s[side]]


@dataclass(frozen=True)
class NotGait:
    """The clip shows no gait.

    Attributes:
        reason: why, in plain words.
    """

    reason: str


@dataclass(frozen=True)
class _Path:
    """How far a marker is in front of the pelvis.

    Attributes:
        ahead: (T,) metres, short gaps bridged; NaN where unknown.
        bridged: (T,) true where a gap was bridged.
    """

    ahead: FloatArray
    bridged: BoolArray


def gait_events(markers: MarkerTrajectories) -> GaitEvents | NotGait:
    """Foot strikes and foot offs, or why the clip is not gait.

    Args:
        markers: (T, M, 3) metres, lab; needs ASIS, PSIS, heels and toes.

    Returns:
        `NotGait` where there are 12 frames a second or fewer, markers are missing, the feet do not
        swing in opposition, there are fewer than two strikes of each foot, no stride is known
        from one strike to the next, or the feet go round as on pedals.

    Raises:
        InputError: no known marker.
    """
    if markers.rate_hz <= 2 * CUTOFF_HZ:
        return NotGait(
            f"there are {markers.rate_hz:.4g} frames a second; gait needs more than "
            f"{2 * CUTOFF_HZ:g}"
        )
    feet = _forward_paths(markers)
    if isinstance(feet, NotGait):
        return feet
    heel, toe = ({side: own[side].ahead for side in SIDES} for own in (feet.heels, feet.toes))
    reason = _why_not_gait(heel)
    if reason:
        return NotGait(reason)
    rate_hz = markers.rate_hz
    found = {side: _peaks(heel[side], feet.heels[side].bridged, rate_hz) for side in SIDES}
    strides = {side: _complete(*found[side], heel[side]) for side in SIDES}
    strikes = {side: frames[sure] for side, (frames, sure) in found.items()}
    offs = {}
    for side in SIDES:
        frames, sure = _peaks(-toe[side], feet.toes[side].bridged, rate_hz)
        offs[side] = frames[sure]
    reason = _why_no_strides(strikes, strides, heel, rate_hz) or _why_pedals(
        strides, offs, heel, feet.low
    )
    if reason:
        return NotGait(reason)
    strike_at = [feet.ground[side][strides[side]] for side in SIDES]  # (S, 2, 2) metres
    lengths = np.concatenate([np.diff(at, axis=1) for at in strike_at])[:, 0]
    stride_length_m = float(np.median(np.linalg.norm(lengths, axis=1)))
    return GaitEvents(
        {side: markers.time_s[strikes[side]] for side in SIDES},
        {side: markers.time_s[offs[side]] for side in SIDES},
        {side: markers.time_s[strides[side]] for side in SIDES},
        stride_length_m,
        _depth_share(lengths),
        phases_of(strides, strikes, offs, heel, toe, rate_hz),
    )


def _depth_share(lengths: FloatArray) -> float:
    """Part along X of strides (N, 2), metres on the ground; NaN where they lead nowhere."""
    whole = float(np.linalg.norm(lengths, axis=1).sum())
    if whole < SMALLEST_EXCURSION_M * len(lengths):
        return float("nan")
    return float(np.abs(lengths[:, 0]).sum()) / whole


@dataclass(frozen=True)
class _Feet:
    """Paths of both feet, metres.

    Attributes:
        heels: ahead of the pelvis.
        toes: the same.
        ground: (T, 2) of the heels on the ground.
        low: (T,) height of the lower of heel and toe over the pelvis, below 0.
    """

    heels: dict[Side, _Path]
    toes: dict[Side, _Path]
    ground: dict[Side, FloatArray]
    low: dict[Side, FloatArray]


def _forward_paths(markers: MarkerTrajectories) -> _Feet | NotGait:
    """Where the feet are, or why that is not known."""
    smooth = filtered(markers, CUTOFF_HZ)
    paths = recognised_paths(smooth)
    needed = [f"{p}_{name}_study" for p in ("r", "L") for name in ("calc", "toe")]
    needed += [f"{p}.{name}_study" for p in ("r", "L") for name in ("ASIS", "PSIS")]
    absent = [name.removesuffix("_study") for name in needed if not has_samples(paths, name)]
    if absent:
        return NotGait(f"the markers {', '.join(absent)} are missing")
    with collected_warnings():  # of segments that are not asked for
        frame = segment_frames(smooth)["pelvis"]
    forward = normalised(frame.rotation[:, :, 0] * [1.0, 0.0, 1.0])
    longest = round(LONGEST_GAP_S * markers.rate_hz)
    heel: dict[Side, _Path] = {}
    toe: dict[Side, _Path] = {}
    ground: dict[Side, FloatArray] = {}
    low: dict[Side, FloatArray] = {}
    for side, prefix in zip(SIDES, ("r", "L"), strict=True):
        for target, name in ((heel, "calc"), (toe, "toe")):
            ahead = ((paths[f"{prefix}_{name}_study"] - frame.origin) * forward).sum(axis=1)
            target[side] = _Path(*fill_short_gaps(ahead, longest))
        both = np.stack([paths[f"{prefix}_{name}_study"][:, 1] for name in ("calc", "toe")])
        low[side] = fill_short_gaps(both.min(axis=0) - frame.origin[:, 1], longest)[0]
        ground[side] = fill_short_gaps(paths[f"{prefix}_calc_study"][:, [0, 2]], longest)[0]
    gaps = max(float(np.isnan(p.ahead).mean()) for p in (*heel.values(), *toe.values()))
    if gaps > 0.2:
        return NotGait(f"pelvis or feet are missing in {gaps:.0%} of the frames")
    return _Feet(heel, toe, ground, low)


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


def half_a_frame(time_s: FloatArray) -> float:
    """Half of the time between two frames: so near are times of frames that a table has rounded."""
    return 0.5 * float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0


def _peaks(path: FloatArray, bridged: BoolArray, rate_hz: float) -> tuple[Frames, BoolArray]:
    """Frames of the maxima that stand out by half of the path's span; which of them are sure.

    Each known run is searched by itself: where a path stops it has no maximum. One beside a bridged
    gap may have been in the gap and is not sure.

    Args:
        path: (T,) metres.
        bridged: (T,) true where a short gap was bridged.
        rate_hz: frames a second.
    """
    low, high = np.nanpercentile(path, [5, 95])
    apart = max(1, round(SHORTEST_STRIDE_S * rate_hz))
    around = round(KNOWN_AROUND_S * rate_hz)
    found: list[Frames] = []
    for start, stop in runs_of(np.isfinite(path)):
        # Low ends: how far a maximum stands out must not depend on how soon the run ends after it
        run = np.pad(path[start:stop], 1, constant_values=low)
        tops = find_peaks(run, prominence=0.5 * (high - low), distance=apart)[0] - 1
        inside = (tops >= max(around, 1)) & (tops < stop - start - max(around, 1))
        found.append(start + tops[inside])
    frames = np.concatenate([np.zeros(0, dtype=np.intp), *found])
    # A maximum is never the first or last frame of a run, so it has both neighbours.
    return frames, ~(bridged[frames - 1] | bridged[frames] | bridged[frames + 1])


def _complete(frames: Frames, sure: BoolArray, path: FloatArray) -> Frames:
    """(N, 2) successive maxima, both sure, between which the path is known throughout."""
    known = [
        (frames[i], frames[i + 1])
        for i in range(len(frames) - 1)
        if sure[i] and sure[i + 1] and np.isfinite(path[frames[i] : frames[i + 1]]).all()
    ]
    return np.array(known, dtype=np.intp).reshape(-1, 2)


def _why_no_strides(
    strikes: Mapping[Side, Frames],
    strides: Mapping[Side, Frames],
    heel: Mapping[Side, FloatArray],
    rate_hz: float,
) -> str:
    counts = {side: len(strikes[side]) for side in SIDES}
    if min(counts.values()) < 2:
        return (
            f"there are {counts['R']} strikes of the right and {counts['L']} of the left foot; "
            "gait needs two of each"
        )
    if not sum(len(strides[side]) for side in SIDES):
        return "no heel is seen from one strike to the next"
    known = np.isfinite(heel["R"]) & np.isfinite(heel["L"])
    turns = _turns(strikes, known)
    if np.sum(turns) < LEAST_TURNS * len(turns):
        return (
            f"right and left foot take turns in {np.mean(turns):.0%} of the steps; "
            f"gait needs {LEAST_TURNS:.0%}"
        )
    for side in SIDES:
        if not len(strides[side]):
            continue
        stride = float(np.median(np.diff(strides[side]))) / rate_hz
        if not SHORTEST_STRIDE_S <= stride <= LONGEST_STRIDE_S:
            return (
                f"a stride of the {side} foot takes {stride:.2f} s; gait needs "
                f"{SHORTEST_STRIDE_S} to {LONGEST_STRIDE_S} s"
            )
    return ""


def _why_pedals(
    strides: Mapping[Side, Frames],
    offs: Mapping[Side, Frames],
    heel: Mapping[Side, FloatArray],
    low: Mapping[Side, FloatArray],
) -> str:
    """What shows that the feet go round as on pedals; empty where they stay on the ground.

    Args:
        strides: (2, S) frames of the strikes at which each stride begins and ends.
        offs: frames of the foot offs.
        heel: how far each heel is ahead of the pelvis, (T,) metres.
        low: height of the lower of heel and toe over the pelvis, (T,) metres.
    """
    arcs = []
    for side in SIDES:
        for start, stop in strides[side]:
            between = offs[side][(offs[side] > start) & (offs[side] < stop)]
            if len(between) != 1:
                continue
            off = int(between[0])
            height = low[side][start : off + 1]
            depth = np.max(np.linspace(height[0], height[-1], len(height)) - height)
            arcs.append(depth / (heel[side][start] - heel[side][off]))
    known = np.array(arcs)[np.isfinite(arcs)]
    if not len(known) or np.median(known) <= DEEPEST_ARC:
        return ""
    return (
        f"the feet go round as on pedals: on their way back they sink by {np.median(known):.0%} of "
        f"it; gait needs {DEEPEST_ARC:.0%} or less"
    )


def _turns(strikes: Mapping[Side, Frames], known: BoolArray) -> Sequence[bool]:
    """Whether each strike follows one of the other foot, where both heels are known between."""
    order = sorted((int(frame), side) for side in SIDES for frame in strikes[side])
    return [a[1] != b[1] for a, b in pairwise(order) if known[a[0] : b[0]].all()]
