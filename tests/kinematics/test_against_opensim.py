"""Our angles beside OpenSim's inverse kinematics of the same markers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gonio.kinematics import joint_angles, read_mot
from gonio.trc import read_trc
from gonio.types import MarkerTrajectories

FLEXION = {
    f"{joint}_{side}_flexion_deg": f"{coordinate}_{side.lower()}"
    for side in "RL"
    for joint, coordinate in (
        ("hip", "hip_flexion"),
        ("knee", "knee_angle"),
        ("ankle", "ankle_angle"),
    )
}


@pytest.fixture(scope="module")
def markers(shared) -> MarkerTrajectories:
    return read_trc(shared / "balancing_trial" / "balancing_LSTM.trc")


@pytest.fixture(scope="module")
def motion(shared) -> pd.DataFrame:
    return read_mot(shared / "balancing_trial" / "balancing_LSTM.mot")


def agreement(angles: pd.DataFrame, motion: pd.DataFrame) -> tuple[list[float], list[float]]:
    correlations, differences = [], []
    for column, coordinate in FLEXION.items():
        ours, theirs = angles[column].to_numpy(), motion[coordinate].to_numpy()
        correlations.append(float(np.corrcoef(ours, theirs)[0, 1]))
        differences.append(float(np.std(ours - theirs)))
    return correlations, differences


@pytest.mark.parametrize("kept", ["all", "skin"])
def test_flexion_of_hip_knee_and_ankle(kept, markers, motion):
    if kept == "skin":
        names = tuple(n for n in markers.names if n.endswith("_study") and "HJC" not in n)
        lab = tuple(n.removesuffix("_study").replace("r_", "R_") for n in names)
        markers = MarkerTrajectories(lab, markers.select(names), markers.rate_hz)
    correlations, differences = agreement(joint_angles(markers), motion)
    assert min(correlations) >= 0.90
    assert np.median(correlations) >= 0.95
    assert max(differences) <= 4.5


@pytest.mark.parametrize(
    ("column", "coordinate"),
    [
        ("hip_R_adduction_deg", "hip_adduction_r"),
        ("hip_L_adduction_deg", "hip_adduction_l"),
        ("hip_L_rotation_deg", "hip_rotation_l"),
        ("elbow_R_flexion_deg", "elbow_flex_r"),
        ("elbow_L_flexion_deg", "elbow_flex_l"),
        ("pelvis_rotation_deg", "pelvis_rotation"),
    ],
)
def test_other_coordinates_move_alike(column, coordinate, markers, motion):
    ours = joint_angles(markers)[column]
    assert np.corrcoef(ours, motion[coordinate])[0, 1] > 0.85
