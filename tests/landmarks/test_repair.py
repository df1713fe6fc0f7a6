import numpy as np
import pytest

from gonio.frames import bone_length_cv
from gonio.landmarks.repair import (
    BLENDED,
    FILLED,
    SWAPPED,
    repair_landmarks,
)
from gonio.options import RepairOptions
from gonio.skeleton import COCO_FROM_MEDIAPIPE
from gonio.types import LandmarkSequence
from tests.landmarks.test_swaps import swap, walking


def _with_gap(sequence, start, stop):
    world, image, visibility = (
        np.array(values) for values in (sequence.world, sequence.image, sequence.visibility)
    )
    for values in (world, image, visibility):
        values[start:stop] = np.nan
    return LandmarkSequence(sequence.time_s, world, image, visibility, sequence.image_size)


def test_all_switched_off_changes_nothing():
    seen = _with_gap(swap(walking(), np.arange(180) == 40), 60, 63)
    repaired = repair_landmarks(seen, RepairOptions(swaps=False, fill_gaps=False, filter=False))
    np.testing.assert_array_equal(repaired.sequence.world, seen.world)
    assert (repaired.flags == 0).all()


def test_short_gaps_are_filled_flagged_and_counted_long_ones_stay():
    seen = _with_gap(_with_gap(walking(), 60, 67), 100, 120)
    repaired = repair_landmarks(seen, RepairOptions(max_gap_s=0.25))  # 7 frames at 30 Hz
    assert np.isfinite(repaired.sequence.world[60:67]).all()
    assert (repaired.flags[60:67] & FILLED).all()
    assert np.isnan(repaired.sequence.world[100:120]).all()
    assert repaired.record["filled_frames"] == 7
    assert repaired.record["missing_frames"] == 20
    assert repaired.record["detection_rate"] == pytest.approx(153 / 180)
    assert repaired.record["times_found_again"] == 1


def test_swaps_are_flagged_and_counted():
    mask = np.zeros(180, bool)
    mask[50:80] = True
    repaired = repair_landmarks(swap(walking(), mask))
    assert repaired.record["swapped_frames"] == pytest.approx(30, abs=3)
    assert ((repaired.flags & SWAPPED) > 0).any(axis=1)[60]
    np.testing.assert_allclose(repaired.sequence.image[65], walking().image[65], atol=0.01)


def test_blended_frames_are_bridged():
    true = walking(n=180, rate=60)
    mask = np.zeros(180, bool)
    mask[50:80] = True
    seen = swap(true, mask)
    image = seen.image.copy()
    other = swap(seen, np.ones(180, bool)).image
    image[49] = 0.5 * image[49] + 0.5 * other[49]
    seen = LandmarkSequence(seen.time_s, seen.world, image, seen.visibility, seen.image_size)
    repaired = repair_landmarks(seen, RepairOptions(filter=False))
    assert ((repaired.flags[49] & BLENDED) > 0).any()
    assert ((repaired.flags[49] & FILLED) > 0).any()
    np.testing.assert_allclose(repaired.sequence.image[49], true.image[49], atol=0.01)


def test_a_variable_rate_becomes_constant():
    steady = walking(n=180)
    time = steady.time_s.copy()
    time[1:-1:3] += 0.012
    world = np.sin(2 * np.pi * time)[:, None, None] * np.ones((1, 33, 3))
    seen = LandmarkSequence(time, world, world[..., :2], steady.visibility, (900, 600))
    repaired = repair_landmarks(seen, RepairOptions(filter=False, swaps=False))
    assert repaired.record["resampled_to_constant_rate"]
    steps = np.diff(repaired.sequence.time_s)
    np.testing.assert_allclose(steps, steps[0])
    np.testing.assert_allclose(
        repaired.sequence.world[:, 0, 0], np.sin(2 * np.pi * repaired.sequence.time_s), atol=0.01
    )


def test_a_rate_that_changes_slowly_becomes_constant():
    """A phone that exposes for longer as it gets darker: no step differs much from the next."""
    time = np.cumsum(np.linspace(0.95, 1.05, 180)) / 30
    world = np.sin(2 * np.pi * time)[:, None, None] * np.ones((1, 33, 3))
    seen = LandmarkSequence(time, world, world[..., :2], np.ones((180, 33)), (900, 600))
    repaired = repair_landmarks(seen, RepairOptions(filter=False, swaps=False))
    assert repaired.record["resampled_to_constant_rate"]
    steady = repaired.sequence.time_s
    np.testing.assert_allclose(np.diff(steady), np.ptp(time) / 179)
    np.testing.assert_allclose(
        repaired.sequence.world[:, 0, 0], np.sin(2 * np.pi * steady), atol=0.01
    )


@pytest.mark.parametrize(("pause_s", "filled"), [(0.2, True), (0.213, True), (2.0, False)])
def test_pauses_of_the_recording_are_gaps(pause_s, filled):
    true = walking()
    time = true.time_s.copy()
    time[90:] += pause_s
    seen = LandmarkSequence(time, true.world, true.image, true.visibility, true.image_size)
    seen = swap(seen, (np.arange(180) >= 60) & (np.arange(180) < 90))
    repaired = repair_landmarks(seen, RepairOptions(filter=False))
    steady = repaired.sequence
    inside = (steady.time_s > time[89] + 0.01) & (steady.time_s < time[90] - 0.01)
    assert inside.sum() == pytest.approx(pause_s * 30, abs=1)
    assert np.isfinite(steady.world[~inside]).all()
    assert np.isfinite(steady.world[inside]).all() == filled
    assert np.isnan(steady.world[inside]).all() != filled
    assert (repaired.flags[inside] == (FILLED if filled else 0)).all()
    assert repaired.record["filled_frames"] == (inside.sum() if filled else 0)
    assert repaired.record["missing_frames"] == (0 if filled else inside.sum())


def test_a_dropped_frame_is_filled_and_flagged():
    true = walking()
    kept = np.delete(np.arange(180), 70)
    repaired = repair_landmarks(true.at(kept), RepairOptions(filter=False))
    np.testing.assert_allclose(repaired.sequence.time_s, true.time_s)
    assert np.flatnonzero((repaired.flags & FILLED).any(axis=1)).tolist() == [70]
    np.testing.assert_allclose(repaired.sequence.world[kept], true.world[kept])


@pytest.mark.parametrize("rate", [30, 120, 240])
def test_whole_milliseconds_are_no_variable_rate(rate):
    time = np.round(1000 * np.arange(180) / rate) / 1000
    true = walking(rate=rate)
    seen = LandmarkSequence(time, true.world, true.image, true.visibility, true.image_size)
    repaired = repair_landmarks(seen)
    assert not repaired.record["resampled_to_constant_rate"]
    np.testing.assert_array_equal(repaired.sequence.time_s, time)


def test_the_filter_takes_noise_and_leaves_motion():
    true = walking(n=300, rate=60)
    rng = np.random.default_rng(0)
    noisy = LandmarkSequence(
        true.time_s,
        true.world + rng.normal(0, 0.02, true.world.shape),
        true.image,
        true.visibility,
        true.image_size,
    )
    repaired = repair_landmarks(noisy)
    error = np.abs(repaired.sequence.world - true.world)[20:-20].mean()
    assert error < 0.6 * np.abs(noisy.world - true.world).mean()
    before, after = (repaired.record[f"bone_length_cv_{when}"] for when in ("before", "after"))
    assert after < 0.7 * before
    assert before == pytest.approx(bone_length_cv(noisy.world[:, list(COCO_FROM_MEDIAPIPE)]))


@pytest.mark.parametrize(
    ("seen", "frames"), [([(0, 180)], 180), ([(5, 8), (30, 33)], 0), ([(5, 8), (30, 34)], 4)]
)
def test_what_is_said_to_be_filtered_is_what_the_low_pass_changed(seen, frames):
    """It leaves runs of three frames as they are."""
    there = np.zeros(180, dtype=bool)
    for start, stop in seen:
        there[start:stop] = True
    sequence = walking(n=180)
    for values in (sequence.world, sequence.image, sequence.visibility):
        values[~there] = np.nan
    repaired = repair_landmarks(sequence, RepairOptions(swaps=False, fill_gaps=False))
    unlike = repaired.sequence.world != sequence.world
    changed = (unlike & there[:, None, None]).any(axis=(1, 2))
    assert repaired.record["filtered_frames"] == changed.sum() == frames
    assert repaired.record["filtered"] == (frames > 0)
    plain = repair_landmarks(sequence, RepairOptions(filter=False))
    assert (plain.record["filtered"], plain.record["filtered_frames"]) == (False, 0)


@pytest.mark.filterwarnings("error")
def test_a_sequence_without_frames_stays_one():
    repaired = repair_landmarks(walking().at(np.arange(0)))
    assert len(repaired.sequence) == 0
    assert repaired.flags.shape == (0, 33)
    assert repaired.record["frames"] == 0
    assert repaired.record["detection_rate"] == 0
