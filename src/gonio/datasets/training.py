"""The folders of prepared clips."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from gonio.datasets.base import PathDataset
from gonio.training.angle_clips import AngleClip, AngleStore, MainClip, MainStore
from gonio.training.clips import Clip, ClipStore, Prepared
from gonio.training.prepare import PreparedSequence, PreparedStore

C = TypeVar("C", bound=Clip)
S = TypeVar("S", bound=ClipStore)  # type: ignore[type-arg]


class ClipFolderDataset(PathDataset[Prepared[C], S], Generic[C, S]):
    """A folder of clips ready for training.

    Loading gives the store, of an empty folder too; saving writes one clip at a time.
    """

    STORE: ClassVar[type[ClipStore]]  # type: ignore[type-arg]

    def load(self) -> S:
        """What reads the folder."""
        return self.STORE(self._filepath)  # type: ignore[call-arg, return-value]

    def save(self, data: Prepared[C]) -> None:
        """Write one clip."""
        self.load().save(data)


class PreparedFolderDataset(ClipFolderDataset[PreparedSequence, PreparedStore]):
    """Clips for the depth refiner."""

    STORE = PreparedStore


class AngleFolderDataset(ClipFolderDataset[AngleClip, AngleStore]):
    """Clips for the joint refiner."""

    STORE = AngleStore


class MainFolderDataset(ClipFolderDataset[MainClip, MainStore]):
    """Clips for the main refiner."""

    STORE = MainStore
