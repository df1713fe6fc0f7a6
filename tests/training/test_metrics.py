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
    assert metrics.depth_errors(truth, truth).max() == 0
    assert metrics.aligned_errors(truth, truth).max() < 1e-9
    assert not metrics.swapped_frames(truth, truth).any()


def test_one_scale_a_clip(truth):
    assert metrics.clip_scale(truth * 0.8, truth) == pytest.approx(1.25)


def test_depth_is_the_third_axis(truth):
    moved = truth + np.array([0.3, 0.0, 0.1])
    np.testing.assert_allclose(metrics.depth_errors(moved, truth), 0.1)
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
