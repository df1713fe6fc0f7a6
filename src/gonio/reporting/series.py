"""Columns and curves of a table of joint angles."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gonio.errors import InputError
from gonio.skeleton import JOINTS, Joint
from gonio.types import FloatArray


def columns_of(joint: Joint, table: pd.DataFrame) -> tuple[str, ...]:
    """The three columns of a joint in a table, by its own names or by those of another sequence.

    The shoulder's angles have other names in ISB's Y-X-Y; they are found by the joint's name.

    Returns:
        Three names, or none where the table does not have the joint.
    """
    if all(column in table for column in joint.columns):
        return joint.columns
    named = (str(c) for c in table.columns if str(c).startswith(f"{joint.name}_"))
    found = tuple(column for column in named if column.endswith("_deg"))
    return found if len(found) == 3 else ()


def angle_of(column: str, joint: Joint) -> str:
    """Name of the angle in a column: `flexion` for `hip_R_flexion_deg`."""
    return column.removeprefix(f"{joint.name}_").removesuffix("_deg")


def times_of(angles: pd.DataFrame, name: str = "angles") -> FloatArray:
    """(T,) seconds of a table of angles, after a look at its columns.

    Args:
        angles: `time_s` and the 36 columns, degrees.
        name: of the table, for the error.

    Raises:
        InputError: a column is missing, there is no row, or time does not increase.
    """
    missing = [joint.name for joint in JOINTS if not columns_of(joint, angles)]
    if "time_s" not in angles or missing:
        raise InputError(
            f"{name} lacks {', '.join(missing) or 'time_s'}; wanted are time_s and three columns "
            "<joint>_<angle>_deg of each joint in gonio.skeleton.JOINTS"
        )
    time_s: FloatArray = angles["time_s"].to_numpy(dtype=np.float64)
    if len(time_s) == 0:
        raise InputError(f"{name} holds no frames; at least one is wanted")
    if np.isnan(time_s).any() or (np.diff(time_s) <= 0).any():
        raise InputError(f"{name}.time_s must increase strictly, without gaps")
    return time_s


def envelope(values: FloatArray, most: int) -> NDArray[np.intp]:
    """Indices, in order, that keep the extremes and the gaps of a curve.

    Args:
        values: (T,) any unit, NaN in gaps.
        most: at most so many indices, at least 2.

    Returns:
        All indices if they are few enough; else the smallest and the largest sample of each of at
        most `most / 2` equal stretches, or the first of a stretch that is all gap.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    width = -(-count // (most // 2))
    stretches = -(-count // width)
    padded = np.full(stretches * width, np.nan)
    padded[:count] = values
    rows, known = padded.reshape(stretches, width), np.isfinite(padded).reshape(stretches, width)
    lowest = np.where(known, rows, np.inf).argmin(axis=1)
    highest = np.where(known, rows, -np.inf).argmax(axis=1)
    starts = np.arange(stretches) * width
    return np.unique(np.concatenate([starts + lowest, starts + highest]))
