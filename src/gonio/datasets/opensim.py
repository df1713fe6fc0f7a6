"""Files that OpenSim and other motion programs read: MOT, C3D, a scaled model with its motion."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gonio.datasets.base import FileDataset
from gonio.files import write_text
from gonio.kinematics import read_mot, write_c3d, write_mot
from gonio.kinematics.c3d import why_no_c3d
from gonio.types import MarkerTrajectories

_log = logging.getLogger(__name__)


class MotDataset(FileDataset[pd.DataFrame, pd.DataFrame]):
    """Model coordinates over time: `time`, then degrees and metres."""

    def load(self) -> pd.DataFrame:
        """The coordinates."""
        return read_mot(self.existing_path())

    def save(self, data: pd.DataFrame) -> None:
        """Write the coordinates."""
        write_mot(self.path, data)


class C3dDataset(FileDataset[MarkerTrajectories, Path]):
    """Marker trajectories as C3D, written for other programs; loading gives the path.

    A clip that is too long for it takes the file of an earlier run away, so that it does not stand
    beside results that it does not belong to.
    """

    def load(self) -> Path:
        """The file."""
        return self.existing_path()

    def save(self, data: MarkerTrajectories) -> None:
        """Write the markers."""
        if reason := why_no_c3d(data):
            _log.warning(reason)
            self.path.unlink(missing_ok=True)
            return
        write_c3d(self.path, data)


@dataclass(frozen=True)
class OpenSimSolution:
    """A scaled model and its motion by OpenSim's inverse kinematics; empty where not asked for.

    Attributes:
        model: the text of `scaled.osim`.
        coordinates: `time`, then degrees and metres.
        marker_errors: `time_s`, `rms_m`, `max_m` per frame.
        quality: figures for the quality record.
    """

    model: str = ""
    coordinates: pd.DataFrame = field(default_factory=pd.DataFrame)
    marker_errors: pd.DataFrame = field(default_factory=pd.DataFrame)
    quality: dict[str, Any] = field(default_factory=dict)


class OpenSimDataset(FileDataset[OpenSimSolution, Path]):
    """`scaled.osim` at `filepath`; the motion and its marker errors lie beside it.

    An empty solution takes the files of an earlier run away, so that they do not stand beside
    results that they do not belong to.
    """

    @property
    def motion_path(self) -> Path:
        """The motion."""
        return self.path.with_name("inverse_kinematics.mot")

    @property
    def errors_path(self) -> Path:
        """The table of marker errors."""
        return self.path.with_name("inverse_kinematics_marker_errors.csv")

    def load(self) -> Path:
        """The scaled model."""
        return self.existing_path()

    def save(self, data: OpenSimSolution) -> None:
        """Write model, motion and marker errors."""
        if not data.model:
            for path in (self.path, self.motion_path, self.errors_path):
                path.unlink(missing_ok=True)
            return
        write_text(self.path, data.model)
        write_mot(self.motion_path, data.coordinates)
        text = data.marker_errors.to_csv(index=False, float_format="%.6f", lineterminator="\n")
        write_text(self.errors_path, text)
