"""A clip as a detector sees it that errs otherwise than MediaPipe does on drawn bodies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.capture.shards import Shard
from gonio.landmarks.inputs import FRAME_FEATURES, pose_inputs
from gonio.landmarks.repair import repair_landmarks
from gonio.options import RepairOptions
from gonio.skeleton import COCO, COCO_FROM_MEDIAPIPE, MEDIAPIPE
from gonio.training.augmentation import augmented
from gonio.training.detector_errors import (
    AS_IN_USE,
    DetectorErrors,
    orientation_change,
    random_errors,
    reoriented,
    seen_with,
    with_errors,
    with_smaller_errors,
)
from gonio.training.image_points import image_errors
from gonio.training.prepare import PreparedSequence, prepare_shard
from gonio.types import LandmarkSequence
from tests.capture.fakes import small_shard
from tests.training.test_augmentation import NOTHING, assert_same


@pytest.fixture
def shard() -> Shard:
    return small_shard(24)


@pytest.fixture
def clip(shard: Shard) -> PreparedSequence:
    return prepare_shard(shard, RepairOptions())


@pytest.fixture
def repaired(shard: Shard) -> LandmarkSequence:
    return repair_landmarks(shard.landmark_sequence, RepairOptions()).sequence


def errors_of(clip: PreparedSequence) -> tuple[np.ndarray, np.ndarray]:
    """(T, 17, 3) of the world landmarks and (T, 17, 2) of the image's, scale apart; metres."""
    distance = np.linalg.norm(clip.camera, axis=1)[:, None, None]
    seen = clip.pose[..., :2] / (1 + clip.pose[..., 2:] / distance)
    said = clip.landmarks[:, list(COCO_FROM_MEDIAPIPE)]
    world, image = said[..., :3], said[..., 3:5]
    scale = (world * clip.pose).sum() / (clip.pose**2).sum()
    scales = (image * seen).sum((1, 2)) / (seen**2).sum((1, 2))
    return world - scale * clip.pose, image - scales[:, None, None] * seen


def test_the_detectors_errors_across_the_view_become_smaller(clip: PreparedSequence) -> None:
    world, image = errors_of(clip)
    assert np.abs(world).mean() > 0.005
    assert np.abs(image).mean() > 0.0005
    other = with_smaller_errors(clip, 0.5)
    moved = other.landmarks - clip.landmarks
    coco = list(COCO_FROM_MEDIAPIPE)
    np.testing.assert_allclose(moved[:, coco, :2], -0.5 * world[..., :2], atol=2e-5)
    np.testing.assert_array_equal(moved[..., 2], 0)  # not in depth
    np.testing.assert_allclose(moved[:, coco, 3:5], -0.5 * image, atol=2e-5)
    np.testing.assert_array_equal(other.pose, clip.pose)
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
    assert_same(with_smaller_errors(clip, 1.0), clip)
    unknown = replace(clip, camera_weight=0 * clip.camera_weight)
    assert_same(with_smaller_errors(unknown, 0.0), unknown)


def test_added_errors_move_3d_alone_and_what_belongs_to_a_joint(clip: PreparedSequence) -> None:
    errors = np.random.default_rng(1).normal(size=(len(clip), 17, 3))
    moved = with_errors(clip, errors).landmarks - clip.landmarks
    np.testing.assert_allclose(moved[:, list(COCO_FROM_MEDIAPIPE), :3], errors, atol=1e-5)
    heel = moved[:, MEDIAPIPE["left_heel"], :3]
    np.testing.assert_allclose(heel, errors[:, COCO["left_ankle"]], atol=1e-5)
    np.testing.assert_array_equal(moved[..., 3:], 0)


def test_random_errors_are_as_large_as_mediapipes_on_drawn_bodies() -> None:
    """In depth, by the table of docs/data.md; half as large across, partly constant in time."""
    rng = np.random.default_rng(0)
    errors = np.stack([random_errors(np.arange(24) * 0.1, rng) for _ in range(400)])
    for joint, depth_cm in (
        ("left_shoulder", 7.6),
        ("right_elbow", 9.7),
        ("left_wrist", 15.0),
        ("right_hip", 1.7),
        ("left_knee", 8.2),
        ("right_ankle", 13.4),
        ("nose", 10.9),
    ):
        error = errors[:, :, COCO[joint]]
        assert 100 * np.abs(error[..., 2]).mean() == pytest.approx(depth_cm, rel=0.3), joint
        assert error[..., 0].std() == pytest.approx(0.5 * error[..., 2].std(), rel=0.15)
        constant = error[..., 2].mean(axis=1).std() / error[..., 2].std()
        assert 0.7 < constant < 0.9
    hips = errors[:, :, [COCO["left_hip"], COCO["right_hip"]]]
    np.testing.assert_allclose(hips.mean(axis=2), 0, atol=1e-12)
    slow, fast = (np.diff(random_errors(np.arange(48) * s, rng), axis=0).std() for s in (0.02, 0.4))
    assert slow < 0.3 * fast
    assert random_errors([0.0], rng).shape == (1, 17, 3)


def test_added_errors_do_not_tell_the_truth(clip: PreparedSequence) -> None:
    """The same errors are drawn for any clip, whatever its detector said and its truth is."""
    rngs = (np.random.default_rng(3) for _ in range(2))
    other = replace(clip, pose=clip.pose[::-1] * 1.3, landmarks=clip.landmarks[::-1] * 0.7)
    options = DetectorErrors(world_errors=5.0)
    moved = [
        options.resized(one, rng).landmarks - one.landmarks
        for one, rng in zip((clip, other), rngs, strict=True)
    ]
    there = (clip.there & clip.there[::-1])[..., None]
    assert np.abs(moved[0]).max() > 0.1
    np.testing.assert_allclose(moved[0] * there, moved[1] * there, atol=1e-5)


def test_the_size_of_errors_is_drawn_for_each_clip(clip: PreparedSequence) -> None:
    _, image = errors_of(clip)
    rng = np.random.default_rng(4)
    options = DetectorErrors(image_easier=0.8)
    better = (
        np.array([np.abs(errors_of(options.resized(clip, rng))[1]).mean() for _ in range(60)])
        / np.abs(image).mean()
    )
    assert 0.2 - 1e-4 <= better.min() < 0.3
    assert 0.9 < better.max() <= 1.0 + 1e-4
    options = DetectorErrors(world_errors=3.0)
    added = [
        np.abs(options.resized(clip, rng).landmarks - clip.landmarks).mean() for _ in range(60)
    ]
    assert max(added) > 5 * min(added)


def test_errors_are_changed_in_a_share_of_the_clips(clip: PreparedSequence) -> None:
    options = DetectorErrors(world_errors=9.0, errors_changed=0.3)
    rng = np.random.default_rng(4)
    changed = [
        np.abs(options.resized(clip, rng).landmarks - clip.landmarks).max() > 1e-6
        for _ in range(300)
    ]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.08)


def test_a_clip_with_other_errors_looks_as_in_use(clip: PreparedSequence) -> None:
    """The image is brought to the scale of the landmarks as they are now, as `pose_inputs` does."""
    options = NOTHING.model_copy(update={"world_errors": 5.0})
    other = augmented(clip, options, np.random.default_rng(5))
    metres = np.exp(other.frame[:, FRAME_FEATURES.index("log_metres_per_image")].astype(float))
    points = other.landmarks[..., 3:5] / metres[:, None, None] + other.frame[:, None, :2]
    world = np.where(other.there[..., None], other.landmarks[..., :3], np.nan)
    seen = pose_inputs(world, points.astype(float), other.landmarks[..., 5].astype(float))
    np.testing.assert_allclose(seen.frame, other.frame, atol=2e-4)
    np.testing.assert_allclose(seen.landmarks[..., 3:5], other.landmarks[..., 3:5], atol=2e-4)
    assert np.abs(other.frame - clip.frame).max() > 0.01


def seen_turned(clip: PreparedSequence, axis: str) -> PreparedSequence:
    """The clip of a detector that sees the joints where they are, but turned by 20 degrees."""
    turn = Rotation.from_euler(axis, 20, degrees=True).as_matrix().astype(np.float32)
    landmarks = clip.landmarks.copy()
    landmarks[:, list(COCO_FROM_MEDIAPIPE), :3] = clip.pose @ turn.T
    return replace(clip, landmarks=landmarks)


def test_a_detector_may_be_right_about_how_the_body_is_turned(clip: PreparedSequence) -> None:
    turned, coco = seen_turned(clip, "x"), list(COCO_FROM_MEDIAPIPE)
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
    turned = seen_turned(clip, "y")
    change = orientation_change(turned, 1.0)
    np.testing.assert_allclose(reoriented(turned, change).landmarks, turned.landmarks, atol=0.01)


def test_landmarks_bear_the_errors_that_are_asked_for(
    shard: Shard, clip: PreparedSequence, repaired: LandmarkSequence
) -> None:
    """In 3D and on the image by the factors of the clip, which are drawn once."""
    assert seen_with(AS_IN_USE, shard, repaired) is repaired
    harder = seen_with(DetectorErrors(world_errors=4.0), shard, repaired)
    np.testing.assert_array_equal(harder.image, repaired.image)
    assert np.nanmean(np.abs(harder.world - repaired.world)) > 0.005

    easier = seen_with(DetectorErrors(image_easier=1.0), shard, repaired)
    np.testing.assert_allclose(easier.world[..., 2], repaired.world[..., 2])
    off, less = (image_errors(landmarks, shard)[0] for landmarks in (repaired, easier))
    off, less = (error - error.mean(axis=1, keepdims=True) for error in (off, less))
    factor = (less * off).sum() / (off**2).sum()
    assert 0 <= factor < 0.95
    np.testing.assert_allclose(less, factor * off, atol=2e-4)


def test_a_detector_errs_the_same_whenever_it_is_asked(
    shard: Shard, repaired: LandmarkSequence
) -> None:
    errors = DetectorErrors(world_errors=4.0, image_easier=1.0, tilt_noise_deg=5.0)
    one, two = (seen_with(errors, shard, repaired) for _ in range(2))
    np.testing.assert_array_equal(one.world, two.world)
    np.testing.assert_array_equal(one.image, two.image)
    elsewhere = seen_with(errors, replace(shard, camera="other"), repaired)
    assert np.abs(elsewhere.world - one.world).max() > 0.001


def test_errors_that_are_not_to_be_changed_are_those_of_the_detector(
    shard: Shard, repaired: LandmarkSequence
) -> None:
    left = DetectorErrors(world_errors=9.0, image_easier=1.0, errors_changed=0.0)
    other = seen_with(left, shard, repaired)
    np.testing.assert_array_equal(other.world, repaired.world)
    np.testing.assert_array_equal(other.image, repaired.image)


def test_what_is_missing_stays_missing(shard: Shard, repaired: LandmarkSequence) -> None:
    world = repaired.world.copy()
    world[3:6] = np.nan
    gone = replace(repaired, world=world)
    other = seen_with(DetectorErrors(world_errors=4.0, orientation=1.0), shard, gone)
    np.testing.assert_array_equal(np.isnan(other.world), np.isnan(world))
