"""What Gonio's datasets share: a path; a file is written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Generic, TypeVar

from kedro.io import AbstractDataset

from gonio.errors import InputError, MissingFileError

LoadT = TypeVar("LoadT")
SaveT = TypeVar("SaveT")


class PathDataset(AbstractDataset[SaveT, LoadT], Generic[SaveT, LoadT]):
    """A dataset at a place in the file system.

    Args:
        filepath: the place; a relative path is taken from the project's folder.
        metadata: for other tools, such as the layer in Kedro-Viz; not read here.
        parameter: name and value of the parameter that may say the place; null where the place is
            the default one.

    Raises:
        InputError: the place is not a text.
    """

    def __init__(
        self,
        filepath: str,
        metadata: dict[str, Any] | None = None,
        parameter: Mapping[str, Any] | None = None,
    ) -> None:
        self.parameter = next((k for k, v in (parameter or {}).items() if v is not None), None)
        """The parameter that the place comes from; None for a default place."""
        if not isinstance(filepath, (str, PathLike)):
            raise InputError(
                f"parameter {self.parameter or 'filepath'} is {filepath!r}; allowed is a path as "
                "text. A name that is a number is written with its folder: ./5"
            )
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

    def optional_path(self) -> Path | None:
        """The file; None where a default place has none.

        Raises:
            MissingFileError: there is no file where a parameter says that it is.
        """
        if self._exists():
            return self._filepath
        if self.parameter is None:
            return None
        raise MissingFileError(
            f"there is no file {self._filepath}, which the parameter {self.parameter} names; "
            f"correct it, or leave {self.parameter} out to do without"
        )

    def finish(self) -> None:
        """Wait until what was saved is written; for a dataset that writes beside the run."""

    def _exists(self) -> bool:
        return self._filepath.is_file()
