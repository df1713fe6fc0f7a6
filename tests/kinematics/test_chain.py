import numpy as np
import pandas as pd
import pytest

from gonio.errors import InputError
from gonio.kinematics.angles import joint_angles
from gonio.kinematics.chain import angles_of, augmented, check_static_trial, markers_of
from gonio.landmarks.pose import pose_without_refiner
from gonio.landmarks.repair import FILLED, RepairedLandmarks
from gonio.markers.augment import augment_markers
from gonio.markers.from_pose import markers_from_pose
from gonio.options import InferenceOptions
from gonio.skeleton import ANGLE_COLUMNS, MARKERS, MEDIAPIPE
from gonio.types import Subject
from tests.markers.bodies import STATURE, standing

OPTIONS = InferenceOptions.from_parameters({"subject": {"height": STATURE, "mass": 70}})


@pytest.fixture(scope="module")
def scaled():
    landmarks, _ = standing(n=60)
    flags = np.zeros((60, 33), dtype=np.uint8)
    flags[10, MEDIAPIPE["right_knee"]] = FILLED
    repaired = RepairedLandmarks(landmarks, flags, {})
    pose = pose_without_refiner(landmarks)
    return markers_of(pose, repaired, OPTIONS), markers_from_pose(
        pose, landmarks, Subject(STATURE, 70)
    )


def test_markers_are_those_of_the_public_function_with_filled_ones_flagged(scaled):
    made, public = scaled
    np.testing.assert_array_equal(made.markers.positions, public.positions)
    assert made.markers.estimated[10, MARKERS.index("RKnee")]
    assert not made.markers.estimated[11, MARKERS.index("RKnee")]


def test_the_steps_are_the_public_ones(scaled):
    made, public = scaled
    markers = augmented([made.markers], made.stature.height_m, OPTIONS)[0]
    expected = augment_markers(public, Subject(STATURE, 70))
    np.testing.assert_allclose(markers.positions, expected.positions, atol=1e-6)
    found, wanted = angles_of(markers, OPTIONS), joint_angles(expected)
    np.testing.assert_allclose(found.to_numpy(), wanted.to_numpy(), atol=1e-3)
    unfiltered = OPTIONS.model_copy(update={"angle_cutoff_hz": None, "shoulder_sequence": "YXY"})
    assert "shoulder_R_elevation_deg" in angles_of(markers, unfiltered)


def test_a_static_trial_may_have_empty_cells_and_whole_numbers():
    options = InferenceOptions(zero="static_trial", static_trial="standing.csv")
    static = pd.DataFrame(np.ones((3, len(ANGLE_COLUMNS)), dtype=int), columns=ANGLE_COLUMNS)
    check_static_trial(static, options)
    check_static_trial(static.reindex([0, 5, 2]), options)
    static["hip_R_flexion_deg"] = ["1", "", "-inf"]
    with pytest.raises(InputError, match="holds '' in row 2 of hip_R_flexion_deg; allowed are fin"):
        check_static_trial(static, options)
