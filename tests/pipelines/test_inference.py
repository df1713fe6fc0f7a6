"""What the nodes of `inference` make of the refiners and of how unsure they are."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from gonio.datasets.checkpoint import CheckpointFile
from gonio.errors import InputError
from gonio.kinematics import bands
from gonio.kinematics.angles import split_flags
from gonio.landmarks.repair import repair_landmarks
from gonio.landmarks.video import VideoInfo, probe, read_frames
from gonio.models import registry
from gonio.models.depth_refiner import SHIPPED_CHECKPOINT
from gonio.options import DEFAULT_REFINER, InferenceOptions, RepairOptions
from gonio.pipelines.inference import nodes, reader_nodes
from gonio.same_video import video_record
from gonio.steps import READ_BY
from tests.kinematics.body import body
from tests.markers.bodies import standing

PARAMETERS = {"subject": {"height": 1.75}, "sigma_samples": 3}


class Run(NamedTuple):
    """What the nodes up to the angles give."""

    pose: object
    landmarks: object
    marker_record: dict
    of_markers: pd.DataFrame
    pose_record: dict
    checkpoints: tuple
    parameters: dict

    def refined(self):
        """Angles, angles as computed, record."""
        return nodes.refine_angles(
            self.of_markers, self.landmarks, *self.checkpoints, self.parameters
        )

    def bands(self, **parameters):
        """The band of the angles, and that of the computed ones."""
        parameters = self.parameters | parameters
        samples = nodes.sample_angles(self.pose, self.landmarks, self.marker_record, parameters)
        return nodes.propagate_sigma(
            samples,
            self.landmarks,
            self.of_markers,
            self.refined()[0],
            *self.checkpoints,
            parameters,
        )


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory, write_depth_refiner, write_joint_refiner, write_main_refiner):
    """Small networks of all three kinds, in the order of the nodes' inputs."""
    folder = tmp_path_factory.mktemp("models")
    depth = write_depth_refiner(folder / "depth_refiner.safetensors")
    joint = write_joint_refiner(folder / "joint_refiner.safetensors")
    main = write_main_refiner(folder / "main_refiner.safetensors", depth, joint)
    return tuple(CheckpointFile(path) for path in (depth, joint, main))


@pytest.fixture(scope="module")
def run(checkpoints):
    """A function that refines a standing body and computes its angles."""
    whole = repair_landmarks(standing(n=40)[0])

    def up_to_the_angles(refiner="depth", *, landmarks=whole, **more):
        parameters = PARAMETERS | {"refiner": refiner} | more
        pose, told = nodes.refine_pose(landmarks, *checkpoints, parameters)
        markers, record = nodes.make_markers(pose, landmarks, parameters)
        augmented = nodes.augment(markers, record, parameters)
        angles, _ = nodes.compute_angles(augmented, parameters)
        return Run(pose, landmarks, record, angles, told, checkpoints, parameters)

    return up_to_the_angles


@pytest.fixture(scope="module")
def by_depth(run):
    return run("depth")


@pytest.fixture(scope="module")
def by_both(run):
    return run("both")


@pytest.mark.parametrize(
    ("rate", "parameters", "says"),
    [
        (10, {}, r"repair.cutoff_hz is 6 and angle_cutoff_hz is 6; .* below half the rate, 5 Hz: "),
        (10, {}, "say repair.cutoff_hz=4,angle_cutoff_hz=4, or"),
        (12, {"angle_cutoff_hz": None}, "say repair.cutoff_hz=4.8, or"),
        (12, {"repair": {"filter": False}}, "and angle_cutoff_hz is 6; .* say angle_cutoff_hz=4.8"),
    ],
)
def test_cut_offs_that_do_not_suit_the_video_stop_the_run_before_detection(
    monkeypatch, rate, parameters, says
):
    monkeypatch.setattr(nodes, "detect_landmarks", lambda *_, **__: pytest.fail("it was detected"))
    video = VideoInfo(Path("slow.mp4"), 64, 64, float(rate), 90, 90 / rate, 0, False, "h264")
    with pytest.raises(InputError, match=rf"slow\.mp4 has {rate} frames a second, .*{says}"):
        nodes.detect(video, Path("none"), PARAMETERS | parameters)


@pytest.mark.parametrize("rate", [0, -240, 1000.5, float("nan"), float("inf"), "fast"])
def test_a_capture_rate_that_cannot_be_is_told(rate):
    with pytest.raises(InputError, match=rf"parameter capture_rate_hz is '?{rate}'?: Input should"):
        InferenceOptions.from_parameters({"capture_rate_hz": rate})


def test_a_time_lapse_may_be_too_slow_for_the_low_pass():
    """As filmed, not as it plays."""
    video = VideoInfo(Path("plant.mp4"), 64, 64, 2.0, 90, 45.0, 0, False, "h264", 15.0)
    with pytest.raises(
        InputError, match=r"plant\.mp4 has 2 frames a second, and repair\.cutoff_hz"
    ):
        nodes.detect(video, Path("none"), PARAMETERS | {"capture_rate_hz": 2})


def test_slow_motion_is_detected_at_its_rate_and_the_log_says_so(
    monkeypatch, caplog, tmp_path, write_video
):
    asked = {}

    def detected(path, *_, watch, **options):
        asked.update(options)
        for frame in read_frames(path):
            watch(frame)
        return standing(n=12)[0]

    monkeypatch.setattr(nodes, "detect_landmarks", detected)
    grey = [np.full((48, 64, 3), 100, np.uint8)] * 12
    path = write_video(tmp_path / "jump.mp4", grey, np.arange(12) / 30)
    parameters = PARAMETERS | {"capture_rate_hz": 240, "refiner": "none"}
    _, small, record = nodes.detect(probe(path, 240), Path("none"), parameters)
    assert asked["capture_rate_hz"] == 240
    assert "slow motion: it was filmed at 240 frames a second and plays at " in caplog.text
    assert probe(small.path).rate_hz == pytest.approx(30, rel=2e-3)
    assert record == video_record(path) | {"capture_rate_hz": 240}


@pytest.mark.parametrize("rate", [10.0, 12.5])
def test_cut_offs_below_half_the_rate_are_allowed(rate):
    low = {"repair": {"cutoff_hz": 0.4 * rate}, "angle_cutoff_hz": 0.4 * rate}
    off = {"repair": {"filter": False}, "angle_cutoff_hz": None}
    for parameters, used in ((low, ["repair.cutoff_hz", "angle_cutoff_hz"]), (off, [])):
        options = InferenceOptions.from_parameters(parameters)
        assert list(options.cutoffs_hz()) == used
        options.check_rate("slow.mp4", rate)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"subject": {"height": True}}, "subject.height"),
        ({"subject": {"mass": False}}, "subject.mass"),
        ({"camera": {"pitch_deg": True}}, "camera.pitch_deg"),
        ({"repair": {"cutoff_hz": True}}, "repair.cutoff_hz"),
        ({"report": {"overlay_max_side": True}}, "report.overlay_max_side"),
        ({"max_people": True}, "max_people"),
        ({"person": True}, "person"),
        ({"person": False}, "person"),
        ({"sigma_samples": False}, "sigma_samples"),
        ({"angle_cutoff_hz": True}, "angle_cutoff_hz"),
        ({"capture_rate_hz": True}, "capture_rate_hz"),
    ],
)
def test_true_and_false_are_no_numbers(given, name):
    with pytest.raises(InputError, match=rf"{name} is (True|False): .*true and false are no num"):
        InferenceOptions.from_parameters(given)


@pytest.mark.parametrize("zero", ["none", "first_seconds"])
def test_a_static_trial_that_would_not_be_used_is_told(zero):
    given = {"zero": zero, "static_trial": "standing.csv"}
    with pytest.raises(InputError, match=f"static_trial is given, but zero is {zero}; say zero=st"):
        InferenceOptions.from_parameters(given)
    with pytest.raises(InputError) as refused:
        InferenceOptions.from_parameters(given | {"zero": "nothing"})
    assert "static_trial is given" not in str(refused.value)
    used = InferenceOptions.from_parameters(given | {"zero": "static_trial"})
    assert used.static_trial == "standing.csv"
    for left_out in (None, ""):
        InferenceOptions.from_parameters({"zero": zero, "static_trial": left_out})


def test_switches_and_numbers_in_quotes_are_read():
    given = {"opensim": True, "repair": {"swaps": False}, "subject": {"height": "1.78"}}
    options = InferenceOptions.from_parameters(given)
    assert (options.opensim, options.repair.swaps, options.subject.height) == (True, False, 1.78)


def test_warnings_of_kinematics_are_kept_whatever_other_steps_do_with_theirs(monkeypatch):
    """Steps run in threads, and Python's filters of warnings are those of the whole process."""
    flat = body(count=10)
    ends = [flat.names.index(f"L_{end}wrist_study") for end in "lm"]
    flat.positions[2:5, ends[1]] = flat.positions[2:5, ends[0]]
    another, angles_of = warnings.catch_warnings(), nodes.angles_of

    def while_another_step_ends(*given):
        another.__exit__(None, None, None)
        return angles_of(*given)

    monkeypatch.setattr(nodes, "angles_of", while_another_step_ends)
    another.__enter__()
    _, said = nodes.compute_angles(flat, {"angle_cutoff_hz": None})
    assert said == [
        "the markers of the forearm_L lie on one line in 3 of 10 frames; the joints that need it "
        "are missing there"
    ]


def test_the_band_has_the_columns_and_frames_of_the_angles(by_depth):
    band, of_computed = by_depth.bands()
    assert list(band.columns) == list(by_depth.of_markers.columns)
    np.testing.assert_array_equal(band["time_s"], by_depth.of_markers["time_s"])
    assert (band.drop(columns="time_s").to_numpy() > 0).all()
    assert of_computed.empty


def test_the_band_of_the_isb_shoulder_has_its_names(run):
    band, _ = run(shoulder_sequence="YXY").bands()
    assert "shoulder_R_elevation_deg" in band


def test_some_frames_give_the_band_of_all(by_both, monkeypatch):
    """Errors that last half a second are as large at ten frames a second as at thirty."""
    some = by_both.bands(sigma_samples=60)
    monkeypatch.setattr(bands, "LASTING_S", 1.0)
    for few, every in zip(some, by_both.bands(sigma_samples=60), strict=True):
        assert len(few) == len(every) == 40
        ratio = few.drop(columns="time_s").mean() / every.drop(columns="time_s").mean()
        assert ratio.mean() == pytest.approx(1.0, abs=0.05)
        assert ratio.between(0.7, 1.4).all()


def test_errors_that_do_not_last_are_sampled_in_every_frame():
    assert len(bands.sampled_rows(90, 30.0, 0.5)) == 30
    assert len(bands.sampled_rows(90, 30.0, 0.0)) == 90
    np.testing.assert_array_equal(bands.sampled_rows(4, 30.0, 0.5), [0, 1, 2, 3])
    assert len(bands.sampled_rows(2, float("nan"), 0.5)) == 2


def test_some_of_the_samples_frames_keep_the_first_and_the_last():
    rows = np.arange(0, 30, 3)  # ten frames
    table = pd.DataFrame({"time_s": rows / 30})
    some = bands.AngleSamples([table, table + 1], rows).every(4)
    np.testing.assert_array_equal(some.rows, [0, 12, 24, 27])
    for samples, first in zip(some.angles, (0.0, 1.0), strict=True):
        np.testing.assert_allclose(samples["time_s"], first + some.rows / 30)
        assert list(samples.index) == [0, 1, 2, 3]
    assert list(bands.AngleSamples([table[:1]], rows[:1]).every(2).rows) == [0]


def test_some_of_the_frames_keep_both_ends_of_every_stretch_that_is_seen():
    rows = np.arange(0, 30, 3)
    seen = np.array([0, 0, 1, 1, 1, 0, 1, 0, 0, 0], dtype=float)
    table = pd.DataFrame({"time_s": rows / 30, "knee": np.where(seen, 5.0, np.nan)})
    some = bands.AngleSamples([table, table], rows).every(2)
    np.testing.assert_array_equal(some.rows, rows[[0, 1, 2, 4, 5, 6, 7, 9]])


@pytest.mark.parametrize("stretches", [[(31, 36)], [(2, 4)], [(0, 15), (19, 22), (24, 66)]])
def test_whoever_is_seen_between_the_sampled_frames_has_angles_and_bands(run, stretches):
    """At 60 frames a second every sixth frame is sampled; the person is in others alone."""
    seen = np.zeros(66, dtype=bool)
    for start, stop in stretches:
        seen[start:stop] = True
    landmarks = standing(n=66, rate=60.0)[0]
    for values in (landmarks.world, landmarks.image, landmarks.visibility):
        values[~seen] = np.nan
    unfilled = repair_landmarks(landmarks, RepairOptions(max_gap_s=0))
    result = run("both", landmarks=unfilled)
    refined = split_flags(result.refined()[0])[0]
    for angles, band in zip((refined, result.of_markers), result.bands(), strict=True):
        assert angles.drop(columns="time_s").notna().all(axis=1).tolist() == seen.tolist()
        pd.testing.assert_frame_equal(band.notna(), angles.notna())


def test_there_is_no_band_where_no_two_frames_on_end_show_the_body(run, caplog):
    landmarks = standing(n=40)[0]
    for values in (landmarks.world, landmarks.image, landmarks.visibility):
        values[1::2] = np.nan
    flickering = run("depth", landmarks=repair_landmarks(landmarks, RepairOptions(max_gap_s=0)))
    assert [band.empty for band in flickering.bands()] == [True, True]
    assert "there is no band" in caplog.text


def test_fewer_frames_through_the_networks_give_the_same_band(by_both, monkeypatch):
    some = by_both.bands(sigma_samples=60)[0].drop(columns="time_s")
    monkeypatch.setattr(nodes, "REFINED_EVERY", 1)
    every = by_both.bands(sigma_samples=60)[0].drop(columns="time_s")
    assert not some.equals(every)
    assert (some.mean() / every.mean()).mean() == pytest.approx(1.0, abs=0.05)


def test_a_long_clip_is_done_in_parts_with_the_same_result(by_both, monkeypatch):
    together = by_both.bands()
    monkeypatch.setattr(bands, "FRAMES_AT_ONCE", 1)
    for whole, apart in zip(together, by_both.bands(), strict=True):
        pd.testing.assert_frame_equal(whole, apart, atol=1e-3)


def test_there_is_no_band_where_none_is_wanted_or_nothing_is_known(by_both, run):
    assert [band.empty for band in by_both.bands(sigma_samples=0)] == [True, True]
    plain = run("none")
    assert plain.pose_record == {"refiner": "none", "depth_corrected": False}
    assert [band.empty for band in plain.bands()] == [True, True]


def test_a_network_of_angles_changes_the_curves_and_their_band(by_depth, by_both):
    angles, computed, record = by_both.refined()
    angles, flags = split_flags(angles)
    assert len(flags.columns) == 12
    pd.testing.assert_frame_equal(computed, by_depth.of_markers)
    change = angles.drop(columns="time_s") - computed.drop(columns="time_s")
    assert record["mean_change_deg"] == pytest.approx(change.abs().mean(axis=None), abs=1e-3)
    assert record["mean_change_deg"] > 0.1
    assert record["checkpoint"]["file"] == "joint_refiner.safetensors"
    assert by_both.pose_record["checkpoint"]["file"] == "depth_refiner.safetensors"
    band, of_computed = by_both.bands()
    pd.testing.assert_frame_equal(of_computed, by_depth.bands()[0])
    assert list(band.columns) == list(of_computed.columns)
    assert (band.drop(columns="time_s").to_numpy() > 0).all()
    assert not np.allclose(band, of_computed, atol=1e-3)


def test_angles_that_no_network_changed_have_no_second_table(by_depth):
    angles, computed, record = by_depth.refined()
    pd.testing.assert_frame_equal(split_flags(angles)[0], by_depth.of_markers)
    assert computed.empty
    assert record == {"refiner": "none", "angles_corrected": False}


def test_the_joint_refiner_alone_leaves_mediapipes_pose(run):
    result = run("joint")
    assert result.pose_record == {"refiner": "none", "depth_corrected": False}
    _, computed, record = result.refined()
    assert record["refiner"] == "joint"
    assert not computed.empty
    assert [band.empty for band in result.bands()] == [True, True]  # nobody says how unsure


def test_the_main_refiner_changes_pose_and_angles(run, by_depth):
    result = run("main")
    assert result.pose_record["refiner"] == "main"
    assert result.pose_record["checkpoint"]["file"] == "main_refiner.safetensors"
    assert not np.allclose(result.pose.positions, by_depth.pose.positions, atol=1e-4)
    _, computed, record = result.refined()
    assert (record["refiner"], record["checkpoint"]) == (
        "main",
        result.pose_record["checkpoint"],
    )
    pd.testing.assert_frame_equal(computed, result.of_markers)
    assert all((band.drop(columns="time_s") > 0).all(axis=None) for band in result.bands())


def test_each_step_reads_the_parameters_that_are_kept_of_it(run, by_both, monkeypatch):
    read: set[str] = set()

    class Spied(InferenceOptions):
        def __getattribute__(self, name):
            if name in InferenceOptions.model_fields:
                read.add(name)
            return super().__getattribute__(name)

    def spied(parameters):
        options = Spied.model_validate(plain(parameters).model_dump())
        read.clear()
        return options

    parameters = by_both.parameters
    detected = standing(n=40)[0]
    markers, record = nodes.make_markers(by_both.pose, by_both.landmarks, parameters)
    whole = nodes.augment(markers, record, parameters)
    angles, landmarks = by_both.of_markers, by_both.landmarks
    samples = nodes.sample_angles(by_both.pose, landmarks, record, parameters)
    refined = by_both.refined()[0]
    networks = by_both.checkpoints
    inputs = {
        "repair": (detected,),
        "refine_pose": (landmarks, *networks),
        "make_markers": (by_both.pose, landmarks),
        "augment": (markers, record),
        "compute_angles": (whole,),
        "refine_angles": (angles, landmarks, *networks),
        "sample_angles": (by_both.pose, landmarks, record),
        "propagate_sigma": (samples, landmarks, angles, refined, *networks),
        "zero_angles": (refined, refined),
        "solve_model": (whole,),
    }
    plain = InferenceOptions.from_parameters
    monkeypatch.setattr(InferenceOptions, "from_parameters", spied)
    for step, given in inputs.items():
        zero = {"zero": "static_trial", "static_trial": "s.csv"} if step == "zero_angles" else {}
        getattr(nodes, step)(*given, parameters | zero)
        changes_nothing = {"provider", "zero"} if step == "repair" else {"provider"}
        assert read - changes_nothing == set(READ_BY[step]), step
    assert set(READ_BY) == {*inputs, "detect", "solve_opensim"}


def test_the_record_says_from_how_many_frames_zero_was_taken(by_depth, caplog):
    angles, table = by_depth.refined()[0], pd.DataFrame()
    assert nodes.zero_angles(angles, table, by_depth.parameters)[1] == {}
    late = angles.copy()
    late.loc[:9, late.columns[1:37]] = np.nan
    late.loc[:24, "knee_R_rotation_deg"] = np.nan
    wanted = by_depth.parameters | {"zero": "first_seconds", "zero_seconds": 0.79}
    relative, record = nodes.zero_angles(late, table, wanted)
    assert record == {
        "from": "first_seconds",
        "frames": 24,
        "frames_with_angles": 14,
        "joints_without_zero": ["knee_R"],
    }
    assert relative["knee_R_rotation_deg"].isna().all()
    assert "zeroed curve is empty: knee_R" in caplog.text


def test_the_shoulder_of_isb_is_refined_as_the_other_one_is(run):
    """The same movement in both sequences, so the other joints come out alike."""
    one, other = (run("both", shoulder_sequence=name).refined()[0] for name in ("ZXY", "YXY"))
    assert "shoulder_L_elevation_deg" in other
    same = [name for name in split_flags(one)[0] if not name.startswith("shoulder")]
    np.testing.assert_allclose(one[same], other[same], atol=1e-4)


def test_the_default_gives_way_to_a_refiner_of_the_users_own(run, checkpoints, tmp_path, caplog):
    _, joint, main = checkpoints
    mine = tmp_path / "depth_refiner.safetensors"
    mine.write_bytes(SHIPPED_CHECKPOINT.read_bytes())
    landmarks = run("none").landmarks
    parameters = PARAMETERS | {"refiner": DEFAULT_REFINER}
    _, record = nodes.refine_pose(landmarks, CheckpointFile(mine), joint, main, parameters)
    assert record["refiner"] == "depth"
    assert "kedro run --pipeline main_refiner" in record["why_not_main"]
    assert record["why_not_main"] in caplog.text
    assert "why_not_main" not in run(DEFAULT_REFINER).pose_record


def test_the_default_without_a_joint_refiner_stops_at_the_pose(by_both, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "SHIPPED_FOLDER", tmp_path / "none")
    absent = CheckpointFile(tmp_path / "none.safetensors")
    parameters = PARAMETERS | {"refiner": DEFAULT_REFINER}
    some = (by_both.checkpoints[0], absent, absent)
    alone = by_both._replace(checkpoints=some, parameters=parameters)
    angles, computed, record = alone.refined()
    pd.testing.assert_frame_equal(split_flags(angles)[0], by_both.of_markers)
    assert computed.empty
    assert "kedro run --pipeline joint_training" in record["why_not"]
    band, of_computed = alone.bands()
    assert not band.empty
    assert of_computed.empty


def test_what_the_gait_says_of_its_lengths_is_among_the_warnings(by_depth):
    """The record of a walk along the camera's axis; a clip that is no gait has nothing to say."""
    parameters = by_depth.parameters
    markers, marker_record = nodes.make_markers(by_depth.pose, by_depth.landmarks, parameters)
    augmented = nodes.augment(markers, marker_record, parameters)
    angles, _, angle_record = by_depth.refined()

    def warnings(gait):
        return reader_nodes.record_quality(
            VideoInfo(Path("walk.mp4"), 64, 64, 30.0, 40, 40 / 30, 0, False, "h264"),
            {},
            by_depth.landmarks,
            by_depth.pose_record,
            angle_record,
            marker_record,
            augmented,
            angles,
            {},
            {},
            [],
            gait,
            parameters,
            *[{"seconds": 0.0}] * len(reader_nodes.TIMED_STEPS),
        )["warnings"]

    record = {"is_gait": True, "warnings": ["The walk goes towards the camera."]}
    assert warnings(record) == [*warnings({"is_gait": False}), *record["warnings"]]


def test_who_comes_later_than_the_first_seconds_stops_the_run_before_results_are_replaced():
    detected = standing(n=40)[0]
    world = detected.world.copy()
    world[:30] = np.nan
    late = replace(detected, world=world)
    wanted = PARAMETERS | {"zero": "first_seconds", "zero_seconds": 0.5}
    with pytest.raises(InputError, match=r"first 0\.5 s of the clip, .* is 1\.00 s after"):
        nodes.repair(late, wanted)
    nodes.repair(late, PARAMETERS)
    nodes.repair(late, wanted | {"zero_seconds": 1.5})
