from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import gonio
from gonio.capture.tasks import LeftOutError
from gonio.landmarks.pose import pose_without_refiner
from gonio.options import InferenceOptions
from gonio.skeleton import ANGLE_COLUMNS, COCO, JOINTS
from gonio.training.angle_pairs import (
    AngleSettings,
    _compared,
    angle_pair,
    at_times,
    true_both_ways,
    true_trajectories,
)
from gonio.training.convention import convention_of
from gonio.training.detector_errors import DetectorErrors
from tests.capture.fakes import small_shard
from tests.training.angle_fakes import STATURE, known_shard

NAMES = [joint.name for joint in JOINTS]
POSE = {
    "pelvis_tilt_deg": 8.0,
    "pelvis_list_deg": -5.0,
    "hip_R_flexion_deg": 40.0,
    "hip_L_adduction_deg": -12.0,
    "hip_L_rotation_deg": 9.0,
    "knee_R_flexion_deg": 70.0,
    "knee_L_rotation_deg": -20.0,
    "ankle_R_flexion_deg": 15.0,
    "ankle_L_adduction_deg": 11.0,
    "trunk_flexion_deg": 20.0,
    "shoulder_R_flexion_deg": 50.0,
    "shoulder_L_adduction_deg": -60.0,
    "elbow_R_flexion_deg": 90.0,
    "elbow_L_pronation_deg": 80.0,
}


def settings(**changes):
    chain = InferenceOptions.from_parameters(changes.pop("chain", {}))
    return AngleSettings(chain, **changes)


def pair_of(shard, **changes):
    return angle_pair(shard, settings(**changes), pose_without_refiner)


@pytest.mark.parametrize("pitch", [0.0, 25.0, -10.0])
def test_true_angles_are_those_of_the_body_whatever_the_camera(pitch):
    pair = pair_of(known_shard(POSE, pitch_deg=pitch))
    assert pair.basis == "markers on the body"
    assert pair.note == "true angles: markers on the body"
    found = dict(zip(ANGLE_COLUMNS, pair.truth.reshape(-1, 36)[30], strict=True))
    for column in ANGLE_COLUMNS:
        if not column.startswith("pelvis_rotation"):  # this one depends on where the camera is
            assert found[column] == pytest.approx(POSE.get(column, 0.0), abs=0.1), column


def test_the_corrupted_side_is_what_the_public_functions_give():
    shard = known_shard(POSE, noise_m=0.02)
    subject = gonio.Subject(STATURE, 22.5 * STATURE**2)
    landmarks = gonio.repair_landmarks(shard.landmark_sequence).sequence
    pose = pose_without_refiner(landmarks)
    markers = gonio.markers_from_pose(pose, landmarks, subject)
    expected = gonio.joint_angles(gonio.augment_markers(markers, subject))
    pair = pair_of(shard)
    np.testing.assert_allclose(
        pair.corrupted.reshape(-1, 36), expected[list(ANGLE_COLUMNS)].to_numpy(), atol=1e-6
    )
    np.testing.assert_array_equal(pair.corrupted_markers["RKnee"], markers["RKnee"])


def test_the_camera_and_subject_of_somebodys_video_do_not_matter():
    shard = known_shard(POSE, noise_m=0.02)
    mine = {
        "subject": {"height": 1.2},
        "camera": {"pitch_deg": 80},
        "shoulder_sequence": "YXY",
    }
    np.testing.assert_array_equal(pair_of(shard, chain=mine).corrupted, pair_of(shard).corrupted)


def test_a_detector_that_is_right_about_the_tilt_gives_the_angles_of_the_body_as_it_stands():
    shard = known_shard(POSE)
    tilt = Rotation.from_euler("x", 15, degrees=True).as_matrix()
    tilted = replace(shard, landmarks_world=(shard.landmarks_world @ tilt.T).astype("<f4"))
    right = pair_of(tilted, detector_errors=DetectorErrors(orientation=1.0))
    np.testing.assert_allclose(right.corrupted, pair_of(shard).corrupted, atol=0.5)
    assert np.abs(pair_of(tilted).corrupted - pair_of(shard).corrupted).max() > 10
    np.testing.assert_allclose(right.truth, pair_of(tilted).truth, atol=1e-6)


def test_without_markers_on_the_body_the_truth_is_augmented_too():
    pair = pair_of(known_shard(POSE, markers=False))
    assert pair.basis == "augmented"
    # Nothing was corrupted but gravity: the joints agree, the tilt of the pelvis does not.
    knee = NAMES.index("knee_R")
    np.testing.assert_allclose(pair.truth[:, knee, 0], pair.corrupted[:, knee, 0], atol=8)
    assert np.isfinite(pair.truth).all()
    body = known_shard(POSE)
    chosen = pair_of(body, true_markers="augmented")
    assert chosen.basis == "augmented"
    np.testing.assert_allclose(chosen.truth, pair.truth, atol=1e-5)


def test_markers_on_the_body_can_be_turned_into_the_convention_of_the_augmenter():
    shard = known_shard(POSE)
    plain = settings()
    convention = convention_of([true_both_ways(shard, plain)])
    aligned = pair_of(shard, true_markers="aligned", convention=convention)
    augmented = pair_of(shard, true_markers="augmented")
    assert aligned.note == "true angles: markers on the body, aligned"
    off = [np.abs(pair.truth - augmented.truth)[30].mean() for pair in (aligned, pair_of(shard))]
    assert off[0] < 0.8 * off[1]


def test_without_feet_the_ankles_are_left_out_and_the_rest_is_there():
    pair = pair_of(known_shard(POSE, markers=False, feet=False))
    assert pair.basis == "augmented, feet estimated"
    ankles = [NAMES.index("ankle_R"), NAMES.index("ankle_L")]
    assert np.isnan(pair.truth[:, ankles]).all()
    assert np.isfinite(pair.corrupted[:, ankles]).all()  # as in use, where nobody knows a truth
    others = [k for k in range(12) if k not in ankles]
    assert np.isfinite(pair.truth[:, others]).all()


def test_the_truth_is_told_in_the_triple_that_is_nearest_to_the_computed_one():
    plain = pair_of(known_shard({"shoulder_R_adduction_deg": 60.0}))
    told = plain.corrupted + 720.0
    other = _compared(replace(plain, corrupted=told), None).truth
    np.testing.assert_allclose(other, plain.truth + 720.0, atol=1e-6)


def test_what_is_missing_on_one_side_has_no_truth_and_the_computed_side_stays():
    shard = known_shard(POSE)
    truth, world = shard.markers_truth.copy(), shard.landmarks_world.copy()
    truth[10:13] = np.nan
    world[40:] = np.nan  # MediaPipe lost the person for longer than repair fills
    pair = pair_of(replace(shard, markers_truth=truth, landmarks_world=world))
    assert np.isnan(pair.truth[10:13]).all()
    assert np.isfinite(pair.corrupted[10:13]).all()
    for angles in (pair.truth, pair.corrupted):
        assert np.isnan(angles[40:]).all()
        assert np.isfinite(angles[13:40]).all()
    elbow = shard.markers_truth.copy()
    elbow[5, -1] = np.nan  # the left wrist's inner marker
    partly = pair_of(replace(shard, markers_truth=elbow))
    assert np.isnan(partly.truth[5, NAMES.index("elbow_L")]).all()
    assert np.isfinite(partly.truth[5, NAMES.index("elbow_R")]).all()
    assert shard.ground_truth[5, COCO["left_wrist"]].any()


def test_a_stature_that_nobody_knows():
    pair = pair_of(known_shard(POSE, stature_m=float("nan"), markers=False))
    assert np.isfinite(pair.truth).all()
    assert np.isfinite(pair.corrupted).all()


def test_both_sides_are_told_in_the_same_of_equal_angles():
    swing = np.linspace(-60, -120, 60)  # the arm passes the singularity
    shard = known_shard({"shoulder_R_adduction_deg": swing}, noise_m=0.03)
    pair = pair_of(shard)
    assert np.nanmax(np.abs(pair.truth - pair.corrupted)) <= 180
    first = np.r_[0:20]
    shoulder = NAMES.index("shoulder_R")
    np.testing.assert_allclose(pair.truth[first, shoulder, 1], swing[first], atol=1)


def test_angles_that_no_body_can_have_are_taken_out_and_counted():
    shard = known_shard(POSE | {"ankle_R_flexion_deg": -150.0})
    pair = pair_of(shard)
    assert pair.taken_out == {"ankle_R": 60}
    assert np.isnan(pair.truth[:, NAMES.index("ankle_R")]).all()
    assert pair.note == "true angles: markers on the body; 60 frames of ankle_R no body can have"
    assert pair_of(shard, beyond_normal_deg=None).taken_out == {}


@pytest.mark.parametrize(("count", "rate", "what"), [(1, 30.0, "one frame"), (20, 10.0, "10 fr")])
def test_clips_without_enough_frames_are_left_out(count, rate, what):
    with pytest.raises(LeftOutError, match=f"{what}.*more than 12 a second"):
        pair_of(known_shard(count=count, rate_hz=rate))


def test_an_uneven_frame_rate_comes_back_to_the_frames_of_the_shard():
    steps = np.where(np.arange(60) % 7 == 0, 2, 1) / 30
    time = np.cumsum(steps)
    knee = 40 + 30 * np.sin(2 * time)
    pair = pair_of(known_shard({"knee_R_flexion_deg": knee}, time_s=time))
    assert len(pair.truth) == 60
    found = pair.truth[5:-5, NAMES.index("knee_R"), 0]
    np.testing.assert_allclose(found, knee[5:-5], atol=1)


def test_times_late_in_a_long_recording_are_told_apart():
    time_s = 3600 + np.arange(30) / 30
    angles = 40 * np.sin(9 * time_s)[:, None, None] * np.ones((30, 12, 3))
    assert at_times(angles, time_s, time_s + 5e-4) is angles
    later = at_times(angles, time_s, time_s + 0.03)
    assert np.abs(later - angles)[:-1].max() > 5


def test_true_markers_travel_as_the_body_does_before_a_camera_that_stays():
    shard = small_shard(40)  # walks 1.2 m past the camera and 0.5 m away from it
    markers = true_trajectories(shard, shard.time_s, STATURE)
    travelled = markers["Hip"][-1] - markers["Hip"][0]
    assert np.linalg.norm(travelled) == pytest.approx(1.3, abs=0.05)
    camera = markers["Hip"] + shard.camera_relative
    np.testing.assert_allclose(camera, np.broadcast_to(camera[0], camera.shape), atol=1e-4)
