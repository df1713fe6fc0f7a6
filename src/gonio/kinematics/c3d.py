"""C3D files of marker paths."""

from __future__ import annotations

from pathlib import Path

import ezc3d
import numpy as np

from gonio.errors import InputError
from gonio.files import replacing
from gonio.types import MarkerTrajectories


def write_c3d(path: str | Path, markers: MarkerTrajectories) -> None:
    """Write marker paths as C3D: millimetres, Y up, a missing sample with residual -1.

    Args:
        path: the C3D file; written whole or not at all.
        markers: (T, M, 3) metres, lab.

    Raises:
        InputError: there is no frame.
        OutputError: the file cannot be written.
    """
    if len(markers) == 0:
        raise InputError(f"{path}: a C3D needs at least one frame")
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
