"""A motion of an OpenSim model that a user may or may not have."""

from __future__ import annotations

import pandas as pd

from gonio.datasets.base import FileDataset
from gonio.kinematics import read_mot, write_mot


class OptionalMotDataset(FileDataset[pd.DataFrame, pd.DataFrame | None]):
    """Model coordinates over time: `time`, then degrees and metres."""

    def load(self) -> pd.DataFrame | None:
        """The coordinates, None where there is no file and no parameter names one."""
        path = self.optional_path()
        return None if path is None else read_mot(path)

    def save(self, data: pd.DataFrame) -> None:
        """Write the coordinates."""
        write_mot(self.path, data)
