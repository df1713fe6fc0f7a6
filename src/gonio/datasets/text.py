"""Text, JSON, tables and pictures, each written beside its place and moved there.

Kedro-Viz shows what `preview` gives; it tells the kind by the type, which is that of
kedro-datasets.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import pandas as pd
from kedro_datasets._typing import ImagePreview, JSONPreview, TablePreview

from gonio.datasets.base import FileDataset
from gonio.errors import InputError
from gonio.files import replacing, write_text


class TextDataset(FileDataset[str, str]):
    """A text file in UTF-8, such as the HTML report."""

    def load(self) -> str:
        """The text."""
        return self.existing_path().read_text(encoding="utf-8")

    def save(self, data: str) -> None:
        """Write the text."""
        write_text(self.path, data)


class JsonDataset(FileDataset[Any, Any]):
    """A value in JSON; numbers that are not finite become null, keys keep their order."""

    def load(self) -> Any:
        """The value."""
        return json.loads(self.existing_path().read_text(encoding="utf-8"))

    def save(self, data: Any) -> None:
        """Write the value."""
        text = json.dumps(_plain(data), indent=2, ensure_ascii=False, allow_nan=False)
        write_text(self.path, text + "\n")

    def preview(self) -> JSONPreview:
        """The value's text, for Kedro-Viz.

        Raises:
            MissingFileError: there is no file.
        """
        return JSONPreview(self.existing_path().read_text(encoding="utf-8"))


class TableDataset(FileDataset[pd.DataFrame, pd.DataFrame]):
    """A CSV table with six decimals; missing values are empty cells, truth values 0 and 1.

    A table without columns means that there is nothing to tell: the file is then taken away, so
    that no table of an earlier run stands beside newer results.
    """

    def load(self) -> pd.DataFrame:
        """The table; one without columns where there is no file.

        Raises:
            InputError: the file is no table in CSV.
        """
        if not self._exists():
            return pd.DataFrame()
        try:
            return pd.read_csv(self.path)
        except ValueError as error:  # an empty file, torn rows, bytes that are no text
            reason = str(error).strip()
            raise InputError(
                f"{self.path} is no table in CSV ({reason}); make it again, or give another"
            ) from error

    def save(self, data: pd.DataFrame) -> None:
        """Write the table."""
        if len(data.columns) == 0:
            self.path.unlink(missing_ok=True)
            return
        plain = data.copy()
        for column in plain.select_dtypes(bool).columns:
            plain[column] = plain[column].astype(int)
        write_text(self.path, plain.to_csv(index=False, float_format="%.6f", lineterminator="\n"))

    def preview(self, nrows: int = 40) -> TablePreview:
        """The first rows, for Kedro-Viz; missing values are None.

        Raises:
            MissingFileError: there is no table.
        """
        self.existing_path()
        return TablePreview(_plain(self.load().head(nrows).to_dict(orient="split")))


class PngDataset(FileDataset[bytes, bytes]):
    """A picture, as the bytes of its PNG.

    No bytes mean that there is nothing to show: the file is then taken away.
    """

    def load(self) -> bytes:
        """The bytes; none where there is no file."""
        return self.path.read_bytes() if self._exists() else b""

    def save(self, data: bytes) -> None:
        """Write the picture."""
        if not data:
            self.path.unlink(missing_ok=True)
            return
        with replacing(self.path) as scratch:
            scratch.write_bytes(data)

    def preview(self) -> ImagePreview:
        """The picture in base64, for Kedro-Viz.

        Raises:
            MissingFileError: there is no picture.
        """
        content = self.existing_path().read_bytes()
        return ImagePreview(base64.b64encode(content).decode("ascii"))


def _plain(value: Any) -> Any:
    """The value in terms of JSON."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
