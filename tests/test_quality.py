from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gonio.landmarks.video import VideoInfo
from gonio.markers.gravity import GIVEN, LEVEL, PREDICTED
from gonio.quality import about_capture_rate, about_zero, estimated_joints, versions, warnings_of
from gonio.skeleton import ANGLE_COLUMNS, JOINTS, MARKERS, MEDIAPIPE
from gonio.types import LandmarkSequence, MarkerTrajectories

VIDEO = VideoInfo(Path("joey.mp4"), 1280, 720, 30.0, 100, 3.3, 0, False, "h264")
LANDMARKS = {
    "detection_rate": 1.0,
    "times_found_again": 0,
    "resampled_to_constant_rate": False,
    "swapped_frames": 0,
    "blended_frames": 0,
}
BODY = {
    "scale": "subject.height",
    "stature_estimate_m": 1.6,
    "stature_from_upright_frames": True,
    "gravity": {"source": PREDICTED, "spread_of_frames_deg": 1.0},
}
POSE = {"depth_corrected": True}


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


def seen(n=10, missed=0, **places):
    """Landmarks in the middle of the picture; (name, place) of those that lie elsewhere."""
    image = np.full((n, 33, 2), 0.5)
    for name, place in places.items():
        image[n // 2 :, MEDIAPIPE[name]] = place
    world = np.zeros((n, 33, 3))
    world[:missed] = image[:missed] = np.nan
    return LandmarkSequence(np.arange(n) / 30, world, image, np.ones((n, 33)), (1280, 720))


def angles(n=10, **missing):
    table = pd.DataFrame(0.0, index=range(n), columns=["time_s", *ANGLE_COLUMNS])
    for joint, count in missing.items():
        table.loc[: count - 1, [c for c in table if c.startswith(f"{joint}_")]] = np.nan
    return table


def said(landmarks=None, body=None, pose=None, **more):
    return " | ".join(
        warnings_of(
            more.get("video", VIDEO),
            LANDMARKS | (landmarks or {}),
            POSE | (pose or {}),
            BODY | (body or {}),
            more.get("markers", markers()),
            more.get("near", flags()),
            more.get("seen", seen()),
            more.get("angles", angles()),
        )
    )


@pytest.mark.parametrize(
    ("filmed", "played", "tagged", "words"),
    [
        (30, 30, None, []),
        (30, 30, 30, []),
        (24, 24, 30, []),  # in dim light
        (30, 29.97, None, []),
        (240, 30, 240, ["slow motion: it was filmed at 240 frames a second and plays at 30"]),
        (10, 30, None, ["a time-lapse: it was filmed at 10 frames a second and plays at 30"]),
        (30, 30, 240, ["filmed at 240 frames a second; it was taken as filmed at 30"]),
        (30, 30, 2, ["as filmed at 30. If the file is right, times, velocities and gait are wr"]),
        (120, 30, 240, ["filmed at 120", "give capture_rate_hz=240."]),
    ],
)
def test_another_rate_than_the_files_is_told(filmed, played, tagged, words):
    video = replace(VIDEO, rate_hz=filmed, time_scale=played / filmed, tagged_rate_hz=tagged)
    told = about_capture_rate(video)
    assert len(told) == len(words)
    assert all(word in sentence for word, sentence in zip(words, told, strict=True))
    assert said(video=video) == " | ".join(told)


def test_a_good_clip_has_no_warnings():
    assert said() == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"landmarks": {"detection_rate": 0.62}}, "seen in 62% of the frames"),
        ({"landmarks": {"times_found_again": 2}}, "found again 2 times; see in the overlay"),
        ({"landmarks": {"resampled_to_constant_rate": True}}, "frame rate varies"),
        ({"landmarks": {"swapped_frames": 28}}, "put right in 28 frames"),
        ({"pose": {"depth_corrected": False}}, "No depth refiner was used. Depth is MediaPipe's"),
        (
            {"pose": {"depth_corrected": False, "why_not": "there is no checkpoint"}},
            "No depth refiner was used: there is no checkpoint. Depth is",
        ),
        ({"body": {"scale": "MediaPipe"}}, "No stature was given: lengths are in MediaPipe's own"),
        ({"body": {"scale": "refiner"}}, "No stature was given: lengths are in the refiner's"),
        ({"body": {"gravity": {"source": LEVEL}}}, "camera.pitch_deg"),
        (
            {"body": {"gravity": {"source": PREDICTED, "spread_of_frames_deg": 22.4}}},
            "(by 22 degrees in the median)",
        ),
        ({"body": {"stature_from_upright_frames": False}}, "No frame shows the subject upright"),
        ({"markers": markers(["LWrist"])}, "elbow_L (100%)"),
        ({"markers": markers(n=65_536), "near": flags(65_536)}, "no C3D file: the clip has 65536"),
        ({"near": flags(shoulder_R=3)}, "shoulder_R (30%)"),
        ({"seen": seen(left_heel=(0.5, 1.2))}, "guesses them: feet (50%). Film the whole body"),
        ({"seen": seen(nose=(-0.1, 0.5), right_wrist=(2, 0))}, "them: head (50%), arms (50%)."),
        ({"seen": seen(missed=6, left_knee=(0.5, -1))}, "them: knees (100%)."),
        ({"angles": angles(**{j.name: 7 for j in JOINTS})}, "show the person: all (70%). What"),
        (
            {"angles": angles(knee_R=2, elbow_L=10)},
            "that show the person: knee_R (20%), elbow_L (100%). What is less visible than min_vis",
        ),
    ],
)
def test_what_a_reader_should_know_is_said(arguments, words):
    assert words in said(**arguments)


def test_hands_at_the_edge_and_frames_without_a_person_need_no_word_of_their_own():
    """Fingers make no marker; where nobody is seen no angle is missing."""
    assert said(seen=seen(left_index=(1.3, 0.5))) == ""
    everything = {joint.name: 6 for joint in JOINTS}
    assert said(seen=seen(missed=6), angles=angles(**everything)) == ""
    assert said(seen=seen(missed=10), angles=angles(**dict.fromkeys(everything, 10))) == ""
    assert said(seen=seen(n=100, left_heel=(0.5, 0.99)), angles=angles(100, hip_L=10)) == ""


def test_a_given_camera_needs_no_warning():
    given = {"source": GIVEN, "spread_of_frames_deg": 40.0}
    assert said(body={"gravity": given}) == ""


def test_a_thin_reference_of_zeroed_angles_is_told():
    whole = {"frames": 60, "frames_with_angles": 30, "joints_without_zero": []}
    assert about_zero({}) == about_zero(whole) == []
    few, empty = about_zero(
        {"frames": 66, "frames_with_angles": 5, "joints_without_zero": ["hip_L", "knee_L"]}
    )
    assert few == "Zero was taken from 5 frames: the others of 66 have no angle."
    assert empty.endswith("zeroed curve is empty: hip_L, knee_L.")


def test_a_joint_rests_on_its_own_markers():
    table = estimated_joints(markers(["RAnkle"]))
    assert set(table.columns[table.any()]) == {"knee_R", "ankle_R"}


def test_versions_name_what_results_depend_on():
    assert {"gonio", "mediapipe", "pose2sim", "opensim"} <= set(versions())
    assert "not installed" not in versions().values()
