from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.errors import InputError
from gonio.kinematics.chain import augmented
from gonio.markers import augment
from gonio.markers.augment import augment_batch, augment_markers
from gonio.markers.stature import stature_of_markers
from gonio.options import InferenceOptions
from gonio.skeleton import (
    ALL_MARKERS,
    AUGMENTED_LOWER,
    AUGMENTED_MARKERS,
    AUGMENTED_UPPER,
    marker_on_other_side,
)
from gonio.trc import read_trc
from gonio.types import MarkerTrajectories, Subject

SUBJECT = Subject(1.72, 70)


@pytest.fixture
def trial(shared):
    return read_trc(shared / "balancing_trial" / "balancing.trc")


def _thinned(markers, step):
    return MarkerTrajectories(markers.names, markers.positions[::step], markers.rate_hz / step)


def test_reproduces_the_reference_to_a_millimetre(shared, trial):
    """All 43 markers, every frame; the reference is raised by 32.5 mm."""
    reference = read_trc(shared / "balancing_trial" / "balancing_LSTM.trc")
    ours = augment_markers(trial, SUBJECT)
    assert ours.names == ALL_MARKERS
    difference = ours.select(AUGMENTED_MARKERS) - reference.select(AUGMENTED_MARKERS)
    difference[..., 1] -= 0.0325
    assert np.abs(difference).max() < 0.001


@pytest.mark.parametrize("step", [2, 3])
def test_another_rate_is_resampled_around_the_network(trial, step):
    full = augment_markers(trial, SUBJECT).select(AUGMENTED_MARKERS)[::step]
    thin = augment_markers(_thinned(trial, step), SUBJECT).select(AUGMENTED_MARKERS)
    assert np.abs(full - thin)[2:-2].max() < 0.003
    # Without resampling the network would see another speed.
    wrong = MarkerTrajectories(trial.names, trial.positions[::step], 60)
    assert np.abs(augment_markers(wrong, SUBJECT).select(AUGMENTED_MARKERS) - full).max() > 0.005


def test_a_gap_costs_only_its_own_frames_and_its_own_half(trial):
    positions = trial.positions.copy()
    positions[40:50, trial.names.index("RKnee")] = np.nan
    gappy = augment_markers(MarkerTrajectories(trial.names, positions, 60), SUBJECT)
    whole = augment_markers(trial, SUBJECT)
    missing = np.isnan(gappy.select(AUGMENTED_LOWER)).all(axis=(1, 2))
    assert np.flatnonzero(missing).tolist() == list(range(40, 50))
    np.testing.assert_allclose(gappy.select(AUGMENTED_UPPER), whole.select(AUGMENTED_UPPER))


def test_force_complete_fills_and_flags(trial):
    positions = trial.positions.copy()
    for name in ("RAnkle", "RHeel", "RBigToe", "RSmallToe", "LWrist"):
        positions[:, trial.names.index(name)] = np.nan
    gappy = MarkerTrajectories(trial.names, positions, 60)
    assert np.isnan(augment_markers(gappy, SUBJECT).select(AUGMENTED_MARKERS)).all()
    filled = augment_markers(gappy, SUBJECT, force_complete=True)
    assert np.isfinite(filled.positions).all()
    assert filled.estimated[:, filled.names.index("RAnkle")].all()
    assert not filled.estimated[:, filled.names.index("LAnkle")].any()
    shank = np.linalg.norm(filled["RKnee"] - filled["RAnkle"], axis=1)
    np.testing.assert_allclose(shank, 0.246 * 1.72, rtol=1e-6)


def test_an_ensemble_stays_near_and_repeats(trial):
    one = augment_markers(trial, SUBJECT)
    eight = augment_markers(trial, SUBJECT, cycles=8)
    distance = np.abs(one.positions - eight.positions)
    assert 1e-5 < distance.max() < 0.02
    again = augment_markers(trial, SUBJECT, cycles=8)
    np.testing.assert_array_equal(eight.positions, again.positions)


@pytest.mark.parametrize("turn_deg", [30, 100, 235])
def test_the_markers_turn_with_the_body_about_the_vertical(trial, turn_deg):
    turn = Rotation.from_euler("Y", turn_deg, degrees=True).as_matrix()
    turned = replace(trial, positions=trial.positions @ turn.T)

    def moved_mm(symmetric, cycles=1):
        here, there = (
            augment_markers(m, SUBJECT, symmetric=symmetric, cycles=cycles) for m in (trial, turned)
        )
        return 1000 * np.linalg.norm(there.positions @ turn - here.positions, axis=2).max()

    assert moved_mm(symmetric=True) < 0.01
    assert moved_mm(symmetric=True, cycles=2) < 0.01
    assert moved_mm(symmetric=False) > 5  # the networks by themselves do see the room


def test_the_markers_of_a_mirrored_body_are_mirrored(trial):
    mirror = np.array([1.0, 1.0, -1.0])
    names = tuple(marker_on_other_side(name) for name in trial.names)
    image = MarkerTrajectories(names, trial.positions * mirror, trial.rate_hz)

    def apart_mm(symmetric, cycles=1):
        here, there = (
            augment_markers(m, SUBJECT, symmetric=symmetric, cycles=cycles) for m in (trial, image)
        )
        others = there.select([marker_on_other_side(name) for name in ALL_MARKERS])
        return 1000 * np.linalg.norm(others * mirror - here.positions, axis=2).max()

    assert apart_mm(symmetric=True) < 0.01
    assert apart_mm(symmetric=True, cycles=2) < 0.01
    assert apart_mm(symmetric=False) > 5


def test_views_one_after_the_other_give_what_they_give_together(trial, monkeypatch):
    together = augment_markers(trial, SUBJECT, cycles=2, symmetric=True)
    monkeypatch.setattr(augment, "FRAMES_AT_ONCE", 2 * len(trial))
    apart = augment_markers(trial, SUBJECT, cycles=2, symmetric=True)
    np.testing.assert_allclose(apart.positions, together.positions, atol=1e-5)


def test_inference_augments_as_its_parameter_says(trial):
    options = {
        symmetric: InferenceOptions(augmentation_symmetric=symmetric, subject={"height": 1.72})
        for symmetric in (True, False)
    }
    subject = options[True].subject.subject()
    for symmetric, chosen in options.items():
        (ours,) = augmented([trial], 1.72, chosen)
        same = augment_markers(trial, subject, symmetric=symmetric)
        np.testing.assert_array_equal(ours.positions, same.positions)


def test_without_a_height_the_lengths_of_the_body_say_it(trial):
    taller = replace(trial, positions=1.15 * trial.positions)
    for markers in (trial, taller):
        stature = stature_of_markers(markers)
        said = augment_markers(markers, Subject(stature, 70)).positions
        np.testing.assert_array_equal(augment_markers(markers, Subject(None, 70)).positions, said)
    assert stature_of_markers(taller) == pytest.approx(1.15 * stature_of_markers(trial))
    assert stature_of_markers(trial) == pytest.approx(SUBJECT.height_m, abs=0.12)
    nobody = replace(trial, positions=np.full_like(trial.positions, np.nan))
    assert stature_of_markers(nobody) is None
    assert np.isnan(augment_markers(nobody).select(AUGMENTED_MARKERS)).all()


def test_clips_augmented_together_come_out_as_alone_but_share_their_gaps(trial):
    moved = trial.positions + np.random.default_rng(0).normal(0, 0.01, trial.positions.shape)
    moved[40:50, trial.names.index("RKnee")] = np.nan
    gappy = MarkerTrajectories(trial.names, moved, 60)
    whole, other = augment_batch([trial, gappy], SUBJECT)
    alone = augment_markers(gappy, SUBJECT).positions
    np.testing.assert_allclose(other.positions, alone, atol=1e-5)
    missing = np.isnan(whole.select(AUGMENTED_LOWER)).all(axis=(1, 2))
    assert np.flatnonzero(missing).tolist() == list(range(40, 50))
    np.testing.assert_allclose(
        whole.select(AUGMENTED_UPPER),
        augment_markers(trial, SUBJECT).select(AUGMENTED_UPPER),
        atol=1e-5,
    )


def test_a_provider_that_is_not_installed_is_refused(trial):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has the CUDA provider")
    with pytest.raises(InputError, match=r"provider is 'cuda'.*provider=cpu"):
        augment_markers(trial, SUBJECT, provider="cuda")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"provider": "gpu"}, "provider is 'gpu'; allowed are cpu, cuda, openvino"),
        ({"cycles": 0}, "cycles is 0 .* allowed are a whole number from 1 on"),
        ({"cycles": 1.5}, "cycles is 1.5 .* a whole number"),
        ({"noise_m": -0.01}, "noise_m -0.01; allowed"),
        ({"noise_m": np.inf}, "noise_m inf; allowed"),
        ({"height_m": 175.0}, "height_m is 175.0; allowed are metres"),
        ({"height_m": np.nan}, "height_m is nan; allowed are metres"),
    ],
)
def test_settings_that_are_not_allowed_are_refused(trial, wrong, said):
    with pytest.raises(InputError, match=said):
        augment_markers(trial, SUBJECT, **wrong)


def test_missing_markers_are_named(trial):
    names = tuple(name for name in trial.names if name != "LHeel")
    fewer = MarkerTrajectories(names, trial.select(names), 60)
    with pytest.raises(InputError, match=r"LHeel.*force_complete"):
        augment_markers(fewer, SUBJECT)


def test_force_complete_makes_markers_that_a_recording_lacks_as_those_that_are_missing(trial):
    names = tuple(name for name in trial.names if name not in ("LHeel", "RWrist"))
    lacking = MarkerTrajectories(names, trial.select(names), 60)
    positions = trial.positions.copy()
    positions[:, [trial.names.index(name) for name in ("LHeel", "RWrist")]] = np.nan
    missing = MarkerTrajectories(trial.names, positions, 60)
    made, same = (augment_markers(m, SUBJECT, force_complete=True) for m in (lacking, missing))
    np.testing.assert_array_equal(made.positions, same.positions)
    assert np.isfinite(made.positions).all()
    assert made.estimated[:, made.names.index("LHeel")].all()


def test_one_hip_that_is_there_tells_where_the_other_is(trial):
    names = tuple(name for name in trial.names if name not in ("RHip", "Hip"))
    made = augment_markers(
        MarkerTrajectories(names, trial.select(names), 60), SUBJECT, force_complete=True
    )
    width = np.linalg.norm(made["RHip"] - made["LHip"], axis=1)
    np.testing.assert_allclose(width, 0.0955 * SUBJECT.height_m, rtol=1e-6)
    off = np.linalg.norm(made["RHip"] - trial["RHip"], axis=1)
    assert off.max() < 0.1


def test_a_recording_of_other_markers_is_refused_whatever_is_completed(trial):
    others = MarkerTrajectories(tuple(f"M{i}" for i in range(21)), trial.positions[:, :21], 60)
    with pytest.raises(InputError, match=r"none of the markers .* is there; there are M0, M1"):
        augment_markers(others, SUBJECT, force_complete=True)
