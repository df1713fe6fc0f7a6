"""The 36 joint angles of `skeleton.JOINTS` from marker paths.

Rotations are scipy's, over whole clips; sequences and signs come from `skeleton.JOINTS`. Knee
after Grood and Suntay (J Biomech Eng 105, 1983, 136-144), which is the Cardan sequence Z-X-Y of
the femur's and the shank's frame; hip and ankle after Wu et al. 2002; shoulder and elbow after
Wu et al. 2005 (shoulder Z-X-Y unless Y-X-Y is asked for).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gonio.errors import InputError
from gonio.kinematics.landmarks import check_body_size
from gonio.kinematics.segments import (
    SegmentFrame,
    segment_frames,
    warn_of_other_axes,
)
from gonio.kinematics.unwrapping import (
    NEAR_SINGULARITY_DEG,
    continuous_deg,
    continuous_in_stretches_deg,
    euler_deg,
    nearest_equal_deg,
)
from gonio.signals import low_pass
from gonio.skeleton import COLUMN_AXES, JOINTS, Joint
from gonio.types import FloatArray, LandmarkSequence, MarkerTrajectories

ShoulderSequence = Literal["ZXY", "YXY"]

PATIENCE_S = 0.5
"""How long an angle may stay on an unlikely branch before it jumps; see `continuous_deg`."""

ISB_SHOULDER_ANGLES: tuple[str, str, str] = ("plane_of_elevation", "elevation", "axial_rotation")
"""Names of the shoulder's columns with Y-X-Y (Wu 2005, thorax and humerus): plane 0 is abduction,
90 forward flexion; elevation is 0 with the arm down and positive upward; axial rotation is positive
inward."""
HEADING_COLUMN = JOINTS[0].columns[2]
"""Of the pelvis in the lab: the only angle that may have any value."""
ISB_SHOULDER_TYPICAL = (45.0, 90.0, -45.0)
"""Degrees: a raised arm's, between abduction and forward flexion."""
SINGULAR_DEG, ISB_SINGULAR_DEG = 90.0, 0.0
"""Middle angles at which a sequence is singular: three distinct axes, and Y-X-Y."""


def joint_angles(
    markers: MarkerTrajectories,
    *,
    cutoff_hz: float | None = 6.0,
    shoulder_sequence: ShoulderSequence = "ZXY",
    turns: Mapping[str, FloatArray] | None = None,
    own_axes: bool = False,
) -> pd.DataFrame:
    """Joint angles of a clip.

    Args:
        markers: (T, M, 3) metres, lab frame (Y up); the 65 markers, or the skin markers of a
            laboratory named like the augmented ones (see `landmarks.recognised_name`).
        cutoff_hz: -3 dB point of the zero-phase low-pass of the marker paths, at their own rate;
            None filters nothing.
        shoulder_sequence: `ZXY` (flexion, adduction, rotation) or ISB's `YXY`, which renames the
            six shoulder columns to `ISB_SHOULDER_ANGLES`.
        turns: segment -> (3, 3) constant turn from the frame that is meant into the one that the
            markers make, for markers that sit elsewhere; none where not given.
        own_axes: whether the markers are known to have Gonio's axes, as those of a pose have: then
            nothing is said of others where somebody lies.

    Returns:
        `time_s` and the 36 columns of `skeleton.ANGLE_COLUMNS`, degrees, T rows. Angles are
        absolute and continuous: a pelvis that turns twice ends near 720. NaN for a joint in the
        frames where a marker that it needs is missing, and nowhere else. A `KinematicsWarning`
        tells of markers that the recording lacks, and of axes that seem to be others.

    Raises:
        InputError: no known marker, two names for one marker, markers that are not in metres,
            a cut-off that does not suit the rate, an unknown sequence.
    """
    if shoulder_sequence not in ("ZXY", "YXY"):
        raise InputError(f"shoulder_sequence is {shoulder_sequence!r}; allowed are 'ZXY' and 'YXY'")
    check_body_size(markers)
    frames = segment_frames(filtered(markers, cutoff_hz))
    if not own_axes:
        warn_of_other_axes(frames)
    for name, turn in (turns or {}).items():
        frames[name] = replace(frames[name], rotation=frames[name].rotation @ turn)
    patience = max(1, round(PATIENCE_S * markers.rate_hz))
    columns: dict[str, FloatArray] = {"time_s": markers.time_s}
    for joint in JOINTS:
        rotation = child_in_parent(joint, frames)
        if joint.title == "shoulder" and shoulder_sequence == "YXY":
            names, values = isb_shoulder_columns(joint), isb_shoulder_deg(joint, rotation)
        else:
            names, values = joint.columns, joint_angles_deg(joint, rotation, patience)
        columns.update(zip(names, values.T, strict=True))
    return pd.DataFrame(columns)


def filtered(markers: MarkerTrajectories, cutoff_hz: float | None) -> MarkerTrajectories:
    """The markers, low-passed at their own rate; unchanged where `cutoff_hz` is None.

    Raises:
        InputError: the cut-off is not between 0 and half the rate.
    """
    if cutoff_hz is None:
        return markers
    positions = low_pass(markers.positions, markers.rate_hz, cutoff_hz)
    return MarkerTrajectories(
        markers.names, positions, markers.rate_hz, markers.estimated, markers.start_s
    )


def child_in_parent(joint: Joint, frames: dict[str, SegmentFrame]) -> FloatArray:
    """Rotation from the parent's frame to the child's, (T, 3, 3); NaN where either is missing."""
    child = frames[joint.child].rotation
    if joint.parent == "lab":
        return child
    return np.asarray(np.swapaxes(frames[joint.parent].rotation, 1, 2) @ child)


def joint_angles_deg(joint: Joint, rotation: FloatArray, patience: int = 30) -> FloatArray:
    """Angles of one joint in column order, continuous, with the signs of its columns.

    Args:
        joint: sequence and signs.
        rotation: (T, 3, 3) parent from child; NaN where unknown.
        patience: frames; see `continuous_deg`. The pelvis never jumps.

    Returns:
        (T, 3) degrees, NaN where the rotation is.
    """
    known = np.isfinite(rotation).all(axis=(1, 2))
    euler = euler_deg(rotation[known], joint.sequence)
    if joint.parent == "lab":
        heading = joint.sequence.index("Y")
        euler = continuous_deg(euler, free=(heading,), patience=None)
    else:
        typical = to_sequence(joint, np.array(joint.typical))
        euler = continuous_deg(euler, patience=patience, typical=typical)
    order = [joint.sequence.index(axis) for axis in COLUMN_AXES]
    angles = np.full((len(rotation), 3), np.nan)
    angles[known] = euler[:, order] * joint.signs
    return angles


def to_sequence(joint: Joint, columns: FloatArray) -> FloatArray:
    """Angles (..., 3) in column order as rotations in the order of the joint's sequence."""
    order = [COLUMN_AXES.index(axis) for axis in joint.sequence]
    return np.asarray((columns * joint.signs)[..., order])


def nearest_equal(angles: FloatArray, wanted: FloatArray) -> FloatArray:
    """The same orientations in those of their equal angles that are nearest to the wanted ones.

    Angles a, b, c about three distinct axes and a + 180, 180 - b, c + 180 are one orientation, and
    so is any of them plus 360: two poses must be compared in the same of these.

    Args:
        angles: (T, 12, 3) degrees, joints and angles in the order of `skeleton.JOINTS`, shoulders
            in Z-X-Y.
        wanted: (T, 12, 3) degrees; NaN leaves a joint as it is.

    Returns:
        (T, 12, 3) degrees.
    """
    result = np.array(angles, dtype=float)
    for column, joint in enumerate(JOINTS):
        both = np.isfinite(angles[:, column]).all(axis=1) & np.isfinite(wanted[:, column]).all(
            axis=1
        )
        own, other = (to_sequence(joint, a[both, column]) for a in (angles, wanted))
        order = [joint.sequence.index(axis) for axis in COLUMN_AXES]
        result[both, column] = nearest_equal_deg(own, other)[:, order] * joint.signs
    return result


def isb_shoulder_columns(joint: Joint) -> tuple[str, str, str]:
    """Column names of a shoulder in Y-X-Y, e.g. `shoulder_R_elevation_deg`."""
    first, second, third = (f"{joint.name}_{angle}_deg" for angle in ISB_SHOULDER_ANGLES)
    return first, second, third


def columns_in(table: pd.DataFrame, joint: Joint) -> tuple[str, str, str]:
    """The three columns of a joint in a table of angles: a shoulder's are of either sequence."""
    isb = isb_shoulder_columns(joint)
    return isb if any(column in table for column in isb) else joint.columns


def angle_columns(shoulder_sequence: ShoulderSequence) -> list[str]:
    """The names of the 36 columns that `joint_angles` gives with a sequence of the shoulder."""
    isb = shoulder_sequence == "YXY"
    return [
        column
        for joint in JOINTS
        for column in (
            isb_shoulder_columns(joint) if isb and joint.title == "shoulder" else joint.columns
        )
    ]


def isb_shoulder_deg(joint: Joint, rotation: FloatArray) -> FloatArray:
    """Plane of elevation, elevation (>= 0), axial rotation; (T, 3) degrees."""
    known = np.isfinite(rotation).all(axis=(1, 2))
    mirror = np.array([1.0, 1.0, joint.signs[1]])  # a left shoulder seen in a mirror is a right one
    euler = euler_deg(rotation[known] * np.outer(mirror, mirror), "YXY")
    # scipy's middle angle is a rotation about +X in [0, 180]; elevation is about -X.
    euler = euler + np.array([180.0, 0.0, -180.0])
    sure = ~_is_singular(euler[:, 1], ISB_SINGULAR_DEG)
    euler = continuous_in_stretches_deg(euler, sure, ISB_SHOULDER_TYPICAL)
    angles = np.full((len(rotation), 3), np.nan)
    angles[known] = euler
    return angles


def gimbal_flags(angles: pd.DataFrame) -> pd.DataFrame:
    """Frames within 10 degrees of the singularity of a joint's sequence.

    There the first and the last angle are nearly about one axis, so that only their sum (or
    difference) is certain. Z-X-Y and Y-X-Z are singular where the middle angle is +-90 degrees,
    Y-X-Y where the elevation is 0 or 180.

    Args:
        angles: as `joint_angles` gives them, absolute (not zeroed), either shoulder sequence.

    Returns:
        12 columns `<joint>_near_singularity`, T rows; false where the angle is missing.

    Raises:
        InputError: there is no column of a joint's middle angle.
    """
    flags = {}
    for joint in JOINTS:
        middle = columns_in(angles, joint)[1]
        singular_at = SINGULAR_DEG if middle in joint.columns else ISB_SINGULAR_DEG
        if middle not in angles:
            raise InputError(
                f"the angles have no column {middle}; give what joint_angles() returned"
            )
        singular = _is_singular(angles[middle].to_numpy(dtype=float), singular_at)
        flags[f"{joint.name}_near_singularity"] = singular
    return pd.DataFrame(flags, index=angles.index)


def _is_singular(middle: FloatArray, singular_at: float) -> NDArray[np.bool_]:
    """Whether middle angles are within 10 degrees of a singular one, or of that plus 180."""
    offset = (middle - singular_at + 90.0) % 180.0 - 90.0
    return np.asarray(np.abs(offset) < NEAR_SINGULARITY_DEG)


def split_flags(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The angles with their time, and the flags as truth values, of a table that holds both.

    Args:
        table: angles beside the columns of `gimbal_flags`, as in `joint_angles.csv`.
    """
    names = [name for name in table.columns if str(name).endswith("_near_singularity")]
    return table.drop(columns=names), table[names].astype(bool)


def zeroed(
    angles: pd.DataFrame,
    mode: Literal["first_seconds", "static_trial"],
    *,
    seconds: float = 1.0,
    static: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Angles relative to a reference pose: each column minus its mean there.

    The absolute angles stay as they are; this is a second table beside them. Subtracting angles is
    the clinical habit, not a rotation of frames: it holds for reference poses near neutral.

    Args:
        angles: as `joint_angles` gives them, or with the flags of `joint_angles.csv` beside them,
            which stay as they are.
        mode: `first_seconds` takes the first `seconds` of this clip, `static_trial` the whole of
            `static`.
        seconds: length of the reference in this clip.
        static: angles of a static trial, same columns.

    Returns:
        The same columns. A joint without a sample in the reference is NaN throughout.

    Raises:
        InputError: as `zero_reference`.
    """
    plain, flags = split_flags(angles)
    reference = zero_reference(plain, mode, seconds=seconds, static=static)
    return pd.concat([relative_to(reference, plain), flags], axis=1)[list(angles.columns)]


def relative_to(reference: pd.DataFrame, angles: pd.DataFrame) -> pd.DataFrame:
    """Angles less the mean of the frames that `zero_reference` gives.

    The heading, which may have turned any number of times in either, begins within half a turn
    of that of the reference.
    """
    result = angles.copy()
    result[reference.columns] = angles[reference.columns] - reference.mean()
    heading = result[HEADING_COLUMN]
    if heading.notna().any():
        first = heading[heading.first_valid_index()]
        result[HEADING_COLUMN] = heading - 360.0 * np.round(first / 360.0)
    return result


def zero_reference(
    angles: pd.DataFrame,
    mode: Literal["first_seconds", "static_trial"],
    *,
    seconds: float = 1.0,
    static: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The frames whose mean `zeroed` takes as zero, without their times.

    Where a joint is near the singularity of its sequence (`gimbal_flags`), its first and last angle
    say nothing and are NaN: those of a hanging arm in Y-X-Y, of an arm held out in Z-X-Y.

    Args:
        angles: see `zeroed`; so the rest.
        mode: where the frames come from.
        seconds: length of the reference in this clip.
        static: angles of a static trial.

    Raises:
        InputError: unknown mode, no reference frame, none with an angle, a static trial with other
            columns.
    """
    columns = [column for column in angles.columns if column != "time_s"]
    time = angles["time_s"].to_numpy(dtype=float)
    if mode == "first_seconds":
        if not seconds > 0:
            raise InputError(f"seconds is {seconds}; allowed is a number above 0")
        reference = angles.loc[time < time[0] + seconds, columns] if len(time) else angles[columns]
    elif mode == "static_trial":
        if static is None or not set(columns) <= set(static.columns):
            raise InputError(
                "zero: static_trial needs the angles of a static trial with the same columns; "
                "compute them with the same shoulder sequence"
            )
        reference = static[columns]
    else:
        raise InputError(f"zero is {mode!r}; allowed are 'first_seconds' and 'static_trial'")
    if len(reference) == 0:
        raise InputError("there is no frame to take as zero; give a clip with at least one frame")
    if not reference.notna().any(axis=None):
        seen = angles[columns].notna().any(axis=1).to_numpy()
        raise InputError(_no_zero(mode, seconds, time[seen] - time[:1]))
    return without_singular(reference)


def check_first_seconds(landmarks: LandmarkSequence, seconds: float) -> None:
    """See that somebody is seen in the first seconds, whose posture is to be zero.

    Args:
        landmarks: of the clip.
        seconds: from its start on.

    Raises:
        InputError: nobody is; it says when somebody is.
    """
    time_s = landmarks.time_s - landmarks.time_s[:1]
    seen_s = time_s[np.isfinite(landmarks.world).any(axis=(1, 2))]
    if not (seen_s < seconds).any():
        raise InputError(_no_zero("first_seconds", seconds, seen_s))


def without_singular(angles: pd.DataFrame) -> pd.DataFrame:
    """The angles, the first and the last of a joint NaN in frames near its singularity.

    Args:
        angles: absolute, as `gimbal_flags` needs them.
    """
    flags, result = gimbal_flags(angles), angles.copy()
    for joint in JOINTS:
        first, _, last = columns_in(angles, joint)
        result.loc[flags[f"{joint.name}_near_singularity"], [first, last]] = np.nan
    return result


def _no_zero(mode: str, seconds: float, seen_s: FloatArray) -> str:
    """What to say where no frame of the reference has an angle; `seen_s` are times of those."""
    if mode == "static_trial":
        return (
            f"zero is {mode}, but no frame of the static trial has an angle; give one that shows "
            "the person"
        )
    if not len(seen_s):
        return f"zero is {mode}, but the clip has no angle at all; say zero=none"
    return (
        f"zero is {mode}, but no angle is known in the first {seconds:g} s of the clip, the first "
        f"one is {seen_s[0]:.2f} s after its start; give more seconds (zero_seconds), a clip that "
        "begins with the person in the reference pose, a static trial, or zero=none"
    )


def joints_without_zero(angles: pd.DataFrame, reference: pd.DataFrame) -> list[str]:
    """Names of the joints that have an angle, but no zero for it in the frames of the reference.

    Args:
        angles: as `joint_angles` gives them.
        reference: of `zero_reference`.
    """
    lost = angles[reference.columns].notna().any() & ~reference.notna().any()
    return [
        joint.name
        for joint in JOINTS
        if any(str(column).startswith(f"{joint.name}_") for column in lost.index[lost])
    ]
