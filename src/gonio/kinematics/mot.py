"""MOT files: model coordinates over time, as OpenSim reads and writes them.

OpenSim's reader of motions (`Storage`) stops at the first row that holds `nan`, so a MOT cannot
show a gap. A missing sample is therefore written as a number, on the straight line between its
neighbours (0 where the whole coordinate is missing), and the header's line `missing=` says which
samples these are: `missing=ankle_angle_r:10-19,25;...`, rows counted from 0. `read_mot` turns them
back into NaN.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from gonio.errors import InputError, MissingFileError
from gonio.files import write_text
from gonio.signals import runs_of

_GAP_NOTE = (
    "The samples listed as missing (rows from 0) were not measured: straight lines bridge them, "
    "because OpenSim reads no gaps."
)

TRANSLATIONS: tuple[str, ...] = ("_tx", "_ty", "_tz")
"""Endings of the coordinates that are metres, not degrees."""


def write_mot(path: str | Path, coordinates: pd.DataFrame) -> None:
    """Write coordinates in degrees and metres; gaps are bridged and listed in the header.

    Args:
        path: the MOT file; written whole or not at all.
        coordinates: `time` (or `time_s`) in seconds and one column a coordinate.

    Raises:
        InputError: there is no column of time, or no frame.
        OutputError: the file cannot be written.
    """
    table = coordinates.rename(columns={"time_s": "time"})
    if "time" not in table or len(table) == 0:
        raise InputError(f"{path}: a MOT needs a column `time` and at least one frame")
    table = table[["time", *(name for name in table.columns if name != "time")]]
    gaps = _gaps(table)
    header = [
        "Coordinates",
        "version=1",
        f"nRows={len(table)}",
        f"nColumns={table.shape[1]}",
        "inDegrees=yes",
        *([f"missing={gaps}", "", _GAP_NOTE] if gaps else []),
        "",
        "Units are S.I. units (second, meters, Newtons, ...)",
        "Angles are in degrees.",
        "",
        "endheader",
        "\t".join(table.columns),
    ]
    bridged = table.interpolate(limit_direction="both").fillna(0.0)
    rows = ["\t".join(f"{value:.8f}" for value in row) for row in bridged.to_numpy(dtype=float)]
    write_text(path, "\n".join(header + rows) + "\n")


def read_mot(path: str | Path, *, convert: bool = True) -> pd.DataFrame:
    """Read coordinates; radians are turned into degrees.

    Args:
        path: a MOT or STO file.
        convert: false for a file whose columns are no angles, whatever its header says.

    Returns:
        `time` in seconds, then one column a coordinate: degrees, but metres for those that end in
        `_tx`, `_ty`, `_tz`. NaN where the header says that a sample is missing.

    Raises:
        MissingFileError: no such file.
        InputError: not a MOT file, or its header does not agree with its rows.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"there is no file {source}")
    head, separator, body = source.read_text(encoding="utf-8", errors="replace").partition(
        "endheader"
    )
    body = body.lstrip("\r\n")
    if not separator or not body.strip():
        raise InputError(f"{source} is no MOT file: it has no line `endheader` with rows after it")
    keys = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    try:
        table = pd.read_csv(io.StringIO(body), sep=r"\s+", dtype=float)
    except ValueError as error:
        raise InputError(f"{source}: a cell is no number ({error})") from error
    _check_counts(source, keys, table)
    _reopen_gaps(source, keys.get("missing", ""), table)
    if convert and keys.get("inDegrees", "yes").strip().lower() == "no":
        angles = [c for c in table.columns if c != "time" and not c.endswith(TRANSLATIONS)]
        table[angles] = np.degrees(table[angles])
    return table


def _gaps(table: pd.DataFrame) -> str:
    """Which samples are missing, e.g. `ankle_angle_r:10-19,25;knee_angle_r:3`; rows from 0."""
    found = []
    for name in table.columns:
        runs = runs_of(table[name].isna().to_numpy())
        if runs:
            spans = [f"{a}-{b - 1}" if b - a > 1 else str(a) for a, b in runs]
            found.append(f"{name}:{','.join(spans)}")
    return ";".join(found)


def _reopen_gaps(source: Path, gaps: str, table: pd.DataFrame) -> None:
    """NaN for the samples that the header lists."""
    for entry in filter(None, gaps.strip().split(";")):
        name, _, spans = entry.partition(":")
        for span in spans.split(","):
            first, _, last = span.partition("-")
            if name not in table or not _is_count(first) or not _is_count(last or "0"):
                raise InputError(f"{source}: the header's line `missing` is broken at {entry!r}")
            table.loc[int(first) : int(last or first), name] = np.nan


def _is_count(word: str) -> bool:
    """Whether a word is a whole number of 0 or more; a superscript is a digit and no number."""
    return word.isascii() and word.isdigit()


def _check_counts(source: Path, keys: dict[str, str], table: pd.DataFrame) -> None:
    for key, have in (("nRows", len(table)), ("nColumns", table.shape[1])):
        said = keys.get(key, "").strip()
        try:
            agrees = not said or float(said) == have
        except ValueError:
            agrees = False
        if not agrees:
            raise InputError(f"{source}: the header says {key}={said}, the file has {have}")
    if "time" not in table.columns:
        raise InputError(f"{source}: there is no column `time`")
