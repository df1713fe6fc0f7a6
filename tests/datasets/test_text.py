from __future__ import annotations

import pandas as pd
import pytest

from gonio.datasets.text import PngDataset, TableDataset


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
