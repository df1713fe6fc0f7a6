from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gonio.landmarks.pose import pose_without_refiner
from gonio.models.record import (
    angle_record,
    checkpoints_of,
    pose_record,
    refiner_in_use,
    viewpoint_record,
)
from gonio.skeleton import ANGLE_COLUMNS, COCO, JOINTS
from tests.markers.bodies import standing


def refined(azimuth=(40.0,), elevation=(10.0,), scale=1.0):
    """A pose that a refiner made of a standing body, the left wrist moved by 8 cm."""
    landmarks, _ = standing(n=30)
    pose = pose_without_refiner(landmarks)
    positions = scale * pose.positions
    positions[:, COCO["left_wrist"], 2] += 0.08
    made = replace(
        pose,
        positions=positions,
        sigma=np.broadcast_to([0.01, 0.02, 0.05], pose.sigma.shape),
        azimuth_deg=np.resize(azimuth, 30),
        elevation_deg=np.resize(elevation, 30),
        refiner="depth",
    )
    return made, landmarks


def test_a_pose_of_no_network_says_that_its_depth_is_not_corrected():
    landmarks, _ = standing(n=5)
    record = pose_record(pose_without_refiner(landmarks), landmarks)
    assert record == {"refiner": "none", "depth_corrected": False}


def test_how_far_joints_were_moved_and_how_sure_they_are():
    record = pose_record(*refined())
    assert record["depth_corrected"]
    assert record["change_of_joints_cm"]["left_wrist"] == pytest.approx(8, abs=0.2)
    assert record["change_of_joints_cm"]["right_wrist"] == pytest.approx(0, abs=0.3)
    assert record["mean_change_cm"] == pytest.approx(8 / 17, abs=0.3)
    assert record["mean_sigma_cm"] == {"across": 1.0, "down": 2.0, "depth": 5.0}


def test_another_size_is_no_movement():
    record = pose_record(*refined(scale=1.1))
    assert record["size_ratio_to_mediapipe"] == pytest.approx(1.1, abs=0.01)
    assert record["change_of_joints_cm"]["right_wrist"] == pytest.approx(0, abs=0.4)


def test_frames_without_a_person_do_not_count():
    pose, landmarks = refined()
    holes = {name: getattr(pose, name).copy() for name in ("positions", "sigma", "azimuth_deg")}
    for values in holes.values():
        values[:10] = np.nan
    whole, gappy = pose_record(pose, landmarks), pose_record(replace(pose, **holes), landmarks)
    assert gappy == whole


def test_a_network_that_does_not_say_how_sure_it_is():
    pose, landmarks = refined()
    record = pose_record(replace(pose, sigma=np.full_like(pose.sigma, np.nan)), landmarks)
    assert record["mean_sigma_cm"] == {"across": None, "down": None, "depth": None}


@pytest.mark.parametrize(
    ("azimuth", "expected"),
    [
        ([350.0, 0.0, 10.0], (0.0, 350.0, 10.0)),
        ([170.0, 180.0, 190.0], (180.0, 170.0, 190.0)),
        ([90.0], (90.0, 90.0, 90.0)),
        ([0.0, 90.0, 180.0, 270.0], (None, 0.0, 360.0)),
        ([np.nan], (None, None, None)),
    ],
)
def test_the_azimuth_is_averaged_on_the_circle(azimuth, expected):
    told = viewpoint_record(np.array(azimuth), np.array([-5.0, np.nan, 15.0]))
    assert tuple(told["azimuth"].values()) == expected
    assert told["elevation"] == {"mean_deg": 5.0, "from_deg": -5.0, "to_deg": 15.0}


def angles(frames=10):
    """Angles of ten frames, 0.1 s apart, that are not alike."""
    values = np.linspace(-40, 60, frames * len(ANGLE_COLUMNS)).reshape(frames, -1)
    table = pd.DataFrame(values, columns=list(ANGLE_COLUMNS))
    table.insert(0, "time_s", 5 + np.arange(frames) / 10)
    return table


def test_how_far_angles_were_changed_and_where_most():
    computed, refined = angles(), angles()
    refined["knee_R_flexion_deg"] += 3
    refined.loc[7, "knee_R_rotation_deg"] -= 9
    record = angle_record(computed, refined, "joint")
    assert (record["refiner"], record["angles_corrected"]) == ("joint", True)
    assert list(record["change_of_joints"]) == [joint.name for joint in JOINTS]
    assert record["change_of_joints"]["knee_R"] == {
        "mean_deg": pytest.approx((3 + 0.9) / 3),
        "largest_deg": -9.0,
        "angle": "rotation",
        "time_s": 5.7,
    }
    assert record["change_of_joints"]["knee_L"]["mean_deg"] == 0
    assert record["mean_change_deg"] == pytest.approx(3.9 / 36, abs=1e-3)


def test_a_whole_turn_is_no_change_and_gaps_do_not_count():
    computed = angles()
    computed.loc[:4, list(ANGLE_COLUMNS)] = np.nan
    computed["elbow_L_flexion_deg"] = np.nan
    for column in JOINTS[-1].columns:
        computed[column] = np.nan
    refined = computed + 1
    refined["pelvis_rotation_deg"] += 720
    record = angle_record(computed, refined, "main")
    assert record["mean_change_deg"] == pytest.approx(1)
    assert record["change_of_joints"]["pelvis"]["largest_deg"] == pytest.approx(1)
    gone = record["change_of_joints"][JOINTS[-1].name]
    assert set(gone.values()) == {None}


@pytest.mark.parametrize(
    ("pose", "angle", "choice"),
    [
        ("none", "none", "none"),
        ("depth", "none", "depth"),
        ("none", "joint", "joint"),
        ("depth", "joint", "both"),
        ("main", "main", "main"),
    ],
)
def test_the_choice_that_a_run_came_to(pose, angle, choice):
    records = [
        {"refiner": name} | ({} if name == "none" else {"checkpoint": {"file": name}})
        for name in (pose, angle)
    ]
    assert refiner_in_use(*records) == choice
    used = {f"{name}_refiner" for name in (pose, angle)} - {"none_refiner"}
    assert set(checkpoints_of(*records)) == used


def test_angles_of_no_network_say_that_they_are_not_corrected():
    record = angle_record(angles(), None, "none")
    assert record == {"refiner": "none", "angles_corrected": False}
