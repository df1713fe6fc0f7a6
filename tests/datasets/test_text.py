from __future__ import annotations

import base64
import inspect
import json

import pandas as pd
import pytest

from gonio.datasets.text import JsonDataset, PngDataset, TableDataset
from gonio.errors import MissingFileError


@pytest.mark.parametrize(
    ("kind", "something", "nothing"),
    [
        (PngDataset, b"\x89PNG and more", b""),
        (TableDataset, pd.DataFrame({"a": [1.5]}), pd.DataFrame()),
    ],
)
def test_nothing_takes_away_what_an_earlier_run_left(tmp_path, kind, something, nothing):
    dataset = kind(str(tmp_path / "file"))
    assert len(dataset.load()) == 0
    dataset.save(something)
    assert len(dataset.load()) == len(something)
    dataset.save(nothing)
    assert not (tmp_path / "file").exists()
    dataset.save(nothing)
    assert len(dataset.load()) == 0


def test_previews_are_plain_json_and_tell_their_kind_to_kedro_viz(tmp_path):
    table, value, picture = (
        kind(str(tmp_path / kind.__name__)) for kind in (TableDataset, JsonDataset, PngDataset)
    )
    table.save(pd.DataFrame({"a": [1.5, None, 2.5], "b": [True, False, True]}))
    value.save({"a": float("inf"), "b": [1, 2]})
    picture.save(b"\x89PNG")
    assert table.preview(nrows=2) == {
        "index": [0, 1],
        "columns": ["a", "b"],
        "data": [[1.5, 1], [None, 0]],
    }
    assert json.loads(value.preview()) == {"a": None, "b": [1, 2]}
    assert base64.b64decode(picture.preview()) == b"\x89PNG"
    kinds = [
        inspect.signature(dataset.preview).return_annotation for dataset in (table, value, picture)
    ]
    assert kinds == ["TablePreview", "JSONPreview", "ImagePreview"]
    for dataset in (table, value, picture):  # Kedro-Viz then shows nothing
        dataset.path.unlink()
        with pytest.raises(MissingFileError, match="there is no"):
            dataset.preview()
