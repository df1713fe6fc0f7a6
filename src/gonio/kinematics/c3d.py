"""C3D files of marker paths."""

from __future__ import annotations

from pathlib import Path

import ezc3d
import numpy as np

from gonio.errors import InputError
from gonio.files import replacing
from gonio.types import MarkerTrajectories

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
    with replacing(path) as scratch:
        file.write(str(scratch))
