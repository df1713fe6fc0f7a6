"""TRC files: marker trajectories as OpenSim and Pose2Sim read them.

Layout: a row with the file's type and name, a row of eight header keys, a row of their values, a
row of marker names, a row `X1 Y1 Z1 ...`, a blank row, then one row a frame. Columns are
separated by tabs; a blank cell is a missing sample.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from gonio.errors import InputError, MissingFileError
from gonio.files import write_text
from gonio.types import FloatArray, MarkerTrajectories

_HEADER_KEYS = (
    "DataRate",
    "CameraRate",
    "NumFrames",
    "NumMarkers",
    "Units",
    "OrigDataRate",
    "OrigDataStartFrame",
    "OrigNumFrames",
)
METRES_IN = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_RATE_TOLERANCE = 0.02


def write_trc(path: str | Path, markers: MarkerTrajectories) -> None:
    """Write marker paths in metres, to the micrometre; a missing sample is a blank cell.

    Args:
        path: the TRC file; written whole or not at all.
        markers: (T, M, 3) metres.

    Raises:
        OutputError: the file cannot be written.
    """
    write_text(path, format_trc(markers, Path(path).name))


def format_trc(markers: MarkerTrajectories, file_name: str) -> str:
    """The text of a TRC file.

    Args:
        markers: (T, M, 3) metres.
        file_name: name to put into the first row.
    """
    count, rate = len(markers.names), f"{markers.rate_hz:.6g}"
    values = (rate, rate, len(markers), count, "m", rate, 1, len(markers))
    header = [
        f"PathFileType\t4\t(X/Y/Z)\t{file_name}",
        "\t".join(_HEADER_KEYS),
        "\t".join(str(value) for value in values),
        "Frame#\tTime\t" + "\t\t\t".join(markers.names) + "\t\t",
        "\t\t" + "".join(f"X{i}\tY{i}\tZ{i}\t" for i in range(1, count + 1)),
        "",
    ]
    flat = markers.positions.reshape(len(markers), -1)
    rows = [
        # OpenSim drops a blank last cell unless a tab follows it, and then refuses the row; pandas
        # (Pose2Sim) wants as many tabs in every row as in the one above, `X1 Y1 Z1 ...`.
        f"{i}\t{time:.6f}\t" + "".join("\t" if np.isnan(v) else f"{v:.6f}\t" for v in row)
        for i, (time, row) in enumerate(zip(markers.time_s, flat, strict=True), start=1)
    ]
    return "\n".join(header + rows) + "\n"


def read_trc(path: str | Path) -> MarkerTrajectories:
    """Read a TRC file; millimetres and centimetres are turned into metres.

    Args:
        path: the TRC file.

    Returns:
        Marker paths in metres, NaN where a cell is blank.

    Raises:
        MissingFileError: there is no such file.
        InputError: not a TRC file, unknown units, a marker named twice, counts that do not agree
            with the header, or a time column that does not agree with the rate.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"there is no TRC file {source}; check the path")
    lines = source.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if len(lines) < 6 or not lines[0].startswith("PathFileType"):
        raise InputError(
            f"{source} is not a TRC file: its first row must begin with PathFileType and five "
            "header rows must follow"
        )
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    names = tuple(name.strip() for name in lines[3].split("\t")[2::3] if name.strip())
    rate = _number(source, header, "DataRate")
    table = _table(source, lines[5:], len(names))
    _check_counts(source, header, len(table), len(names))
    _check_rate(source, table[:, 1], rate)
    positions = table[:, 2:].reshape(len(table), len(names), 3) * _unit(source, header)
    try:
        return MarkerTrajectories(names, positions, rate, start_s=float(table[0, 1]))
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _number(source: Path, header: dict[str, str], key: str) -> float:
    try:
        return float(header[key])
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{source}: the header's {key} is {header.get(key)!r}; allowed is a number"
        ) from error


def _unit(source: Path, header: dict[str, str]) -> float:
    unit = header.get("Units", "").strip().lower()
    if unit not in METRES_IN:
        raise InputError(
            f"{source}: Units is {unit!r}; allowed are {', '.join(METRES_IN)}. Correct the header."
        )
    return METRES_IN[unit]


def _table(source: Path, lines: list[str], markers: int) -> FloatArray:
    width = 2 + 3 * markers
    rows = []
    for number, line in enumerate(lines, start=6):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) > width and any(cells[width:]):
            raise InputError(
                f"{source}, row {number}: {len(cells)} cells; {markers} markers need {width}"
            )
        cells = cells[:width] + [""] * (width - len(cells))
        rows.append("\t".join(cell or "nan" for cell in cells))
    if not rows or not markers:
        raise InputError(f"{source} holds no frames or no markers; export the trial again")
    try:
        return np.loadtxt(io.StringIO("\n".join(rows)), delimiter="\t", ndmin=2)
    except ValueError as error:
        raise InputError(f"{source}: a cell is not a number: {error}") from error


def _check_counts(source: Path, header: dict[str, str], frames: int, markers: int) -> None:
    for key, have in (("NumFrames", frames), ("NumMarkers", markers)):
        want = _number(source, header, key)
        if want != have:
            raise InputError(
                f"{source}: the header's {key} is {want:g} but the file holds {have}; the file is "
                "cut off or its header is wrong"
            )


def _check_rate(source: Path, time_s: FloatArray, rate_hz: float) -> None:
    if len(time_s) < 2:
        return
    steps = np.diff(time_s)
    off = np.abs(steps * rate_hz - 1)
    # Times are often written with three decimals: both ends of a step are off by half a unit.
    rounded_s = 0.0006 if rate_hz > 0 and (1000 / rate_hz) % 1 == 0 else 0.0011
    if not (off < _RATE_TOLERANCE + rounded_s * rate_hz).all():
        worst = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
        raise InputError(
            f"{source}: the header's DataRate is {rate_hz:g} Hz but the time column steps by "
            f"{steps[worst]:.6g} s after frame {worst + 1}; resample the trial to one rate"
        )
    seconds, expected = float(time_s[-1] - time_s[0]), len(steps) / rate_hz
    if seconds <= 0:
        raise InputError(f"{source}: the time column does not advance; write the frames' times")
    if abs(seconds - expected) > _RATE_TOLERANCE * expected + 0.001:
        raise InputError(
            f"{source}: the header's DataRate is {rate_hz:g} Hz but {len(steps)} steps of the time "
            f"column take {seconds:.6g} s, which are {len(steps) / seconds:.6g} Hz; write the rate "
            "of the time column into the header"
        )
