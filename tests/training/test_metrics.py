import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.skeleton import COCO, COCO_MIRROR
from gonio.training import metrics


@pytest.fixture
def truth():
    return np.random.default_rng(0).normal(size=(6, 17, 3))


def test_the_right_pose_has_no_error(truth):
    assert metrics.position_errors(truth, truth).max() == 0
    assert metrics.aligned_errors(truth, truth).max() < 1e-9
    assert not metrics.swapped_frames(truth, truth).any()


def test_one_scale_a_clip(truth):
    assert metrics.clip_scale(truth * 0.8, truth) == pytest.approx(1.25)


def test_a_shift_is_its_length(truth):
    moved = truth + np.array([0.3, 0.0, 0.1])
    np.testing.assert_allclose(metrics.position_errors(moved, truth), np.hypot(0.3, 0.1))


def test_alignment_takes_rotation_translation_and_scale_but_no_mirroring(truth):
    turned = Rotation.from_rotvec([0.3, -1.0, 2.0]).apply(truth.reshape(-1, 3)) * 1.7 + 5
    assert metrics.aligned_errors(turned.reshape(truth.shape), truth).max() < 1e-9
    assert metrics.aligned_errors(truth * [1, 1, -1], truth).mean() > 0.2


def test_missing_joints_do_not_count(truth):
    pose = truth.copy()
    pose[2, 3] = np.nan
    reference = truth.copy()
    reference[4] = np.nan
    errors = metrics.aligned_errors(pose, reference)
    assert np.isnan(errors[2, 3])
    assert np.isnan(errors[4]).all()
    assert np.nanmax(errors) < 1e-9
    assert metrics.clip_scale(pose, reference) == pytest.approx(1)


def test_swapped_frames_are_counted(truth):
    pose = truth.copy()
    pose[[1, 4]] = pose[[1, 4]][:, list(COCO_MIRROR)]
    assert np.flatnonzero(metrics.swapped_frames(pose, truth)).tolist() == [1, 4]
    pose[3, COCO["left_wrist"]] += 0.1  # an error is no swap
    assert not metrics.swapped_frames(pose, truth)[3]


def test_nothing_in_common_has_no_scale(truth):
    assert np.isnan(metrics.clip_scale(np.full_like(truth, np.nan), truth))
    assert np.isnan(metrics.clip_scale(np.zeros_like(truth), truth))


def test_limbs_turn_with_the_pose(truth):
    turned = Rotation.from_euler("z", 30, degrees=True).apply(truth.reshape(-1, 3))
    upright = truth * [1, 1, 0]  # limbs at right angles to the axis turn by the whole angle
    flat = turned.reshape(truth.shape) * [1, 1, 0]
    np.testing.assert_allclose(metrics.limb_angles(flat, upright), 30)
    assert metrics.limb_angles(truth, truth).shape == (6, 14)
    assert metrics.limb_angles(truth * 3, truth).max() < 1e-6  # length does not count
    truth[2, COCO["left_ear"]] = np.nan
    assert np.isnan(metrics.limb_angles(truth, truth)[2]).sum() == 1


def test_small_and_opposite_angles_keep_their_digits():
    a = np.array([[1.0, 0, 0], [1, 0, 0], [1, 0, 0]])
    b = np.array([[1.0, 1e-9, 0], [-2, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(metrics.angles_between(a, b), [np.degrees(1e-9), 180, np.nan])


def test_acceleration_is_that_of_free_fall():
    time = np.arange(30) / 60
    falling = np.zeros((30, 17, 3))
    falling[..., 1] = 0.5 * 9.81 * time[:, None] ** 2
    found = metrics.accelerations(falling, time)
    np.testing.assert_allclose(found[1:-1], 9.81)
    assert np.isnan(found[[0, -1]]).all()
    assert np.isnan(metrics.accelerations(falling[:2], time[:2])).all()


def test_acceleration_is_known_where_frames_follow_each_other_as_usual():
    """Of every fifth frame it is that of the time between them; across a pause there is none."""
    time = np.arange(60) / 60
    falling = np.zeros((60, 17, 3))
    falling[..., 1] = 0.5 * 9.81 * time[:, None] ** 2
    np.testing.assert_allclose(metrics.accelerations(falling[::5], time[::5])[1:-1], 9.81)
    kept = np.r_[0:20, 30:60]
    found = metrics.accelerations(falling[kept], time[kept])
    assert np.isnan(found[19:21]).all()
    np.testing.assert_allclose(found[np.r_[1:19, 21:49]], 9.81)
    rounded = np.round(time[::2], 3)  # as MKV keeps times
    assert np.isfinite(metrics.accelerations(falling[::2], rounded)[1:-1]).all()


def test_sigma_of_the_true_size_covers_what_it_should():
    errors = np.random.default_rng(0).normal(scale=0.04, size=(4000, 17, 3))
    sigma = np.full_like(errors, 0.04)
    assert metrics.share_within(errors, sigma, 1) == pytest.approx(0.683, abs=0.005)
    assert metrics.share_within(errors, sigma, 2) == pytest.approx(0.954, abs=0.005)
    assert metrics.share_within(errors, sigma / 2, 2) == pytest.approx(0.683, abs=0.005)
    errors[:3000] = np.nan
    assert metrics.share_within(errors, sigma, 1) == pytest.approx(0.683, abs=0.01)
    assert np.isnan(metrics.share_within(errors, sigma * np.nan, 1))


def test_the_scale_of_a_clip_with_errors_leaves_the_least_squares(truth):
    """Noise shrinks the factor: it is not that which gives the pose the size of the truth."""
    pose = 0.8 * truth + np.random.default_rng(1).normal(scale=0.5, size=truth.shape)
    (wanted,), *_ = np.linalg.lstsq(pose.reshape(-1, 1), truth.ravel(), rcond=None)
    assert metrics.clip_scale(pose, truth) == pytest.approx(wanted)


def test_aligned_errors_are_the_least_of_all_rotations_without_mirroring(truth):
    """Also where a mirror image would come nearer, as of a pose with its depth reversed."""
    noise = np.random.default_rng(1).normal(scale=0.2, size=truth.shape)
    pose = truth * [1, 1, -1] + noise
    errors = metrics.aligned_errors(pose, truth)
    for found, one, other in zip(errors, pose, truth, strict=True):
        x, y = one - one.mean(axis=0), other - other.mean(axis=0)
        turned = Rotation.align_vectors(y, x)[0].apply(x)
        scale = (turned * y).sum() / (x**2).sum()
        np.testing.assert_allclose(found, np.linalg.norm(scale * turned - y, axis=1))
