import pytest

from gonio.pipelines.evaluation import nodes
from gonio.trc import read_trc


@pytest.fixture(scope="module")
def table(shared, demo_landmarks):
    landmarks = {name: demo_landmarks(name) for name in ("cam01", "cam02")}
    cameras = nodes.demo_cameras()
    truth = nodes.true_joints(
        read_trc(shared / "balancing_trial" / "balancing.trc"), cameras, landmarks
    )
    return nodes.compare(landmarks, cameras, truth)


def row(table, camera, stage):
    return table[(table["camera"] == camera) & (table["stage"] == stage)].iloc[0]


def test_repair_halves_the_error_of_the_swapped_camera(table):
    raw, repaired = (row(table, "cam02", stage) for stage in ("raw", "repaired"))
    assert raw["swapped_frames"] > 20
    assert repaired["swapped_frames"] <= 3
    assert repaired["position_mean_cm"] < 0.6 * raw["position_mean_cm"]


def test_repair_does_no_harm_where_nothing_is_swapped(table):
    raw, repaired = (row(table, "cam01", stage) for stage in ("raw", "repaired"))
    assert repaired["position_mean_cm"] <= raw["position_mean_cm"]
    assert repaired["missing_frames"] == 0


def test_the_mean_over_cameras_stands_below(table):
    both = [row(table, camera, "raw")["depth_mean_cm"] for camera in ("cam01", "cam02")]
    assert row(table, "all", "raw")["depth_mean_cm"] == pytest.approx(sum(both) / 2)
    assert set(table["truth"]) == {"reference trial"}


def test_the_table_as_markdown(table):
    lines = nodes.as_markdown(table).splitlines()
    assert len(lines) == 2 + len(table)
    assert lines[0].startswith("| camera | stage | depth_mean_cm")
    assert "| 28 |" in nodes.as_markdown(table) or "| 27 |" in nodes.as_markdown(table)


def test_without_a_reference_the_views_are_triangulated(demo_landmarks):
    landmarks = {name: demo_landmarks(name) for name in ("cam01", "cam02", "cam03", "cam04")}
    joints, source = nodes.true_joints(None, nodes.demo_cameras(), landmarks)
    assert source == "triangulation of its own four views"
    assert joints.shape == (100, 17, 3)
