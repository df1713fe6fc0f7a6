"""The folder of prepared clips."""

from __future__ import annotations

from gonio.datasets.base import PathDataset
from gonio.training.prepare import Prepared, PreparedStore


class PreparedFolderDataset(PathDataset[Prepared, PreparedStore]):
    """A folder of clips ready for training.

    Loading gives the `PreparedStore`, of an empty folder too; saving writes one clip at a time.
    """

    def load(self) -> PreparedStore:
        """What reads the folder."""
        return PreparedStore(self._filepath)

    def save(self, data: Prepared) -> None:
        """Write one clip."""
        PreparedStore(self._filepath).save(data)
