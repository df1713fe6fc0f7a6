from dataclasses import replace

import numpy as np
import pytest

from gonio.frames import ray_from_camera, up_from_camera_angles
from gonio.landmarks.pose import mid_hip_rays, pose_without_refiner
from gonio.markers.gravity import GIVEN, LEVEL, PREDICTED, gravity_of, steady_direction
from gonio.options import CameraOptions
from tests.markers.bodies import standing


def predicted(pitch=12.0, roll=-4.0, n=60):
    """A standing body whose refiner says in every frame how the camera looks."""
    landmarks, _ = standing(n=n)
    up = ray_from_camera(mid_hip_rays(landmarks, CameraOptions())) @ up_from_camera_angles(
        pitch, roll
    )
    return replace(pose_without_refiner(landmarks), up=up, refiner="depth"), landmarks


def test_what_the_refiner_predicts_is_taken():
    gravity = gravity_of(*predicted(), CameraOptions())
    assert (gravity.pitch_deg, gravity.roll_deg) == pytest.approx((12.0, -4.0))
    assert gravity.source == PREDICTED
    assert gravity.spread_deg == pytest.approx(0.0, abs=1e-4)
    assert gravity.record()["camera_pitch_deg"] == pytest.approx(12.0)


def test_frames_in_which_the_refiner_errs_do_not_move_it():
    pose, landmarks = predicted()
    up = pose.up.copy()
    up[:25] = [1.0, 0.0, 0.0]
    up[40] = np.nan
    gravity = gravity_of(replace(pose, up=up), landmarks, CameraOptions())
    assert (gravity.pitch_deg, gravity.roll_deg) == pytest.approx((12.0, -4.0), abs=0.1)


def test_noise_of_the_frames_averages_out_and_is_told():
    pose, landmarks = predicted(n=400)
    noisy = pose.up + np.random.default_rng(0).normal(0, 0.1, pose.up.shape)
    gravity = gravity_of(replace(pose, up=noisy), landmarks, CameraOptions())
    assert (gravity.pitch_deg, gravity.roll_deg) == pytest.approx((12.0, -4.0), abs=1.5)
    assert gravity.spread_deg == pytest.approx(np.degrees(0.1 * 1.18), rel=0.2)


@pytest.mark.parametrize(
    ("given", "expected", "source"),
    [
        ({"pitch_deg": 30, "roll_deg": 2}, (30, 2), f"{GIVEN} (camera.pitch_deg and camera.roll_"),
        ({"pitch_deg": 0, "roll_deg": 0}, (0, 0), f"{GIVEN} (camera.pitch_deg and camera.roll_"),
        ({"pitch_deg": 30}, (30, -4), f"{GIVEN} (camera.pitch_deg); roll {PREDICTED}"),
        ({"roll_deg": 0}, (12, 0), f"{GIVEN} (camera.roll_deg); pitch {PREDICTED}"),
    ],
)
def test_what_the_user_gives_wins_each_by_itself(given, expected, source):
    gravity = gravity_of(*predicted(), CameraOptions(**given))
    assert (gravity.pitch_deg, gravity.roll_deg) == pytest.approx(expected)
    np.testing.assert_allclose(gravity.up, up_from_camera_angles(*expected), atol=1e-6)
    assert gravity.source.startswith(source)


@pytest.mark.parametrize(
    ("given", "pitch", "source"),
    [
        ({}, 0, LEVEL),
        ({"pitch_deg": 20}, 20, f"{GIVEN} (camera.pitch_deg)"),
        ({"pitch_deg": 0}, 0, f"{GIVEN} (camera.pitch_deg); roll taken as 0"),
    ],
)
def test_without_a_refiner_the_camera_is_level_unless_given(given, pitch, source):
    landmarks, _ = standing()
    camera = CameraOptions(**given)
    gravity = gravity_of(pose_without_refiner(landmarks, camera), landmarks, camera)
    assert gravity.pitch_deg == pytest.approx(pitch)
    assert gravity.source == source


def test_a_refiner_that_predicts_no_gravity_leaves_the_camera_level():
    pose, landmarks = predicted()
    silent = replace(pose, up=np.full_like(pose.up, np.nan))
    gravity = gravity_of(silent, landmarks, CameraOptions())
    assert (gravity.pitch_deg, gravity.source) == (0.0, LEVEL)
    assert np.isnan(gravity.spread_deg)


def test_the_steady_direction_of_one_frame_is_that_frame():
    np.testing.assert_allclose(steady_direction(np.array([[0.0, -1.0, 0.0]])), [0, -1, 0])
