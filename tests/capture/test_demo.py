"""The four-camera demo as a recording with truth."""

import numpy as np
import pytest

from gonio.capture.demo import (
    DEMO_CAMERAS,
    coco_truth_world,
    demo_folder,
    demo_video,
    read_qualisys_calibration,
    truth_in_ray_frame,
)
from gonio.capture.triangulate import triangulate
from gonio.errors import InputError, MissingFileError
from gonio.landmarks.repair import repair_landmarks
from gonio.skeleton import COCO, COCO_FROM_MEDIAPIPE
from gonio.trc import read_trc


@pytest.fixture(scope="module")
def cameras():
    return read_qualisys_calibration(demo_folder() / "calibration" / "Calib.qca.txt")


def test_the_calibration_is_that_of_four_cameras_around_the_room(cameras):
    assert tuple(sorted(cameras)) == DEMO_CAMERAS
    for camera in cameras.values():
        np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-5)
        assert np.linalg.det(camera.rotation) == pytest.approx(1, abs=1e-5)
        assert camera.image_size == (1088, 1920)
        in_front = camera.from_world(np.array([0.0, 0.0, 1.0]))
        assert 2 < in_front[2] < 6
        # Z is up in the world and the cameras look down a little: up is against y in the image
        assert (camera.rotation @ [0, 0, 1])[1] < -0.8


def test_triangulation_gives_back_what_was_projected(cameras):
    points = np.random.default_rng(0).uniform([-1, -1, 0], [1, 1, 2], size=(5, 17, 3))
    order = list(cameras.values())
    image = np.stack([camera.project(points) for camera in order])
    weight = np.ones(image.shape[:3])
    np.testing.assert_allclose(triangulate(order, image, weight), points, atol=1e-6)
    weight[1:, 2, 3] = 0  # one camera alone sees no depth
    image[0, 4] = np.nan  # three are enough
    found = triangulate(order, image, weight)
    assert np.isnan(found[2, 3]).all()
    np.testing.assert_allclose(found[4], points[4], atol=1e-6)


def test_mid_hip_lies_on_the_ray(cameras):
    joints = np.random.default_rng(1).uniform([-1, -1, 0], [1, 1, 2], size=(4, 17, 3))
    pose, up = truth_in_ray_frame(joints, cameras["cam03"])
    hips = pose[:, [COCO["left_hip"], COCO["right_hip"]]].mean(axis=1)
    np.testing.assert_allclose(hips, 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(up, axis=1), 1)


def test_the_four_views_agree_with_the_reference(shared, demo_landmarks, cameras):
    """MediaPipe's own 2D, triangulated, lies 3 to 6 cm from the reference on most joints."""
    reference = coco_truth_world(read_trc(shared / "balancing_trial" / "balancing.trc"))
    repaired = [repair_landmarks(demo_landmarks(name)).sequence for name in DEMO_CAMERAS]
    columns = list(COCO_FROM_MEDIAPIPE)
    image = np.stack([s.image[:, columns] * np.array(s.image_size) for s in repaired])
    weight = np.stack([s.visibility[:, columns] for s in repaired])
    found = triangulate([cameras[name] for name in DEMO_CAMERAS], image, np.nan_to_num(weight))
    distance = np.nanmedian(np.linalg.norm(found - reference, axis=2), axis=0)
    assert np.nanmedian(distance) < 0.06
    assert np.nanmax(distance) < 0.12


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="cam05"):
        demo_video("cam05")
    with pytest.raises(MissingFileError, match="no calibration"):
        read_qualisys_calibration(tmp_path / "x.txt")
