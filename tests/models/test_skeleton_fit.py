from __future__ import annotations

import numpy as np
import pytest

from gonio.models.skeleton_fit import clip_bone_lengths, fit_skeleton
from gonio.skeleton import BONES, COCO
from gonio.types import FloatArray
from tests.capture.fakes import standing


def lengths_of(pose: FloatArray) -> FloatArray:
    ends = np.array([[COCO[a], COCO[b]] for a, b in BONES])
    return np.asarray(np.linalg.norm(pose[:, ends[:, 1]] - pose[:, ends[:, 0]], axis=2))


@pytest.fixture
def truth() -> FloatArray:
    """Sixty frames of one body whose left forearm swings."""
    pose = np.repeat(standing()[None], 60, axis=0)
    angle = np.linspace(0, 2, 60)
    reach = np.stack([0 * angle, -np.cos(angle), np.sin(angle)], axis=1) * 0.25
    pose[:, COCO["left_wrist"]] = pose[:, COCO["left_elbow"]] + reach
    return np.asarray(pose)


def test_a_body_with_constant_bones_stays_as_it_is(truth: FloatArray) -> None:
    np.testing.assert_allclose(fit_skeleton(truth, np.full_like(truth, 0.03)), truth, atol=0.02)


def test_joints_move_along_the_view_where_they_are_unsure(truth: FloatArray) -> None:
    rng = np.random.default_rng(0)
    sigma = np.broadcast_to([0.005, 0.005, 0.05], truth.shape)
    noisy = truth + rng.normal(size=truth.shape) * sigma
    noisy -= noisy[:, 11:13].mean(axis=1, keepdims=True)
    fitted = fit_skeleton(noisy, np.array(sigma))
    before, after = np.abs(noisy - truth), np.abs(fitted - truth)
    assert after[..., 2].mean() < 0.97 * before[..., 2].mean()
    assert np.abs(fitted - noisy)[..., 2].mean() > 5 * np.abs(fitted - noisy)[..., 0].mean()
    assert lengths_of(fitted).std(axis=0).mean() < 0.7 * lengths_of(noisy).std(axis=0).mean()


def test_lengths_are_those_of_the_sure_frames(truth: FloatArray) -> None:
    sigma = np.full_like(truth, 0.02)
    wrong = truth.copy()
    wrong[:25, [COCO["left_wrist"], COCO["right_wrist"]]] += [0.0, -0.2, 0.0]
    sigma[:25, [COCO["left_wrist"], COCO["right_wrist"]]] = 0.3
    forearm = BONES.index(("left_elbow", "left_wrist"))
    both = lengths_of(truth)[:, [forearm, BONES.index(("right_elbow", "right_wrist"))]]
    assert clip_bone_lengths(wrong, sigma)[forearm] == pytest.approx(np.median(both), abs=0.02)


def test_missing_joints_stay_missing_and_spare_the_others(truth: FloatArray) -> None:
    gap = truth.copy()
    gap[7, COCO["left_wrist"]] = np.nan
    gap[9] = np.nan
    fitted = fit_skeleton(gap, np.full_like(truth, 0.03))
    np.testing.assert_array_equal(np.isnan(fitted), np.isnan(gap))
    assert fit_skeleton(gap[:0], gap[:0]).shape == (0, 17, 3)


def test_many_unsure_frames_do_not_outvote_few_sure_ones(truth: FloatArray) -> None:
    sigma, wrong = np.full_like(truth, 0.02), truth.copy()
    wrists = [COCO["left_wrist"], COCO["right_wrist"]]
    wrong[:45, wrists] += [0.0, -0.2, 0.0]
    sigma[:45, wrists] = 0.3
    forearms = [BONES.index((f"{side}_elbow", f"{side}_wrist")) for side in ("left", "right")]
    expected = np.median(lengths_of(truth)[45:, forearms])
    np.testing.assert_allclose(clip_bone_lengths(wrong, sigma)[forearms], expected, atol=0.02)
