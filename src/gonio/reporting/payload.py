"""What the report's page carries: markers and curves, thinned and packed.

Numbers travel as base64 of little-endian arrays inside one JSON object; `decoded` undoes it.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gonio.reporting.flags import flags_of, spans_of
from gonio.reporting.series import angle_of, columns_of, envelope
from gonio.reporting.style import POSITIVE, ROW_TITLES, joints_of_row
from gonio.skeleton import JOINTS, MARKER_EDGES, MARKERS, Joint, marker_on_other_side
from gonio.types import FloatArray, MarkerTrajectories

ANIMATION_RATE_HZ = 30.0
ANIMATION_FRAMES = 6000
"""At most so many frames of the skeleton: 10 minutes at 10 Hz, with straight lines between."""
CURVE_POINTS = 5000
"""At most so many points a curve."""
MISSING = -32768
"""Stands for a missing coordinate among the packed ones."""

Payload = dict[str, Any]


def encoded(array: NDArray[Any], kind: str) -> str:
    """Base64 of an array as little-endian numbers of a NumPy kind (`<i2`, `<f4`, `u1`)."""
    return base64.b64encode(np.ascontiguousarray(array, dtype=kind).tobytes()).decode("ascii")


def decoded(text: str, kind: str) -> NDArray[Any]:
    """The flat array that `encoded` packed."""
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def skeleton_payload(markers: MarkerTrajectories) -> Payload:
    """The markers for the animation, to the millimetre.

    Coordinates are whole steps of `unit_m` from `origin_m`: a millimetre, and more only where the
    clip covers over 65 m.

    Args:
        markers: (T, M, 3) metres, lab frame.

    Returns:
        `positions` packed int16 (F, M, 3), `estimated` packed uint8 (F, M), and what is needed to
        read and draw them.
    """
    stride = _animation_stride(len(markers), markers.rate_hz)
    positions, estimated = markers.positions[::stride], markers.estimated[::stride]
    origin, unit = _origin_and_unit(positions)
    steps = np.rint((positions - origin) / unit)
    index = {name: i for i, name in enumerate(markers.names)}
    return {
        "names": list(markers.names),
        "sides": [_side_of(name) for name in markers.names],
        "augmented": [name not in MARKERS for name in markers.names],
        "edges": [[index[a], index[b]] for a, b in MARKER_EDGES if a in index and b in index],
        "frames": len(positions),
        "start_s": markers.start_s,
        "step_s": stride / markers.rate_hz,
        "origin_m": [round(float(value), 6) for value in origin],
        "unit_m": unit,
        "missing": MISSING,
        "positions": encoded(np.where(np.isnan(steps), MISSING, steps), "<i2"),
        "estimated": encoded(estimated, "u1"),
    }


def _animation_stride(frames: int, rate_hz: float) -> int:
    by_rate = int(np.ceil(rate_hz / ANIMATION_RATE_HZ - 0.1))
    by_length = int(np.ceil(frames / ANIMATION_FRAMES))
    return max(1, by_rate, by_length)


def _origin_and_unit(positions: FloatArray) -> tuple[FloatArray, float]:
    flat = positions.reshape(-1, 3)
    flat = flat[np.isfinite(flat).all(axis=1)]
    if not len(flat):
        return np.zeros(3), 0.001
    low, high = flat.min(axis=0), flat.max(axis=0)
    reach = float((high - low).max() / 2)
    return np.round((low + high) / 2, 3), max(0.001, reach / 32_000)


def _side_of(name: str) -> str:
    if marker_on_other_side(name) == name:
        return "M"
    return "R" if name[0] in "Rr" else "L"


def curve_payload(
    time_s: FloatArray, table: pd.DataFrame, sigma: pd.DataFrame | None = None
) -> Payload:
    """The curves of one table of angles, column by column.

    A curve of more than `CURVE_POINTS` samples is thinned to the smallest and the largest sample of
    each of equal stretches of time, in their order, so that every peak stays.

    Args:
        time_s: (T,) seconds.
        table: T rows; those of the 36 columns that it has, degrees.
        sigma: T rows of one standard deviation, degrees, for a band about the curve.

    Returns:
        `{column: {"t": ..., "y": ..., "s": ...}}`, packed float32; `t` in seconds, `s` only with
        `sigma`.
    """
    curves: Payload = {}
    for column in (column for joint in JOINTS for column in joint_columns(joint, table)):
        values = table[column].to_numpy(dtype=np.float64)
        keep = envelope(values, CURVE_POINTS)
        curves[column] = {"t": encoded(time_s[keep], "<f4"), "y": encoded(values[keep], "<f4")}
        if sigma is not None and column in sigma:
            spread = sigma[column].to_numpy(dtype=np.float64)
            curves[column]["s"] = encoded(spread[keep], "<f4")
    return curves


def joint_columns(joint: Joint, table: pd.DataFrame) -> tuple[str, ...]:
    """The columns of a joint that a table has: all three, or those of its own names."""
    return columns_of(joint, table) or tuple(c for c in joint.columns if c in table)


def span_payload(flags: pd.DataFrame | None, time_s: FloatArray) -> Payload:
    """Flagged spans of each joint that has any, `{joint: [[from, to], ...]}`, seconds."""
    spans: Payload = {}
    for joint in JOINTS:
        found = spans_of(flags_of(flags, joint, len(time_s)), time_s)
        if found:
            spans[joint.name] = [[round(a, 4), round(b, 4)] for a, b in found]
    return spans


def row_payload(angles: pd.DataFrame) -> list[Payload]:
    """The joints as the page shows them, one entry a row of `style.ROW_TITLES`.

    Args:
        angles: the table whose columns are shown.
    """
    rows = []
    for title in ROW_TITLES:
        joints = joints_of_row(title)
        words = [angle_of(column, joints[0]) for column in columns_of(joints[0], angles)]
        rows.append(
            {
                "title": title,
                "angles": words,
                "positive": [POSITIVE[title, word] for word in words],
                "joints": [
                    {"name": j.name, "side": j.side or "M", "columns": list(columns_of(j, angles))}
                    for j in joints
                ],
            }
        )
    return rows
