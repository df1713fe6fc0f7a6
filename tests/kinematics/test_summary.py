from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gonio.errors import InputError
from gonio.kinematics.angles import joint_angles
from gonio.kinematics.gait import GaitEvents
from gonio.kinematics.summary import SUMMARY_COLUMNS, summarise
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


def test_isb_shoulder_names_reach_the_table():
    isb = joint_angles(body(count=5), cutoff_hz=None, shoulder_sequence="YXY")
    assert "plane_of_elevation" in set(summarise(isb)["angle"])


def test_other_tables_are_refused():
    with pytest.raises(InputError, match="pelvis_tilt_deg"):
        summarise(pd.DataFrame({"time_s": [0.0]}))
