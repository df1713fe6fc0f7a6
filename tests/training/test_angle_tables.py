import numpy as np
import pytest

from gonio.training.angle_errors import angle_errors
from gonio.training.angle_scoring import ScoredAngles
from gonio.training.angle_tables import (
    camera_angle_table,
    joint_angle_table,
    whole_angle_table,
)
from tests.training.angle_score_fakes import made_angle_scores


@pytest.fixture(scope="module")
def clips():
    return made_angle_scores()


def row(table, name, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    return table[table["row"] == name].iloc[0]


def test_the_whole_is_the_mean_of_all_angles_with_a_truth(clips):
    whole = whole_angle_table(clips)
    assert list(whole["row"]) == ["raw", "better"]
    raw, better = row(whole, "raw"), row(whole, "better")
    assert (raw["clips"], raw["frames"]) == (2, 80)
    assert raw["without_offset_deg"] == pytest.approx(6, abs=0.01)
    assert raw["absolute_deg"] == pytest.approx(10, abs=0.01)
    assert better["without_offset_deg"] == pytest.approx(3, abs=0.01)
    assert better["without_offset_vs_raw_percent"] == pytest.approx(-50, abs=0.2)
    assert raw["without_offset_vs_raw_percent"] == 0


def test_flexions_have_columns_of_their_own(clips):
    raw = row(whole_angle_table(clips), "raw")
    for title in ("hip", "knee", "ankle"):
        assert raw[f"{title}_flexion_deg"] == pytest.approx(6, abs=0.01)


def test_each_joint_and_each_angle(clips):
    table = joint_angle_table(clips)
    assert set(table["angle"]) >= {"all", "flexion", "tilt", "pronation"}
    assert row(table, "raw", joint="hip_L", angle="all")["without_offset_deg"] == pytest.approx(
        6, abs=0.01
    )
    # only the flexion of this knee has a truth
    assert list(table[table["joint"] == "knee_R"]["angle"].unique()) == ["all", "flexion"]
    joints = list(table["joint"].unique())
    assert joints[:3] == ["pelvis", "hip_R", "hip_L"]
    assert "elbow_L" not in joints


def test_each_camera(clips):
    table = camera_angle_table(clips)
    assert list(table["camera"].unique()) == ["c1", "c2"]
    assert row(table, "raw", camera="c1")["clips"] == 1
    assert row(table, "raw", camera="c1")["absolute_deg"] == pytest.approx(10, abs=0.01)


def test_missing_samples_are_a_share_of_those_with_a_truth():
    truth = np.zeros((40, 12, 3))
    said = truth.copy()
    said[:10] = np.nan
    counted = np.isfinite(said)
    errors = {"raw": angle_errors(said, truth), "all": angle_errors(truth, truth, counted)}
    whole = whole_angle_table([ScoredAngles("made", "c1", "by hand", errors)])
    assert list(whole["missing_percent"]) == pytest.approx([25, 0])
    assert list(whole["frames"]) == [30, 30]


def test_no_clip_makes_tables_without_columns():
    for make in (whole_angle_table, camera_angle_table, joint_angle_table):
        assert len(make([]).columns) == 0
