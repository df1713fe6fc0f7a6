"""Training clips are changed by true symmetries only: 2D and 3D stay together."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from gonio.options import RepairOptions
from gonio.skeleton import COCO, MEDIAPIPE
from gonio.training.augmentation import (
    LIMBS,
    AugmentationOptions,
    augmented,
    hidden,
    mirrored,
    rolled,
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
    assert spread[3:5].max() < 0.003  # the image follows the scale of the landmarks
    assert spread[5] == 0


def test_what_is_hidden_is_missing_and_its_truth_stays(clip: PreparedSequence) -> None:
    hide = np.zeros(clip.there.shape, dtype=bool)
    hide[3:6, list(LIMBS[0])] = True
    less = hidden(clip, hide)
    assert not less.there[4, LIMBS[0][0]]
    assert (less.landmarks[4, list(LIMBS[0])] == 0).all()
    np.testing.assert_array_equal(less.pose, clip.pose)
    np.testing.assert_array_equal(less.weight, clip.weight)


def test_a_hidden_frame_says_nothing_about_its_place(clip: PreparedSequence) -> None:
    half = NOTHING.model_copy(update={"frame_dropout": 0.5})
    less = augmented(clip, half, np.random.default_rng(0))
    gone = ~less.there.any(axis=1)
    assert 0 < gone.sum() < len(gone)
    assert (less.frame[gone] == 0).all()


def test_the_same_generator_gives_the_same_clip(clip: PreparedSequence) -> None:
    one, again, other = (
        augmented(clip, AugmentationOptions(), np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert_same(one, again)
    assert np.abs(one.landmarks - other.landmarks).max() > 1e-3


@pytest.mark.parametrize("share", [0.05, 1 / 3])
def test_as_much_of_the_limbs_is_hidden_as_is_asked_for(
    clip: PreparedSequence, share: float
) -> None:
    options = NOTHING.model_copy(update={"limb_dropout": share})
    limbs = [landmark for limb in LIMBS for landmark in limb]
    rng = np.random.default_rng(0)
    hidden = [~augmented(clip, options, rng).there[:, limbs] for _ in range(1500)]
    assert np.mean(hidden) == pytest.approx(share, rel=0.2)
