"""C3D files of marker paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import ezc3d
import numpy as np

from gonio.errors import InputError, MissingFileError
from gonio.files import replacing
from gonio.trc import METRES_IN
from gonio.types import FloatArray, MarkerTrajectories

Up = Literal["X", "Y", "Z"]
_TO_Y_UP: Mapping[str, FloatArray] = {
    "X": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "Y": np.eye(3),
    "Z": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
}
"""By the axis that is up in a file: its axes into Gonio's. Z turns onto Y about X."""
BLOCK_BYTES = 512
C3D_KEY = 0x50
_BYTE_ORDER = {b"\x54": "<", b"\x55": "<", b"\x56": ">"}
"""By processor: Intel, DEC, MIPS."""
_SIGN_AT = {b"\x54": 15, b"\x55": 13, b"\x56": 12}
"""Byte of the header with the sign of the scale, below 0 where numbers are of 32 bits."""
_NO_MARKERS = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS")
"""Parameters of POINT that name points which are results of a model."""

MAX_FRAMES = 65_535
"""What the frame count of a C3D file, a word of 16 bits, can say. Some write longer counts into
POINT:LONG_FRAMES or TRIAL:ACTUAL_END_FIELD, but not every program looks there: ezc3d 1.7.2 itself
reads so many frames and says nothing of the rest."""


def why_no_c3d(markers: MarkerTrajectories) -> str | None:
    """Why there can be no C3D file of a clip, one sentence; None if there can."""
    if len(markers) <= MAX_FRAMES:
        return None
    return (
        f"There is no C3D file: the clip has {len(markers)} frames, and such a file counts up to "
        f"{MAX_FRAMES}; the TRC file holds them all."
    )


def write_c3d(path: str | Path, markers: MarkerTrajectories) -> None:
    """Write marker paths as C3D: millimetres, Y up, a missing sample with residual -1.

    The number of the first frame tells when the clip begins, where such a file can count so far.

    Args:
        path: the C3D file; written whole or not at all.
        markers: (T, M, 3) metres, lab.

    Raises:
        InputError: there is no frame, or more than `MAX_FRAMES`.
        OutputError: the file cannot be written.
    """
    if len(markers) == 0:
        raise InputError(f"{path}: a C3D needs at least one frame")
    if len(markers) > MAX_FRAMES:
        raise InputError(
            f"{path}: there are {len(markers)} frames; a C3D file counts up to {MAX_FRAMES}: write "
            "a TRC file, or parts of the clip"
        )
    points = np.ones((4, len(markers.names), len(markers)))
    points[:3] = 1000.0 * markers.positions.transpose(2, 1, 0)
    missing = ~np.isfinite(points[:3]).all(axis=0)
    points[:3, missing] = np.nan
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [markers.rate_hz]
    file["parameters"]["POINT"]["LABELS"]["value"] = list(markers.names)
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file.add_parameter("POINT", "X_SCREEN", "+X")
    file.add_parameter("POINT", "Y_SCREEN", "+Y")
    file["data"]["points"] = points
    file["data"]["meta_points"]["residuals"] = np.where(missing, -1.0, 0.0)[None]
    first = round(markers.start_s * markers.rate_hz)
    if 0 < first < MAX_FRAMES - len(markers):
        file["header"]["points"]["first_frame"] = first
    with replacing(path) as scratch:
        file.write(str(scratch))


def read_c3d(path: str | Path, *, up: Up | None = None) -> MarkerTrajectories:
    """Read marker paths from a C3D file, in Gonio's axes.

    Points without a label or marked as unlabelled (`*12`), and results of a model that are stored
    as points (angles, forces, moments, powers), are left out.

    Args:
        path: the C3D file.
        up: which of its axes points up; without, what its parameter POINT:Y_SCREEN says. Most
            laboratories have Z up. With Z it is turned about X, with X axes change places.

    Returns:
        (T, M, 3) metres, Y up, at the file's own times; NaN where a point is missing.

    Raises:
        MissingFileError: there is no such file.
        InputError: not a C3D file, one that is cut off, longer than `MAX_FRAMES` or without
            markers, unknown units, a marker named twice, or nothing says which axis is up. (What
            is damaged among a file's parameters is not always seen: ezc3d may end the process.)
    """
    if up is not None and up not in _TO_Y_UP:
        raise InputError(f"up is {up!r}; allowed are 'X', 'Y' and 'Z'")
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"there is no C3D file {source}; check the path")
    _check_whole(source)
    try:
        file = ezc3d.c3d(str(source))
        point, trial = (_values(file["parameters"].get(group, {})) for group in ("POINT", "TRIAL"))
        points, residuals = file["data"]["points"], file["data"]["meta_points"]["residuals"][0]
        first_frame = file["header"]["points"]["first_frame"]
    except (OSError, RuntimeError, ValueError, KeyError, IndexError, MemoryError) as error:
        raise InputError(f"{source} is not a C3D file, or it is cut off ({error})") from error
    labels = [str(label).strip() for label in _of(point, "LABELS")]
    others = {str(label).strip() for kind in _NO_MARKERS for label in _of(point, kind)}
    rows = [
        row
        for row, label in enumerate(labels[: points.shape[1]])
        if label and not label.startswith("*") and label not in others
    ]
    _check_all_read(source, point, trial, points.shape[2])
    rate_hz = float(next(iter(_of(point, "RATE")), 0.0))
    if not rows or not points.shape[2] or not rate_hz > 0:
        raise InputError(f"{source} holds no frame of a labelled marker; export the marker paths")
    positions = np.where(residuals[rows] < 0, np.nan, points[:3, rows]).transpose(2, 1, 0)
    scale = _metres(source, point)
    turn = _TO_Y_UP[up or _axis_up(source, point)]
    try:
        return MarkerTrajectories(
            tuple(labels[row] for row in rows),
            scale * positions @ turn.T,
            rate_hz,
            start_s=first_frame / rate_hz,
        )
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _check_whole(source: Path) -> None:
    """See that a file begins like a C3D and is as long as it says; ezc3d reads on with zeros.

    The layout is that of the C3D user guide (c3d.org): words of 16 bits, counted from 1; the frames
    of word 4 to word 5 hold four numbers a point and word 3 samples, from the block of word 9 on.

    Raises:
        InputError: it does not, or it is not.
    """
    size = source.stat().st_size
    with source.open("rb") as stream:
        header = stream.read(BLOCK_BYTES)
        if len(header) < BLOCK_BYTES or header[1] != C3D_KEY or header[0] < 2:
            raise InputError(f"{source} is not a C3D file: its first bytes are others")
        stream.seek(BLOCK_BYTES * (header[0] - 1) + 3)
        processor = stream.read(1)
    if processor not in _BYTE_ORDER:
        raise InputError(f"{source} is not a C3D file, or it is cut off: it names no processor")
    words = np.frombuffer(header, dtype=f"{_BYTE_ORDER[processor]}u2").astype(int)
    points, samples, first, last, start = words[[1, 2, 3, 4, 8]]
    scale_sign = header[_SIGN_AT[processor]] & 0x80
    number_bytes = 4 if scale_sign else 2
    frame_bytes = number_bytes * (4 * points + samples)
    needed = BLOCK_BYTES * (start - 1) + (last - first + 1) * frame_bytes
    if size < needed:
        raise InputError(
            f"{source} is cut off: it has {size} bytes, and its frames {first} to {last} need "
            f"{needed}; copy or export it again"
        )


def _check_all_read(
    source: Path, point: Mapping[str, Any], trial: Mapping[str, Any], read: int
) -> None:
    """See that no frames are lost: beyond `MAX_FRAMES` ezc3d stops without a word.

    Raises:
        InputError: POINT or TRIAL say that there are more.
    """
    frames = int(next(iter(_of(point, "LONG_FRAMES")), 0))
    span = [_of(trial, f"ACTUAL_{end}_FIELD") for end in ("START", "END")]
    if all(len(words) == 2 for words in span):  # of 16 bits each, the lower first
        first, last = (int(low) % 2**16 + 2**16 * int(high) for low, high in span)
        frames = max(frames, last - first + 1)
    if frames > read == MAX_FRAMES:
        raise InputError(
            f"{source} says that it has {frames} frames, of which {MAX_FRAMES} can be read; "
            "export it in parts"
        )


def _values(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry["value"] for name, entry in group.items() if "value" in entry}


def _of(point: Mapping[str, Any], name: str) -> list[Any]:
    """The values of a parameter of POINT and of its continuations (LABELS2, LABELS3, ...)."""
    values = list(point.get(name, []))
    part = 2
    while f"{name}{part}" in point:
        values += list(point[f"{name}{part}"])
        part += 1
    return values


def _metres(source: Path, point: Mapping[str, Any]) -> float:
    unit = str(next(iter(_of(point, "UNITS")), "")).strip().lower()
    if unit not in METRES_IN:
        raise InputError(
            f"{source}: POINT:UNITS is {unit!r}; allowed are {', '.join(METRES_IN)}. Export the "
            "file with its unit."
        )
    return METRES_IN[unit]


def _axis_up(source: Path, point: Mapping[str, Any]) -> str:
    said = str(next(iter(_of(point, "Y_SCREEN")), "")).strip().upper()
    axis = said.removeprefix("+")
    if axis not in _TO_Y_UP:
        raise InputError(
            f"{source}: POINT:Y_SCREEN is {said!r}, so nothing says which axis is up; say "
            "up='Z' (as in most laboratories), 'Y' or 'X'"
        )
    return axis
