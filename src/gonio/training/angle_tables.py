"""Tables of the errors of joint angles: a line a row of the comparison.

Degrees and percent, as the columns' names say. The figure of several angles is the mean of theirs,
each angle once; an angle without a truth in the recording is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gonio.skeleton import ANGLE_COLUMNS, JOINTS
from gonio.training.angle_errors import AngleErrors, mean_errors
from gonio.training.angle_scoring import ScoredAngles
from gonio.training.error_tables import RAW, mean

ALL_ANGLES = "all"
"""Name of the mean over the three angles of a joint."""
FLEXIONS: tuple[str, ...] = ("hip", "knee", "ankle")
"""Joints whose flexion, mean of both sides, has a column of its own."""
_EVERY = np.arange(len(ANGLE_COLUMNS))


def whole_angle_table(clips: Sequence[ScoredAngles]) -> pd.DataFrame:
    """A line a recording and row, over all clips and angles; no columns where there is no clip."""
    lines = [
        {"recording": recording, "row": row, "clips": len(members), **_overall(errors)}
        for recording, members in _parts(clips)
        for row, errors in _rows(members)
    ]
    return _with_change(pd.DataFrame(lines), ["recording"])


def camera_angle_table(clips: Sequence[ScoredAngles]) -> pd.DataFrame:
    """A line a recording, camera and row, over all clips and angles."""
    lines = [
        {
            "recording": recording,
            "camera": camera,
            "row": row,
            "clips": sum(clip.camera == camera for clip in members),
            **_overall(errors),
        }
        for recording, members in _parts(clips)
        for camera in sorted({clip.camera for clip in members})
        for row, errors in _rows([clip for clip in members if clip.camera == camera])
    ]
    return _with_change(pd.DataFrame(lines), ["recording", "camera"])


def joint_angle_table(clips: Sequence[ScoredAngles]) -> pd.DataFrame:
    """A line a recording, joint, angle and row; the angle `all` is the mean of a joint's three."""
    lines = [
        {"recording": recording, "joint": joint, "angle": angle, "row": row, **figures}
        for recording, members in _parts(clips)
        for joint, angle, angles in _angles()
        for row, errors in _rows(members)
        if (figures := _figures(errors, angles))["frames"]
    ]
    return _with_change(pd.DataFrame(lines), ["recording", "joint", "angle"])


def _angles() -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    """Joint, angle and the places of the columns that it covers."""
    for number, joint in enumerate(JOINTS):
        places = 3 * number + np.arange(3)
        yield joint.name, ALL_ANGLES, places
        for angle, place in zip(joint.angles, places, strict=True):
            yield joint.name, angle, np.array([place])


def _parts(clips: Sequence[ScoredAngles]) -> Iterator[tuple[str, list[ScoredAngles]]]:
    for recording in dict.fromkeys(clip.recording for clip in clips):
        yield recording, [clip for clip in clips if clip.recording == recording]


def _rows(clips: list[ScoredAngles]) -> Iterator[tuple[str, AngleErrors]]:
    for row in clips[0].errors:
        yield row, mean_errors([clip.errors[row] for clip in clips])


def _overall(errors: AngleErrors) -> dict[str, float]:
    """Figures over all angles, and the error of the flexions."""
    flexions = {
        f"{title}_flexion_deg": mean(
            errors.without_offset[
                [ANGLE_COLUMNS.index(f"{title}_{side}_flexion_deg") for side in "RL"]
            ]
        )
        for title in FLEXIONS
    }
    return _figures(errors, _EVERY) | flexions


def _figures(errors: AngleErrors, angles: NDArray[np.intp]) -> dict[str, float]:
    true_frames = int(errors.true_frames[angles].sum())
    missing = 100 * float(errors.missing[angles].sum()) / true_frames if true_frames else np.nan
    return {
        "frames": int(errors.frames[angles].max()),
        "missing_percent": missing,
        "without_offset_deg": mean(errors.without_offset[angles]),
        "absolute_deg": mean(errors.absolute[angles]),
        "correlation": mean(errors.correlation[angles]),
        "range_error_deg": mean(errors.range_error[angles]),
        "range_bias_deg": mean(errors.range_bias[angles]),
    }


def _with_change(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The table with the change of the error against `raw` of the same group, percent."""
    if table.empty:
        return table
    error = "without_offset_deg"
    raw = table[table["row"] == RAW].set_index(keys)[error]
    base = raw.reindex(pd.MultiIndex.from_frame(table[keys]) if keys[1:] else table[keys[0]])
    change = 100 * (table[error] / base.to_numpy(dtype=float) - 1)
    place = list(table.columns).index(error) + 1
    table.insert(place, "without_offset_vs_raw_percent", change)
    return table
