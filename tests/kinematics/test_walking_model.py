"""A laboratory recording of known angles: OpenSim's model walks, its skin markers are read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gonio.kinematics import GaitEvents, gait_events, joint_angles
from gonio.kinematics.osim import generic_model
from gonio.types import FloatArray, MarkerTrajectories
from tests.kinematics.model import marker_positions

RATE = 100.0


def walking(heading: float) -> tuple[dict[str, FloatArray], MarkerTrajectories]:
    """Coordinates (radians, metres) and 41 markers in a laboratory's spelling, 1 mm of noise."""
    time = np.arange(0, 4, 1 / RATE)
    phase = 2 * np.pi * time / 1.1
    values = {c.name: np.zeros_like(time) for c in generic_model().coordinates}
    for side, p in (("r", phase), ("l", phase - np.pi)):
        degrees = {
            "hip_flexion": 10 + 22 * np.cos(p) + 3 * np.cos(2 * p),
            "hip_adduction": 6 * np.sin(p),
            "hip_rotation": 6 * np.cos(p + 1),
            "knee_angle": 25 - 22 * np.sin(p + 0.3) - 12 * np.cos(2 * p),
            "ankle_angle": 2 + 10 * np.sin(p + 1) + 8 * np.sin(2 * p),
            "subtalar_angle": 6 * np.sin(p + 2),
            "arm_flex": -20 * np.cos(p),
            "arm_add": np.full_like(p, -10.0),
            "elbow_flex": 25 + 10 * np.cos(p),
            "pro_sup": np.full_like(p, 70.0),
        }
        values |= {f"{name}_{side}": np.radians(value) for name, value in degrees.items()}
    values["pelvis_list"] = np.radians(4 * np.sin(phase))
    values["pelvis_rotation"] = np.radians(heading + 5 * np.cos(phase))
    values["L5_S1_Flex_Ext"] = np.radians(-5 + 3 * np.cos(2 * phase))
    values["L5_S1_Lat_Bending"] = np.radians(-5 * np.sin(phase))
    values["L5_S1_axial_rotation"] = np.radians(-8 * np.cos(phase))
    values["pelvis_tx"] = 1.2 * np.cos(np.radians(heading)) * time
    values["pelvis_tz"] = -1.2 * np.sin(np.radians(heading)) * time
    placed = marker_positions(generic_model(), values)
    names = [name for name in placed if name.endswith("_study") and "HJC" not in name]
    positions = np.stack([placed[name] for name in names], axis=1)
    positions += np.random.default_rng(0).normal(0, 0.001, positions.shape)
    spelt = tuple(name.removesuffix("_study").replace("r_", "R_") for name in names)
    return values, MarkerTrajectories(spelt, positions, RATE)


def agreement(ours: pd.Series, radians: FloatArray, sign: int = 1) -> tuple[float, float]:
    truth = sign * np.degrees(radians)
    return float(np.corrcoef(ours, truth)[0, 1]), float(np.std(ours - truth))


@pytest.mark.parametrize("heading", [0.0, 170.0])
def test_angles_of_the_walking_model(heading: float):
    values, markers = walking(heading)
    angles = joint_angles(markers)
    for side in "RL":
        s = side.lower()
        for column, coordinate, least, most in (
            ("hip_{}_flexion_deg", "hip_flexion_", 0.99, 1.0),
            ("hip_{}_adduction_deg", "hip_adduction_", 0.99, 1.0),
            ("hip_{}_rotation_deg", "hip_rotation_", 0.98, 1.0),
            ("knee_{}_flexion_deg", "knee_angle_", 0.99, 1.5),
            ("ankle_{}_flexion_deg", "ankle_angle_", 0.95, 3.0),
            ("ankle_{}_adduction_deg", "subtalar_angle_", 0.85, 3.0),
            ("shoulder_{}_flexion_deg", "arm_flex_", 0.99, 1.0),
            ("elbow_{}_flexion_deg", "elbow_flex_", 0.99, 1.0),
        ):
            r, rms = agreement(angles[column.format(side)], values[coordinate + s])
            assert r > least, column
            assert rms < most, column
    for column, coordinate, sign in (
        ("trunk_flexion_deg", "L5_S1_Flex_Ext", -1),
        ("trunk_adduction_deg", "L5_S1_Lat_Bending", 1),
        ("trunk_rotation_deg", "L5_S1_axial_rotation", 1),
    ):
        r, rms = agreement(angles[column], values[coordinate], sign)
        assert r > 0.98, column
        assert rms < 1.0, column


@pytest.mark.parametrize("heading", [0.0, 170.0])
def test_strides_of_the_walking_model(heading: float):
    events = gait_events(walking(heading)[1])
    assert isinstance(events, GaitEvents)
    assert events.stride_time_s == pytest.approx(1.1, abs=0.02)
    assert events.stride_length_m == pytest.approx(1.32, abs=0.03)
