import re

import pytest

from gonio.reporting.evaluation_charts import (
    calibration_chart,
    group_chart,
    overview_chart,
    row_colours,
)
from gonio.reporting.evaluation_figures import worst_clips_figure, worst_frames
from gonio.reporting.evaluation_page import EvaluationTables, evaluation_html
from gonio.reporting.figures import figure_png
from tests.reporting.evaluation_scores import made_scores, made_tables


def page_of(networks):
    scores = made_scores(networks)
    record = {
        "notes": [] if networks else ["There is no row of a <shipped> network."],
        "recordings": {"made_test": {"clips": 2, "frames_with_truth": 60}},
        "networks": {"best": {"kind": "fake", "config": {"d_model": 64}}} if networks else {},
        "versions": {"gonio": "1.2.3"},
    }
    picture = figure_png(worst_clips_figure(worst_frames(scores, 2)), dpi=60)
    return evaluation_html(EvaluationTables(**made_tables(scores)), record, picture)


@pytest.fixture(scope="module")
def page():
    return page_of(True)


def test_the_page_loads_nothing(page):
    outside = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=\"(?!data:)", outside)
    assert "default-src 'none'" in page
    assert page.count("Plotly.newPlot(") >= 5
    assert "plotly.js v" in page


def test_every_chart_has_its_place(page):
    places = re.findall(r'<div id="([a-z_]+-\d)"', page)
    assert places == [
        "overview-0",
        "calibration-0",
        "joint-0",
        "camera-0",
        "azimuth_deg-0",
        "elevation_deg-0",
        "image_error_cm-0",
    ]


def test_headings_say_what_is_what(page):
    for heading in ("Recording: made_test", "depth, mean (cm)", "up (°)", "Worst clips", "D model"):
        assert heading in page


def test_rows_without_a_network_only():
    page = page_of(False)
    assert "calibration-0" not in page
    assert "There is no row of a &lt;shipped&gt; network." in page
    assert "<h2>Networks</h2>" not in page


def test_the_same_results_give_the_same_page(page):
    def steady(text):  # time does not stand still between two runs
        return re.sub(r'<td class="n">\d+\.\d\d</td>', "", text)

    assert steady(page_of(True)) == steady(page)


def test_raw_and_the_last_network_keep_their_colours():
    many = row_colours(["raw", "repaired", *map(str, range(9)), "shipped"])
    few = row_colours(["raw", "shipped"])
    assert (many["raw"], many["shipped"]) == (few["raw"], few["shipped"])
    assert len({many["raw"], many["repaired"], many["shipped"]}) == 3


def test_what_the_overview_says_in_numbers():
    whole = made_tables(made_scores())["whole"]
    depth = overview_chart(whole).data[0]
    raw, best = depth.text[0], depth.text[-1]
    assert "%" not in raw
    change = whole["depth_vs_raw_percent"].iloc[-1]
    assert best.endswith(f"({change:+.0f} %)")


def test_calibration_shows_the_networks_that_know_their_sigma():
    whole = made_tables(made_scores())["whole"]
    assert list(calibration_chart(whole).data[0].y) == ["best"]
    assert calibration_chart(made_tables(made_scores(False))["whole"]) is None


def named(table, count):
    """The table with many rows of a long name."""
    names = [f"shipped + known gravity {k}" for k in range(count)]
    return table.iloc[[-1] * count].assign(row=names)


@pytest.mark.parametrize("chart", [overview_chart, calibration_chart])
def test_each_row_has_room_for_its_name_and_values_on_any_screen(chart):
    whole = made_tables(made_scores())["whole"]
    few, many = (chart(named(whole, count)) for count in (5, 15))
    assert (many.layout.height - few.layout.height) / 10 / len(few.data) >= 18  # pixels a bar
    assert all(bar.orientation == "h" for bar in few.data)
    assert max(len(line) for name in few.data[0].y for line in name.split("<br>")) <= 18
    assert (few.layout.uniformtext.minsize, few.layout.uniformtext.mode) == (10, "hide")
    assert few.layout.yaxis.autorange == "reversed"  # the first row is on top


def test_lines_of_reference_are_named_above_the_bars():
    chart = calibration_chart(made_tables(made_scores())["whole"])
    assert [line.x0 for line in chart.layout.shapes] == [68.3, 95.4]
    for label, percent in zip(chart.layout.annotations, (68.3, 95.4), strict=True):
        assert f"{percent} %" in label.text
        assert (label.x, label.y, label.yref, label.yanchor) == (percent, 1, "paper", "bottom")
    height = chart.layout.height - chart.layout.margin.t - chart.layout.margin.b
    assert (chart.layout.legend.y - 1) * height > 30  # pixels for two lines


def test_joints_are_called_in_one_line_that_may_be_turned():
    chart = group_chart(made_tables(made_scores())["joints"], "joint", "joint")
    assert {"nose", "shoulder L", "ankle R"} < set(chart.data[0].x)
    assert list(chart.layout.xaxis.autotickangles) == [0, 90]
