import re
import subprocess
import sys

import pytest

import gonio
from tests.kinematics.body import body
from tests.kinematics.test_gait import walk


def test_every_public_name_is_there():
    for name in gonio.__all__:
        assert getattr(gonio, name) is not None


def test_importing_gonio_is_light():
    code = "import sys, gonio; print(sorted({'torch', 'mediapipe', 'opensim'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_video_to_angles_as_in_the_readme(demo_landmarks, write_depth_refiner, tmp_path):
    checkpoint = write_depth_refiner(tmp_path / "depth_refiner.safetensors")
    subject = gonio.Subject(height_m=1.72, mass_kg=70)
    landmarks = gonio.repair_landmarks(demo_landmarks("cam04")).sequence
    pose = gonio.DepthRefiner.load(checkpoint).refine(landmarks)
    markers = gonio.markers_from_pose(pose, landmarks, subject)
    angles = gonio.joint_angles(gonio.augment_markers(markers, subject))
    assert list(angles.columns[:2]) == ["time_s", "pelvis_tilt_deg"]
    assert angles.shape == (100, 37)
    assert angles.notna().all().all()
    # One leg bent and lifted while balancing: both knees stay within what knees do.
    assert angles[["knee_R_flexion_deg", "knee_L_flexion_deg"]].to_numpy().min() > -15
    assert angles[["knee_R_flexion_deg", "knee_L_flexion_deg"]].to_numpy().max() < 130


def test_a_walk_from_python_has_events_cycles_and_a_summary():
    markers = walk()
    angles, events = gonio.joint_angles(markers), gonio.gait_events(markers)
    assert isinstance(events, gonio.GaitEvents)
    cycles = gonio.gait_cycles(angles, events)
    assert set(cycles["side"]) == {"R", "L"}
    summary = gonio.summarise(angles, events)
    assert summary["cycles"].max() >= 2
    assert len(gonio.model_coordinates(markers)) == len(markers)

    standing = body(count=120)
    still, angles = gonio.gait_events(standing), gonio.joint_angles(standing)
    assert isinstance(still, gonio.NotGait)
    assert gonio.summarise(angles, still)["cycles"].isna().all()
    with pytest.raises(gonio.InputError, match=f"no gait cycles: {re.escape(still.reason)}"):
        gonio.gait_cycles(angles, still)
