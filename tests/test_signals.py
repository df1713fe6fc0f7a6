import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonio.errors import InputError
from gonio.signals import (
    evenly_spaced,
    fill_short_gaps,
    low_pass,
    nearest,
    rate_of,
    resample,
    resample_deg,
    rows_at,
    runs_of,
    smoothest_path,
    stride_of,
)


@pytest.mark.parametrize(("rate", "stride"), [(15, 2), (25, 2), (30, 3), (50, 5), (60, 6), (75, 8)])
def test_a_stride_does_not_hang_on_the_length_of_a_clip(rate, stride):
    """Of prepared clips times have half the digits of those in use."""
    for count in range(8, 1500, 7):
        in_use = 0.013 + np.arange(count) / rate
        prepared = in_use.astype(np.float32)
        for found in (rate_of(in_use), 1 / np.median(np.diff(prepared))):
            assert stride_of(found, 0.1) == stride
    assert stride_of(float("nan"), 0.1) == 1


def test_runs_are_half_open():
    assert runs_of(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs_of(np.zeros(3, bool)) == []


@pytest.mark.parametrize("rate", [24, 25, 30000 / 1001, 30, 50, 60, 120, 240])
@pytest.mark.parametrize("first", [0, 7])
def test_time_stamps_in_whole_milliseconds_give_the_rate_and_are_even(rate, first):
    time_s = np.round(1000 * np.arange(first, first + 600) / rate) / 1000
    assert rate_of(time_s) == pytest.approx(rate, rel=5e-4)
    assert evenly_spaced(time_s)
    np.testing.assert_allclose(np.arange(600) / rate_of(time_s), time_s - time_s[0], atol=1.001e-3)


def test_pauses_and_dropped_frames_do_not_change_the_rate():
    time_s = np.round(1000 * np.arange(100) / 30) / 1000
    time_s[60:] += 12.345
    time_s = np.delete(time_s, [20, 21, 40])
    assert rate_of(time_s) == pytest.approx(30, rel=2e-3)
    assert not evenly_spaced(time_s)


def test_a_rate_that_changes_slowly_is_not_even():
    """No step differs from the usual one by more than 5 %."""
    time_s = np.cumsum(np.linspace(0.95, 1.05, 300)) / 30
    assert not evenly_spaced(time_s)
    assert evenly_spaced(np.arange(300) / 30 + 0.02 * np.sin(np.arange(300)) / 30)


def test_one_time_has_no_rate():
    assert np.isnan(rate_of(np.zeros(1)))
    assert evenly_spaced(np.zeros(1))
    assert rate_of(np.array([0.0, 0.1])) == pytest.approx(10)


@pytest.mark.parametrize(("frequency", "gain"), [(1.0, 1.0), (6.0, 0.5**0.5), (20.0, 0.0)])
def test_low_pass_has_its_gain_and_no_delay(frequency, gain):
    time = np.arange(0, 20, 1 / 100)
    wave = np.sin(2 * np.pi * frequency * time)
    filtered = low_pass(wave[:, None], 100, 6.0)[400:-400, 0]
    assert np.abs(filtered).max() == pytest.approx(gain, abs=0.03)
    if gain > 0.5:
        assert np.corrcoef(filtered, wave[400:-400])[0, 1] > 0.999


@pytest.mark.parametrize("rate", [12.5, 15.0, 24.0, 25.0, 30.0, 60.0, 1000.0])
@pytest.mark.parametrize("cutoff", [1.0, 6.0])
def test_low_pass_has_its_gain_at_any_rate(rate, cutoff):
    time = np.arange(0, 400 / cutoff, 1 / rate)
    waves = np.exp(2j * np.pi * cutoff * time)
    filtered = low_pass(np.stack([waves.real, waves.imag], axis=1), rate, cutoff)
    middle = slice(len(time) // 4, -len(time) // 4)
    np.testing.assert_allclose(np.linalg.norm(filtered[middle], axis=1), 0.5**0.5, rtol=1e-4)


def test_low_pass_keeps_gaps_and_filters_each_side_by_itself():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(120, 2, 3))
    values[50:60, 0] = np.nan
    filtered = low_pass(values, 60, 6.0)
    assert (np.isnan(filtered) == np.isnan(values)).all()
    alone = low_pass(values[:50, 0], 60, 6.0)
    np.testing.assert_allclose(filtered[:50, 0], alone)


@pytest.mark.parametrize("cutoff", [0, -1, 30, 31])
def test_low_pass_refuses_a_cutoff_that_does_not_suit(cutoff):
    with pytest.raises(InputError, match="half the rate"):
        low_pass(np.zeros((10, 1)), 60, cutoff)


def test_one_frame_is_too_few_for_a_low_pass():
    with pytest.raises(InputError, match=r"one frame is too few .* 6 Hz.* 2 frames or more"):
        low_pass(np.zeros((1, 3)), 1.0, 6.0)
    np.testing.assert_array_equal(low_pass(np.ones((1, 3)), 30.0, 6.0), np.ones((1, 3)))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (0, 33, 3)])
def test_no_frames_stay_none(shape):
    nothing = np.zeros(shape)
    assert low_pass(nothing, 30.0, 6.0).shape == shape
    assert [part.shape for part in fill_short_gaps(nothing, 3)] == [shape, shape]
    path = smoothest_path(nothing, nothing, 30.0, acceleration=30.0, lasting_s=0.3)
    assert path.shape == shape


def test_short_gaps_are_bridged_and_long_ones_stay():
    values = np.array([0, np.nan, 2, np.nan, np.nan, np.nan, 6, np.nan])[:, None]
    filled, mask = fill_short_gaps(values, 2)
    np.testing.assert_array_equal(filled[:3, 0], [0, 1, 2])
    assert np.isnan(filled[3:6]).all()
    assert np.isnan(filled[7]).all()  # one side only
    assert mask[:, 0].tolist() == [False, True, *[False] * 6]


@given(st.integers(2, 30), st.integers(2, 60))
def test_resampling_a_line_gives_the_line(old, new):
    time = np.linspace(0, 1, old)
    wanted = np.linspace(0, 1, new)
    np.testing.assert_allclose(resample(3 * time[:, None], time, wanted)[:, 0], 3 * wanted)


def test_resampling_does_not_bridge_gaps_but_keeps_exact_hits():
    values = np.array([0.0, np.nan, 2.0, 3.0])[:, None]
    at = resample(values, np.arange(4.0), np.array([0.0, 0.5, 2.0, 2.5]))[:, 0]
    assert at[0] == 0
    assert np.isnan(at[1])
    assert at[2:].tolist() == [2.0, 2.5]


@given(
    st.lists(st.floats(-100, 100), min_size=1, max_size=20, unique=True),
    st.lists(st.floats(-120, 120), min_size=1, max_size=20),
)
def test_the_nearest_value_is_found(values, wanted):
    values, wanted = np.sort(np.array(values)), np.array(wanted)
    found = np.abs(values[nearest(values, wanted)] - wanted)
    np.testing.assert_array_equal(found, np.abs(values - wanted[:, None]).min(axis=1))


def test_samples_at_other_times_are_the_nearest_or_missing():
    values = np.array([[1.0], [2.0], [np.nan], [4.0]])
    at = rows_at(
        values, np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 0.06, 0.21, 0.3, 0.44, 0.5])
    )
    np.testing.assert_array_equal(at[:, 0], [np.nan, 1, 2, np.nan, 4, np.nan])
    assert rows_at(values[:1], np.array([0.1]), np.array([0.1, 0.2]))[:, 0].tolist()[0] == 1
    assert np.isnan(rows_at(np.empty((0, 1)), np.empty(0), np.array([0.1]))).all()


def test_angles_go_the_shorter_way_round_the_circle():
    angles = np.array([170.0, 190.0, 550.0, np.nan])[:, None]  # 550 is 190 again
    at = resample_deg(angles, np.arange(4.0), np.array([0.5, 1.0, 1.4, 1.6, 2.5]))[:, 0]
    np.testing.assert_allclose(at[:4], [180.0, 190.0, 190.0, 550.0])
    assert np.isnan(at[4])


def noisy_path(sigma=0.05, rate_hz=30.0, seconds=8, seed=0):
    """A smooth movement, the same with errors that are new in every frame, and its times."""
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    true = 0.3 * np.sin(2 * np.pi * 0.8 * time_s) + 0.1 * np.cos(2 * np.pi * 1.7 * time_s)
    noise = np.random.default_rng(seed).normal(0, sigma, len(true))
    return time_s, true, true + noise


def test_the_smoothest_path_takes_noise_away_and_leaves_the_movement():
    _, true, seen = noisy_path()
    path = smoothest_path(seen, np.full_like(seen, 0.05), 30.0, acceleration=10.0, lasting_s=0.2)
    assert np.abs(path - true).mean() < 0.5 * np.abs(seen - true).mean()
    assert np.corrcoef(path, true)[0, 1] > 0.99
    still = smoothest_path(true, np.full_like(seen, 0.01), 30.0, acceleration=30.0, lasting_s=0.3)
    np.testing.assert_allclose(still, true, atol=0.002)


def test_it_is_the_minimum_of_what_it_says_it_minimises():
    _, _, seen = noisy_path(seconds=2)
    sigma = np.linspace(0.01, 0.1, len(seen))

    def cost(path):
        moves = np.diff(path, 2) * 30.0**2 / 10.0
        return (((path - seen) / sigma) ** 2).sum() / 0.3 + (moves**2).sum()

    path = smoothest_path(seen, sigma, 30.0, acceleration=10.0, lasting_s=0.3)
    rng = np.random.default_rng(1)
    for _ in range(20):
        assert cost(path + rng.normal(0, 1e-3, len(path))) > cost(path)


def test_it_believes_sure_samples_and_passes_over_unsure_ones():
    _, true, seen = noisy_path(sigma=0.001)
    sigma = np.full_like(seen, 0.005)
    seen[60:66] += 0.5
    sigma[60:66] = 1.0
    path = smoothest_path(seen, sigma, 30.0, acceleration=30.0, lasting_s=0.3)
    assert np.abs(path - true).max() < 0.05


def test_the_smoothest_path_is_the_same_at_every_frame_rate():
    paths = []
    for rate in (30.0, 120.0):
        time_s = np.arange(int(4 * rate)) / rate
        step = np.tanh(20 * (time_s - 2.0))
        path = smoothest_path(step, np.full_like(step, 0.1), rate, acceleration=20.0, lasting_s=0.3)
        paths.append(np.interp(np.linspace(0.5, 3.5, 50), time_s, path))
    np.testing.assert_allclose(*paths, atol=0.03)


def test_the_smoothest_path_goes_from_gap_to_gap():
    _, _, seen = noisy_path(seconds=2)
    values = np.stack([seen, seen], axis=1)
    values[20:25, 0] = np.nan
    values[27:28, 0] = np.nan  # leaves a run of two between the gaps
    sigma = np.full_like(values, 0.05)
    sigma[50, 1] = np.nan
    path = smoothest_path(values, sigma, 30.0, acceleration=10.0, lasting_s=0.3)
    np.testing.assert_array_equal(np.isnan(path), np.isnan(values))
    np.testing.assert_array_equal(path[25:27, 0], values[25:27, 0])
    assert path[50, 1] == values[50, 1]
    before = smoothest_path(values[:20, 0], sigma[:20, 0], 30.0, acceleration=10.0, lasting_s=0.3)
    np.testing.assert_allclose(path[:20, 0], before)
    with pytest.raises(InputError, match="acceleration is 0"):
        smoothest_path(values, sigma, 30.0, acceleration=0.0, lasting_s=0.3)
