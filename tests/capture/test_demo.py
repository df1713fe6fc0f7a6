"""The four-camera demo as a recording with truth."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.capture.demo import (
    DEMO_CAMERAS,
    coco_truth_world,
    demo_folder,
    demo_shard,
    demo_video,
    read_qualisys_calibration,
)
from gonio.capture.triangulate import triangulate
from gonio.errors import InputError, MissingFileError
from gonio.landmarks.repair import repair_landmarks
from gonio.skeleton import COCO, COCO_FROM_MEDIAPIPE
from gonio.trc import read_trc
from gonio.types import LandmarkSequence
from tests.capture.fakes import standing


@pytest.fixture(scope="module")
def cameras():
    return read_qualisys_calibration(demo_folder() / "calibration" / "Calib.qca.txt")


def test_the_calibration_is_that_of_four_cameras_around_the_room(cameras):
    assert tuple(sorted(cameras)) == DEMO_CAMERAS
    for camera in cameras.values():
        rotation = camera.placement.rotation
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
        assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-5)
        assert camera.inside.image_size == (1088, 1920)
        in_front = camera.placement.camera_from_world(np.array([0.0, 0.0, 1.0]))
        assert 2 < in_front[2] < 6
        # Z is up in the world and the cameras look down a little: up is against y in the image
        assert (rotation @ [0, 0, 1])[1] < -0.8


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


@pytest.fixture
def seen():
    random = np.random.default_rng(2)
    return LandmarkSequence(
        np.arange(4) / 60,
        random.normal(size=(4, 33, 3)),
        random.uniform(0.3, 0.7, size=(4, 33, 2)),
        np.ones((4, 33)),
        (1088, 1920),
    )


def somebody_at_the_origin(facing):
    """Standing joints in the world (Z up), mid-hip 1 m above its origin."""
    right, up = np.cross(facing, [0, 0, 1]), np.array([0.0, 0, 1])
    return np.repeat((standing() @ np.stack([right, up, facing]) + up)[None], 4, axis=0)


@pytest.mark.parametrize(("right_turn_deg", "azimuth"), [(0, 0), (90, 270), (180, 180), (-90, 90)])
def test_the_viewpoint_of_a_demo_camera_is_where_it_stands(cameras, seen, right_turn_deg, azimuth):
    """Who turns to the left by 90 degrees shows the camera the right side."""
    for camera in cameras.values():
        towards = camera.placement.position - np.array([0, 0, 1.0])
        level = np.array([towards[0], towards[1], 0]) / np.hypot(towards[0], towards[1])
        facing = Rotation.from_euler("z", -right_turn_deg, degrees=True).apply(level)
        shard = demo_shard(seen, somebody_at_the_origin(facing), camera, "none")
        np.testing.assert_allclose((shard.azimuth - azimuth + 180) % 360, 180, atol=1e-3)
        height = np.degrees(np.arcsin(towards[2] / np.linalg.norm(towards)))
        np.testing.assert_allclose(shard.elevation, height, atol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(shard.up, axis=1), 1, atol=1e-6)
        assert (shard.up[:, 1] < -0.8).all()


def test_missing_truth_stays_missing(cameras, seen):
    joints = somebody_at_the_origin(np.array([1.0, 0, 0]))
    joints[:, COCO["left_ear"]] = np.nan
    shard = demo_shard(seen, joints, cameras["cam03"], "mediapipe full VIDEO")
    assert np.isnan(shard.ground_truth[:, COCO["left_ear"]]).all()
    assert np.isfinite(shard.ground_truth[:, COCO["left_wrist"]]).all()
    assert (shard.camera, shard.detector) == ("cam03", "mediapipe full VIDEO")
    assert shard.fps == pytest.approx(60)


def test_the_trial_s_times_count_and_not_its_rows(shared, demo_landmarks):
    trial = read_trc(shared / "balancing_trial" / "balancing.trc")
    time_s = demo_landmarks("cam01").time_s
    joints = coco_truth_world(trial, time_s)
    assert (time_s[0], trial.time_s[0]) == (0, pytest.approx(time_s[1]))
    assert np.isnan(joints[0]).all()
    assert joints[1:, COCO["left_wrist"], 2] == pytest.approx(trial["LWrist"][:-1, 1])


def test_the_four_views_agree_with_the_reference(shared, demo_landmarks, cameras):
    """MediaPipe's own 2D, triangulated, lies 3 to 6 cm from the reference on most joints."""
    repaired = [repair_landmarks(demo_landmarks(name)).sequence for name in DEMO_CAMERAS]
    trial = read_trc(shared / "balancing_trial" / "balancing.trc")
    reference = coco_truth_world(trial, repaired[0].time_s)
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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</calibration>", "", "no element found"),
        ("<camera ", "<kamera ", "mismatched tag"),
        ("<transform ", "<turn ", "has no <transform> with|mismatched tag"),
        ("focalLengthU", "focalU", "has no <intrinsic> with focalLengthU"),
        ('focalLengthU="', 'focalLengthU="far', "could not convert"),
        ('focalLengthU="', 'focalLengthU="nan" was="', "has <intrinsic> .nan"),
        (' r11="', ' r11="3" was="', "allowed is a 3 x 3 rotation"),
    ],
)
def test_a_damaged_calibration_is_named(tmp_path, old, new, message):
    whole = (demo_folder() / "calibration" / "Calib.qca.txt").read_text()
    assert old in whole
    path = tmp_path / "a.qca.txt"
    path.write_text(whole.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"a\.qca\.txt is no Qualisys calibration: .*({message})"):
        read_qualisys_calibration(path)
    path.write_text("<calibration/>")
    with pytest.raises(InputError, match="it has no <camera>"):
        read_qualisys_calibration(path)
