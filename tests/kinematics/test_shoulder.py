from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gonio.kinematics import joint_angles
from gonio.kinematics.shoulder import shoulder_sequence_of, with_shoulders_in
from gonio.kinematics.unwrapping import wrapped_deg
from gonio.trc import read_trc


@pytest.fixture(scope="module")
def both(shared):
    """The angles of a real trial with the shoulders in either sequence."""
    trial = read_trc(shared / "balancing_trial" / "balancing_LSTM.trc")
    return {name: joint_angles(trial, shoulder_sequence=name) for name in ("ZXY", "YXY")}


@pytest.mark.parametrize(("given", "wanted"), [("ZXY", "YXY"), ("YXY", "ZXY")])
def test_another_sequence_is_what_kinematics_gives_in_it(both, given, wanted):
    made = with_shoulders_in(both[given], wanted)
    assert shoulder_sequence_of(made) == wanted
    assert list(made.columns) == list(both[wanted].columns)
    off = wrapped_deg(made.to_numpy() - both[wanted].to_numpy())
    assert np.abs(off).max() < 1e-6


def test_the_sequence_that_is_there_is_left_alone(both):
    assert with_shoulders_in(both["YXY"], "YXY") is both["YXY"]


def test_gaps_stay_gaps(both):
    gappy = both["ZXY"].copy()
    gappy.loc[3:9, "shoulder_L_adduction_deg"] = np.nan
    made = with_shoulders_in(gappy, "YXY")
    names = [name for name in made if name.startswith("shoulder_L")]
    assert made.loc[3:9, names].isna().all(axis=None)
    assert made.drop(index=range(3, 10)).notna().all(axis=None)
    nothing = with_shoulders_in(gappy.assign(shoulder_R_flexion_deg=np.nan), "YXY")
    assert nothing["shoulder_R_elevation_deg"].isna().all()


def test_a_single_frame(both):
    made = with_shoulders_in(both["YXY"][:1], "ZXY")
    assert made["shoulder_R_flexion_deg"].notna().all()
    assert isinstance(made, pd.DataFrame)
