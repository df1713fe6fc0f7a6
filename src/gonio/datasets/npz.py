"""Landmarks, poses and samples of angles as NPZ, without pickles."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from gonio.datasets.base import FileDataset
from gonio.errors import InputError
from gonio.files import replacing
from gonio.kinematics.bands import AngleSamples
from gonio.landmarks.repair import RepairedLandmarks
from gonio.types import LandmarkSequence, RefinedPose

_SEQUENCE = ("time_s", "world", "image", "visibility", "image_size")
_SAMPLES = ("rows", "columns", "values")
_POSE = ("positions", "sigma", "up", "azimuth_deg", "elevation_deg", "feet")
_DAMAGE = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)
"""What NumPy and zipfile raise of files that are damaged or of another kind."""


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays to a compressed NPZ, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with replacing(path) as scratch, scratch.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_npz(path: Path, needed: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Read all arrays of an NPZ; pickles are refused.

    Raises:
        InputError: it is not an NPZ, is damaged, holds pickled objects, or lacks an array.
    """
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, NpzFile):
            raise ValueError("it is a single array, NPY")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
    except _DAMAGE as error:
        raise InputError(
            f"{path} is not an NPZ file of plain arrays ({error}); make it again"
        ) from error
    missing = [name for name in needed if name not in arrays]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; make it again")
    return arrays


class LandmarksDataset(FileDataset[LandmarkSequence, LandmarkSequence]):
    """A `LandmarkSequence` as detected."""

    def load(self) -> LandmarkSequence:
        """The landmarks."""
        return _sequence(read_npz(self.existing_path(), _SEQUENCE))

    def save(self, data: LandmarkSequence) -> None:
        """Write the landmarks."""
        write_npz(self.path, _arrays(data))


class RepairedLandmarksDataset(FileDataset[RepairedLandmarks, RepairedLandmarks]):
    """`RepairedLandmarks`: the sequence, a flag a sample, and the counts as `record_<name>`."""

    def load(self) -> RepairedLandmarks:
        """The landmarks with flags and counts."""
        arrays = read_npz(self.existing_path(), (*_SEQUENCE, "flags"))
        record = {
            name.removeprefix("record_"): value.item()
            for name, value in arrays.items()
            if name.startswith("record_")
        }
        return RepairedLandmarks(_sequence(arrays), arrays["flags"], record)

    def save(self, data: RepairedLandmarks) -> None:
        """Write the landmarks with flags and counts."""
        record = {f"record_{name}": np.array(value) for name, value in data.record.items()}
        write_npz(self.path, _arrays(data.sequence) | {"flags": data.flags} | record)


class PoseDataset(FileDataset[RefinedPose, RefinedPose]):
    """A `RefinedPose`."""

    def load(self) -> RefinedPose:
        """The pose."""
        arrays = read_npz(self.existing_path(), (*_POSE, "refiner"))
        refiner = str(arrays["refiner"].item())
        return RefinedPose(**{name: arrays[name] for name in _POSE}, refiner=refiner)

    def save(self, data: RefinedPose) -> None:
        """Write the pose."""
        arrays = {name: np.asarray(getattr(data, name)) for name in _POSE}
        write_npz(self.path, arrays | {"refiner": np.array(data.refiner)})


class AngleSamplesDataset(FileDataset[AngleSamples, AngleSamples]):
    """`AngleSamples`: numbers of frames, names of columns, and (S, U, columns) values."""

    def load(self) -> AngleSamples:
        """The samples."""
        arrays = read_npz(self.existing_path(), _SAMPLES)
        columns = [str(name) for name in arrays["columns"]]
        tables = [pd.DataFrame(values, columns=columns) for values in arrays["values"]]
        return AngleSamples(tables, arrays["rows"])

    def save(self, data: AngleSamples) -> None:
        """Write the samples."""
        columns = list(data.angles[0].columns) if data.angles else []
        values = np.array([table[columns].to_numpy(dtype=float) for table in data.angles])
        arrays = {"rows": data.rows, "columns": np.array(columns, dtype=str), "values": values}
        write_npz(self.path, arrays)


def _arrays(sequence: LandmarkSequence) -> dict[str, Any]:
    return {name: np.asarray(getattr(sequence, name)) for name in _SEQUENCE}


def _sequence(arrays: Mapping[str, NDArray[Any]]) -> LandmarkSequence:
    width, height = (int(side) for side in arrays["image_size"])
    return LandmarkSequence(
        arrays["time_s"], arrays["world"], arrays["image"], arrays["visibility"], (width, height)
    )
