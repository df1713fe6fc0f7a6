import numpy as np
import pandas as pd
import pytest

from gonio.kinematics import joint_angles, read_mot
from gonio.kinematics.comparison import columns_from_model, with_heading_beside
from gonio.trc import read_trc


def test_a_plain_tilt_stays_a_tilt_and_headings_are_continuous():
    motion = pd.DataFrame(
        {
            "time": np.arange(3.0),
            "pelvis_tilt": [10.0, 0, 0],
            "pelvis_list": [0.0, 5, 0],
            "pelvis_rotation": [0.0, 170, 190],
        }
    )
    ours = columns_from_model(motion)
    assert ours["pelvis_tilt_deg"][0] == pytest.approx(10)
    assert ours["pelvis_rotation_deg"].tolist() == pytest.approx([0, 170, 190], abs=0.1)


def test_headings_of_somebody_who_faces_away_are_drawn_side_by_side():
    ours = pd.DataFrame({"time_s": np.arange(4.0), "pelvis_rotation_deg": [179.0, 180, 181, 182]})
    theirs = pd.DataFrame(
        {"time_s": np.arange(1.0, 4), "pelvis_rotation_deg": [-179.5, np.nan, -177.5], "x": 1.0}
    )
    beside = with_heading_beside(theirs, ours)
    assert beside["pelvis_rotation_deg"][[0, 2]].tolist() == [180.5, 182.5]
    assert beside["x"].tolist() == [1, 1, 1]
    assert with_heading_beside(theirs[["time_s", "x"]], ours).equals(theirs[["time_s", "x"]])
    unknown = ours.assign(pelvis_rotation_deg=np.nan)
    assert with_heading_beside(theirs, unknown).equals(theirs)


def test_missing_coordinates_are_left_out_and_gaps_kept():
    motion = pd.DataFrame(
        {"time": [0.0, 1.0], "knee_angle_r": [5.0, np.nan], "L5_S1_Flex_Ext": [-20.0, 0]}
    )
    ours = columns_from_model(motion)
    assert set(ours) == {"time_s", "knee_R_flexion_deg", "trunk_flexion_deg"}
    assert ours["trunk_flexion_deg"][0] == 20
    assert np.isnan(ours["knee_R_flexion_deg"][1])


def test_the_reference_pelvis_agrees_once_the_sequence_is_ours(shared):
    trial = shared / "balancing_trial"
    theirs = columns_from_model(read_mot(trial / "balancing_LSTM.mot"))
    ours = joint_angles(read_trc(trial / "balancing_LSTM.trc"))
    for angle in ("tilt", "list", "rotation"):
        column = f"pelvis_{angle}_deg"
        assert np.corrcoef(ours[column], theirs[column])[0, 1] > 0.9, column
