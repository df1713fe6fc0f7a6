import numpy as np
import pytest

from gonio.errors import InputError
from gonio.markers.augment import augment_batch, augment_markers
from gonio.skeleton import ALL_MARKERS, AUGMENTED_LOWER, AUGMENTED_MARKERS, AUGMENTED_UPPER
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


def test_missing_markers_are_named(trial):
    names = tuple(name for name in trial.names if name != "LHeel")
    fewer = MarkerTrajectories(names, trial.select(names), 60)
    with pytest.raises(InputError, match="LHeel"):
        augment_markers(fewer, SUBJECT)
