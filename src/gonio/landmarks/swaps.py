"""Left/right swaps: MediaPipe takes a body for one that faces the other way, for whole stretches.

Nothing in a single frame shows it: the swapped body is whole and its visibility is high. Time
shows it. The vectors from the left landmarks to the right ones reverse from one frame to the next,
in all joints of the arms or legs at once and by more than they move otherwise. So the labelling of
arms and legs is chosen over the whole clip at once (dynamic programming) such that these vectors
reverse as seldom as possible. Legs that cross while walking are no swap: they cross at their usual
speed, and only what goes beyond it counts. Of two labellings that are equally continuous, the one
that agrees with most frames is taken.

MediaPipe smooths over time, so a swap is not sharp: for some frames left and right lie in between.
Such blended frames are marked as missing and left to gap filling.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from gonio.signals import fill_short_gaps, nearest
from gonio.skeleton import ARM_LANDMARKS, LEG_LANDMARKS, MEDIAPIPE, MEDIAPIPE_MIRROR
from gonio.types import BoolArray, FloatArray, LandmarkSequence, known

SWITCH_COST = (0.0, 0.06, 0.06)
"""What a change of labelling of no, one or both limb groups costs, body heights of jump."""
SPLIT_COST = 0.005
"""What a frame costs in which arms and legs are labelled differently, body heights."""
SWAPPED_COST = 1e-5
"""What a swapped frame costs: decides only between labellings that are equally continuous."""
USUAL_MOTION = (90.0, 1.5)
"""Percentile of the steps between frames, and its multiple, up to which a step is usual."""
COLLAPSE_S = 0.1
"""Frames are compared with those up to this much earlier and later."""
COLLAPSED_BELOW = 0.5
"""A frame is passed over if its left-to-right vectors are shorter than this share of theirs."""
NEAR_SWITCH_S = 0.12
"""Blended frames are looked for within this time of a change of labelling."""
BLENDED_BELOW = 0.8
"""A frame is blended if its left-to-right vectors have less than this share of their length."""
MAX_GAP_S = 0.25
"""Over longer gaps nothing can be said: the labelling starts afresh."""

_GROUPS = {"legs": LEG_LANDMARKS, "arms": ARM_LANDMARKS}
_LEFT = {g: [MEDIAPIPE[f"left_{part}"] for part in parts] for g, parts in _GROUPS.items()}
_RIGHT = {g: [MEDIAPIPE[f"right_{part}"] for part in parts] for g, parts in _GROUPS.items()}
_FACE = list(range(MEDIAPIPE["mouth_right"] + 1))
_ALL = np.arange(len(MEDIAPIPE_MIRROR))
_STATES = np.array(list(product((0, 1), repeat=2)))  # (4, 2): legs, arms swapped


@dataclass(frozen=True)
class Swaps:
    """Where left and right are swapped, or blended while MediaPipe changes its mind.

    Attributes:
        legs: (T,) legs swapped.
        arms: (T,) arms swapped.
        legs_blended: (T,) legs between left and right.
        arms_blended: (T,) arms between left and right.
    """

    legs: BoolArray
    arms: BoolArray
    legs_blended: BoolArray
    arms_blended: BoolArray

    @property
    def frames(self) -> int:
        """Number of frames in which anything is swapped or blended."""
        return int((self.legs | self.arms | self.legs_blended | self.arms_blended).sum())


def find_swaps(sequence: LandmarkSequence) -> Swaps:
    """Frames in which left and right are swapped or blended.

    Args:
        sequence: as detected, at its own rate.

    Returns:
        Four masks over the frames.
    """
    swapped = np.zeros((2, len(sequence)), dtype=bool)
    blended = np.zeros((2, len(sequence)), dtype=bool)
    seen = np.flatnonzero(sequence.detected & known(sequence.image).any(axis=1))
    breaks = np.flatnonzero(np.diff(sequence.time_s[seen]) > MAX_GAP_S) + 1
    for part in np.split(seen, breaks):
        if len(part) < 3:
            continue
        across = _left_to_right(sequence, part)
        time_s = sequence.time_s[part]
        firm = ~np.logical_or(*(_collapsed(vectors, time_s) for vectors in across))
        if firm.sum() < 3:
            continue
        labels = _cheapest_path(
            np.stack([_jumps(vectors[firm], time_s[firm]) for vectors in across])
        )
        for group, vectors in enumerate(across):
            label = _spread(labels[group], firm)
            swapped[group, part] = label
            blended[group, part] = _blended(vectors, label, time_s)
    return Swaps(swapped[0], swapped[1], blended[0], blended[1])


def undo_swaps(sequence: LandmarkSequence, swaps: Swaps) -> LandmarkSequence:
    """Exchange left and right where they are swapped, and blank blended limbs.

    The face goes with the arms. Depth is exchanged with the sides but not mirrored: mirroring it
    makes the trunk lean the wrong way (measured: 28 cm instead of 20 cm error in such frames).

    Args:
        sequence: as detected.
        swaps: what `find_swaps` found in it.

    Returns:
        The sequence with sides put right; blended limbs are NaN.
    """
    legs = np.isin(_ALL, _LEFT["legs"] + _RIGHT["legs"])
    upper = np.isin(_ALL, _LEFT["arms"] + _RIGHT["arms"] + _FACE)
    exchanged = np.outer(swaps.legs, legs) | np.outer(swaps.arms, upper)
    gone = np.outer(swaps.legs_blended, legs) | np.outer(swaps.arms_blended, upper)
    source = np.where(exchanged, np.array(MEDIAPIPE_MIRROR), _ALL)
    rows = np.arange(len(sequence))[:, None]
    return LandmarkSequence(
        sequence.time_s,
        np.where(gone[..., None], np.nan, sequence.world[rows, source]),
        np.where(gone[..., None], np.nan, sequence.image[rows, source]),
        np.where(gone, np.nan, sequence.visibility[rows, source]),
        sequence.image_size,
    )


def _left_to_right(sequence: LandmarkSequence, frames: NDArray[np.intp]) -> tuple[FloatArray, ...]:
    """For legs and arms, vectors from left to right, (T, pairs, 2), in body heights of the clip.

    NaN where a landmark of the pair is missing, and everywhere if the body has no size.
    """
    points = sequence.image[frames] * np.asarray(sequence.image_size, dtype=float)
    extent = np.fmax.reduce(points, axis=1) - np.fmin.reduce(points, axis=1)  # of what is there
    height = float(np.median(np.linalg.norm(extent, axis=1))) or np.nan
    return tuple((points[:, _RIGHT[g]] - points[:, _LEFT[g]]) / height for g in _GROUPS)


def _collapsed(across: FloatArray, time_s: FloatArray) -> BoolArray:
    """(T,) frames whose left-to-right vectors are far shorter than those before and after.

    Whether the sides are exchanged cannot be told from such a frame: it is passed over. A vector
    that is missing has no length.
    """
    length = np.sqrt((np.nan_to_num(across) ** 2).sum(axis=(1, 2)))
    reach = max(1, round(COLLAPSE_S / float(np.median(np.diff(time_s)))))
    window = 2 * reach + 1
    before = maximum_filter1d(length, window, origin=reach, mode="nearest")
    after = maximum_filter1d(length, window, origin=-reach, mode="nearest")
    return np.asarray(length < COLLAPSED_BELOW * np.minimum(before, after), dtype=bool)


def _spread(labels: BoolArray, firm: BoolArray) -> BoolArray:
    """Labels of all frames: those passed over take the label of the nearest firm frame."""
    places = np.flatnonzero(firm).astype(float)
    return np.asarray(labels[nearest(places, np.arange(len(firm), dtype=float))], dtype=bool)


def _jumps(across: FloatArray, time_s: FloatArray) -> FloatArray:
    """(T - 1, 2) what it costs to keep the labels from one frame to the next, and to change them.

    For each joint the jump of its left-to-right vector, beyond its usual motion, if the labels
    stay, less the one if they change. Most joints of a limb must agree: the median over the
    limb's three joints counts, so that fast feet alone make no swap. A joint that is missing in
    one of the two frames says nothing: 0.
    """
    stay = np.linalg.norm(across[1:] - across[:-1], axis=2)
    change = np.linalg.norm(across[1:] + across[:-1], axis=2)
    gaps = np.diff(time_s)[:, None]
    percentile, multiple = USUAL_MOTION
    usual = multiple * _percentiles(np.minimum(stay, change) / gaps, percentile) * gaps
    for_change = np.nan_to_num(np.maximum(stay - usual, 0) - np.maximum(change - usual, 0))
    end = for_change[:, 2:].mean(axis=1, keepdims=True)  # wrist and hand, ankle and foot
    agreed = np.median(np.concatenate([for_change[:, :2], end], axis=1), axis=1)
    return np.stack([np.maximum(agreed, 0), np.maximum(-agreed, 0)], axis=1)


def _percentiles(values: FloatArray, percentile: float) -> FloatArray:
    """(N,) a percentile of each column of (T, N), of what is known of it; NaN where nothing is."""
    there = np.isfinite(values)
    if there.all():
        return np.asarray(np.percentile(values, percentile, axis=0))
    columns = [column[own] for column, own in zip(values.T, there.T, strict=True)]
    return np.array([np.percentile(c, percentile) if len(c) else np.nan for c in columns])


def _cheapest_path(jumps: FloatArray) -> BoolArray:
    """The labelling of least cost (Viterbi).

    Args:
        jumps: (2 groups, T - 1, 2) from `_jumps`.

    Returns:
        (2, T) true where a group is swapped.
    """
    unary = SWAPPED_COST * _STATES.sum(axis=1) + SPLIT_COST * (_STATES[:, 0] != _STATES[:, 1])
    changed = np.abs(_STATES[:, None] - _STATES[None])  # (4 before, 4 now, 2 groups)
    step = (
        jumps[0][:, changed[..., 0]]
        + jumps[1][:, changed[..., 1]]
        + np.array(SWITCH_COST)[changed.sum(axis=2)]
        + unary
    )
    total = unary
    came_from = np.empty((len(step), len(_STATES)), dtype=np.int8)
    for t, cost in enumerate(step):
        options = total[:, None] + cost
        came_from[t] = options.argmin(axis=0)
        total = options.min(axis=0)
    path = [int(total.argmin())]
    for choice in came_from[::-1]:
        path.append(int(choice[path[-1]]))
    return np.asarray(_STATES[path[::-1]].T.astype(bool))


def _blended(across: FloatArray, swapped: BoolArray, time_s: FloatArray) -> BoolArray:
    """(T,) frames near a change of labelling whose left and right lie between the two sides."""
    switches = time_s[1:][np.diff(swapped)]
    if len(switches) == 0:
        return np.zeros(len(time_s), dtype=bool)
    near = np.abs(time_s - switches[nearest(switches, time_s)]) <= NEAR_SWITCH_S
    signed = np.where(swapped[:, None, None], -across, across)
    trusted = np.where(near[:, None, None], np.nan, signed)
    expected, _ = fill_short_gaps(trusted, len(time_s))
    there = np.isfinite(signed * expected)
    found, whole = (
        np.where(there, other * expected, 0.0).sum(axis=(1, 2)) for other in (signed, expected)
    )
    return np.asarray(near & (found < BLENDED_BELOW * whole))
