"""The shard folder, the folders that shards are made from, and the contact sheet."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gonio.capture.store import ConversionPlan, Outcome, ShardStore
from gonio.datasets.base import FileDataset, PathDataset
from gonio.errors import GonioError, InputError
from gonio.files import replacing


class ShardFolderDataset(PathDataset[ConversionPlan | Outcome, ShardStore]):
    """A folder of shards with its manifests.

    Loading gives the `ShardStore`, of an empty folder too. Saving takes what a conversion yields,
    the plan first, then one outcome after the other, each written at once.
    """

    def load(self) -> ShardStore:
        """What reads the folder."""
        return ShardStore(self._filepath)

    def save(self, data: ConversionPlan | Outcome) -> None:
        """Write one event of a conversion."""
        ShardStore(self._filepath).save(data)


class FolderDataset(PathDataset[Any, Path]):
    """A folder that something is read from; loading gives its path, whether it exists or not."""

    def load(self) -> Path:
        """The path of the folder."""
        return self._filepath

    def save(self, data: Any) -> None:
        """Refused.

        Raises:
            GonioError: always; such a folder is for reading.
        """
        raise GonioError(f"{self._filepath} is a folder to read from; nothing is written there")


class ImageDataset(FileDataset[NDArray[np.uint8], NDArray[np.uint8]]):
    """A picture, (H, W, 3) uint8, as PNG or JPEG by its ending."""

    def load(self) -> NDArray[np.uint8]:
        """The picture."""
        with Image.open(self.existing_path()) as image:
            return np.asarray(image.convert("RGB"), dtype=np.uint8)

    def save(self, data: NDArray[np.uint8]) -> None:
        """Write the picture."""
        kind = {".png": "PNG", ".jpg": "JPEG"}.get(self.path.suffix.lower())
        if kind is None:
            raise InputError(f"{self.path} is no name of a picture; allowed are .png and .jpg")
        buffer = io.BytesIO()
        Image.fromarray(data).save(buffer, format=kind)
        with replacing(self.path) as scratch:
            scratch.write_bytes(buffer.getvalue())
