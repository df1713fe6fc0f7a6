from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gonio.kinematics.gait import GaitEvents
from gonio.kinematics.gait_cycles import CYCLE_COLUMNS, as_curves, gait_cycles
from gonio.kinematics.summary import summarise
from gonio.skeleton import ANGLE_COLUMNS

STRIKES = {"R": np.array([0.5, 1.5, 2.5, 3.5]), "L": np.array([1.0, 2.0])}


def walk() -> tuple[pd.DataFrame, GaitEvents]:
    """Four seconds at 50 frames/s, a stride a second; the right knee bends further each time."""
    time_s = np.arange(200) / 50
    angles = pd.DataFrame({"time_s": time_s, **dict.fromkeys(ANGLE_COLUMNS, 0.0 * time_s)})
    since = time_s - 0.5
    angles["knee_R_flexion_deg"] = (50 + 10 * np.floor(since)) * np.sin(np.pi * (since % 1)) ** 2
    angles["knee_L_flexion_deg"] = 40 * np.sin(np.pi * (time_s % 1)) ** 2
    stride_s = {side: np.stack([t[:-1], t[1:]], axis=1) for side, t in STRIKES.items()}
    return angles, GaitEvents(STRIKES, STRIKES, stride_s, stride_length_m=1.2)


def of(cycles: pd.DataFrame, angle: str) -> pd.DataFrame:
    return cycles[cycles["angle"] == angle].set_index("cycle_percent")


def test_an_angle_over_the_strides_of_its_own_foot():
    angles, events = walk()
    cycles = gait_cycles(angles, events)
    assert list(cycles.columns) == list(CYCLE_COLUMNS)
    assert len(cycles) == 36 * 101
    right, left = (of(cycles, f"knee_{side}_flexion_deg") for side in "RL")
    assert set(right["strides"]) == {3}
    percent = right.index.to_numpy()
    expected = 60 * np.sin(np.pi * percent / 100) ** 2  # the mean of 50, 60 and 70
    np.testing.assert_allclose(right["mean_deg"], expected, atol=0.1)
    assert right["sd_deg"][50] == pytest.approx(10, abs=0.1)
    assert right["sd_deg"][0] == pytest.approx(0, abs=0.1)
    assert left["mean_deg"][50] == pytest.approx(40, abs=0.1)
    assert left["sd_deg"].isna().all()  # of one stride
    assert set(of(cycles, "pelvis_tilt_deg")["side"]) == {"R"}


def test_times_that_a_table_has_rounded_lose_no_frame():
    angles, events = walk()
    at = {side: times + 1e-7 for side, times in STRIKES.items()}
    stride_s = {side: np.stack([t[:-1], t[1:]], axis=1) for side, t in at.items()}
    exact, rounded = (
        gait_cycles(angles, replace(events, stride_s=strides))
        for strides in (events.stride_s, stride_s)
    )
    np.testing.assert_allclose(rounded["mean_deg"], exact["mean_deg"], atol=1e-3)
    summaries = [
        summarise(angles, replace(events, stride_s=strides))
        for strides in (events.stride_s, stride_s)
    ]
    pd.testing.assert_frame_equal(*summaries)


def test_strides_with_a_gap_or_near_a_singularity_do_not_count():
    angles, events = walk()
    angles.loc[angles["time_s"].between(1.9, 2.0), "knee_R_flexion_deg"] = np.nan
    angles.loc[angles["time_s"].between(2.9, 3.0), "shoulder_R_adduction_deg"] = -88.0
    angles["elbow_R_flexion_deg"] = np.nan
    cycles = gait_cycles(angles, events)
    assert set(of(cycles, "knee_R_flexion_deg")["strides"]) == {2}
    assert of(cycles, "knee_R_flexion_deg")["mean_deg"][50] == pytest.approx(60, abs=0.1)
    assert set(of(cycles, "shoulder_R_flexion_deg")["strides"]) == {2}
    assert set(of(cycles, "shoulder_R_adduction_deg")["strides"]) == {3}
    assert of(cycles, "elbow_R_flexion_deg").empty


def test_curves_for_a_figure_have_every_angle():
    angles, events = walk()
    angles["elbow_R_flexion_deg"] = np.nan
    cycles = gait_cycles(angles, events)
    curves = as_curves(cycles, list(ANGLE_COLUMNS), "mean_deg")
    assert list(curves.columns) == ["time_s", *ANGLE_COLUMNS]
    assert curves["time_s"].tolist() == list(range(101))
    assert curves["elbow_R_flexion_deg"].isna().all()
    assert curves["knee_L_flexion_deg"][50] == pytest.approx(40, abs=0.1)
    none = gait_cycles(angles.assign(**dict.fromkeys(ANGLE_COLUMNS, np.nan)), events)
    assert list(none.columns) == list(CYCLE_COLUMNS)
    assert none.empty
    assert (
        as_curves(none, list(ANGLE_COLUMNS), "sd_deg").drop(columns="time_s").isna().all(axis=None)
    )
