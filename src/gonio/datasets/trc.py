"""Marker trajectories as TRC, and which samples were estimated beside it as NPZ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gonio.datasets.base import FileDataset, PathDataset
from gonio.datasets.npz import read_npz, write_npz
from gonio.errors import InputError, MissingFileError
from gonio.trc import read_trc, write_trc
from gonio.types import MarkerTrajectories


class TrcDataset(FileDataset[MarkerTrajectories, MarkerTrajectories]):
    """Marker trajectories.

    Args:
        filepath: the TRC file.
        flags: `filepath` of an NPZ file with the (T, M) flags of estimated samples, which a TRC
            file cannot hold, and the names of the markers. Kedro begins
            every relative `filepath` at the project, and no path of another name.
        metadata: for other tools.
    """

    def __init__(
        self,
        filepath: str,
        flags: dict[str, str] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath, metadata)
        self._flags = None if flags is None else Path(flags["filepath"])

    def load(self) -> MarkerTrajectories:
        """The markers with their flags.

        Raises:
            MissingFileError: there are no markers, or no flags where there should be.
            InputError: one of the files is damaged, or the flags are of other markers or frames.
        """
        markers = read_trc(self.existing_path())
        if self._flags is None:
            return markers
        return replace(markers, estimated=self._estimated(self._flags, markers))

    def _estimated(self, path: Path, markers: MarkerTrajectories) -> NDArray[np.bool_]:
        """The (T, M) flags; without them every estimated sample would count as seen."""
        if not path.is_file():
            raise MissingFileError(
                f"there is no {path}, which says what of {self.path} is estimated; make both "
                "again (kedro run)"
            )
        beside = read_npz(path, ("names", "estimated"))
        names, estimated = tuple(map(str, beside["names"])), beside["estimated"]
        if names != markers.names or estimated.shape != markers.positions.shape[:2]:
            frames, count = markers.positions.shape[:2]
            raise InputError(
                f"{path} has flags of shape {estimated.shape} for the markers {', '.join(names)}, "
                f"but {self.path} holds {frames} frames of {count} markers, "
                f"{', '.join(markers.names)}; make both again (kedro run)"
            )
        return estimated.astype(bool)

    def save(self, data: MarkerTrajectories) -> None:
        """Write the markers, then their flags."""
        write_trc(self.path, data)
        if self._flags is not None:
            write_npz(self._flags, {"names": np.array(data.names), "estimated": data.estimated})


class OptionalTrcDataset(FileDataset[MarkerTrajectories, MarkerTrajectories | None]):
    """Marker trajectories that a user may or may not have."""

    def load(self) -> MarkerTrajectories | None:
        """The markers, None where there is no file and no parameter names one."""
        path = self.optional_path()
        return None if path is None else read_trc(path)

    def save(self, data: MarkerTrajectories) -> None:
        """Write the markers."""
        write_trc(self.path, data)


class TrcFolderDataset(PathDataset[Mapping[str, MarkerTrajectories], dict[str, Path]]):
    """A folder of TRC files, by name; loading gives their paths.

    Saving takes away the TRC files of an earlier run, so that they do not stand beside results
    that they do not belong to.
    """

    def load(self) -> dict[str, Path]:
        """The files by their names without the ending."""
        return {path.stem: path for path in sorted(self.path.glob("*.trc"))}

    def save(self, data: Mapping[str, MarkerTrajectories]) -> None:
        """Write one file for each name."""
        for name, path in self.load().items():
            if name not in data:
                path.unlink()
        for name, markers in data.items():
            write_trc(self.path / f"{name}.trc", markers)
