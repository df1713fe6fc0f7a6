from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gonio.errors import InputError
from gonio.kinematics.angles import joint_angles
from gonio.kinematics.uncertainty import angle_spread, sampled_poses, smooth_noise, spread_at
from gonio.landmarks.pose import pose_without_refiner
from gonio.markers.augment import augment_batch
from gonio.markers.from_pose import markers_from_pose
from gonio.skeleton import COCO
from gonio.types import Subject
from tests.kinematics.body import body
from tests.markers.bodies import STATURE, standing

FRAMES, RATE_HZ = 60, 30.0
SUBJECT = Subject(STATURE, 70)


def unsure(sigma_m: float, joint: str | None = None, axis: int | slice = slice(None)):
    """A standing body's pose and landmarks, unsure of one joint or of all."""
    landmarks, _ = standing(n=FRAMES, rate=RATE_HZ, facing_deg=60)
    pose = pose_without_refiner(landmarks)
    sigma = np.zeros_like(pose.sigma)
    sigma[:, slice(None) if joint is None else COCO[joint], axis] = sigma_m
    return replace(pose, sigma=sigma, refiner="depth"), landmarks


def angles_of(poses, landmarks) -> list[pd.DataFrame]:
    """Through markers, augmentation and kinematics, as inference does it."""
    markers = [markers_from_pose(pose, landmarks, SUBJECT) for pose in poses]
    return [joint_angles(m) for m in augment_batch(markers, SUBJECT)]


def spread_of(pose, landmarks, **options):
    reference = angles_of([pose], landmarks)[0]
    poses = list(sampled_poses(pose, landmarks.rate_hz, **options))
    return angle_spread(angles_of(poses, landmarks), reference)


def test_noise_has_unit_variance_at_every_frame_and_the_stated_correlation():
    noise = smooth_noise((90, 4000), 30.0, 0.5, np.random.default_rng(1))
    assert noise.var(axis=1) == pytest.approx(1.0, abs=0.12)
    correlation = (noise[30] * noise[30 + 15]).mean()  # half a second later
    assert correlation == pytest.approx(np.exp(-1), abs=0.06)
    assert abs((noise[10] * noise[60]).mean()) < 0.06
    white = smooth_noise((90, 4000), 30.0, 0.0, np.random.default_rng(1))
    assert abs((white[30] * white[31]).mean()) < 0.06


def test_a_clip_of_one_frame_gets_noise_too():
    assert smooth_noise((1, 17, 3), 30.0, 0.5, np.random.default_rng(0)).shape == (1, 17, 3)


def test_samples_spread_as_sigma_says_and_repeat():
    pose, landmarks = unsure(0.03)
    pose.sigma[:, COCO["left_knee"]] = 0.1
    poses = list(sampled_poses(pose, landmarks.rate_hz, samples=300))
    off = np.stack([p.positions for p in poses]) - pose.positions
    spread = off.std(axis=0).mean(axis=(0, 2))
    assert spread[COCO["left_knee"]] == pytest.approx(0.1, rel=0.1)
    assert spread[COCO["nose"]] == pytest.approx(0.03, rel=0.1)
    np.testing.assert_allclose(off[:, :, COCO["left_hip"]], -off[:, :, COCO["right_hip"]])
    again = list(sampled_poses(pose, landmarks.rate_hz, samples=2))
    np.testing.assert_array_equal(again[1].positions, poses[1].positions)


def test_unknown_sigma_gives_unknown_positions():
    pose, landmarks = unsure(0.03)
    pose.sigma[5] = np.nan
    sampled = next(sampled_poses(pose, landmarks.rate_hz))
    assert np.isnan(sampled.positions[5]).all()
    assert np.isfinite(sampled.positions[6]).all()


def test_no_uncertainty_gives_no_band():
    pose, landmarks = unsure(0.0)
    spread = spread_of(pose, landmarks, samples=3).drop(columns="time_s")
    assert spread.to_numpy() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("joint", ["right_knee", "right_ankle"])
def test_the_band_of_the_knee_is_what_first_order_propagation_gives(joint):
    """Sigma of one joint, along the ray; against a finite difference of the whole chain."""
    sigma_m, step_m = 0.01, 0.002
    pose, landmarks = unsure(sigma_m, joint, axis=2)
    moved = []
    for sign in (1, -1):
        positions = pose.positions.copy()
        positions[:, COCO[joint], 2] += sign * step_m
        moved.append(replace(pose, positions=positions))
    plus, minus = (table["knee_R_flexion_deg"] for table in angles_of(moved, landmarks))
    slope = (plus - minus).to_numpy() / (2 * step_m)
    expected = np.abs(slope) * sigma_m
    # Errors that last for the whole clip: then no filter and no memory of the network sees them.
    spread = spread_of(pose, landmarks, samples=120, correlation_s=10.0)
    inner = slice(5, -5)
    assert expected[inner].min() > 0.3
    assert spread["knee_R_flexion_deg"][inner].mean() == pytest.approx(
        expected[inner].mean(), rel=0.15
    )
    assert spread["knee_L_flexion_deg"].max() < 0.35 * spread["knee_R_flexion_deg"].min()


def test_errors_that_last_reach_the_angles_and_those_that_do_not_are_filtered_away():
    pose, landmarks = unsure(0.02, "right_ankle")
    column = "knee_R_flexion_deg"
    lasting = spread_of(pose, landmarks, samples=40, correlation_s=0.5)[column].mean()
    white = spread_of(pose, landmarks, samples=40, correlation_s=0.0)[column].mean()
    assert white < 0.8 * lasting


def test_the_wrap_at_180_degrees_is_no_uncertainty():
    turned = [body({"pelvis_rotation_deg": np.full(30, a)}, count=30) for a in (178.0, -178.0)]
    samples = [joint_angles(markers) for markers in turned]
    reference = joint_angles(body({"pelvis_rotation_deg": np.full(30, 180.0)}, count=30))
    spread = angle_spread(samples, reference)
    assert spread["pelvis_rotation_deg"].to_numpy() == pytest.approx(2 * np.sqrt(2), abs=0.01)
    assert spread["knee_R_flexion_deg"].to_numpy() == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("sequence", ["ZXY", "YXY"])
def test_another_triple_of_the_same_orientation_is_no_uncertainty(sequence):
    arms = {"shoulder_R_flexion_deg": np.full(20, 30.0), "hip_L_adduction_deg": np.full(20, 12.0)}
    reference = joint_angles(body(arms, count=20), shoulder_sequence=sequence)
    other = reference.copy()
    shoulder = [c for c in reference.columns if c.startswith("shoulder_R")]
    middle = 180.0 if sequence == "ZXY" else 0.0
    first, second, third = (reference[c] for c in shoulder)
    other[shoulder[0]], other[shoulder[2]] = first + 180, third - 180
    other[shoulder[1]] = middle - second
    spread = angle_spread([reference, other], reference)
    assert list(spread.columns) == list(reference.columns)
    assert spread.drop(columns="time_s").to_numpy() == pytest.approx(0.0, abs=1e-9)


def test_what_is_missing_in_a_sample_has_no_band():
    whole = joint_angles(body(count=10))
    gappy = whole.copy()
    gappy.loc[3, "knee_R_flexion_deg"] = np.nan
    spread = angle_spread([whole, gappy], whole)["knee_R_flexion_deg"]
    assert np.flatnonzero(spread.isna()).tolist() == [3]


def test_samples_that_do_not_go_together_are_refused():
    angles = joint_angles(body(count=10))
    with pytest.raises(InputError, match="at least 2"):
        angle_spread([angles], angles)
    with pytest.raises(InputError, match="same shoulder sequence"):
        angle_spread([angles, angles[:5]], angles)


def test_a_spread_of_some_frames_is_interpolated_to_all() -> None:
    time_s = np.arange(7) / 60
    reference = pd.DataFrame({"time_s": time_s, "knee_R_flexion_deg": np.arange(7.0)})
    reference.loc[1, "knee_R_flexion_deg"] = np.nan
    rows = [0, 3, 6]
    spread = pd.DataFrame({"time_s": time_s[rows], "knee_R_flexion_deg": [1.0, 4.0, np.nan]})
    whole = spread_at(spread, reference)["knee_R_flexion_deg"].to_numpy()
    np.testing.assert_allclose(whole, [1.0, np.nan, 3.0, 4.0, 4.0, 4.0, 4.0])


def test_every_angle_beside_a_gap_has_its_band() -> None:
    """The sampled frames fall into the gap of one joint; those of another are all there."""
    reference = pd.DataFrame({"time_s": np.arange(13) / 60, "knee": 0.0, "hip": 0.0, "ankle": 0.0})
    reference.loc[4:7, "knee"] = np.nan
    spread = pd.DataFrame(
        {
            "time_s": reference["time_s"][[0, 6, 12]].to_numpy(),
            "knee": [2.0, np.nan, 6.0],
            "hip": [1.0, 2.0, 3.0],
            "ankle": np.full(3, np.nan),
        }
    )
    whole = spread_at(spread, reference)
    assert (whole["knee"].isna() == reference["knee"].isna()).all()
    assert whole["knee"][[0, 3, 9, 12]].tolist() == pytest.approx([2, 3, 5, 6])
    assert whole["hip"].notna().all()
    assert whole["ankle"].isna().all()


def test_a_spread_is_held_before_the_first_and_after_the_last_frame_that_has_it():
    reference = pd.DataFrame({"time_s": np.arange(6) / 10, "knee_R_flexion_deg": np.zeros(6)})
    spread = pd.DataFrame({"time_s": [0.1, 0.3], "knee_R_flexion_deg": [2.0, 4.0]})
    whole = spread_at(spread, reference)["knee_R_flexion_deg"]
    np.testing.assert_allclose(whole, [2, 2, 3, 4, 4, 4])
