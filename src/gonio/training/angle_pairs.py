"""Joint angles of a shard, twice: as `inference` would compute them, and of the truth.

The corrupted side goes through the functions that `inference` calls, with its parameters. The truth
goes through the same markers and the same kinematics; where the source knows the anatomical markers
on the body, these take the place of the augmented ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from gonio.capture.shards import Array, Shard
from gonio.capture.tasks import LeftOutError
from gonio.frames import lab_from_ray
from gonio.kinematics.angles import nearest_equal
from gonio.kinematics.chain import angles_of, augmented, markers_of
from gonio.kinematics.segments import collected_warnings
from gonio.landmarks.repair import repair_landmarks
from gonio.markers.known import FOOT_MARKERS, known_trajectories
from gonio.options import CameraOptions, InferenceOptions, SubjectOptions
from gonio.signals import rate_of, resample, resample_deg
from gonio.skeleton import ANGLE_COLUMNS, JOINT_MARKERS, JOINTS, MARKERS
from gonio.training.angle_checks import SizeLimits, TrueBody, body_of, impossible
from gonio.training.convention import Convention
from gonio.training.detector_errors import AS_IN_USE, DetectorErrors, seen_with
from gonio.types import FloatArray, LandmarkSequence, MarkerTrajectories, RefinedPose, known

Refine = Callable[[LandmarkSequence, CameraOptions], RefinedPose]
TrueMarkers = Literal["body", "aligned", "augmented"]
Basis = Literal[
    "markers on the body",
    "markers on the body, aligned",
    "augmented",
    "augmented, feet estimated",
]

PAIRS_VERSION = 3
"""Of the way pairs are made: shards with another are made again."""
_JOINT_NAMES = tuple(joint.name for joint in JOINTS)


@dataclass(frozen=True)
class AngleSettings:
    """What the angles of a shard depend on.

    Attributes:
        chain: the parameters of `inference`; its subject, camera and shoulder sequence are not
            read: a shard has a subject of its own, a camera that nobody knows, and Z-X-Y.
        limits: which bodies are human-sized.
        bmi: body mass index of everybody, since no source knows masses, kg/m^2.
        true_markers: where the source knows the anatomical markers on the body: `body` takes them,
            `aligned` takes them and turns their segments into the convention of the augmenter,
            `augmented` augments the truth like the corrupted side.
        convention: the turns of `aligned`.
        beyond_normal_deg: a true angle that is so far outside of the normal range of motion is an
            error of the source and becomes NaN; None keeps all.
        detector_errors: how the detector is to err.
    """

    chain: InferenceOptions
    limits: SizeLimits = field(default_factory=SizeLimits)
    bmi: float = 22.5
    true_markers: TrueMarkers = "body"
    convention: Convention | None = None
    beyond_normal_deg: float | None = 60.0
    detector_errors: DetectorErrors = AS_IN_USE


@dataclass(frozen=True)
class AnglePair:
    """Markers and angles of both sides.

    Attributes:
        corrupted_markers: (T, 65, 3) metres, lab frame as `inference` finds it.
        true_markers: (T, 65, 3) metres, lab frame by true gravity and true camera.
        corrupted: (N, 12, 3) degrees at the frames of the shard.
        truth: (N, 12, 3) degrees, of the equal angles those nearest to the corrupted ones.
        basis: what the true angles rest on.
        taken_out: joint -> frames whose true angles no body can have.
    """

    corrupted_markers: MarkerTrajectories
    true_markers: MarkerTrajectories
    corrupted: FloatArray
    truth: FloatArray
    basis: Basis
    taken_out: dict[str, int]

    @property
    def note(self) -> str:
        """What the manifest says of it."""
        parts = [f"true angles: {self.basis}"]
        parts += [f"{n} frames of {joint} no body can have" for joint, n in self.taken_out.items()]
        return "; ".join(parts)


def angle_pair(shard: Shard, settings: AngleSettings, refine: Refine) -> AnglePair:
    """Joint angles of both sides of a shard.

    Args:
        shard: one sequence of one camera, whole.
        settings: parameters.
        refine: the depth refiner, or `pose_without_refiner`.

    Raises:
        LeftOutError: the body is not human-sized, or the frames are too few or too far apart.
        InputError: the shard lacks what the angles need; the message says what.
    """
    body = body_of(shard, settings.limits)
    options = _options_for(body, settings)
    seen = shard.landmark_sequence
    _check_rate(seen, options)
    landmarks = repair_landmarks(seen, options.repair)
    sequence = seen_with(settings.detector_errors, shard, landmarks.sequence)
    landmarks = replace(landmarks, sequence=sequence)
    scaled = markers_of(refine(landmarks.sequence, options.camera), landmarks, options)
    known_points = true_trajectories(shard, landmarks.sequence.time_s, body.stature_m)
    corrupted, truth, basis = _with_augmented(
        scaled.markers,
        _first_22(known_points) if settings.true_markers == "augmented" else known_points,
        (scaled.stature.height_m, body.stature_m),
        options,
    )
    turns = None
    if basis == "markers on the body" and settings.convention is not None:
        basis, turns = "markers on the body, aligned", settings.convention.turns
    said = at_times(_degrees(corrupted, options), corrupted.time_s, shard.time_s)
    true = at_times(_degrees(truth, options, turns), truth.time_s, shard.time_s)
    pair = AnglePair(corrupted, truth, said, true, basis, {})
    return _compared(pair, settings.beyond_normal_deg)


def true_angles(shard: Shard, settings: AngleSettings) -> tuple[FloatArray, Basis]:
    """The true angles of a shard alone, whatever a detector saw.

    Args:
        shard: one sequence of one camera, whole.
        settings: parameters.

    Returns:
        (N, 12, 3) degrees at the frames of the shard, continuous; NaN where unknown or impossible.
        What they rest on.

    Raises:
        LeftOutError, InputError: as `angle_pair`.
    """
    body = body_of(shard, settings.limits)
    options = _options_for(body, settings)
    seen = shard.landmark_sequence
    _check_rate(seen, options)
    time_s = repair_landmarks(seen, options.repair).sequence.time_s
    whole = true_trajectories(shard, time_s, body.stature_m)
    first = _first_22(whole)
    truth = first if settings.true_markers == "augmented" else whole
    _, truth, basis = _with_augmented(first, truth, (body.stature_m, body.stature_m), options)
    turns = None
    if basis == "markers on the body" and settings.convention is not None:
        basis, turns = "markers on the body, aligned", settings.convention.turns
    angles = at_times(_degrees(truth, options, turns), truth.time_s, shard.time_s)
    itself = AnglePair(truth, truth, angles, angles, basis, {})
    return _compared(itself, settings.beyond_normal_deg).truth, basis


def true_both_ways(
    shard: Shard, settings: AngleSettings
) -> tuple[MarkerTrajectories, MarkerTrajectories]:
    """The 65 markers of the truth, on the body and augmented, for `convention_of`.

    Args:
        shard: evenly spaced frames, with markers on the body.
        settings: parameters.

    Raises:
        LeftOutError: the body is not human-sized, or the frames are too few or too far apart.
    """
    body = body_of(shard, settings.limits)
    options = _options_for(body, settings)
    _check_rate(shard.landmark_sequence, options)
    whole = true_trajectories(shard, shard.time_s, body.stature_m)
    return whole, augmented([_first_22(whole)], body.stature_m, options)[0]


def options_of(shard: Shard, settings: AngleSettings) -> InferenceOptions:
    """The parameters of `inference` as if the true body of a shard were the subject of a video.

    Args:
        shard: with a truth in metres.
        settings: parameters.

    Raises:
        LeftOutError: the body is not human-sized.
        InputError: no frame shows the trunk or a whole leg.
    """
    return _options_for(body_of(shard, settings.limits), settings)


def _options_for(body: TrueBody, settings: AngleSettings) -> InferenceOptions:
    """The parameters of `inference` as if the true body were the subject of a video."""
    subject = SubjectOptions(
        height=body.stature_m if body.stated else None, mass=settings.bmi * body.stature_m**2
    )
    changes = {"subject": subject, "camera": CameraOptions(), "shoulder_sequence": "ZXY"}
    return settings.chain.model_copy(update=changes)


def _check_rate(seen: LandmarkSequence, options: InferenceOptions) -> None:
    needed = 2 * max(options.cutoffs_hz().values(), default=0.0)
    if len(seen) < 2 or seen.rate_hz <= needed:
        rate = "one frame" if len(seen) < 2 else f"{seen.rate_hz:.4g} frames a second"
        raise LeftOutError(
            f"{rate}; joint angles need two frames and more than {needed:g} a second (twice the "
            "cut-off of the low-pass)"
        )


def true_trajectories(shard: Shard, time_s: FloatArray, stature_m: float) -> MarkerTrajectories:
    """The 65 markers of the truth; the 43 are NaN where the source does not know them.

    Args:
        shard: the truth, ray frame.
        time_s: (T,) evenly spaced times within those of the shard, seconds.
        stature_m: metres.

    Returns:
        (T, 65, 3) metres, lab frame by true gravity and true camera.
    """

    def at(values: Array) -> FloatArray:
        if np.array_equal(time_s, shard.time_s):
            return values.astype(float)
        return resample(values, shard.time_s, time_s)

    camera = at(shard.camera_relative)
    return known_trajectories(
        at(shard.ground_truth),
        at(shard.feet_truth),
        at(shard.markers_truth),
        lab_from_ray(at(shard.up), camera),
        -camera,
        rate_hz=rate_of(time_s),
        height_m=stature_m,
        start_s=float(time_s[0]),
    )


def _with_augmented(
    corrupted: MarkerTrajectories,
    truth: MarkerTrajectories,
    statures_m: tuple[float, float],
    options: InferenceOptions,
) -> tuple[MarkerTrajectories, MarkerTrajectories, Basis]:
    """Both sides with 65 markers, in one call of the networks where they may share it."""
    if known(truth.positions[:, len(MARKERS) :]).any():
        return augmented([corrupted], statures_m[0], options)[0], truth, "markers on the body"
    first = _first_22(truth)
    feet = [MARKERS.index(name) for name in FOOT_MARKERS if not name.endswith("SmallToe")]
    basis: Basis = "augmented, feet estimated" if first.estimated[:, feet].any() else "augmented"
    if options.subject.height is not None and not options.force_complete:
        both = augmented([corrupted, first], statures_m[0], options)
        return both[0], both[1], basis
    plain = options.model_copy(update={"force_complete": False})
    return (
        augmented([corrupted], statures_m[0], options)[0],
        augmented([first], statures_m[1], plain)[0],
        basis,
    )


def _first_22(markers: MarkerTrajectories) -> MarkerTrajectories:
    count = len(MARKERS)
    return MarkerTrajectories(
        MARKERS,
        markers.positions[:, :count],
        markers.rate_hz,
        markers.estimated[:, :count],
        markers.start_s,
    )


def _degrees(
    markers: MarkerTrajectories,
    options: InferenceOptions,
    turns: Mapping[str, FloatArray] | None = None,
) -> FloatArray:
    """(T, 12, 3) degrees."""
    with collected_warnings():  # what is missing is NaN and counted
        table: pd.DataFrame = angles_of(markers, options, turns)
    return table[list(ANGLE_COLUMNS)].to_numpy(dtype=float).reshape(len(table), len(JOINTS), 3)


def at_times(angles: FloatArray, time_s: FloatArray, wanted_s: FloatArray) -> FloatArray:
    """Angles (T, ...), degrees, at other times (N,); as they are where the times are the same."""
    same = len(time_s) == len(wanted_s) and np.allclose(time_s, wanted_s, rtol=0, atol=1e-3)
    return angles if same else resample_deg(angles, time_s, wanted_s)


def _compared(pair: AnglePair, beyond_normal_deg: float | None) -> AnglePair:
    """The same with the truth beside the computed angles, NaN where one of them is missing.

    The computed side stays as it is in use, where nobody knows whether there is a truth.
    """
    truth = pair.truth.copy()
    if pair.basis == "augmented, feet estimated":
        feet = [i for i, name in enumerate(_JOINT_NAMES) if "RHeel" in JOINT_MARKERS[name]]
        feet += [i for i, name in enumerate(_JOINT_NAMES) if "LHeel" in JOINT_MARKERS[name]]
        truth[:, feet] = np.nan
    out = impossible(truth, beyond_normal_deg)
    truth[out] = np.nan
    missing = ~(known(pair.corrupted) & known(truth))
    truth = np.where(missing[..., None], np.nan, nearest_equal(truth, pair.corrupted))
    counts = out.sum(axis=0)
    taken = {name: int(n) for name, n in zip(_JOINT_NAMES, counts, strict=True) if n}
    return replace(pair, truth=truth, taken_out=taken)
