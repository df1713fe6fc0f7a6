from __future__ import annotations

import numpy as np
import pytest

from gonio.landmarks.inputs import (
    FRAME_FEATURES,
    PLACE_FEATURES,
    mirrored_landmarks,
    pose_inputs,
    viewpoint_features,
)
from gonio.skeleton import MEDIAPIPE
from gonio.types import LandmarkSequence
from tests.capture.fakes import seen_by_mediapipe, walking_truth


@pytest.fixture
def seen() -> LandmarkSequence:
    return seen_by_mediapipe(walking_truth(6), noise_m=0.0)


def test_there_are_fifteen_viewpoint_features(seen: LandmarkSequence) -> None:
    assert len(FRAME_FEATURES) - PLACE_FEATURES == 15
    assert viewpoint_features(np.zeros((4, 33, 2))).shape == (4, 15)


def test_the_size_of_the_picture_does_not_matter(seen: LandmarkSequence) -> None:
    one = pose_inputs(seen.world, seen.points_2d, seen.visibility)
    two = pose_inputs(seen.world, 3.0 * seen.points_2d, seen.visibility)
    np.testing.assert_allclose(one.landmarks, two.landmarks, atol=1e-5)
    place = [FRAME_FEATURES.index("mid_hip_u"), FRAME_FEATURES.index("mid_hip_v")]
    np.testing.assert_allclose(two.frame[:, place], 3 * one.frame[:, place], rtol=1e-5)


def test_world_and_image_are_compared_in_metres(seen: LandmarkSequence) -> None:
    """A weak perspective image of the world landmarks lies on them."""
    image = seen.world[..., :2] * 0.37 + [0.2, -0.1]
    inputs = pose_inputs(seen.world, image, seen.visibility)
    np.testing.assert_allclose(inputs.landmarks[..., :2], inputs.landmarks[..., 3:5], atol=1e-5)
    scale = inputs.frame[:, FRAME_FEATURES.index("log_metres_per_image")]
    np.testing.assert_allclose(scale, -np.log(0.37), rtol=1e-4)


def test_a_frame_depends_on_itself_alone(seen: LandmarkSequence) -> None:
    whole = pose_inputs(seen.world, seen.points_2d, seen.visibility)
    part = pose_inputs(seen.world[2:3], seen.points_2d[2:3], seen.visibility[2:3])
    np.testing.assert_array_equal(whole.landmarks[2:3], part.landmarks)
    np.testing.assert_array_equal(whole.frame[2:3], part.frame)


def test_missing_landmarks_and_frames_are_zero(seen: LandmarkSequence) -> None:
    world = seen.world.copy()
    world[1] = np.nan
    world[2, MEDIAPIPE["left_wrist"]] = np.nan
    inputs = pose_inputs(world, seen.points_2d, seen.visibility)
    assert np.isfinite(inputs.landmarks).all()
    assert np.isfinite(inputs.frame).all()
    assert not inputs.there[1].any()
    assert (inputs.frame[1, :PLACE_FEATURES] == 0).all()
    np.testing.assert_array_equal(np.flatnonzero(~inputs.there[2]), [MEDIAPIPE["left_wrist"]])


def test_a_mirror_exchanges_sides(seen: LandmarkSequence) -> None:
    landmarks = pose_inputs(seen.world, seen.points_2d, seen.visibility).landmarks
    mirror = mirrored_landmarks(landmarks)
    left, right = MEDIAPIPE["left_knee"], MEDIAPIPE["right_knee"]
    expected = landmarks[:, right] * [-1, 1, 1, -1, 1, 1]
    np.testing.assert_allclose(mirror[:, left], expected)
    np.testing.assert_array_equal(mirrored_landmarks(mirror), landmarks)


@pytest.mark.filterwarnings("error")
def test_what_is_farther_away_than_a_body_can_be_is_missing(seen: LandmarkSequence) -> None:
    world, points_2d, visibility = (
        values.copy() for values in (seen.world, seen.points_2d, seen.visibility)
    )
    world[0, 5, 1] = -1e20
    points_2d[1, 6, 0] = 1e200
    visibility[2, 7] = 1e300
    points_2d[3, MEDIAPIPE["left_hip"]] = 1e20  # without a hip nothing has a place
    inputs = pose_inputs(world, points_2d, visibility)
    gone = np.zeros((6, 33), dtype=bool)
    gone[[0, 1, 2], [5, 6, 7]] = gone[3] = True
    np.testing.assert_array_equal(inputs.there, ~gone)
    assert np.isfinite(inputs.landmarks).all()
    assert np.isfinite(inputs.frame).all()
    plain = pose_inputs(seen.world, seen.points_2d, seen.visibility)
    np.testing.assert_array_equal(inputs.landmarks[4:], plain.landmarks[4:])
