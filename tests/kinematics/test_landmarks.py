from __future__ import annotations

import numpy as np
import pytest

from gonio.errors import InputError
from gonio.kinematics.angles import joint_angles
from gonio.kinematics.landmarks import recognised_name, recognised_paths
from gonio.kinematics.segments import segment_frames
from gonio.skeleton import ALL_MARKERS, AUGMENTED_MARKERS, MARKERS
from gonio.types import MarkerTrajectories
from tests.kinematics.body import body, skin_markers


@pytest.mark.parametrize(
    ("spelling", "known"),
    [
        ("r_knee", "r_knee_study"),
        ("R_knee_study", "r_knee_study"),
        ("l_mknee", "L_mknee_study"),
        ("L_5meta", "L_5meta_study"),
        ("R.ASIS", "r.ASIS_study"),
        ("l.psis_study", "L.PSIS_study"),
        ("RASIS", "r.ASIS_study"),
        ("R_HJC", "RHJC_study"),
        ("RHJC", "RHJC_study"),
        ("c7", "C7_study"),
        ("R_Shoulder", "r_shoulder_study"),
        ("RShoulder", "RShoulder"),
        ("RKnee", "RKnee"),
        ("Anna:r_knee", "r_knee_study"),
        ("T10", None),
        ("sacrum", None),
    ],
)
def test_spellings(spelling: str, known: str | None):
    assert recognised_name(spelling) == known


def test_every_marker_of_the_project_is_itself():
    assert [recognised_name(name) for name in ALL_MARKERS] == list(ALL_MARKERS)
    assert not set(MARKERS) & set(AUGMENTED_MARKERS)


@pytest.mark.parametrize(
    "spelling",
    [
        lambda name: name.removesuffix("_study"),
        lambda name: name.removesuffix("_study").lower(),
        lambda name: name[0].upper() + name[1:],
        lambda name: "subject 1:" + name,
    ],
)
def test_a_laboratory_s_spelling_changes_no_angle(spelling):
    given_deg = {
        "knee_L_flexion_deg": np.linspace(0, 60, 9),
        "shoulder_R_flexion_deg": np.linspace(0, 90, 9),
    }
    markers = body(given_deg, count=9, names=skin_markers())
    renamed = MarkerTrajectories(
        tuple(spelling(name) for name in markers.names), markers.positions, 60.0
    )
    np.testing.assert_allclose(joint_angles(renamed), joint_angles(markers))


def test_two_names_for_one_marker_are_refused():
    positions = np.zeros((1, 2, 3))
    markers = MarkerTrajectories(("r_knee", "R_knee_study"), positions, 60.0)
    with pytest.raises(InputError, match=r"'r_knee' and 'R_knee_study' both stand"):
        recognised_paths(markers)


def test_unknown_markers_are_refused_by_name():
    markers = MarkerTrajectories(("LFHD", "RFHD"), np.zeros((1, 2, 3)), 60.0)
    with pytest.raises(InputError, match=r"none of the 2 markers is known \(LFHD, RFHD\)"):
        joint_angles(markers)


def test_hip_joint_centres_by_regression_are_near_the_markers_on_a_real_person(shared):
    from gonio.trc import read_trc

    markers = read_trc(shared / "balancing_trial" / "balancing_LSTM.trc")
    kept = tuple(name for name in markers.names if "HJC" not in name)
    skin = MarkerTrajectories(kept, markers.select(kept), markers.rate_hz)
    frames = segment_frames(skin)
    for side in "RL":
        gap = frames[f"femur_{side}"].origin - markers[f"{side}HJC_study"]
        assert np.linalg.norm(gap, axis=1).mean() < 0.045


def test_video_shoulder_is_the_humerus_centre_and_the_acromion_stands_in():
    markers = body()
    with_video = segment_frames(markers)["humerus_R"].origin
    assert np.allclose(with_video, markers["RShoulder"])
    skin = segment_frames(body(names=skin_markers()))["humerus_R"].origin
    assert np.allclose(skin, markers["r_shoulder_study"] - [0, 0.17 * 0.34, 0])
