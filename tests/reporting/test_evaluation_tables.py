import numpy as np
import pandas as pd
import pytest

from gonio.reporting.evaluation_angles import ANGLE_FIGURES
from gonio.reporting.evaluation_tables import (
    FIGURES,
    PARTS,
    SHORT,
    as_markdown,
    evaluation_markdown,
    shown,
)
from tests.reporting.evaluation_scores import made_scores, made_tables


@pytest.fixture(scope="module")
def tables():
    return made_tables(made_scores())


def test_every_figure_has_a_heading_with_its_unit_and_is_shown(tables):
    assert set(tables["whole"].columns) - set(FIGURES) == {"recording", "row"}
    of_poses = {name for part in PARTS.values() for name in part}
    assert of_poses | set(ANGLE_FIGURES) == set(FIGURES) - {"depth_bias_cm"}
    for name, (heading, _) in FIGURES.items():
        for ending, unit in (("_cm", "cm"), ("_deg", "°"), ("_percent", "%"), ("_m_s2", "m/s²")):
            if name.endswith(ending):
                assert f"({unit})" in heading


def test_cells_have_the_digits_of_their_figure():
    table = pd.DataFrame(
        {
            "row": ["raw", "net"],
            "frames": [400, 400],
            "depth_mean_cm": [9.1234, 4.56],
            "depth_vs_raw_percent": [0.0, -50.02],
            "aligned_vs_raw_percent": [-0.2, 12.4],
            "sigma_mean_cm": [np.nan, 3.21],
        }
    )
    text = shown(table, tuple(FIGURES))
    assert text.rows == [
        ["raw", "400", "9.1", "0", "0", "–"],
        ["net", "400", "4.6", "-50", "+12", "3.2"],
    ]
    assert text.words == 1


def test_a_figure_that_no_line_has_is_left_out():
    table = pd.DataFrame({"row": ["raw"], "frames": [3], "sigma_mean_cm": [np.nan]})
    assert as_markdown(table) == "| row | frames |\n| --- | ---: |\n| raw | 3 |"


def test_the_tables_of_the_docs(tables):
    text = evaluation_markdown(tables["whole"], tables["cameras"])
    for title in (*PARTS, "Camera by camera"):
        assert f"**{title}**" in text
    assert "| made_test | c2 | best | 36 |" in text
    assert not text.endswith("\n")
    alone = tables["cameras"][tables["cameras"]["camera"] == "c1"]
    assert "Camera by camera" not in evaluation_markdown(tables["whole"], alone)


def test_without_a_network_there_is_no_part_about_sigma():
    tables = made_tables(made_scores(networks=False))
    assert "σ" not in evaluation_markdown(tables["whole"], tables["cameras"])


def test_a_table_read_back_from_its_csv_gives_the_same_text(tables, tmp_path):
    tables["cameras"].to_csv(tmp_path / "c.csv", index=False, float_format="%.6f")
    again = pd.read_csv(tmp_path / "c.csv")
    assert as_markdown(again, SHORT) == as_markdown(tables["cameras"], SHORT)
