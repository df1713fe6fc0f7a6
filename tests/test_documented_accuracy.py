from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "docs" / "make_accuracy_tables.py"


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_accuracy_tables", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_the_page_are_those_of_the_kept_run(script):
    page = script.PAGE.read_text(encoding="utf-8")
    assert f"<!-- evaluation: begin -->\n{script.block()}\n<!-- evaluation: end -->" in page


def test_the_table_by_image_points_is_the_kept_one(script):
    page = script.PAGE.read_text(encoding="utf-8")
    assert f"<!-- image: begin -->\n{script.image_block()}\n<!-- image: end -->" in page
    assert set(pd.read_csv(script.KEPT / script.IMAGE_TABLE)["row"]) >= set(script.IMAGE_ROWS)


def test_the_table_by_performer_is_the_kept_one(script):
    page = script.PAGE.read_text(encoding="utf-8")
    assert (
        f"<!-- performers: begin -->\n{script.performer_block()}\n<!-- performers: end -->" in page
    )
    assert {"cmu02", "cmu135", "made"} <= set(
        pd.read_csv(script.KEPT / script.PERFORMER_TABLE)["performer"]
    )


def test_the_baseline_of_the_page_is_mediapipe_on_the_demo(script):
    kept = pd.read_csv(script.KEPT / "summary.csv")
    raw = kept[(kept["recording"] == "demo") & (kept["row"] == "raw")].iloc[0]
    assert raw["frames"] == 396  # of 400, the first of each view has no truth
    assert 8.5 < raw["depth_mean_cm"] < 9.7


def test_a_run_is_taken_into_the_page(script, tmp_path, monkeypatch):
    run, kept, page = tmp_path / "run", tmp_path / "kept", tmp_path / "page.md"
    run.mkdir()
    for name in script.TABLES:
        text = (script.KEPT / name).read_text(encoding="utf-8")
        (run / name).write_text(text.replace("repaired", "shipped"), encoding="utf-8")
    places = [
        f"<!-- {p}: begin -->\nold\n<!-- {p}: end -->\n"
        for p in ("image", "evaluation", "performers")
    ]
    page.write_text("a\n" + "".join(places) + "z\n")
    monkeypatch.setattr(script, "KEPT", kept)
    monkeypatch.setattr(script, "PAGE", page)
    script.main(run)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("a\n<!-- image: begin -->\n| recording | image points off (cm) | row |")
    assert "<!-- image: end -->\n<!-- evaluation: begin -->\n**Depth**" in text
    assert text.endswith("<!-- performers: end -->\nz\n")
    assert "| demo | shipped |" in text
    assert "old" not in text


def test_one_kind_of_tables_may_be_taken_from_a_run(script, tmp_path, monkeypatch):
    kept, page = tmp_path / "kept", tmp_path / "page.md"
    shutil.copytree(script.KEPT, kept)
    page.write_bytes(script.PAGE.read_bytes())
    monkeypatch.setattr(script, "KEPT", kept)
    monkeypatch.setattr(script, "PAGE", page)
    run = tmp_path / "run"
    run.mkdir()
    for name in (*script.TABLES, *script.ANGLE_TABLES):
        text = (kept / name).read_text(encoding="utf-8")
        (run / name).write_text(text.replace("raw + filter", "filtered"), encoding="utf-8")
    script.main(run, only="angles")
    assert "filtered" in (kept / script.ANGLE_TABLES[0]).read_text(encoding="utf-8")
    assert "filtered" not in (kept / script.TABLES[0]).read_text(encoding="utf-8")
    assert "| demo | filtered |" in page.read_text(encoding="utf-8")


def test_a_page_without_the_place_is_refused(script):
    with pytest.raises(ValueError, match="no place for the tables"):
        script.filled("nothing here", "tables")


def test_the_angle_tables_of_the_page_are_those_of_the_kept_run(script):
    page = script.PAGE.read_text(encoding="utf-8")
    assert f"<!-- angles: begin -->\n{script.angle_block()}\n<!-- angles: end -->" in page


def test_the_angles_of_a_run_are_taken_into_the_page(script, tmp_path, monkeypatch):
    run, page = tmp_path / "run", tmp_path / "page.md"
    run.mkdir()
    for name in (*script.TABLES, *script.ANGLE_TABLES):
        text = (script.KEPT / name).read_text(encoding="utf-8")
        (run / name).write_text(text.replace("repaired", "put right"), encoding="utf-8")
    places = [
        f"<!-- {p}: begin -->\nold\n<!-- {p}: end -->\n"
        for p in ("evaluation", "image", "performers", "angles")
    ]
    page.write_text("".join(places))
    monkeypatch.setattr(script, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(script, "PAGE", page)
    script.main(run)
    text = page.read_text(encoding="utf-8")
    assert "<!-- angles: begin -->\n**Joint angles**" in text
    assert "| demo | put right | 4 | 396 |" in text
    assert "old" not in text


def test_the_table_of_parts_is_the_kept_one(script):
    page = script.PAGE.read_text(encoding="utf-8")
    assert f"<!-- parts: begin -->\n{script.parts_block()}\n<!-- parts: end -->" in page
    kept = pd.read_csv(script.KEPT / script.PARTS_TABLE)
    for recording in ("demo", "rendered_test"):
        rows = kept[kept["recording"] == recording].set_index("row")
        assert rows.index[0] == "raw"
        assert rows["depth_vs_raw_percent"].iloc[-1] < rows["depth_vs_raw_percent"]["+ on image"]


def test_the_table_of_parts_is_taken_from_a_run_of_its_own(script, tmp_path, monkeypatch):
    run, kept, page = tmp_path / "run", tmp_path / "kept", tmp_path / "page.md"
    shutil.copytree(script.KEPT, kept)
    shutil.copyfile(script.PAGE, page)
    monkeypatch.setattr(script, "KEPT", kept)
    monkeypatch.setattr(script, "PAGE", page)
    run.mkdir()
    whole = pd.read_csv(script.KEPT / script.TABLES[0])
    whole.replace({"row": {"repaired": "a new part"}}).to_csv(run / script.TABLES[0], index=False)
    script.main(run, only="parts")
    table = script.parts_block()
    assert "| demo | a new part |" in table
    assert "| main |" not in table
    assert table in page.read_text(encoding="utf-8")
    assert "a new part" not in (kept / script.TABLES[0]).read_text(encoding="utf-8")
