from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "make_kinematics_tables.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_kinematics_tables", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["segments", "joints"])
def test_tables_of_the_page_are_those_of_the_code(script, name):
    table = {"segments": script.segment_table, "joints": script.joint_table}[name]()
    page = script.PAGE.read_text(encoding="utf-8")
    assert f"<!-- {name}: begin -->\n{table}\n<!-- {name}: end -->" in page


def test_comparison_of_the_page_is_that_of_the_data(script, shared):
    page = script.PAGE.read_text(encoding="utf-8")
    assert script.comparison_table() in page


def test_a_page_without_the_place_is_refused(script):
    with pytest.raises(ValueError, match="no place for the table 'joints'"):
        script.filled("nothing here", "joints", "table")
