from dataclasses import replace

import numpy as np
import pytest

from gonio.errors import InputError
from gonio.skeleton import COCO
from gonio.training.frame_errors import frame_errors, joined, true_frames
from tests.training.evaluation_fakes import clip, mirrored, true_pose


def moved(shard, joint, offset):
    pose = true_pose(shard)
    positions = pose.positions.copy()
    positions[:, COCO[joint]] += offset
    return replace(pose, positions=positions)


def test_the_truth_has_no_error():
    shard = clip()
    errors = frame_errors(true_pose(shard), shard, seconds=0.1)
    assert errors.depth.max() < 1e-6
    assert errors.aligned.max() < 1e-6
    assert np.nanmax(errors.limb_deg) < 1e-3
    assert errors.azimuth_deg.max() == errors.elevation_deg.max() == 0
    assert errors.swapped.sum() == errors.missing.sum() == 0
    np.testing.assert_allclose(errors.acceleration, errors.true_acceleration, rtol=1e-3)
    np.testing.assert_allclose(errors.milliseconds, 5)  # 100 ms for 20 frames


def test_a_known_offset_is_found_where_it_is():
    shard = clip()
    errors = frame_errors(moved(shard, "left_wrist", [0.03, 0, -0.2]), shard)
    wrist = COCO["left_wrist"]
    np.testing.assert_allclose(errors.unscaled[:, wrist, 2], -0.2, atol=1e-6)
    np.testing.assert_allclose(errors.depth[:, wrist], 0.2, atol=0.005)  # the clip's scale
    np.testing.assert_allclose(errors.position[:, wrist], np.hypot(0.03, 0.2), atol=0.005)
    assert np.delete(errors.position, wrist, axis=1).max() < 0.02
    forearm = 10  # left_elbow to left_wrist in COCO_LIMBS
    assert errors.limb_deg[:, forearm].min() > 20


def test_another_scale_is_no_error_but_for_the_unscaled():
    shard = clip()
    pose = true_pose(shard, sigma_m=0.1)
    errors = frame_errors(replace(pose, positions=0.8 * pose.positions), shard)
    assert errors.position.max() < 1e-6
    assert np.abs(errors.unscaled).max() > 0.1
    np.testing.assert_allclose(errors.sigma, 0.125, rtol=1e-5)  # scaled as the pose


def test_swapped_frames_are_counted():
    shard = clip()
    pose = true_pose(shard)
    positions = pose.positions.copy()
    positions[5:9] = mirrored(positions)[5:9]
    errors = frame_errors(replace(pose, positions=positions), shard)
    assert np.flatnonzero(errors.swapped).tolist() == [5, 6, 7, 8]


def test_a_frame_without_a_person_is_missing_and_has_no_error():
    shard = clip()
    pose = true_pose(shard)
    positions = pose.positions.copy()
    positions[3] = np.nan
    errors = frame_errors(replace(pose, positions=positions), shard)
    assert np.flatnonzero(errors.missing).tolist() == [3]
    assert np.isnan(errors.position[3]).all()
    assert np.isnan(errors.acceleration[2:5]).all()
    assert np.isnan(errors.true_acceleration[2:5]).all()  # compared over the same frames
    assert np.isfinite(np.delete(errors.position, 3, axis=0)).all()


def test_joints_and_frames_without_truth_are_left_out():
    whole = clip()
    truth = whole.ground_truth.copy()
    truth[:, COCO["left_ear"]] = np.nan
    truth[:4] = np.nan
    shard = replace(whole, ground_truth=truth)
    assert true_frames(shard).sum() == 16
    errors = frame_errors(true_pose(whole), shard)
    assert len(errors) == 16
    assert np.isnan(errors.position[:, COCO["left_ear"]]).all()
    assert np.isfinite(np.delete(errors.position, COCO["left_ear"], axis=1)).all()
    assert np.isnan(errors.limb_deg).any(axis=0).sum() == 1  # the shoulder-ear line


def test_viewpoint_and_up_are_compared_as_directions():
    shard = clip()
    pose = true_pose(shard)
    tilted = pose.up + 0.1 * np.cross(pose.up, [0.0, 0, 1])
    other = replace(
        pose,
        azimuth_deg=(pose.azimuth_deg + 350) % 360,
        elevation_deg=pose.elevation_deg - 4,
        up=tilted / np.linalg.norm(tilted, axis=1, keepdims=True),
    )
    errors = frame_errors(other, shard)
    np.testing.assert_allclose(errors.azimuth_deg, 10, atol=1e-3)
    np.testing.assert_allclose(errors.azimuth_offset_deg, -10, atol=1e-3)
    np.testing.assert_allclose(errors.elevation_deg, 4, atol=1e-4)
    np.testing.assert_allclose(errors.up_deg, np.degrees(np.arctan(0.1)), atol=0.1)


def test_clips_are_joined_in_their_order():
    first, second = clip(6), clip(9, seed=1)
    both = joined([frame_errors(true_pose(s), s) for s in (first, second)])
    assert len(both) == 15
    assert len(both.select(np.arange(15) < 6)) == 6
    with pytest.raises(InputError, match="at least one clip"):
        joined([])


def test_another_number_of_frames_is_refused():
    with pytest.raises(InputError, match="7 frames and the truth of walk c01 has 20"):
        frame_errors(true_pose(clip(7)), clip())


def test_only_some_samples_are_measured_and_all_count_as_missing():
    shard = clip()
    pose = moved(shard, "left_wrist", [0, 0, 0.2])
    samples = np.ones((20, 17), dtype=bool)
    samples[:, COCO["left_wrist"]] = False
    samples[3] = False
    errors = frame_errors(pose, shard, samples=samples)
    assert np.nanmax(errors.depth) < 1e-6  # the wrist has no part in the scale
    assert (np.isfinite(errors.depth) == samples).all()
    assert np.flatnonzero(np.isnan(errors.up_deg)).tolist() == [3]
    assert np.flatnonzero(np.isnan(errors.azimuth_deg)).tolist() == [3]
    assert errors.missing.sum() == 0
