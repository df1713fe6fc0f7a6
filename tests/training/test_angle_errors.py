import numpy as np
import pytest

from gonio.kinematics.unwrapping import twin_deg
from gonio.skeleton import ANGLE_COLUMNS, JOINTS
from gonio.training.angle_errors import angle_errors, curves_beside, mean_errors

FRAMES = 200
KNEE = ANGLE_COLUMNS.index("knee_R_flexion_deg")
HIP = ANGLE_COLUMNS.index("hip_R_flexion_deg")
TURN = ANGLE_COLUMNS.index("pelvis_rotation_deg")


def curves(**columns):
    """(T, 12, 3) degrees: 10 everywhere but for the given columns."""
    angles = np.full((FRAMES, 36), 10.0)
    for name, values in columns.items():
        angles[:, ANGLE_COLUMNS.index(f"{name}_deg")] = values
    return angles.reshape(FRAMES, 12, 3)


def wave(size=20.0, turns=4):
    return size * np.sin(np.linspace(0, 2 * np.pi * turns, FRAMES, endpoint=False))


def test_the_truth_itself_has_no_error():
    truth = curves(knee_R_flexion=30 + wave(), pelvis_rotation=np.linspace(0, 720, FRAMES))
    errors = angle_errors(truth, truth)
    for values in (errors.absolute, errors.without_offset, errors.range_error):
        assert values == pytest.approx(np.zeros(36), abs=1e-6)
    assert errors.correlation[[KNEE, TURN]] == pytest.approx([1, 1])
    assert (errors.frames == FRAMES).all()
    assert errors.missing.sum() == 0


def test_a_constant_offset_is_an_error_and_none_without_it():
    truth = curves(knee_R_flexion=30 + wave())
    errors = angle_errors(curves(knee_R_flexion=37 + wave()), truth)
    assert errors.absolute[KNEE] == pytest.approx(7)
    assert errors.without_offset[KNEE] == pytest.approx(0, abs=1e-9)
    assert errors.correlation[KNEE] == pytest.approx(1)
    assert errors.range_error[KNEE] == pytest.approx(0, abs=1e-9)


def test_what_is_left_of_an_error_beside_its_offset():
    to_and_fro = np.tile([3.0, -3.0], FRAMES // 2)
    truth = curves(knee_R_flexion=30 + wave())
    errors = angle_errors(truth + 5 * (np.arange(36) == KNEE).reshape(12, 3), truth)
    assert errors.absolute[KNEE] == pytest.approx(5)
    said = curves(knee_R_flexion=35 + wave() + to_and_fro)
    assert angle_errors(said, truth).without_offset[KNEE] == pytest.approx(3, abs=1e-6)


def test_range_of_motion_and_the_sign_of_the_correlation():
    truth = curves(knee_R_flexion=30 + wave(20))
    half = angle_errors(curves(knee_R_flexion=30 + wave(10)), truth)
    width = np.subtract(*np.percentile(wave(20), [98, 2]))
    assert half.range_error[KNEE] == pytest.approx(width / 2)
    assert half.range_bias[KNEE] == pytest.approx(-width / 2)
    assert half.correlation[KNEE] == pytest.approx(1)
    against = angle_errors(curves(knee_R_flexion=30 - wave(20)), truth)
    assert against.correlation[KNEE] == pytest.approx(-1)
    assert against.range_error[KNEE] == pytest.approx(0, abs=1e-9)


def test_ranges_that_are_too_wide_and_too_narrow_make_up_for_each_other_in_the_bias_alone():
    truth = curves(knee_R_flexion=30 + wave(20))
    clips = [angle_errors(curves(knee_R_flexion=30 + wave(size)), truth) for size in (10, 30)]
    width = np.subtract(*np.percentile(wave(20), [98, 2]))
    assert mean_errors(clips).range_error[KNEE] == pytest.approx(width / 2)
    assert mean_errors(clips).range_bias[KNEE] == pytest.approx(0, abs=1e-9)


def test_a_single_wild_frame_is_no_range_of_motion():
    said = curves(knee_R_flexion=30 + wave())
    said[50, 3, 0] = 100.0
    errors = angle_errors(said, curves(knee_R_flexion=30 + wave()))
    assert errors.range_error[KNEE] < 1


def test_a_constant_curve_has_no_correlation():
    errors = angle_errors(curves(), curves(knee_R_flexion=30 + wave()))
    assert np.isnan(errors.correlation).all()
    assert errors.range_error[KNEE] > 30


def test_full_turns_are_no_error_and_no_range():
    truth = curves(pelvis_rotation=170 + wave())
    wrapped = curves(pelvis_rotation=(170 + wave() + 180) % 360 - 180)
    errors = angle_errors(wrapped, truth)
    assert errors.absolute[TURN] == pytest.approx(0, abs=1e-9)
    assert errors.range_error[TURN] == pytest.approx(0, abs=1e-9)
    assert errors.correlation[TURN] == pytest.approx(1)
    across = angle_errors(curves(pelvis_rotation=-179.0), curves(pelvis_rotation=179.0))
    assert across.absolute[TURN] == pytest.approx(2)


def test_equal_triples_are_equal():
    truth = curves(hip_R_flexion=30 + wave(), hip_R_adduction=wave(10), shoulder_L_flexion=wave(60))
    other = np.stack([twin_deg(truth[:, j]) for j in range(12)], axis=1)
    errors = angle_errors(other, truth)
    assert errors.absolute == pytest.approx(np.zeros(36), abs=1e-6)
    assert errors.range_error == pytest.approx(np.zeros(36), abs=1e-6)
    assert errors.correlation[HIP] == pytest.approx(1)


def test_the_truth_stays_one_curve_where_the_nearest_of_each_frame_would_jump():
    """The middle angle is past the singularity and the estimate is noisy."""
    truth = curves(shoulder_R_flexion=20 + wave(5), shoulder_R_adduction=-80 + wave(8, 1))
    noise = np.random.default_rng(0).normal(scale=60, size=truth.shape)
    beside = curves_beside(truth, truth + noise)
    assert np.abs(np.diff(beside, axis=0)).max() < 10
    assert beside == pytest.approx(truth, abs=1e-6)


def test_a_joint_without_all_its_angles_has_its_own_turns():
    """A model may have but one angle of a joint."""
    truth = curves(knee_R_flexion=30 + wave())
    truth[:, 3, 1:] = np.nan
    errors = angle_errors(curves(knee_R_flexion=392 + wave()), truth)
    assert errors.absolute[KNEE] == pytest.approx(2)
    assert errors.range_error[KNEE] == pytest.approx(0, abs=1e-9)
    assert np.isnan(errors.absolute[KNEE + 1 : KNEE + 3]).all()
    assert errors.frames[KNEE + 1] == 0
    assert errors.true_frames[KNEE + 1] == 0


def test_missing_frames_are_missing_and_no_errors():
    truth = curves(knee_R_flexion=30 + wave())
    said = curves(knee_R_flexion=34 + wave())
    said[20:60, 3] = np.nan
    truth[100:110, 3] = np.nan
    errors = angle_errors(said, truth)
    assert errors.absolute[KNEE] == pytest.approx(4)
    assert errors.frames[KNEE] == FRAMES - 50
    assert errors.missing[KNEE] == 40
    assert errors.true_frames[KNEE] == FRAMES - 10
    nothing = angle_errors(np.full(truth.shape, np.nan), truth)
    assert np.isnan(nothing.absolute).all()
    assert np.isnan(nothing.correlation).all()


def test_only_counted_samples_count():
    truth = curves(knee_R_flexion=30.0)
    said = curves(knee_R_flexion=np.where(np.arange(FRAMES) < 50, 90.0, 31.0))
    counted = np.ones(truth.shape, dtype=bool)
    counted[:50] = False
    assert angle_errors(said, truth, counted).absolute[KNEE] == pytest.approx(1)


def test_several_clips_weigh_as_their_frames_but_have_one_correlation_each():
    truth = curves(knee_R_flexion=30 + wave())
    worse = angle_errors(curves(knee_R_flexion=40 - wave()), truth)
    counted = np.zeros(truth.shape, dtype=bool)
    counted[:50] = True
    better = angle_errors(truth, truth, counted)
    whole = mean_errors([worse, better])
    assert whole.frames[KNEE] == FRAMES + 50
    assert whole.absolute[KNEE] == pytest.approx(worse.absolute[KNEE] * FRAMES / (FRAMES + 50))
    assert whole.correlation[KNEE] == pytest.approx(0, abs=1e-9)
    assert np.isnan(whole.correlation[HIP])


def test_the_middle_angle_of_every_joint_is_that_about_x():
    """`curves_beside` takes it for granted."""
    assert {joint.sequence[1] for joint in JOINTS} == {"X"}
