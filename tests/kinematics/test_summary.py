from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gonio.errors import InputError
from gonio.kinematics.angles import gimbal_flags, joint_angles
from gonio.kinematics.gait import GaitEvents
from gonio.kinematics.summary import SUMMARY_COLUMNS, summarise
from gonio.types import MarkerTrajectories
from tests.kinematics.body import body


@pytest.fixture(scope="module")
def angles() -> pd.DataFrame:
    wave = np.sin(2 * np.pi * np.arange(180) / 60)
    given_deg = {"knee_R_flexion_deg": 30 + 30 * wave, "knee_L_flexion_deg": 20 + 10 * wave}
    return joint_angles(body(given_deg, count=180), cutoff_hz=None)


def row(table: pd.DataFrame, joint: str, side: str, angle: str) -> pd.Series:
    found = table[(table.joint == joint) & (table.side == side) & (table.angle == angle)]
    assert len(found) == 1
    return found.iloc[0]


def test_one_row_an_angle(angles):
    table = summarise(angles)
    assert list(table.columns) == list(SUMMARY_COLUMNS)
    assert len(table) == 36
    assert set(table["side"]) == {"R", "L", ""}


def test_range_peaks_mean_and_symmetry(angles):
    table = summarise(angles)
    right, left = (row(table, "knee", side, "flexion") for side in "RL")
    assert right["range_of_motion_deg"] == pytest.approx(60, abs=0.1)
    assert right["max_deg"] == pytest.approx(60, abs=0.1)
    assert right["time_of_max_s"] == pytest.approx(0.25, abs=0.02)
    assert right["min_deg"] == pytest.approx(0, abs=0.1)
    assert right["mean_deg"] == pytest.approx(30, abs=0.1)
    assert left["range_of_motion_deg"] == pytest.approx(20, abs=0.1)
    for side in (right, left):
        assert side["range_difference_R_minus_L_deg"] == pytest.approx(40, abs=0.1)
        assert side["symmetry_index_percent"] == pytest.approx(200 * 40 / 80, abs=0.5)
    assert np.isnan(row(table, "trunk", "", "flexion")["symmetry_index_percent"])


def test_missing_angles_stay_missing_and_are_counted(angles):
    gappy = angles.copy()
    gappy.loc[:89, "knee_R_flexion_deg"] = np.nan
    gappy["elbow_L_pronation_deg"] = np.nan
    table = summarise(gappy)
    assert row(table, "knee", "R", "flexion")["missing_share"] == pytest.approx(0.5)
    pronation = row(table, "elbow", "L", "pronation")
    assert pronation["missing_share"] == 1
    assert np.isnan(pronation["range_of_motion_deg"])
    assert np.isnan(row(table, "elbow", "R", "pronation")["symmetry_index_percent"])


def test_cycles_of_the_joint_s_own_side(angles):
    events = GaitEvents(
        {"R": np.array([0.0, 1.0, 2.0]), "L": np.array([0.5, 1.5])},
        {"R": np.array([0.6]), "L": np.array([1.1])},
        {"R": np.array([[0.0, 1.0], [1.0, 2.0]]), "L": np.array([[0.5, 1.5]])},
        1.3,
    )
    table = summarise(angles, events)
    right, left = (row(table, "knee", side, "flexion") for side in "RL")
    assert (right["cycles"], left["cycles"]) == (2, 1)
    assert right["cycle_range_mean_deg"] == pytest.approx(60, abs=0.1)
    assert right["cycle_range_sd_deg"] == pytest.approx(0, abs=1e-6)
    assert left["cycle_max_mean_deg"] == pytest.approx(30, abs=0.1)
    assert np.isnan(left["cycle_range_sd_deg"])
    assert row(table, "pelvis", "", "tilt")["cycles"] == 2
    gappy = angles.copy()
    gappy.loc[10, "knee_R_flexion_deg"] = np.nan
    assert row(summarise(gappy, events), "knee", "R", "flexion")["cycles"] == 1


def abduction() -> pd.DataFrame:
    """The right arm is lifted sideways past shoulder height and let down: flexion is 0."""
    up = np.interp(np.arange(240) / 60, [0, 0.5, 1.5, 2.5, 3.5, 4], [5, 5, 165, 165, 5, 5])
    markers = body({"shoulder_R_adduction_deg": -up}, count=240)
    noise = np.random.default_rng(0).normal(0, 0.006, markers.positions.shape)
    return joint_angles(MarkerTrajectories(markers.names, markers.positions + noise, 60.0))


def test_frames_near_a_singularity_count_in_no_value_of_the_first_and_third_angle():
    angles = abduction()
    near = gimbal_flags(angles)["shoulder_R_near_singularity"].to_numpy()
    table = summarise(angles)
    for angle in ("flexion", "rotation"):
        told, values = row(table, "shoulder", "R", angle), angles[f"shoulder_R_{angle}_deg"]
        assert np.ptp(values) > 45
        assert told["range_of_motion_deg"] == pytest.approx(np.ptp(values[~near]))
        assert told["range_of_motion_deg"] < 30
        assert told["max_deg"] == values[~near].max()
        assert told["min_deg"] == values[~near].min()
        assert told["mean_deg"] == pytest.approx(values[~near].mean())
        assert not near[np.searchsorted(angles["time_s"], told["time_of_max_s"])]
        left = row(table, "shoulder", "L", angle)["range_of_motion_deg"]
        right = told["range_of_motion_deg"]
        assert told["symmetry_index_percent"] == pytest.approx(
            200 * (right - left) / (right + left)
        )
        assert told["missing_share"] == 0
    second = row(table, "shoulder", "R", "adduction")
    assert second["range_of_motion_deg"] == pytest.approx(160, abs=8)
    shares = table[(table.joint == "shoulder") & (table.side == "R")]["near_singularity_share"]
    assert set(shares) == {near.mean()}
    assert 0.05 < near.mean() < 0.2
    assert row(table, "knee", "R", "flexion")["near_singularity_share"] == 0


def test_a_stride_with_a_frame_near_a_singularity_is_no_cycle_of_the_first_and_third_angle():
    stride_s = np.array([[0.0, 0.4], [0.4, 2.0], [1.7, 2.3]])  # the arm passes 90 degrees at 1.03 s
    times = {"R": np.unique(stride_s), "L": np.unique(stride_s)}
    events = GaitEvents(times, times, {"R": stride_s, "L": stride_s}, 1.3)
    table = summarise(abduction(), events)
    cycles = [row(table, "shoulder", "R", a)["cycles"] for a in ("flexion", "adduction")]
    assert cycles == [2, 3]


def test_a_row_without_two_frames_away_from_the_singularity_has_no_values():
    hanging = joint_angles(body(count=20), cutoff_hz=None, shoulder_sequence="YXY")
    table = summarise(hanging)
    plane, elevation = (
        row(table, "shoulder", "R", angle) for angle in ("plane_of_elevation", "elevation")
    )
    assert plane["near_singularity_share"] == elevation["near_singularity_share"] == 1
    assert plane[["range_of_motion_deg", "max_deg", "time_of_min_s", "mean_deg"]].isna().all()
    assert np.isnan(plane["symmetry_index_percent"])
    assert elevation["max_deg"] == pytest.approx(0, abs=1e-6)
    lone = joint_angles(body(count=20), cutoff_hz=None)
    lone.loc[1:, "knee_R_flexion_deg"] = np.nan
    assert np.isnan(row(summarise(lone), "knee", "R", "flexion")["range_of_motion_deg"])


def test_isb_shoulder_names_reach_the_table():
    isb = joint_angles(body(count=5), cutoff_hz=None, shoulder_sequence="YXY")
    assert "plane_of_elevation" in set(summarise(isb)["angle"])


def test_other_tables_are_refused():
    with pytest.raises(InputError, match="pelvis_tilt_deg"):
        summarise(pd.DataFrame({"time_s": [0.0]}))


def test_angles_that_are_known_in_one_frame_at_most_have_rows_without_values():
    angles = joint_angles(body(count=6), cutoff_hz=None)
    columns = [name for name in angles if name != "time_s"]
    for known in (0, 1):
        some = angles.copy()
        some.loc[known:, columns] = np.nan
        summary = summarise(some)
        assert len(summary) == 36
        assert summary["range_of_motion_deg"].isna().all()
        assert summary["symmetry_index_percent"].isna().all()
