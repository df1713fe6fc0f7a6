"""Angles over the gait cycle, 0 to 100 percent of the stride: the view of a gait laboratory."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gonio.errors import InputError
from gonio.kinematics.angles import columns_in, without_singular
from gonio.kinematics.gait import GaitEvents, NotGait, half_a_frame
from gonio.skeleton import JOINTS, Side
from gonio.types import FloatArray

CYCLE_PERCENT: FloatArray = np.arange(101.0)
"""From a foot strike to the next one of the same foot."""
CYCLE_COLUMNS: tuple[str, ...] = ("angle", "side", "strides", "cycle_percent", "mean_deg", "sd_deg")
"""Columns of gait_cycles.csv."""


def gait_cycles(angles: pd.DataFrame, events: GaitEvents | NotGait) -> pd.DataFrame:
    """Mean and standard deviation of each angle over the strides of a walk.

    Each complete stride is stretched to 0 to 100 percent, linearly between frames. A joint of one
    side goes by the strides of its own foot, pelvis and trunk by those of the right. A stride in
    which an angle is missing, or known near a singularity only, does not count for it.

    Args:
        angles: `time_s` and the 36 columns, degrees, absolute; either shoulder sequence.
        events: of the same clip.

    Returns:
        101 rows for each angle that has a stride, `CYCLE_COLUMNS`: name of the angle's column, `R`
        or `L`, whose strides they are, how many, percent of the stride, mean and standard deviation
        (n - 1) in degrees, NaN for a single stride.

    Raises:
        InputError: the clip is no gait; the message says why.
    """
    if isinstance(events, NotGait):
        raise InputError(f"there are no gait cycles: {events.reason}")
    time_s, sure = angles["time_s"].to_numpy(dtype=float), without_singular(angles)
    tables = []
    for joint in JOINTS:
        side: Side = joint.side or "R"
        for name in columns_in(sure, joint):
            strides = _stretched(time_s, sure[name].to_numpy(dtype=float), events, side)
            if not len(strides):
                continue
            varies = len(strides) > 1
            table = {
                "angle": name,
                "side": side,
                "strides": len(strides),
                "cycle_percent": CYCLE_PERCENT,
                "mean_deg": strides.mean(axis=0),
                "sd_deg": strides.std(axis=0, ddof=1) if varies else np.nan,
            }
            tables.append(pd.DataFrame(table))
    empty = pd.DataFrame({name: pd.Series(dtype=float) for name in CYCLE_COLUMNS})
    return pd.concat(tables, ignore_index=True) if tables else empty


def _stretched(
    time_s: FloatArray, values: FloatArray, events: GaitEvents, side: Side
) -> FloatArray:
    """(strides, 101) an angle over each complete stride of a side in which it has no gap."""
    found, half = [], half_a_frame(time_s)
    for start, stop in events.strides(side):
        at = np.flatnonzero((time_s >= start - half) & (time_s <= stop + half))
        if len(at) > 1 and np.isfinite(values[at]).all():
            moments = start + (stop - start) * CYCLE_PERCENT / 100.0
            found.append(np.interp(moments, time_s[at], values[at]))
    return np.array(found).reshape(-1, len(CYCLE_PERCENT))


def as_curves(cycles: pd.DataFrame, columns: list[str], value: str) -> pd.DataFrame:
    """One value of `gait_cycles` as a table of curves.

    Args:
        cycles: as `gait_cycles` gives them.
        columns: of all 36 angles.
        value: `mean_deg` or `sd_deg`.

    Returns:
        `time_s`, which is percent of the stride here, and all columns, 101 rows; NaN for an angle
        without a stride.
    """
    wide = cycles.pivot(index="cycle_percent", columns="angle", values=value)
    wide = wide.reindex(index=CYCLE_PERCENT, columns=columns)
    wide.insert(0, "time_s", CYCLE_PERCENT)
    return wide.reset_index(drop=True)
