from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gonio.landmarks.video import VideoInfo
from gonio.quality import estimated_joints, versions, warnings_of
from gonio.skeleton import JOINTS, MARKERS
from gonio.types import MarkerTrajectories

VIDEO = VideoInfo(Path("joey.mp4"), 1280, 720, 30.0, 100, 3.3, 0, False, "h264")
LANDMARKS = {
    "detection_rate": 1.0,
    "resampled_to_constant_rate": False,
    "swapped_frames": 0,
    "blended_frames": 0,
}
BODY = {
    "scale": "subject.height",
    "stature_estimate_m": 1.6,
    "stature_from_upright_frames": True,
}


def markers(estimated=None, n=10):
    positions = np.zeros((n, 22, 3))
    flags = np.zeros((n, 22), bool)
    for name in estimated or ():
        flags[:, MARKERS.index(name)] = True
    return MarkerTrajectories(MARKERS, positions, 30, flags)


def flags(n=10, **near):
    table = pd.DataFrame({f"{joint.name}_near_singularity": np.zeros(n, bool) for joint in JOINTS})
    for joint, count in near.items():
        table.loc[: count - 1, f"{joint}_near_singularity"] = True
    return table


def said(landmarks=None, body=None, refiner="depth", **more):
    return " | ".join(
        warnings_of(
            VIDEO,
            LANDMARKS | (landmarks or {}),
            BODY | (body or {}),
            more.get("markers", markers()),
            more.get("near", flags()),
            refiner,
        )
    )


def test_a_good_clip_has_no_warnings():
    assert said() == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"landmarks": {"detection_rate": 0.62}}, "seen in 62% of the frames"),
        ({"landmarks": {"resampled_to_constant_rate": True}}, "frame rate varies"),
        ({"landmarks": {"swapped_frames": 28}}, "put right in 28 frames"),
        ({"refiner": "none"}, "No depth refiner"),
        ({"body": {"scale": "MediaPipe"}}, "No stature was given"),
        ({"body": {"stature_from_upright_frames": False}}, "No frame shows the subject upright"),
        ({"markers": markers(["LWrist"])}, "elbow_L (100%)"),
        ({"near": flags(shoulder_R=3)}, "shoulder_R (30%)"),
    ],
)
def test_what_a_reader_should_know_is_said(arguments, words):
    assert words in said(**arguments)


def test_a_camera_taken_as_level_is_said():
    told = warnings_of(VIDEO, LANDMARKS, BODY, markers(), flags(), "depth", level_camera=True)
    assert any("camera.pitch_deg" in sentence for sentence in told)


def test_a_joint_rests_on_its_own_markers():
    table = estimated_joints(markers(["RAnkle"]))
    assert set(table.columns[table.any()]) == {"knee_R", "ankle_R"}


def test_versions_name_what_results_depend_on():
    assert {"gonio", "mediapipe", "pose2sim", "opensim"} <= set(versions())
    assert "not installed" not in versions().values()
