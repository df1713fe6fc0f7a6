"""What users ask of a clip: range of motion, peaks, means, symmetry, per joint and side.

Near the singularity of a joint's sequence its first and third angle are noise (`gimbal_flags`):
they take no part in those frames. The second angle is as certain there as elsewhere.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gonio.errors import InputError
from gonio.kinematics.angles import columns_in, gimbal_flags, without_singular
from gonio.kinematics.gait import GaitEvents, NotGait, half_a_frame
from gonio.skeleton import JOINTS, Joint, Side
from gonio.types import FloatArray

FEWEST_FRAMES = 2
"""An angle that is known in fewer frames has no range, and its row no values."""
SUMMARY_COLUMNS: tuple[str, ...] = (
    "joint",
    "side",
    "angle",
    "range_of_motion_deg",
    "max_deg",
    "time_of_max_s",
    "min_deg",
    "time_of_min_s",
    "mean_deg",
    "missing_share",
    "near_singularity_share",
    "range_difference_R_minus_L_deg",
    "symmetry_index_percent",
    "cycles",
    "cycle_range_mean_deg",
    "cycle_range_sd_deg",
    "cycle_max_mean_deg",
    "cycle_min_mean_deg",
)
"""Columns of summary.csv. The symmetry index is that of the ranges of motion, 200 (R - L) / (R +
L) percent (Robinson, Herzog and Nigg, J Manip Physiol Ther 10, 1987, 172-176): 0 is symmetric,
positive means more on the right. `near_singularity_share` is the share of all frames in which the
joint is flagged, the same in its three rows: the first and third angle leave these frames out, the
second keeps them. Cycles are strides of the joint's own side, of the right for pelvis and trunk;
empty where the clip is not gait."""


def summarise(angles: pd.DataFrame, events: GaitEvents | NotGait | None = None) -> pd.DataFrame:
    """One row for each of the 36 angles, columns `SUMMARY_COLUMNS`.

    Args:
        angles: as `joint_angles` gives them, absolute (not zeroed); either shoulder sequence.
        events: of the same clip, as `gait_events` gives them; without, or where it is no gait,
            there are no cycles.

    Returns:
        36 rows. Values are NaN for an angle of which fewer than two frames are left; a stride
        counts as a cycle of an angle where none of its frames is missing or left out.

    Raises:
        InputError: a column of the angles is missing.
    """
    events = events if isinstance(events, GaitEvents) else None
    columns = {joint.name: _angles_of(angles, joint) for joint in JOINTS}
    flags, sure = gimbal_flags(angles), without_singular(angles)
    time_s = angles["time_s"].to_numpy(dtype=float)
    rows = []
    for joint in JOINTS:
        near = flags[f"{joint.name}_near_singularity"].to_numpy(dtype=bool)
        for name, column in columns[joint.name]:
            row = {"joint": joint.title, "side": joint.side or "", "angle": name}
            rows.append(
                row
                | {"near_singularity_share": float(near.mean()) if len(near) else 0.0}
                | _values(angles[column], sure[column], time_s, events, joint.side or "R")
            )
    table = pd.DataFrame(rows).reindex(columns=list(SUMMARY_COLUMNS))
    for (_, _), pair in table[table["side"] != ""].groupby(["joint", "angle"], sort=False):
        by_side = pair.set_index("side")["range_of_motion_deg"]
        right, left = float(by_side["R"]), float(by_side["L"])
        table.loc[pair.index, "range_difference_R_minus_L_deg"] = right - left
        total = right + left
        table.loc[pair.index, "symmetry_index_percent"] = (
            200.0 * (right - left) / total if total > 0 else np.nan
        )
    return table


def _angles_of(angles: pd.DataFrame, joint: Joint) -> list[tuple[str, str]]:
    """(angle, column) of a joint, as the table names them."""
    columns = columns_in(angles, joint)
    for column in columns:
        if column not in angles:
            raise InputError(f"the angles have no column {column}; give what joint_angles() gave")
    start, stop = len(joint.name) + 1, -len("_deg")
    return [(column[start:stop], column) for column in columns]


def _values(
    given: pd.Series,
    sure: pd.Series,
    time: FloatArray,
    events: GaitEvents | None,
    side: Side,
) -> dict[str, object]:
    """What one row says of its angle: of T frames as given, and NaN where it is noise."""
    row: dict[str, object] = {
        "missing_share": float(given.isna().mean()) if len(given) else 1.0,
    }
    values = sure.to_numpy(dtype=float)
    known = np.isfinite(values)
    if known.sum() >= FEWEST_FRAMES:
        top, bottom = int(np.nanargmax(values)), int(np.nanargmin(values))
        row |= {
            "range_of_motion_deg": float(values[top] - values[bottom]),
            "max_deg": float(values[top]),
            "time_of_max_s": float(time[top]),
            "min_deg": float(values[bottom]),
            "time_of_min_s": float(time[bottom]),
            "mean_deg": float(values[known].mean()),
        }
    if events is not None:
        row |= _cycles(values, time, events, side)
    return row


def _cycles(
    values: FloatArray, time: FloatArray, events: GaitEvents, side: Side
) -> dict[str, object]:
    """Means over the complete strides in which the angle has no gap."""
    spans, half = [], half_a_frame(time)
    for start, stop in events.strides(side):
        stride = values[(time >= start - half) & (time < stop - half)]
        if len(stride) and np.isfinite(stride).all():
            spans.append((float(stride.max()), float(stride.min())))
    if not spans:
        return {"cycles": 0}
    high, low = np.array(spans).T
    return {
        "cycles": len(spans),
        "cycle_range_mean_deg": float((high - low).mean()),
        "cycle_range_sd_deg": float((high - low).std(ddof=1)) if len(spans) > 1 else np.nan,
        "cycle_max_mean_deg": float(high.mean()),
        "cycle_min_mean_deg": float(low.mean()),
    }
