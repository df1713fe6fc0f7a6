from dataclasses import replace

import numpy as np
import pytest

from gonio.errors import InputError
from gonio.landmarks.pose import pose_without_refiner
from gonio.markers.from_pose import MarkerOptions, markers_from_pose, scaled_markers
from gonio.markers.gravity import PREDICTED
from gonio.markers.placement import body_path
from gonio.options import CameraOptions
from gonio.skeleton import MARKERS, MEDIAPIPE
from gonio.types import LandmarkSequence, Subject
from tests.markers.bodies import STATURE, standing


def made(landmarks, height=None, pitch=0.0, **options):
    camera = CameraOptions(pitch_deg=pitch)
    pose = pose_without_refiner(landmarks, camera)
    return markers_from_pose(pose, landmarks, Subject(height), MarkerOptions(camera, **options))


def with_visibility(landmarks, names, value=0.0):
    visibility = landmarks.visibility.copy()
    visibility[:, [MEDIAPIPE[name] for name in names]] = value
    return LandmarkSequence(
        landmarks.time_s, landmarks.world, landmarks.image, visibility, landmarks.image_size
    )


@pytest.mark.parametrize("facing", [0, 40, 90, 180, -120])
@pytest.mark.parametrize("pitch", [0, 25])
def test_a_body_comes_back_into_the_lab_frame(facing, pitch):
    landmarks, room = standing(facing_deg=facing, pitch_deg=pitch)
    markers = made(landmarks, pitch=pitch)
    for marker, landmark in (("RKnee", "right_knee"), ("LWrist", "left_wrist"), ("Nose", "nose")):
        expected = room[:, MEDIAPIPE[landmark]] - [[0, 0, 0]]
        np.testing.assert_allclose(markers[marker], expected, atol=0.005)
    assert markers["RHeel"][:, 1] == pytest.approx(0, abs=0.005)
    assert markers["Head"][0, 1] == pytest.approx(STATURE, abs=0.02)


def test_markers_keep_to_time_stamps_in_whole_milliseconds():
    landmarks = standing(n=300)[0]
    time_s = np.round(landmarks.time_s, 3)  # as in MKV: steps of 33, 33, 34 ms
    markers = made(replace(landmarks, time_s=time_s))
    np.testing.assert_allclose(markers.time_s, time_s, atol=1.001e-3)


def test_who_faces_the_camera_faces_x_with_the_right_at_z():
    markers = made(standing()[0])
    assert (markers["RHip"] - markers["LHip"])[0, 2] > 0.1
    assert (markers["RBigToe"] - markers["RHeel"])[0, 0] > 0.2
    # the small toe lies outside of the foot, on both sides
    assert (markers["RSmallToe"] - markers["RBigToe"])[0, 2] > 0.02
    assert (markers["LSmallToe"] - markers["LBigToe"])[0, 2] < -0.02


@pytest.mark.parametrize("facing", [0, 120])
def test_gravity_that_a_refiner_predicts_puts_the_body_upright(facing):
    landmarks, room = standing(facing_deg=facing, pitch_deg=25)
    pose = replace(pose_without_refiner(landmarks, CameraOptions(pitch_deg=25)), refiner="depth")
    scaled = scaled_markers(pose, landmarks)
    np.testing.assert_allclose(
        scaled.markers["RKnee"], room[:, MEDIAPIPE["right_knee"]], atol=0.005
    )
    assert scaled.stature.upright
    assert scaled.record["gravity"]["source"] == PREDICTED
    assert scaled.record["scale"] == "refiner"


def test_a_pitch_that_the_user_gives_wins_over_the_pose():
    landmarks, room = standing(pitch_deg=25)
    wrong = replace(pose_without_refiner(landmarks, CameraOptions(pitch_deg=50)), refiner="depth")
    options = MarkerOptions(CameraOptions(pitch_deg=25, roll_deg=0))
    markers = markers_from_pose(wrong, landmarks, options=options)
    np.testing.assert_allclose(markers["RKnee"], room[:, MEDIAPIPE["right_knee"]], atol=0.005)


def test_feet_are_as_large_as_the_pose_that_carries_them():
    landmarks, _ = standing()
    pose = pose_without_refiner(landmarks)
    larger = replace(pose, positions=1.2 * pose.positions)
    foot, larger_foot = (
        np.linalg.norm(markers["RBigToe"] - markers["RHeel"], axis=1)
        for markers in (markers_from_pose(p, landmarks) for p in (pose, larger))
    )
    np.testing.assert_allclose(larger_foot, 1.2 * foot)


def test_walking_towards_the_camera_moves_the_body_along_x():
    path = np.linspace([0, 0, 0], [1.5, 0, 0.0], 90)
    landmarks, _ = standing(n=90, path=path)
    markers = made(landmarks)
    moved = markers["Hip"] - markers["Hip"][0]
    np.testing.assert_allclose(moved[10:-10], path[10:-10], atol=0.04)


@pytest.mark.parametrize("height", [1.2, 1.6, 1.95])
def test_the_scale_follows_stature(height):
    landmarks, _ = standing()
    scaled = scaled_markers(pose_without_refiner(landmarks), landmarks, Subject(height))
    assert scaled.stature.height_m == pytest.approx(STATURE, rel=0.01)
    assert scaled.scale == pytest.approx(height / STATURE, rel=0.01)
    assert scaled.record["scale"] == "subject.height"
    thigh = np.linalg.norm(scaled.markers["RHip"] - scaled.markers["RKnee"], axis=1)
    np.testing.assert_allclose(thigh, 0.245 * height, rtol=0.01)


def test_without_a_height_mediapipe_scale_is_kept_and_named():
    landmarks, _ = standing()
    scaled = scaled_markers(pose_without_refiner(landmarks), landmarks)
    assert scaled.scale == 1
    assert scaled.record["scale"] == "MediaPipe"


ARM = ("elbow", "wrist", "pinky", "index", "thumb")
LEG = ("knee", "ankle", "heel", "foot_index")


@pytest.mark.parametrize(("side", "letter"), [("left", "L"), ("right", "R")])
@pytest.mark.parametrize("facing", [0, 70])
def test_hidden_limbs_are_mirrored_in_the_body_frame_and_flagged(side, letter, facing):
    landmarks, room = standing(facing_deg=facing)
    hidden = with_visibility(landmarks, [f"{side}_{part}" for part in (*ARM, *LEG)])
    markers = made(hidden)
    np.testing.assert_allclose(
        markers[letter + "Wrist"], room[:, MEDIAPIPE[f"{side}_wrist"]], atol=0.01
    )
    np.testing.assert_allclose(
        markers[letter + "Ankle"], room[:, MEDIAPIPE[f"{side}_ankle"]], atol=0.01
    )
    flagged = {
        name for name, flag in zip(MARKERS, markers.estimated.all(axis=0), strict=True) if flag
    }
    parts = ("Elbow", "Wrist", "Knee", "Ankle", "Heel", "BigToe")
    assert flagged == {letter + part for part in parts} | {"Head", "RSmallToe", "LSmallToe"}


def test_without_estimation_hidden_limbs_are_gaps():
    landmarks, _ = standing()
    hidden = with_visibility(landmarks, ["left_knee", "left_ankle"])
    markers = made(hidden, estimate_missing=False)
    assert np.isnan(markers["LKnee"]).all()
    assert np.isfinite(markers["RKnee"]).all()


def test_what_is_hidden_on_both_sides_stays_missing():
    landmarks, _ = standing()
    markers = made(with_visibility(landmarks, ["left_ankle", "right_ankle"]))
    assert np.isnan(markers["LAnkle"]).all()


def test_a_hidden_hip_or_shoulder_is_mirrored_too():
    landmarks, room = standing()
    markers = made(with_visibility(landmarks, ["left_shoulder"]))
    np.testing.assert_allclose(markers["LShoulder"], room[:, MEDIAPIPE["left_shoulder"]], atol=0.05)


def test_frames_without_a_person_are_gaps_and_the_rest_is_as_before():
    landmarks, _ = standing()
    world, image, visibility = (
        np.array(v) for v in (landmarks.world, landmarks.image, landmarks.visibility)
    )
    for values in (world, image, visibility):
        values[20:30] = np.nan
    gappy = LandmarkSequence(landmarks.time_s, world, image, visibility, landmarks.image_size)
    markers = made(gappy)
    assert np.isnan(markers.positions[20:30]).all()
    np.testing.assert_allclose(markers.positions[:20], made(landmarks).positions[:20], atol=1e-3)


def test_nobody_is_an_error():
    landmarks, _ = standing()
    nobody = LandmarkSequence(
        landmarks.time_s,
        np.full_like(landmarks.world, np.nan),
        np.full_like(landmarks.image, np.nan),
        np.full_like(landmarks.visibility, np.nan),
        landmarks.image_size,
    )
    with pytest.raises(InputError, match="stature cannot be estimated"):
        made(nobody)


def test_a_pose_of_other_frames_is_refused():
    landmarks, _ = standing(n=60)
    pose = pose_without_refiner(landmarks)
    with pytest.raises(InputError, match="pose is of 60 frames, the landmarks are of 50"):
        markers_from_pose(pose, landmarks.at(np.arange(50)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-14, 0.0])
def test_joints_in_one_place_on_the_image_do_not_place_the_body(size):
    landmarks, _ = standing(path=np.linspace(0, 1, 60)[:, None] * [0.5, 0, 0.2])
    image = landmarks.image.copy()
    image[20:30] = 0.437 + size * image[20:30]
    gathered = replace(landmarks, image=image)
    path = body_path(pose_without_refiner(gathered).positions, gathered, CameraOptions())
    placed = np.delete(np.arange(60), np.arange(20, 30))
    assert np.isnan(path[20:30]).all()
    assert np.isfinite(path[placed]).all()
    assert np.isfinite(made(gathered).positions).all()


@pytest.mark.filterwarnings("error")
def test_frames_in_which_all_landmarks_are_in_one_place_do_not_count():
    landmarks, _ = standing()
    world, image = landmarks.world.copy(), landmarks.image.copy()
    world[:40], image[:40] = 0.0, 0.5
    gathered = replace(landmarks, world=world, image=image)
    scaled = scaled_markers(pose_without_refiner(gathered), gathered, Subject(STATURE))
    assert scaled.stature.frames == 20
    assert scaled.scale == pytest.approx(1.0, abs=0.03)
    assert not np.isinf(scaled.markers.positions).any()
    nobody = replace(landmarks, world=0 * world, image=0 * image)
    with pytest.raises(InputError, match="stature cannot be estimated"):
        scaled_markers(pose_without_refiner(nobody), nobody, Subject(STATURE))


def test_stature_of_the_reference_trial(shared):
    """The estimate from 100 frames of one-leg balancing, 1.72 m tall, is within 3 %."""
    from gonio.capture.demo import coco_truth_world
    from gonio.markers.stature import estimate_stature
    from gonio.trc import read_trc
    from gonio.types import RefinedPose

    trial = read_trc(shared / "balancing_trial" / "balancing.trc")
    joints = coco_truth_world(trial, trial.time_s)
    n = len(joints)
    pose = RefinedPose(
        joints,
        np.full((n, 17, 3), np.nan),
        np.tile([0, 0, 1.0], (n, 1)),
        np.full(n, np.nan),
        np.full(n, np.nan),
    )
    stature = estimate_stature(pose)
    assert stature.height_m == pytest.approx(1.72, rel=0.03)
