"""Training clips are changed by true symmetries only: 2D and 3D stay together."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.options import RepairOptions
from gonio.skeleton import COCO, COCO_FROM_MEDIAPIPE, MEDIAPIPE
from gonio.training.augmentation import (
    LIMBS,
    AugmentationOptions,
    augmented,
    hidden,
    mirrored,
    orientation_change,
    reoriented,
    rolled,
    with_errors,
)
from gonio.training.prepare import PreparedSequence, prepare_shard
from tests.capture.fakes import small_shard

NOTHING = AugmentationOptions(
    mirror=False, roll_deg=0, world_noise_m=0, image_noise_m=0, limb_dropout=0, frame_dropout=0
)


@pytest.fixture
def clip() -> PreparedSequence:
    return prepare_shard(small_shard(24), RepairOptions())


def assert_same(one: PreparedSequence, other: PreparedSequence) -> None:
    for field in fields(PreparedSequence):
        np.testing.assert_allclose(
            getattr(one, field.name), getattr(other, field.name), atol=1e-5, err_msg=field.name
        )


def test_nothing_asked_for_changes_nothing(clip: PreparedSequence) -> None:
    assert_same(augmented(clip, NOTHING, np.random.default_rng(0)), clip)


def test_two_mirrors_are_none(clip: PreparedSequence) -> None:
    assert_same(mirrored(mirrored(clip)), clip)


def test_a_mirror_moves_image_and_truth_alike(clip: PreparedSequence) -> None:
    other = mirrored(clip)
    left, right = MEDIAPIPE["left_wrist"], MEDIAPIPE["right_wrist"]
    np.testing.assert_allclose(other.landmarks[:, left, 3], -clip.landmarks[:, right, 3])
    np.testing.assert_allclose(other.landmarks[:, left, 2], clip.landmarks[:, right, 2])
    np.testing.assert_allclose(
        other.pose[:, COCO["left_wrist"], 0], -clip.pose[:, COCO["right_wrist"], 0]
    )
    forward, up, right_axis = clip.camera.T
    np.testing.assert_allclose(other.camera.T, [forward, up, -right_axis])


def test_a_roll_turns_image_and_truth_by_the_same_angle(clip: PreparedSequence) -> None:
    turned = rolled(clip, np.pi / 2)
    for before, after in (
        (clip.landmarks[..., :2], turned.landmarks[..., :2]),
        (clip.landmarks[..., 3:5], turned.landmarks[..., 3:5]),
        (clip.pose[..., :2], turned.pose[..., :2]),
        (clip.up[..., :2], turned.up[..., :2]),
        (clip.frame[..., :2], turned.frame[..., :2]),
    ):
        np.testing.assert_allclose(after[..., 0], -before[..., 1], atol=1e-6)
        np.testing.assert_allclose(after[..., 1], before[..., 0], atol=1e-6)
    np.testing.assert_array_equal(turned.camera, clip.camera)
    assert_same(rolled(turned, -np.pi / 2), clip)


def test_the_viewpoint_features_follow_a_roll(clip: PreparedSequence) -> None:
    options = NOTHING.model_copy(update={"roll_deg": 90.0})
    rng = np.random.default_rng(5)
    changes = [np.abs(augmented(clip, options, rng).frame - clip.frame).max() for _ in range(9)]
    assert max(changes) > 0.05


def test_noise_has_the_size_that_is_asked_for(clip: PreparedSequence) -> None:
    options = NOTHING.model_copy(update={"world_noise_m": 0.02})
    rng = np.random.default_rng(2)
    differences = [augmented(clip, options, rng).landmarks - clip.landmarks for _ in range(200)]
    spread = np.std(differences, axis=0).mean(axis=(0, 1))
    np.testing.assert_allclose(spread[:3], 0.02, rtol=0.1)
    np.testing.assert_array_equal(spread[3:], 0)


def errors_of(clip: PreparedSequence) -> tuple[np.ndarray, np.ndarray]:
    """(T, 17, 3) of the world landmarks and (T, 17, 2) of the image's, scale apart; metres."""
    distance = np.linalg.norm(clip.camera, axis=1)[:, None, None]
    seen = clip.pose[..., :2] / (1 + clip.pose[..., 2:] / distance)
    said = clip.landmarks[:, list(COCO_FROM_MEDIAPIPE)]
    world, image = said[..., :3], said[..., 3:5]
    scale = (world * clip.pose).sum() / (clip.pose**2).sum()
    scales = (image * seen).sum((1, 2)) / (seen**2).sum((1, 2))
    return world - scale * clip.pose, image - scales[:, None, None] * seen


def test_the_detectors_errors_become_larger_or_smaller(clip: PreparedSequence) -> None:
    world, image = errors_of(clip)
    assert np.abs(world).mean() > 0.005
    assert np.abs(image).mean() > 0.0005
    other = with_errors(clip, world=1.5, image=0.5)
    worse, better = errors_of(other)
    np.testing.assert_allclose(worse, 1.5 * world, atol=2e-5)
    np.testing.assert_allclose(better, 0.5 * image, atol=2e-5)
    np.testing.assert_array_equal(other.pose, clip.pose)
    moved = other.landmarks - clip.landmarks
    for landmark, joint in (
        ("left_heel", "left_ankle"),
        ("right_index", "right_wrist"),
        ("mouth_left", "nose"),
        ("right_eye_outer", "right_eye"),
        ("left_foot_index", "left_ankle"),
    ):
        np.testing.assert_allclose(
            moved[:, MEDIAPIPE[landmark]], moved[:, MEDIAPIPE[joint]], atol=1e-6
        )
    assert_same(with_errors(clip, world=1.0, image=1.0), clip)
    unknown = replace(clip, camera_weight=0 * clip.camera_weight)
    assert_same(with_errors(unknown, world=2.0, image=0.0), unknown)


def test_the_size_of_errors_is_drawn_for_each_clip(clip: PreparedSequence) -> None:
    options = NOTHING.model_copy(update={"world_harder": 0.8, "image_easier": 0.8})
    world, image = (np.abs(e).mean() for e in errors_of(clip))
    rng = np.random.default_rng(4)
    drawn = [errors_of(augmented(clip, options, rng)) for _ in range(60)]
    worse = np.array([np.abs(e).mean() / world for e, _ in drawn])
    better = np.array([np.abs(e).mean() / image for _, e in drawn])
    assert 1.0 <= worse.min() < 1.1
    assert 1.7 < worse.max() <= 1.8 + 1e-4
    assert 0.2 - 1e-4 <= better.min() < 0.3
    assert 0.9 < better.max() <= 1.0 + 1e-4


def test_errors_are_changed_in_a_share_of_the_clips(clip: PreparedSequence) -> None:
    options = NOTHING.model_copy(update={"world_harder": 9.0, "errors_changed": 0.3})
    rng = np.random.default_rng(4)
    changed = [
        np.abs(augmented(clip, options, rng).landmarks - clip.landmarks).max() > 1e-6
        for _ in range(300)
    ]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.08)


def test_what_is_hidden_is_missing_and_its_truth_stays(clip: PreparedSequence) -> None:
    hide = np.zeros(clip.there.shape, dtype=bool)
    hide[3:6, list(LIMBS[0])] = True
    less = hidden(clip, hide)
    assert not less.there[4, LIMBS[0][0]]
    assert (less.landmarks[4, list(LIMBS[0])] == 0).all()
    np.testing.assert_array_equal(less.pose, clip.pose)
    np.testing.assert_array_equal(less.weight, clip.weight)


def test_the_same_generator_gives_the_same_clip(clip: PreparedSequence) -> None:
    one, again, other = (
        augmented(clip, AugmentationOptions(), np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert_same(one, again)
    assert np.abs(one.landmarks - other.landmarks).max() > 1e-3


def test_a_detector_may_be_right_about_how_the_body_is_turned(clip: PreparedSequence) -> None:
    turn = Rotation.from_euler("x", 20, degrees=True).as_matrix().astype(np.float32)
    landmarks = clip.landmarks.copy()
    coco = list(COCO_FROM_MEDIAPIPE)
    landmarks[:, coco, :3] = clip.pose @ turn.T
    turned = replace(clip, landmarks=landmarks)
    right = reoriented(turned, orientation_change(turned, 1.0))
    np.testing.assert_allclose(right.landmarks[:, coco, :3], clip.pose, atol=1e-4)
    half = reoriented(turned, orientation_change(turned, 0.5))
    expected = clip.pose @ Rotation.from_euler("x", 10, degrees=True).as_matrix().T
    np.testing.assert_allclose(half.landmarks[:, coco, :3], expected, atol=1e-3)
    np.testing.assert_array_equal(right.landmarks[..., 3:], turned.landmarks[..., 3:])
    assert orientation_change(turned, 0.0) is None
    assert_same(reoriented(turned, None), turned)


def test_a_turn_of_the_detector_leaves_image_and_truth(clip: PreparedSequence) -> None:
    matrix = Rotation.from_euler("y", 0.3).as_matrix()
    change = orientation_change(clip, 0.0, turn=(0.0, 0.3, 0.0))
    np.testing.assert_allclose(change, matrix)
    turned = reoriented(clip, change)
    np.testing.assert_allclose(
        turned.landmarks[..., :3], clip.landmarks[..., :3] @ matrix.T, atol=1e-5
    )
    np.testing.assert_array_equal(turned.landmarks[..., 3:], clip.landmarks[..., 3:])
    np.testing.assert_array_equal(turned.pose, clip.pose)


def test_a_turn_about_the_vertical_of_the_image_is_not_taken_back(clip: PreparedSequence) -> None:
    matrix = Rotation.from_euler("y", 20, degrees=True).as_matrix().astype(np.float32)
    landmarks = clip.landmarks.copy()
    coco = list(COCO_FROM_MEDIAPIPE)
    landmarks[:, coco, :3] = clip.pose @ matrix.T
    turned = replace(clip, landmarks=landmarks)
    change = orientation_change(turned, 1.0)
    np.testing.assert_allclose(reoriented(turned, change).landmarks, turned.landmarks, atol=0.01)
