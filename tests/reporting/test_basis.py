from __future__ import annotations

import pytest

from gonio.reporting.basis import NO_REFINER, basis_of

LEVEL = {"camera_pitch_deg": 0.0, "camera_roll_deg": 0.0, "source": "assumed"}
POSE = {
    "refiner": "depth",
    "depth_corrected": True,
    "mean_change_cm": 4.21,
    "checkpoint": {"file": "d.safetensors", "from": "shipped with Gonio", "sha256": "ab12"},
    "viewpoint": {
        "azimuth": {"mean_deg": 40.0, "from_deg": 350.2, "to_deg": 55.0},
        "elevation": {"mean_deg": 10.0, "from_deg": 8.0, "to_deg": 12.4},
    },
    "mean_sigma_cm": {"across": 1.0, "down": 1.25, "depth": 4.0},
}


ANGLES = {
    "refiner": "joint",
    "angles_corrected": True,
    "mean_change_deg": 2.16,
    "checkpoint": {"file": "j.safetensors", "from": "own, in 06_models", "sha256": "cd34"},
}


def told(markers, pose=None, gravity=None, angles=None):
    level = LEVEL | (gravity or {})
    return dict(basis_of(pose or POSE, angles or {}, level, "stature", markers))


def test_a_refined_pose_is_told_in_six_headings(markers):
    words = told(markers)
    assert words["Depth"] == (
        "corrected by d.safetensors (shipped with Gonio, ab12); joints moved by 4.2 cm in the mean"
    )
    assert words["Seen from"] == (
        "the front right: azimuth 40° (350° to 55°), elevation 10° (8° to 12°)"
    )
    assert words["Uncertainty of a joint, ±1 SD"].startswith(
        "1.0 cm across, 1.2 cm down, 4.0 cm in d"
    )
    assert list(words)[3:5] == ["Scale", "Estimated markers"]


def test_refined_angles_are_told_after_the_depth(markers):
    words = told(markers, angles=ANGLES)
    assert words["Angles"] == (
        "corrected by j.safetensors (own, in 06_models, cd34); changed by 2.2° in the mean"
    )
    assert list(words)[:3] == ["Depth", "Angles", "Camera"]
    assert "Angles" not in told(markers, angles={"refiner": "none", "angles_corrected": False})


def test_mediapipes_own_pose_is_told_in_four(markers):
    words = told(markers, pose={"refiner": "none", "depth_corrected": False})
    assert list(words) == ["Depth", "Camera", "Scale", "Estimated markers"]
    assert words["Depth"] == NO_REFINER


@pytest.mark.parametrize(
    ("pitch", "roll", "looks"),
    [
        (0, 0.3, "level"),
        (12.4, 0, "looks down by 12°"),
        (-8, 3, "looks up by 8°, turned 3° clockwise"),
        (0, -90, "level, turned 90° counter-clockwise"),
    ],
)
def test_the_camera_is_told_with_where_it_is_known_from(markers, pitch, roll, looks):
    gravity = {"camera_pitch_deg": pitch, "camera_roll_deg": roll, "source": "a guess"}
    assert told(markers, gravity=gravity)["Camera"] == f"{looks}: a guess"


def test_a_subject_who_turns_around_and_one_of_whom_nothing_is_known(markers):
    view = POSE["viewpoint"]
    around = view | {"azimuth": {"mean_deg": None, "from_deg": 0.0, "to_deg": 360.0}}
    words = told(markers, pose=POSE | {"viewpoint": around})["Seen from"]
    assert words.startswith("all around: azimuth (0° to 360°), elevation 10°")
    nothing = {name: dict.fromkeys(told_of, None) for name, told_of in view.items()}
    assert told(markers, pose=POSE | {"viewpoint": nothing})["Seen from"] == "not known"


def test_a_refiner_that_does_not_say_how_sure_it_is(markers):
    silent = POSE | {"mean_sigma_cm": dict.fromkeys(POSE["mean_sigma_cm"])}
    words = told(markers, pose=silent)["Uncertainty of a joint, ±1 SD"]
    assert words == "not known: this refiner does not say"
