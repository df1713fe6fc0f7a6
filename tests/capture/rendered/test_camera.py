from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gonio.capture.rendered.camera import LOWEST_CAMERA_M, View, place_camera
from gonio.capture.rendered.scene import CameraSpec
from gonio.frames import up_from_camera_angles

SPEC = CameraSpec((480, 360), 50.0, 0.0, 0.0, 0.0, 0.8, (0.0, 0.0))
"""In front of the subject (who faces +Z), level."""


@pytest.fixture
def person() -> np.ndarray:
    """(20, 200, 3) points of a body of 1.7 m that moves a little to its left."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-0.3, 0.0, -0.2], [0.3, 1.7, 0.2], (200, 3))
    points[0], points[1] = [0.0, 0.0, 0.0], [0.0, 1.7, 0.0]
    return points + np.linspace(0, 0.2, 20)[:, None, None] * [1.0, 0.0, 0.0]


def _pixels(view: View, points: np.ndarray) -> np.ndarray:
    local = view.in_camera(points)
    return local[..., :2] / local[..., 2:] * view.focal_px + np.array(view.image_size) / 2


def test_a_camera_in_front_sees_the_left_side_on_its_right(person: np.ndarray) -> None:
    view = place_camera(SPEC, person)
    assert view.position[2] > 1.0
    left, middle = view.in_camera(np.array([[0.5, 0.9, 0.0], [0.0, 0.9, 0.0]]))
    assert left[0] > middle[0]
    np.testing.assert_allclose(view.up, [0, -1, 0], atol=1e-2)


@pytest.mark.parametrize("azimuth", [0, 75, 200, 300])
@pytest.mark.parametrize("elevation", [-8, 10, 35])
@pytest.mark.parametrize("aim", [(0.0, 0.0), (0.8, -0.8), (-0.8, 0.5)])
def test_the_body_fills_the_picture_as_wanted(
    person: np.ndarray, azimuth: float, elevation: float, aim: tuple[float, float]
) -> None:
    spec = replace(SPEC, azimuth_deg=azimuth, elevation_deg=elevation, aim=aim, roll_deg=4.0)
    view = place_camera(spec, person)
    pixels = _pixels(view, person)
    assert pixels.min() > -12
    assert (pixels.max(axis=(0, 1)) < np.array(view.image_size) + 12).all()
    filled = (np.ptp(pixels, axis=(0, 1)) / view.image_size).max()
    assert filled == pytest.approx(0.8, abs=0.12)
    assert view.position[1] >= LOWEST_CAMERA_M


def test_pitch_and_roll_have_the_signs_of_frames(person: np.ndarray) -> None:
    # The path is wider below than above in this view: the camera turns 2 degrees up to centre it.
    spec = replace(SPEC, elevation_deg=30.0, roll_deg=10.0)
    view = place_camera(spec, person)
    np.testing.assert_allclose(view.up, up_from_camera_angles(28.0, 10.0), atol=0.01)


def test_a_body_larger_than_the_picture_loses_its_feet(person: np.ndarray) -> None:
    view = place_camera(replace(SPEC, fill=1.3, aim=(0.0, 0.3)), person)
    feet, head = _pixels(view, person[10, :2])
    assert head[1] > 0
    assert feet[1] > view.image_size[1]


def test_the_rotation_is_one(person: np.ndarray) -> None:
    view = place_camera(replace(SPEC, azimuth_deg=123.0, roll_deg=-7.0, aim=(0.5, 0.5)), person)
    np.testing.assert_allclose(view.rotation @ view.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(view.rotation) == pytest.approx(1.0)
