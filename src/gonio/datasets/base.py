"""What Gonio's datasets share: a path; a file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, TypeVar

from kedro.io import AbstractDataset

from gonio.errors import MissingFileError

LoadT = TypeVar("LoadT")
SaveT = TypeVar("SaveT")


class PathDataset(AbstractDataset[SaveT, LoadT], Generic[SaveT, LoadT]):
    """A dataset at a place in the file system.

    Args:
        filepath: the place; a relative path is taken from the project's folder.
        metadata: for other tools, such as the layer in Kedro-Viz; not read here.
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    @property
    def path(self) -> Path:
        """The place."""
        return self._filepath

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


class FileDataset(PathDataset[SaveT, LoadT], Generic[SaveT, LoadT]):
    """A dataset that is one file."""

    def existing_path(self) -> Path:
        """The file, which must be there.

        Raises:
            MissingFileError: it is not.
        """
        if not self._filepath.is_file():
            raise MissingFileError(
                f"there is no {self._filepath}; run the steps that make it first (kedro run)"
            )
        return self._filepath

    def finish(self) -> None:
        """Wait until what was saved is written; for a dataset that writes beside the run."""

    def _exists(self) -> bool:
        return self._filepath.is_file()
