"""Checkpoints: weights as safetensors with a JSON header, read when a refiner is wanted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gonio.datasets.base import FileDataset
from gonio.errors import InputError, MissingFileError


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
            InputError: it is broken, or was not made by Gonio.
        """
        from safetensors import SafetensorError, safe_open

        if not self.path.is_file():
            raise MissingFileError(
                f"there is no checkpoint {self.path}; train it, put one there, or run with "
                "refiner=none"
            )
        try:
            with safe_open(self.path, framework="np") as file:
                metadata = file.metadata() or {}
        except (SafetensorError, OSError) as error:
            raise InputError(
                f"the checkpoint {self.path} is broken ({error}); copy or train it again, or run "
                "with refiner=none"
            ) from error
        try:
            header = json.loads(metadata["gonio"])
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{self.path} is no checkpoint of Gonio: its header has no entry `gonio` in JSON; "
                "train it with Gonio or run with refiner=none"
            ) from error
        if not isinstance(header, dict) or "kind" not in header:
            raise InputError(f"{self.path}: the header names no `kind` of network; train it again")
        return header


class CheckpointDataset(FileDataset[CheckpointFile, CheckpointFile]):
    """A checkpoint, opened only when a refiner asks for it."""

    def load(self) -> CheckpointFile:
        """The file, there or not."""
        return CheckpointFile(self.path)

    def save(self, data: CheckpointFile) -> None:
        """Copy a checkpoint into its place.

        Raises:
            OutputError: it cannot be written.
        """
        from gonio.files import replacing

        with replacing(self.path) as scratch:
            scratch.write_bytes(data.path.read_bytes())
