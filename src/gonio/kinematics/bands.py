"""The angles of poses that differ as a refiner's sigma says: what the bands are made of.

An error of the pose lasts, and so the band changes slowly: the samples are taken through markers,
augmentation and kinematics at some frames only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gonio.kinematics.chain import angles_of, augmented, markers_of
from gonio.kinematics.segments import collected_warnings
from gonio.kinematics.uncertainty import angle_spread, sampled_poses, spread_at
from gonio.landmarks.repair import RepairedLandmarks
from gonio.markers.augment import MIN_RUN, TRAINED_RATE_HZ
from gonio.markers.complete import complete_inputs
from gonio.options import InferenceOptions
from gonio.signals import runs_of, stride_of
from gonio.skeleton import AUGMENTER_LOWER_INPUT, AUGMENTER_UPPER_INPUT
from gonio.types import MarkerTrajectories, RefinedPose, known

STEP_S = 0.1
"""Time between the frames at which errors that last longer than `LASTING_S` are sampled."""
LASTING_S = 0.3
REFINED_EVERY = 2
"""Every so manieth of these frames goes through the networks of angles: on the demo that moves the
bands by 6 %, where eight samples leave them uncertain by 27 %."""
FRAMES_AT_ONCE = 36_000
"""Samples of a clip are taken together as long as they are no more frames at the rate that the
augmenter brings them to: it bounds memory."""


@dataclass(frozen=True)
class AngleSamples:
    """Angles of poses that differ from a given one as its sigma says.

    Attributes:
        angles: of each sample at some frames of the clip, as computed.
        rows: the numbers of these frames.
    """

    angles: list[pd.DataFrame] = field(default_factory=list)
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def every(self, step: int) -> AngleSamples:
        """The same at some of their frames: the first, each so manieth after it, and the last.

        A stretch in which the same angles are there counts by itself, so that none loses its band.
        """
        there = self.angles[0].notna().to_numpy()
        starts = np.flatnonzero((there[1:] != there[:-1]).any(axis=1)) + 1
        kept = np.zeros(len(self.rows), dtype=bool)
        for stretch in np.split(np.arange(len(self.rows)), starts):
            kept[stretch[::step]] = kept[stretch[-1]] = True
        rows = np.flatnonzero(kept)
        return AngleSamples([_rows_of(table, rows) for table in self.angles], self.rows[rows])

    def spread(self, angles: pd.DataFrame) -> pd.DataFrame:
        """One standard deviation of each angle about the given ones, of all frames of the clip.

        Args:
            angles: of all frames, without flags.
        """
        return spread_at(angle_spread(self.angles, _rows_of(angles, self.rows)), angles)


def _rows_of(table: pd.DataFrame, rows: NDArray[np.int64]) -> pd.DataFrame:
    return table.iloc[rows].reset_index(drop=True)


def sampled_rows(
    count: int, rate_hz: float, correlation_s: float, unbroken: int | None = None
) -> NDArray[np.int64]:
    """The frames at which samples are taken: evenly spaced, the first among them.

    Args:
        count: frames of the clip.
        rate_hz: frames a second.
        correlation_s: how long errors last; all frames are taken if that is short.
        unbroken: frames of the longest stretch that shows the body; two frames or more are taken
            of every stretch as long as it. All frames if not given.
    """
    stride = stride_of(rate_hz, STEP_S) if correlation_s >= LASTING_S else 1
    if unbroken is not None:
        stride = max(1, min(stride, unbroken // MIN_RUN))
    return np.arange(0, count, stride if count > 2 * stride else 1)


def unbroken_frames(markers: MarkerTrajectories) -> int:
    """Frames of the longest stretch in which the input of one of the augmenter's networks is whole.

    Args:
        markers: (T, 22, 3) metres.
    """
    longest = 0
    for inputs in (AUGMENTER_LOWER_INPUT, AUGMENTER_UPPER_INPUT):
        whole = known(markers.select((*inputs, "Hip")).reshape(len(markers), -1))
        longest = max([longest, *(stop - start for start, stop in runs_of(whole))])
    return longest


def samples_at_once(count: int, rate_hz: float) -> int:
    """How many samples of a clip are taken together.

    Args:
        count: frames of each.
        rate_hz: frames a second, NaN for a single frame.
    """
    longer = np.nan_to_num(TRAINED_RATE_HZ / rate_hz, nan=1.0)
    return max(1, int(FRAMES_AT_ONCE / (count * longer)))


def sampled_angles(
    pose: RefinedPose,
    landmarks: RepairedLandmarks,
    stature_m: float,
    options: InferenceOptions,
) -> AngleSamples:
    """Angles of poses that differ from the given one as its sigma says.

    Args:
        pose: T frames with sigma.
        landmarks: the same frames.
        stature_m: where the subject's is not known.
        options: how many samples, how long errors last, and the chain.

    Returns:
        No samples where no frames show the body for long enough for an angle.
    """
    whole = markers_of(pose, landmarks, options).markers
    if options.force_complete:
        whole = complete_inputs(whole, options.subject.height or stature_m)
    unbroken = unbroken_frames(whole)
    if unbroken < MIN_RUN:
        return AngleSamples()
    rate_hz = landmarks.sequence.rate_hz
    rows = sampled_rows(len(pose), rate_hz, options.sigma_correlation_s, unbroken)
    if len(rows) < len(pose):  # such errors pass the low-pass, which needs more frames a second
        options = options.model_copy(update={"angle_cutoff_hz": None})
        pose, landmarks = pose.at(rows), landmarks.at(rows)
    poses = sampled_poses(
        pose,
        landmarks.sequence.rate_hz,
        samples=options.sigma_samples,
        correlation_s=options.sigma_correlation_s,
    )
    together = samples_at_once(len(pose), landmarks.sequence.rate_hz)
    angles: list[pd.DataFrame] = []
    with collected_warnings():  # compute_angles says it
        while some := list(islice(poses, together)):
            clips = [markers_of(sample, landmarks, options).markers for sample in some]
            markers = augmented(clips, stature_m, options)
            angles += [angles_of(clip, options) for clip in markers]
    return AngleSamples(angles, rows)
