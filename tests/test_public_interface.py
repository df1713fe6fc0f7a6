import subprocess
import sys

import gonio


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
