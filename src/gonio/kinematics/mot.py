"""MOT files: model coordinates over time, as OpenSim reads and writes them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from gonio.errors import InputError, MissingFileError
from gonio.files import write_text

TRANSLATIONS: tuple[str, ...] = ("_tx", "_ty", "_tz")
"""Endings of the coordinates that are metres, not degrees."""


def write_mot(path: str | Path, coordinates: pd.DataFrame) -> None:
    """Write coordinates in degrees and metres; a missing value is `nan`.

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
    header = [
        "Coordinates",
        "version=1",
        f"nRows={len(table)}",
        f"nColumns={table.shape[1]}",
        "inDegrees=yes",
        "",
        "Units are S.I. units (second, meters, Newtons, ...)",
        "Angles are in degrees.",
        "",
        "endheader",
        "\t".join(table.columns),
    ]
    rows = ["\t".join(f"{value:.8f}" for value in row) for row in table.to_numpy(dtype=float)]
    write_text(path, "\n".join(header + rows) + "\n")


def read_mot(path: str | Path, *, convert: bool = True) -> pd.DataFrame:
    """Read coordinates; radians are turned into degrees.

    Args:
        path: a MOT or STO file.
        convert: false for a file whose columns are no angles, whatever its header says.

    Returns:
        `time` in seconds, then one column a coordinate: degrees, but metres for those that end in
        `_tx`, `_ty`, `_tz`.

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
    if convert and keys.get("inDegrees", "yes").strip().lower() == "no":
        angles = [c for c in table.columns if c != "time" and not c.endswith(TRANSLATIONS)]
        table[angles] = np.degrees(table[angles])
    return table


def _check_counts(source: Path, keys: dict[str, str], table: pd.DataFrame) -> None:
    for key, have in (("nRows", len(table)), ("nColumns", table.shape[1])):
        said = keys.get(key, "").strip()
        if said and int(float(said)) != have:
            raise InputError(f"{source}: the header says {key}={said}, the file has {have}")
    if "time" not in table.columns:
        raise InputError(f"{source}: there is no column `time`")
