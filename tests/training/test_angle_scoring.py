import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gonio.models.registry import Refiners
from gonio.options import InferenceOptions
from gonio.skeleton import ANGLE_COLUMNS
from gonio.training.angle_pairs import AngleSettings
from gonio.training.angle_scoring import (
    AngleRow,
    angle_rows,
    angles_of_rows,
    load_angle_refiners,
    score_angle_clip,
    score_angles,
    shard_angles,
)
from tests.training.angle_fakes import known_shard

RUN = InferenceOptions()
SETTINGS = AngleSettings(RUN)
NAMES = ("depth_refiner", "joint_refiner", "main_refiner")


class Offset:
    """Stands for a network that corrects angles: it adds a constant."""

    def __init__(self, degrees):
        self.degrees = degrees

    def refine_angles(self, angles, landmarks, *, both_ways=True):
        columns = list(ANGLE_COLUMNS)
        return angles.assign(**(angles[columns] + self.degrees))


@pytest.fixture(scope="module")
def walk():
    bend = 30 + 20 * np.sin(np.arange(45) / 5)
    return known_shard({"knee_R_flexion_deg": bend}, count=45, noise_m=0.01)


def true(shard):
    return shard_angles(shard, SETTINGS)


def test_the_true_angles_are_those_the_body_was_made_with(walk):
    truth = true(walk)
    assert truth.basis == "markers on the body"
    assert truth.options.subject.height == pytest.approx(1.7)
    bend = 30 + 20 * np.sin(np.arange(45) / 5)
    assert truth.angles[5:-5, 3, 0] == pytest.approx(bend[5:-5], abs=1)


def test_projected_clips_are_neither_repaired_nor_filtered_again():
    slow = known_shard(count=40, rate_hz=10.0, source="projected")
    scores = score_angles({"projected_test": [slow]}, {"projected_test": true}, angle_rows({}))
    assert not scores.left_out
    errors = scores.clips[0].errors
    assert (errors["raw"].frames > 0).all()
    np.testing.assert_array_equal(errors["repaired"].absolute, errors["raw"].absolute)


def test_true_angles_are_there_where_nobody_was_detected(walk):
    unseen = {
        name: np.where(np.arange(45).reshape(-1, *[1] * (values.ndim - 1)) < 20, np.nan, values)
        for name in ("corrupted", "landmarks_world", "landmarks_2d", "landmarks_visibility")
        if (values := getattr(walk, name)) is not None
    }
    late = replace(walk, **unseen)
    assert true(late).angles == pytest.approx(true(walk).angles)
    errors = score_angle_clip("fake", late, true(late), angle_rows({})).errors["raw"]
    assert errors.missing[9] == 20
    assert errors.frames[9] == 25


def test_rows_do_what_their_names_say():
    rows = angle_rows({})
    assert list(rows) == ["raw", "raw + filter", "repaired"]
    raw, filtered, repaired = (row.options(RUN) for row in rows.values())
    assert not any((raw.repair.swaps, raw.repair.fill_gaps, raw.repair.filter))
    assert raw.angle_cutoff_hz is None
    assert filtered.repair.filter
    assert not filtered.repair.swaps
    assert filtered.angle_cutoff_hz == RUN.angle_cutoff_hz
    assert repaired == RUN


def test_rows_are_what_inference_gives(walk):
    """The filter takes noise away; a network that corrects angles comes last."""
    plus = Refiners("joint", {"joint_refiner": Path("a")}, joint=Offset(7.0))
    rows = angle_rows({"joint": plus})
    truth = true(walk)
    found = angles_of_rows(rows, walk.landmark_sequence, truth.options, walk.time_s)
    assert found["joint"] - found["repaired"] == pytest.approx(np.full((45, 12, 3), 7.0))

    def roughness(name):
        return np.abs(np.diff(found[name][:, 3, 0], n=2)).mean()

    assert roughness("raw + filter") < 0.5 * roughness("raw")
    scored = score_angle_clip("fake", walk, truth, rows).errors
    knee = ANGLE_COLUMNS.index("knee_R_flexion_deg")
    assert scored["repaired"].correlation[knee] > 0.95
    assert scored["joint"].without_offset == pytest.approx(scored["repaired"].without_offset)
    assert not np.allclose(scored["joint"].absolute, scored["repaired"].absolute)


def test_a_row_that_is_the_truth_has_no_errors(walk):
    truth = true(walk)
    rows = angle_rows({})
    found = angles_of_rows(rows, walk.landmark_sequence, truth.options, walk.time_s)
    errors = score_angle_clip("fake", walk, replace(truth, angles=found["repaired"]), rows).errors
    assert errors["repaired"].absolute == pytest.approx(np.zeros(36), abs=1e-6)
    assert errors["repaired"].range_error == pytest.approx(np.zeros(36), abs=1e-6)
    assert np.nanmax(errors["raw"].absolute) > 0.1


def test_all_rows_are_compared_over_the_same_samples(walk):
    class Forgets(Offset):
        def refine_angles(self, angles, landmarks, *, both_ways=True):
            time_s = angles["time_s"]
            return angles.where(time_s > 0.5).assign(time_s=time_s)

    nothing = Refiners("joint", {"joint_refiner": Path("a")}, joint=Forgets(0.0))
    rows = {"whole": AngleRow(Refiners("none", {})), "late": AngleRow(nothing)}
    errors = score_angle_clip("fake", walk, true(walk), rows).errors
    assert (errors["whole"].frames == errors["late"].frames).all()
    assert errors["whole"].frames[0] < 45
    assert errors["whole"].missing[0] == 0
    assert errors["late"].missing[0] == 45 - errors["late"].frames[0]


def test_clips_without_true_angles_are_left_out_and_named(walk, caplog):
    giant = known_shard(count=45, stature_m=3.0, sequence="giant")
    with caplog.at_level(logging.WARNING):
        scores = score_angles({"fake": [giant, walk]}, {"fake": true}, angle_rows({}))
    assert [clip.recording for clip in scores.clips] == ["fake"]
    assert "not human-sized" in scores.left_out["fake"]["giant c01"]
    assert "giant c01 has no angle rows" in caplog.text


def test_recordings_without_truth_are_passed_over(walk):
    assert score_angles({"fake": [walk]}, {}, angle_rows({})).clips == []


def test_a_choice_without_a_checkpoint_has_no_row_and_the_log_says_so(
    tmp_path, monkeypatch, caplog, write_depth_refiner
):
    from gonio.models import registry

    monkeypatch.setattr(registry, "SHIPPED_FOLDER", tmp_path / "shipped")
    own = {name: tmp_path / f"{name}.safetensors" for name in NAMES}
    with caplog.at_level(logging.WARNING):
        assert load_angle_refiners(own) == {}
    for choice in ("depth", "joint", "both", "main"):
        assert f"no row {choice!r} of joint angles" in caplog.text
    write_depth_refiner(own["depth_refiner"])
    found = load_angle_refiners(own)
    assert list(found) == ["depth"]
    assert found["depth"].depth is not None
