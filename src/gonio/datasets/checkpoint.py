"""Checkpoints: weights as safetensors with a JSON header, read when a refiner is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gonio.datasets.base import FileDataset
from gonio.models.checkpoint_io import Checkpoint, read_header, write_checkpoint


@dataclass(frozen=True)
class CheckpointFile:
    """A checkpoint that may or may not be there.

    Attributes:
        path: the `.safetensors` file.
    """

    path: Path

    def header(self) -> dict[str, Any]:
        """The JSON header: `kind` of network, its configuration, normalisation, metrics.

        Raises:
            MissingFileError: there is no checkpoint.
            InputError: it is broken, was not made by Gonio, or is of another format.
        """
        return read_header(self.path)


def own_files(**checkpoints: CheckpointFile) -> dict[str, Path]:
    """Where the user's own checkpoints would be, by their names in the catalog."""
    return {name: file.path for name, file in checkpoints.items()}


class CheckpointDataset(FileDataset[Checkpoint, CheckpointFile]):
    """A checkpoint, opened only when a refiner asks for it."""

    def load(self) -> CheckpointFile:
        """The file, there or not."""
        return CheckpointFile(self.path)

    def save(self, data: Checkpoint) -> None:
        """Write a checkpoint.

        Raises:
            OutputError: it cannot be written.
        """
        write_checkpoint(self.path, data)
