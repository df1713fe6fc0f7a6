"""Spans of time in which an angle is to be read with care."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gonio.errors import InputError
from gonio.signals import runs_of
from gonio.skeleton import Joint
from gonio.types import BoolArray, FloatArray

SPANS_APART = 400


def flags_of(flags: pd.DataFrame | None, joint: Joint, frames: int) -> BoolArray:
    """(T,) where a joint is flagged.

    Args:
        flags: booleans, one row a frame; columns named after the joint (`hip_R`) or beginning
            with its name (`hip_R_flexion_deg`, `hip_R_near_singularity`), which are joined by or.
        joint: one of the 12 joints.
        frames: T.

    Raises:
        InputError: the table has another number of rows.
    """
    flagged = np.zeros(frames, dtype=bool)
    if flags is None:
        return flagged
    if len(flags) != frames:
        raise InputError(f"a table of flags has {len(flags)} rows; the angles have {frames}")
    for column in flags.columns:
        if column == joint.name or str(column).startswith(f"{joint.name}_"):
            flagged |= flags[column].to_numpy(dtype=bool)
    return flagged


def spans_of(flagged: BoolArray, time_s: FloatArray) -> list[tuple[float, float]]:
    """Spans of time, seconds, that cover the flagged samples, half a step wide on each side.

    Spans closer than 1/400 of the clip are joined, so that thousands of short ones stay drawable.

    Args:
        flagged: (T,).
        time_s: (T,) seconds.

    Returns:
        (from, to) for each run, within the clip.
    """
    middles = (time_s[:-1] + time_s[1:]) / 2
    edges = np.concatenate([time_s[:1], middles, time_s[-1:]])
    gap = float(time_s[-1] - time_s[0]) / SPANS_APART
    joined: list[tuple[float, float]] = []
    for first, last in runs_of(flagged):
        start, stop = float(edges[first]), float(edges[last])
        if joined and start - joined[-1][1] <= gap:
            start = joined.pop()[0]
        joined.append((start, stop))
    return joined
