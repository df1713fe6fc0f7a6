"""The shoulders of a table of angles in another sequence: Z-X-Y or ISB's Y-X-Y.

Networks know Z-X-Y alone; a table in Y-X-Y is turned into it and back.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.transform import Rotation

from gonio.kinematics.angles import (
    PATIENCE_S,
    ShoulderSequence,
    angle_columns,
    isb_shoulder_columns,
    isb_shoulder_deg,
    joint_angles_deg,
    to_sequence,
)
from gonio.skeleton import ANGLE_COLUMNS, JOINTS, Joint
from gonio.types import FloatArray


def shoulder_sequence_of(angles: pd.DataFrame) -> ShoulderSequence:
    """The sequence in which a table holds its shoulders: Z-X-Y where it has not all in Y-X-Y alone.

    Args:
        angles: `time_s` and 36 columns; others, or both sequences, may be there too.
    """
    have = set(angles.columns)
    return "YXY" if set(angle_columns("YXY")) <= have and not set(ANGLE_COLUMNS) <= have else "ZXY"


def with_shoulders_in(angles: pd.DataFrame, sequence: ShoulderSequence) -> pd.DataFrame:
    """The same movement with the shoulders in a sequence.

    Args:
        angles: `time_s` and 36 columns, degrees, T rows, shoulders in either sequence.
        sequence: the one that is wanted.

    Returns:
        The table itself where it has the sequence; else one with other shoulder columns in the
        same places, continuous as `joint_angles` makes them, NaN where an angle was missing.
    """
    if shoulder_sequence_of(angles) == sequence:
        return angles
    time_s = angles["time_s"].to_numpy(dtype=float)
    step_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else PATIENCE_S
    columns = {str(name): angles[name] for name in angles.columns}
    for joint in (joint for joint in JOINTS if joint.title == "shoulder"):
        isb = isb_shoulder_columns(joint)
        if sequence == "YXY":
            old, new = joint.columns, isb
            made = isb_shoulder_deg(joint, _from_zxy(joint, angles[list(old)].to_numpy(float)))
        else:
            old, new = isb, joint.columns
            rotation = _from_yxy(joint, angles[list(old)].to_numpy(float))
            made = joint_angles_deg(joint, rotation, max(1, round(PATIENCE_S / step_s)))
        names = dict(zip(old, new, strict=True))
        columns = {names.get(name, name): values for name, values in columns.items()}
        columns |= dict(zip(new, made.T, strict=True))
    return pd.DataFrame(columns, index=angles.index)


def _from_zxy(joint: Joint, angles: FloatArray) -> FloatArray:
    """Rotations (T, 3, 3) of angles (T, 3) in column order, degrees."""
    return _rotations(joint.sequence, to_sequence(joint, angles))


def _from_yxy(joint: Joint, angles: FloatArray) -> FloatArray:
    """Rotations (T, 3, 3) of plane of elevation, elevation and axial rotation (T, 3), degrees."""
    mirror = np.array([1.0, 1.0, joint.signs[1]])
    euler = angles - np.array([180.0, 0.0, -180.0])
    return _rotations("YXY", euler) * np.outer(mirror, mirror)


def _rotations(sequence: str, euler: FloatArray) -> FloatArray:
    known = np.isfinite(euler).all(axis=1)
    rotation = np.full((len(euler), 3, 3), np.nan)
    if known.any():
        turned = Rotation.from_euler(sequence, euler[known], degrees=True)
        rotation[known] = turned.as_matrix()
    return rotation
