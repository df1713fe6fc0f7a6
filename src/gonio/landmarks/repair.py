"""Repair of detected landmarks: sides put right, one frame rate, short gaps filled, low-pass.

Each step can be switched off, and each is counted. Training and inference call the same function.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gonio.frames import bone_length_cv
from gonio.landmarks.swaps import find_swaps, undo_swaps
from gonio.options import RepairOptions
from gonio.signals import (
    SHORTEST_RUN,
    evenly_spaced,
    fill_short_gaps,
    low_pass,
    nearest,
    rate_tolerance_s,
    resample,
    runs_of,
)
from gonio.skeleton import COCO_FROM_MEDIAPIPE, LEG_LANDMARKS, MEDIAPIPE
from gonio.types import BoolArray, FloatArray, LandmarkSequence, known

SWAPPED, BLENDED, FILLED = 1, 2, 4
"""Bits of the flags: sides exchanged; blanked because left and right were blended; filled."""
HOLE_STEPS = 1.5
"""Between frames that are farther apart, in steps of the frame rate, frames are left out."""


@dataclass(frozen=True)
class RepairedLandmarks:
    """Landmarks after repair, and what was done to them.

    Attributes:
        sequence: the repaired landmarks, at a constant rate.
        flags: (T, 33) bits SWAPPED, BLENDED, FILLED of each sample.
        record: counts for the quality record.
    """

    sequence: LandmarkSequence
    flags: NDArray[np.uint8]
    record: dict[str, float | int | bool]

    def at(self, rows: NDArray[np.integer]) -> RepairedLandmarks:
        """The frames of these numbers, which must increase; the counts are those of all frames."""
        return replace(self, sequence=self.sequence.at(rows), flags=self.flags[rows])


def repair_landmarks(
    detected: LandmarkSequence, options: RepairOptions | None = None
) -> RepairedLandmarks:
    """Put detected landmarks right.

    Left/right swaps are undone (`gonio.landmarks.swaps`); a variable frame rate is resampled to
    a constant one, with gaps where the recording paused; gaps up to `max_gap_s` are filled by
    straight lines, longer ones stay NaN; a zero-phase low-pass is applied to the world and image
    paths.

    Args:
        detected: (T, 33, ...) as MediaPipe gave it.
        options: which steps to take.

    Returns:
        The repaired landmarks with flags and counts.

    Raises:
        InputError: the cut-off does not suit the frame rate.
    """
    options = options or RepairOptions()
    flags = np.zeros(detected.visibility.shape, dtype=np.uint8)
    sequence = detected
    if options.swaps:
        sequence, flags = _sides_put_right(detected)
    sequence, flags, resampled = _constant_rate(sequence, flags)
    if options.fill_gaps:
        sequence, filled = _gaps_filled(sequence, options.max_gap_s)
        flags = flags | np.where(filled, FILLED, 0).astype(np.uint8)
    filtered_frames = 0
    if options.filter and len(sequence) > 1:
        filtered_frames = _frames_that_low_pass_changes(sequence)
        sequence = _filtered(sequence, options.cutoff_hz)
    record = _record(detected, sequence, flags)
    record |= {
        "resampled_to_constant_rate": resampled,
        "filtered": filtered_frames > 0,
        "filtered_frames": filtered_frames,
    }
    return RepairedLandmarks(sequence, flags, record)


def _sides_put_right(
    detected: LandmarkSequence,
) -> tuple[LandmarkSequence, NDArray[np.uint8]]:
    swaps = find_swaps(detected)
    sequence = undo_swaps(detected, swaps)
    below_hips = np.array([name.split("_", 1)[-1] in LEG_LANDMARKS for name in MEDIAPIPE])
    exchanged = np.where(below_hips, swaps.legs[:, None], swaps.arms[:, None])
    blended = np.isnan(sequence.visibility) & np.isfinite(detected.visibility)
    flags = np.where(exchanged & ~blended, SWAPPED, 0) | np.where(blended, BLENDED, 0)
    return sequence, flags.astype(np.uint8)


def _constant_rate(
    sequence: LandmarkSequence, flags: NDArray[np.uint8]
) -> tuple[LandmarkSequence, NDArray[np.uint8], bool]:
    """The sequence at its rate, start + k / rate; untouched where its times are these already.

    Where frames are left out nothing was seen: samples there are NaN and have no flags.
    """
    if evenly_spaced(sequence.time_s):
        return sequence, flags, False
    start, end = sequence.time_s[[0, -1]]
    time_s = start + np.arange(int((end - start) * sequence.rate_hz + 1e-6) + 1) / sequence.rate_hz
    unseen = _in_holes(sequence, time_s)

    def at(values: FloatArray) -> FloatArray:
        resampled = resample(values, sequence.time_s, time_s)
        resampled[unseen] = np.nan
        return resampled

    steady = LandmarkSequence(
        time_s,
        at(sequence.world),
        at(sequence.image),
        at(sequence.visibility),
        sequence.image_size,
    )
    steady_flags = flags[nearest(sequence.time_s, time_s)]
    steady_flags[unseen] = 0
    return steady, steady_flags, True


def _in_holes(sequence: LandmarkSequence, time_s: FloatArray) -> BoolArray:
    """(U,) which times lie between two frames that are too far apart, and at neither of them."""
    after = np.searchsorted(sequence.time_s, time_s).clip(1, len(sequence) - 1)
    far_apart = np.diff(sequence.time_s)[after - 1] * sequence.rate_hz > HOLE_STEPS
    off = np.abs(time_s - sequence.time_s[nearest(sequence.time_s, time_s)])
    return np.asarray(far_apart & (off > rate_tolerance_s(sequence.rate_hz)), dtype=bool)


def _gaps_filled(
    sequence: LandmarkSequence, max_gap_s: float
) -> tuple[LandmarkSequence, BoolArray]:
    samples = int(max_gap_s * sequence.rate_hz + 1e-6) if len(sequence) > 1 else 0
    world, filled = fill_short_gaps(sequence.world, samples)
    image, _ = fill_short_gaps(sequence.image, samples)
    visibility, _ = fill_short_gaps(sequence.visibility, samples)
    complete = LandmarkSequence(sequence.time_s, world, image, visibility, sequence.image_size)
    return complete, np.asarray(filled.any(axis=2), dtype=bool)


def _filtered(sequence: LandmarkSequence, cutoff_hz: float) -> LandmarkSequence:
    return LandmarkSequence(
        sequence.time_s,
        low_pass(sequence.world, sequence.rate_hz, cutoff_hz),
        low_pass(sequence.image, sequence.rate_hz, cutoff_hz),
        sequence.visibility,
        sequence.image_size,
    )


def _frames_that_low_pass_changes(sequence: LandmarkSequence) -> int:
    """How many frames lie in a run of some landmark that is long enough for the low-pass."""
    changed = np.zeros(len(sequence), dtype=bool)
    for seen in known(sequence.world).T:
        for start, stop in runs_of(seen):
            changed[start:stop] |= stop - start >= SHORTEST_RUN
    return int(changed.sum())


def _record(
    detected: LandmarkSequence, repaired: LandmarkSequence, flags: NDArray[np.uint8]
) -> dict[str, float | int | bool]:
    whole = np.isfinite(repaired.world).all(axis=(1, 2))
    coco = list(COCO_FROM_MEDIAPIPE)
    return {
        "frames": len(repaired),
        "frames_detected": int(detected.detected.sum()),
        "detection_rate": float(detected.detected.mean()) if len(detected) else 0.0,
        "swapped_frames": int(((flags & SWAPPED) > 0).any(axis=1).sum()),
        "blended_frames": int(((flags & BLENDED) > 0).any(axis=1).sum()),
        "filled_frames": int(((flags & FILLED) > 0).any(axis=1).sum()),
        "filled_samples": int(((flags & FILLED) > 0).sum()),
        "missing_frames": int((~whole).sum()),
        "times_found_again": max(0, len(runs_of(repaired.detected)) - 1),
        "bone_length_cv_before": bone_length_cv(detected.world[:, coco]),
        "bone_length_cv_after": bone_length_cv(repaired.world[:, coco]),
    }
