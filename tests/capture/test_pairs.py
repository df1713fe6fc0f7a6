"""The conversions of a pair: mid-hip origin, ray frame, viewpoint, units of the image."""

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.capture.pairs import (
    Truth,
    build_shard,
    pelvis_forward_from_joints,
    viewpoint,
)
from gonio.capture.shards import Shard, ShardLabels
from gonio.errors import InputError
from gonio.skeleton import COCO
from gonio.types import FloatArray
from tests.capture.fakes import CAMERA, SIZE, hips, seen_by_mediapipe, standing, walking_truth

LABELS = ShardLabels("fake", "s", "c01", "p", 30.0, "mediapipe full VIDEO")
HIP_HEIGHT_M = 0.9


def seen_from(position: FloatArray, joints: FloatArray, roll_deg: float = 0.0) -> Truth:
    """The truth of a camera at `position` that looks at the mid-hip.

    World: x to the subject's right, y up, z to the subject's front, the mid-hip at its origin.
    """
    forward = -np.asarray(position, float) / np.linalg.norm(position)
    reference = np.array([0.0, 1, 0]) if abs(forward[1]) < 0.99 else np.array([0.0, 0, 1])
    right = np.cross(reference, forward)
    right = -right / np.linalg.norm(right)  # x right, y down, z forward, right-handed
    down = np.cross(forward, right)
    camera_from_world = np.stack([right, down, forward])
    assert np.linalg.det(camera_from_world) == pytest.approx(1)
    roll = Rotation.from_euler("z", roll_deg, degrees=True).as_matrix()
    camera_from_world = roll @ camera_from_world
    points = (joints - position) @ camera_from_world.T
    return Truth(
        joints=np.repeat(points[None], 3, axis=0),
        up=camera_from_world @ np.array([0.0, 1, 0]),
        camera=CAMERA,
    )


def shard_of(truth: Truth) -> Shard:
    return build_shard(seen_by_mediapipe(truth), truth, LABELS)


# World axes are right-handed with x to the subject's right only if z is to the BACK: the standing
# body has z to the front, so the world here is x right, y up, -z front.
STANDING = standing() * [1, 1, -1]
FRONT, RIGHT, BEHIND, LEFT = ([0, 0, -3], [3, 0, 0], [0, 0, 3], [-3, 0, 0])


@pytest.mark.parametrize(
    ("position", "azimuth"), [(FRONT, 0), (RIGHT, 90), (BEHIND, 180), (LEFT, 270)]
)
@pytest.mark.parametrize("roll_deg", [0, 25, -170])
def test_azimuth_of_the_four_sides(position: list[float], azimuth: float, roll_deg: float) -> None:
    shard = shard_of(seen_from(np.array(position, float), STANDING, roll_deg))
    turned = (shard.azimuth - azimuth + 180) % 360 - 180
    np.testing.assert_allclose(turned, 0, atol=1e-3)
    np.testing.assert_allclose(shard.elevation, 0, atol=1e-3)


@pytest.mark.parametrize("elevation", [-40.0, 0.0, 20.0, 60.0, 89.0])
def test_elevation_of_a_camera_above_and_below(elevation: float) -> None:
    angle = np.radians(elevation)
    position = 3 * np.array([0.0, np.sin(angle), -np.cos(angle)])
    shard = shard_of(seen_from(position, STANDING))
    np.testing.assert_allclose(shard.elevation, elevation, atol=1e-3)
    np.testing.assert_allclose(np.cos(np.radians(shard.azimuth)), 1, atol=1e-4)
    expected = [3 * np.cos(angle), 3 * np.sin(angle), 0]
    np.testing.assert_allclose(shard.camera_relative, np.tile(expected, (3, 1)), atol=1e-5)


def test_a_camera_right_above_still_gives_a_shard() -> None:
    shard = shard_of(seen_from(np.array([0.0, 3, 0]), STANDING))
    np.testing.assert_allclose(shard.elevation, 90, atol=0.05)
    np.testing.assert_allclose(shard.camera_relative, np.tile([0, 3.0, 0], (3, 1)), atol=1e-5)


@pytest.mark.parametrize("bend_deg", [0, 60, 90, 120, -30])
@pytest.mark.parametrize(("position", "azimuth"), [(FRONT, 0), (RIGHT, 90), (BEHIND, 180)])
def test_bending_the_trunk_does_not_turn_the_viewpoint(
    bend_deg: float, position: list[float], azimuth: float
) -> None:
    bent = STANDING.copy()
    trunk = [i for name, i in COCO.items() if not name.endswith(("hip", "knee", "ankle"))]
    bent[trunk] = bent[trunk] @ Rotation.from_euler("x", -bend_deg, degrees=True).as_matrix().T
    if bend_deg > 0:
        assert bent[COCO["nose"], 2] < STANDING[COCO["nose"], 2]  # the head moved to the front
    shard = shard_of(seen_from(np.array(position, float), bent))
    np.testing.assert_allclose((shard.azimuth - azimuth + 180) % 360, 180, atol=1e-3)


def test_a_person_on_the_back_faces_the_feet() -> None:
    lying = STANDING @ Rotation.from_euler("x", 90, degrees=True).as_matrix().T
    assert lying[COCO["nose"], 2] > 0.5  # head at the back
    assert lying[COCO["left_ankle"], 2] < -0.5  # feet at the front
    forward = pelvis_forward_from_joints(lying[None], np.array([[0.0, 1, 0]]))
    np.testing.assert_allclose(forward[0], [0, 0, -1], atol=1e-9)


def test_a_person_on_a_side_faces_where_the_chest_does() -> None:
    lying = STANDING @ Rotation.from_euler("z", -88, degrees=True).as_matrix().T
    forward = pelvis_forward_from_joints(lying[None], np.array([[0.0, 1, 0]]))
    np.testing.assert_allclose(forward[0], [0, 0, -1], atol=0.05)


def test_viewpoint_does_not_depend_on_the_frame_of_its_vectors() -> None:
    random = np.random.default_rng(3)
    towards, up, forward = random.normal(size=(3, 50, 3))
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    turn = Rotation.random(rng=4).as_matrix()
    plain = viewpoint(towards, up, forward)
    turned = viewpoint(towards @ turn.T, up @ turn.T, forward @ turn.T)
    np.testing.assert_allclose(turned, plain, atol=1e-9)
    assert (plain[0] >= 0).all()
    assert (plain[0] < 360).all()


def test_the_ray_frame_undoes_where_the_person_stands_on_the_image() -> None:
    middle = seen_from(np.array(FRONT, float), STANDING)
    # The same camera place, turned 20 degrees to the side: the person leaves the centre.
    turn = Rotation.from_euler("y", 20, degrees=True).as_matrix()
    aside = Truth(joints=middle.joints @ turn.T, up=middle.up @ turn.T, camera=CAMERA)
    assert abs(aside.mid_hip[0, 0]) > 0.9
    first, second = shard_of(middle), shard_of(aside)
    np.testing.assert_allclose(first.ground_truth, second.ground_truth, atol=1e-6)
    np.testing.assert_allclose(first.up, second.up, atol=1e-6)


def test_truth_keeps_its_shape_and_its_origin_is_mid_hip() -> None:
    truth = walking_truth(12)
    shard = shard_of(truth)
    np.testing.assert_allclose(shard.ground_truth[:, hips()].mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(shard.corrupted[:, hips()].mean(axis=1), 0, atol=1e-6)
    pairs = [(5, 16), (9, 0), (11, 12)]
    for a, b in pairs:
        np.testing.assert_allclose(
            np.linalg.norm(shard.ground_truth[:, a] - shard.ground_truth[:, b], axis=1),
            np.linalg.norm(truth.joints[:, a] - truth.joints[:, b], axis=1),
            atol=1e-6,
        )
    depth = np.linalg.norm(truth.mid_hip, axis=1)  # z of the ray frame is away from the camera
    nose = np.linalg.norm(truth.joints[:, 0], axis=1)
    np.testing.assert_allclose(depth + shard.ground_truth[:, 0, 2], nose, atol=0.15)


def test_feet_and_markers_go_the_same_way() -> None:
    truth = walking_truth(5)
    ankles = truth.joints[:, [16, 16, 16, 15, 15, 15]]
    markers = np.repeat(truth.joints[:, [0]], 43, axis=1)
    full = Truth(truth.joints, truth.up, CAMERA, feet=ankles, markers=markers)
    shard = shard_of(full)
    np.testing.assert_allclose(shard.feet_truth[:, 0], shard.ground_truth[:, 16], atol=1e-6)
    np.testing.assert_allclose(shard.markers_truth[:, 7], shard.ground_truth[:, 0], atol=1e-6)
    assert np.isnan(shard_of(truth).feet_truth).all()


def test_missing_rows_stay_as_rows() -> None:
    truth = walking_truth(8)
    joints = truth.joints.copy()
    joints[2, COCO["left_hip"]] = np.nan  # without a hip there is no origin
    joints[5, COCO["left_wrist"]] = np.nan
    seen = seen_by_mediapipe(truth)
    seen.world[6] = np.nan
    shard = build_shard(seen, Truth(joints, truth.up, CAMERA), LABELS)
    assert len(shard) == 8
    assert np.isnan(shard.ground_truth[2]).all()
    assert np.isnan(shard.ground_truth[5]).any(axis=1).sum() == 1
    np.testing.assert_array_equal(shard.paired, [1, 1, 0, 1, 1, 0, 0, 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints": np.zeros((3, 16, 3))}, r"joints has shape \(3, 16, 3\)"),
        ({"joints": np.zeros((0, 17, 3))}, "no frame"),
        ({"joints": np.full((3, 17, 3), np.inf)}, "infinite"),
        ({"up": np.zeros(3)}, "up is missing or zero"),
        ({"up": np.zeros((2, 3))}, r"up has shape \(2, 3\)"),
        ({"markers": np.zeros((3, 42, 3))}, r"allowed is \(3, 43, 3\)"),
    ],
)
def test_a_truth_that_cannot_be_is_refused(change: dict[str, FloatArray], message: str) -> None:
    good: dict[str, Any] = {"joints": walking_truth(3).joints, "up": np.array([0.0, -1, 0])}
    with pytest.raises(InputError, match=message):
        Truth(**(good | change), camera=CAMERA)


def test_another_number_of_frames_or_image_is_refused() -> None:
    truth = walking_truth(5)
    with pytest.raises(InputError, match="5 frames and the truth has 4"):
        build_shard(seen_by_mediapipe(truth), truth.first(4), LABELS)
    small = Truth(truth.joints, truth.up, type(CAMERA)(CAMERA.matrix, (SIZE[0] // 2, SIZE[1] // 2)))
    with pytest.raises(InputError, match="Was the video scaled"):
        build_shard(seen_by_mediapipe(truth), small, LABELS)


def test_no_truth_at_all_is_refused() -> None:
    truth = walking_truth(5)
    nothing = Truth(np.full_like(truth.joints, np.nan), truth.up, CAMERA)
    with pytest.raises(InputError, match="nothing can be paired"):
        build_shard(seen_by_mediapipe(truth), nothing, LABELS)
