"""The camera's projection agrees with OpenCV's, lens included."""

import cv2
import numpy as np
import pytest

from gonio.capture.cameras import Camera, Placement
from gonio.errors import InputError

MATRIX = np.array([[1310.0, 0, 950], [0, 1295.0, 545], [0, 0, 1]])


@pytest.mark.parametrize("distortion", [np.zeros(5), np.array([-0.114, 0.06, 0.002, -0.003, 0.01])])
def test_projection_is_opencvs(distortion: np.ndarray) -> None:
    points = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 6], (200, 3))
    camera = Camera(MATRIX, (1920, 1080), distortion)
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), MATRIX, distortion)
    np.testing.assert_allclose(camera.project(points), expected[:, 0], atol=1e-6)


def test_what_is_not_in_front_has_no_image() -> None:
    camera = Camera(MATRIX, (1920, 1080))
    pixels = camera.project(np.array([[0, 0, -3], [0, 0, 0], [np.nan, 0, 3], [0, 0, 3]]))
    assert np.isnan(pixels[:3]).all()
    np.testing.assert_allclose(pixels[3], [950, 545])
    np.testing.assert_array_equal(camera.contains(pixels), [False, False, False, True])


def test_the_image_has_edges() -> None:
    camera = Camera(MATRIX, (1920, 1080))
    pixels = np.array([[0, 0], [1919.9, 1079.9], [1920, 5], [5, -0.1]])
    np.testing.assert_array_equal(camera.contains(pixels), [True, True, False, False])


def test_a_placement_turns_then_moves() -> None:
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    moved = Placement(quarter, np.array([0, 0, 5.0])).camera_from_world([[1.0, 0, 0]])
    np.testing.assert_allclose(moved, [[0, 1, 5]])


@pytest.mark.parametrize(
    ("matrix", "size", "distortion", "message"),
    [
        (np.eye(4), (10, 10), np.zeros(5), "3 x 3"),
        (-np.eye(3), (10, 10), np.zeros(5), "focal lengths"),
        (np.eye(3), (0, 10), np.zeros(5), "image_size"),
        (np.eye(3), (10, 10), np.zeros(4), "5 finite numbers"),
    ],
)
def test_cameras_that_cannot_be(
    matrix: np.ndarray, size: tuple[int, int], distortion: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Camera(matrix, size, distortion)


def test_placements_that_cannot_be() -> None:
    with pytest.raises(InputError, match="rotation"):
        Placement(2 * np.eye(3), np.zeros(3))
    with pytest.raises(InputError, match="translation"):
        Placement(np.eye(3), np.array([0, np.nan, 0]))
