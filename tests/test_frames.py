import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonio.errors import InputError
from gonio.frames import (
    bone_length_cv,
    camera_angles_from_up,
    elevation_from_up,
    focal_length_px,
    lab_from_camera,
    lab_from_ray,
    ray_from_camera,
    rays_from_image,
    shortest_turn,
    up_from_camera_angles,
)
from gonio.skeleton import COCO

angles = st.floats(-60, 60)


def test_level_camera():
    np.testing.assert_allclose(up_from_camera_angles(0, 0), [0, -1, 0], atol=1e-12)
    lab = lab_from_camera(np.array([0, -1.0, 0]), np.array([0, 0, 1.0]))
    # The subject's way to the camera is X; what is left in the image is the right of who faces it.
    np.testing.assert_allclose(lab @ [0, 0, -1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(lab @ [0, -1, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(lab @ [-1, 0, 0], [0, 0, 1], atol=1e-12)


@given(st.floats(-89, 89), st.floats(-179, 179), st.floats(0.1, 10))
def test_pitch_and_roll_come_back_from_up(pitch, roll, length):
    up = length * up_from_camera_angles(pitch, roll)
    assert camera_angles_from_up(up) == pytest.approx((pitch, roll), abs=1e-6)


def test_a_camera_that_looks_down_sees_up_towards_itself():
    up = up_from_camera_angles(30, 0)
    np.testing.assert_allclose(up, [0, -np.cos(np.pi / 6), -0.5])
    # Turned clockwise, the top of the world lies to the left of the image.
    assert up_from_camera_angles(0, 10)[0] < 0


@given(angles, angles, st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_frames_are_rotations(pitch, roll, x, y):
    ray = np.array([x, y, 1.0])
    turn = ray_from_camera(ray)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(turn @ ray / np.linalg.norm(ray), [0, 0, 1], atol=1e-12)
    lab = lab_from_camera(up_from_camera_angles(pitch, roll), ray)
    np.testing.assert_allclose(lab @ lab.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(lab) == pytest.approx(1)
    np.testing.assert_allclose(lab @ up_from_camera_angles(pitch, roll), [0, 1, 0], atol=1e-9)
    assert (lab @ -ray)[2] == pytest.approx(0, abs=1e-9)  # to the camera: no sideways part


def test_straight_down_takes_the_top_of_the_image_as_ahead():
    lab = lab_from_camera(np.array([0, 0, -1.0]), np.array([0, 0, 1.0]))
    np.testing.assert_allclose(lab @ [0, 1, 0], [1, 0, 0], atol=1e-12)


def test_field_of_view_is_over_the_longer_side():
    focal = focal_length_px((1080, 1920), 60)
    edge = rays_from_image(np.array([[0.5, 1.0]]), (1080, 1920), focal)[0]
    assert np.degrees(np.arctan2(edge[1], edge[2])) == pytest.approx(30)
    with pytest.raises(InputError, match="field_of_view"):
        focal_length_px((10, 10), 200)


def test_no_frame_from_nothing():
    with pytest.raises(InputError, match="finite"):
        lab_from_camera(np.full(3, np.nan), np.array([0, 0, 1.0]))


def test_two_true_directions_give_the_lab_frame_of_each_frame():
    """A camera that looks down at somebody who walks: ray, camera and lab agree."""
    up = up_from_camera_angles(20.0, 5.0)
    mid_hip = np.array([[0.5, 0.2, 4.0], [-0.8, 0.1, 3.0], [0.0, -0.3, 5.0]])
    to_lab = lab_from_camera(up, mid_hip.mean(axis=0))
    turns = ray_from_camera(mid_hip)
    found = lab_from_ray(turns @ up, -mid_hip @ to_lab.T)
    np.testing.assert_allclose(found, to_lab @ np.swapaxes(turns, 1, 2), atol=1e-12)


def test_no_lab_frame_under_a_camera_or_without_a_direction():
    up = np.array([[0.0, 0.0, -1.0], [np.nan, 0.0, 0.0]])
    found = lab_from_ray(up, np.array([[0.0, 3.0, 0.0], [3.0, 0.0, 0.0]]))
    assert np.isnan(found).all()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_shortest_turn_goes_a_share_of_the_way(share):
    source, target = np.array([0.0, 2.0, 0.0]), np.array([0.6, 0.8, 0.0])
    turned = shortest_turn(source, target, share) @ source / 2
    angle = share * np.arctan2(0.6, 0.8)
    np.testing.assert_allclose(turned, [np.sin(angle), np.cos(angle), 0.0], atol=1e-12)
    np.testing.assert_allclose(shortest_turn(target, target, share), np.eye(3), atol=1e-12)


def test_the_elevation_of_the_camera_follows_from_gravity():
    """On the ray z leads away from the camera: one that looks down has up leaning towards it."""
    lean = np.radians([0.0, 30.0, -10.0])
    up = np.column_stack([np.zeros(3), -np.cos(lean), -np.sin(lean)])
    np.testing.assert_allclose(elevation_from_up(up), [0.0, 30.0, -10.0], atol=1e-9)


def test_bones_that_breathe_by_a_tenth():
    rigid = np.repeat(np.random.default_rng(0).normal(size=(1, 17, 3)), 400, axis=0)
    assert bone_length_cv(rigid) < 1e-12
    breathing = rigid * (1 + 0.1 * np.sqrt(2) * np.sin(np.arange(400) * np.pi / 20))[:, None, None]
    assert bone_length_cv(breathing) == pytest.approx(0.1, rel=1e-6)
    breathing[7] = np.nan
    assert bone_length_cv(breathing) == pytest.approx(0.1, rel=0.01)
    breathing[:, COCO["left_wrist"]] = np.nan  # of the other bones it is still known
    assert bone_length_cv(breathing) == pytest.approx(0.1, rel=0.01)
    assert np.isnan(bone_length_cv(rigid[:1]))
