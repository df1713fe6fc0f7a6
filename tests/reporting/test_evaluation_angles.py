import pytest

from gonio.reporting.evaluation_angles import (
    AngleTables,
    angle_markdown,
    joints_chart,
    shown_angles,
)
from gonio.reporting.evaluation_figures import worst_clips_figure, worst_frames
from gonio.reporting.evaluation_page import EvaluationTables, evaluation_html
from gonio.reporting.figures import figure_png
from gonio.training.angle_tables import camera_angle_table, joint_angle_table, whole_angle_table
from tests.reporting.evaluation_scores import made_scores, made_tables
from tests.training.angle_score_fakes import made_angle_scores


@pytest.fixture(scope="module")
def tables():
    scores = made_angle_scores()
    return AngleTables(
        whole_angle_table(scores), joint_angle_table(scores), camera_angle_table(scores)
    )


def test_the_chart_has_a_bar_a_joint_and_row_in_degrees(tables):
    figure = joints_chart(tables.of("made_test"))
    assert [bar.name for bar in figure.data] == ["raw", "better"]
    assert list(figure.data[0].x)[:2] == ["pelvis", "hip R"]
    assert figure.data[0].y[0] == pytest.approx(6, abs=0.01)
    assert "°" in figure.data[0].hovertemplate
    assert "cm" not in figure.data[0].hovertemplate
    assert "(°)" in figure.layout.yaxis.title.text


def test_cameras_are_shown_where_there_are_several(tables):
    titles = [title for title, _ in shown_angles(tables.of("made_test"))]
    assert titles == ["Joint angles, each camera", "Joint angles, each joint and angle"]
    one = tables.cameras[tables.cameras["camera"] == "c1"]
    alone = AngleTables(tables.whole, tables.joints, one)
    assert [title for title, _ in shown_angles(alone)] == titles[1:]
    assert "camera by camera" not in angle_markdown(alone)


def test_the_tables_as_markdown(tables):
    text = angle_markdown(tables)
    assert "| made_test | raw | 2 | 80 | 0.0 | 6.0 | 0 | 10.0 | " in text
    assert "| made_test | c2 | better | 40 |" in text
    assert "| recording | joint | raw | better |" in text
    assert "| made_test | hip_L | 6.0 | 3.0 |" in text
    joints = [line.split(" | ")[1] for line in text.splitlines() if line.count("|") == 5]
    assert joints[2:5] == ["pelvis", "hip_R", "hip_L"]


def test_the_page_has_a_section_of_angles(tables):
    scores = made_scores()
    record = {
        "notes": [],
        "recordings": {"made_test": {"clips": 2}},
        "networks": {},
        "versions": {"gonio": "1.2.3"},
    }
    picture = figure_png(worst_clips_figure(worst_frames(scores, 1)), dpi=50)
    poses = EvaluationTables(**made_tables(scores))
    page = evaluation_html(poses, record, picture, tables)
    assert '<div id="angles-0"' in page
    assert "angle without offset (°)" in page
    assert "Joint angles, each camera: numbers" in page
    without = evaluation_html(poses, record, picture)
    assert "angles-0" not in without
    assert "knee flexion" not in without


def test_a_recording_without_true_angles_has_no_section(tables):
    assert tables.of("another") is None
