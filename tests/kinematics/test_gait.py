from __future__ import annotations

import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gonio.capture.rendered.made_kinds import KINDS, Clock
from gonio.kinematics.angles import joint_angles
from gonio.kinematics.gait import OF_THE_LENS, GaitEvents, NotGait, gait_events
from gonio.kinematics.gait_cycles import CYCLE_COLUMNS
from gonio.pipelines.inference.reader_nodes import average_cycles, find_gait
from gonio.trc import read_trc
from gonio.types import MarkerTrajectories
from tests.kinematics.body import body, skin_markers, turn, without

RATE, STRIDE_S = 60.0, 1.1


def walk(
    seconds: float = 6.0,
    speed: float = 1.2,
    heading: float | np.ndarray = 0.0,
    swing: float = 25.0,
    tilt: float = 0.0,
) -> MarkerTrajectories:
    """Legs that swing in opposition; the right heel is farthest forward at t = 0, 1.1, 2.2 ...

    They swing about the same direction however the pelvis is tilted.
    """
    time = np.arange(0, seconds, 1 / RATE)
    phase = 2 * np.pi * time / STRIDE_S
    angles = {
        "pelvis_rotation_deg": np.broadcast_to(heading, time.shape),
        "pelvis_tilt_deg": np.full(time.shape, tilt),
    }
    for side, lag in (("R", 0.0), ("L", np.pi)):
        angles[f"hip_{side}_flexion_deg"] = swing * np.cos(phase - lag) - tilt
        angles[f"knee_{side}_flexion_deg"] = swing - swing * np.sin(phase - lag)
    turn = np.radians(np.broadcast_to(heading, time.shape))
    steps = speed / RATE * np.stack([np.cos(turn), 0 * turn, -np.sin(turn)], axis=1)
    return body(angles, count=len(time), rate_hz=RATE, place=np.cumsum(steps, axis=0))


def slow(markers: MarkerTrajectories, rate_hz: float) -> MarkerTrajectories:
    """The same movement with fewer frames a second."""
    step = round(markers.rate_hz / rate_hz)
    return MarkerTrajectories(markers.names, markers.positions[::step], rate_hz)


@pytest.mark.parametrize(
    "heading", [0.0, 137.0, np.linspace(0, 300, 360)], ids=["forward", "slanting", "in a curve"]
)
def test_strides_of_a_walk(heading):
    events = gait_events(walk(heading=heading))
    assert isinstance(events, GaitEvents)
    assert events.stride_time_s == pytest.approx(STRIDE_S, abs=0.02)
    assert events.cadence_per_min == pytest.approx(120 / STRIDE_S, rel=0.02)
    for side in ("R", "L"):
        assert len(events.strides(side)) >= 3
        assert np.allclose(np.diff(events.foot_strike_s[side]), STRIDE_S, atol=0.04)
    first = min(events.foot_strike_s["R"][0], events.foot_strike_s["L"][0])
    lag = abs(events.foot_strike_s["R"][0] - events.foot_strike_s["L"][0])
    assert lag == pytest.approx(STRIDE_S / 2, abs=0.05)
    assert first < STRIDE_S


def test_stride_length_over_ground_and_on_a_treadmill():
    over_ground, treadmill = gait_events(walk(speed=1.2)), gait_events(walk(speed=0.0))
    assert isinstance(over_ground, GaitEvents)
    assert isinstance(treadmill, GaitEvents)
    assert over_ground.stride_length_m == pytest.approx(1.2 * STRIDE_S, abs=0.05)
    assert treadmill.stride_length_m < 0.05


def test_skin_markers_alone_and_a_short_gap_are_enough():
    markers = walk()
    skin = MarkerTrajectories(skin_markers(), markers.select(skin_markers()), RATE)
    skin.positions[100:106, skin.names.index("r_calc_study")] = np.nan
    assert isinstance(gait_events(skin), GaitEvents)


def test_arms_that_gait_does_not_need_are_not_missed():
    whole = walk()
    kept = tuple(n for n in whole.names if not re.search("(?i)elbow|wrist|shoulder|c7", n))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        events = gait_events(MarkerTrajectories(kept, whole.select(kept), whole.rate_hz))
    assert isinstance(events, GaitEvents)


def test_times_begin_with_the_recording():
    markers = walk()
    late = MarkerTrajectories(markers.names, markers.positions, RATE, start_s=100.0)
    events = gait_events(late)
    assert isinstance(events, GaitEvents)
    assert events.foot_strike_s["R"][0] > 100


@pytest.mark.parametrize(
    ("markers", "reason"),
    [
        (walk(swing=3.0), "cm along the body's direction"),
        (walk(seconds=1.2), "gait needs two of each"),
        (without(walk(), "r_calc_study"), "r_calc are missing"),
        (body(count=60), "0 cm along"),
        (body(count=1), "cm along"),
        (slow(walk(), 12.0), "12 frames a second; gait needs more than 12"),
    ],
    ids=["small steps", "one stride", "no heel", "standing", "one frame", "few frames a second"],
)
def test_not_gait_says_why(markers, reason):
    events = gait_events(markers)
    assert isinstance(events, NotGait)
    assert reason in events.reason


def test_squats_and_jumps_are_not_gait():
    bend = 30 - 30 * np.cos(2 * np.pi * np.arange(300) / 60)
    both = {f"{joint}_{side}_flexion_deg": bend for joint in ("hip", "knee") for side in "RL"}
    events = gait_events(body(both, count=300))
    assert isinstance(events, NotGait)
    assert "opposition" in events.reason


def test_long_gaps_are_not_bridged():
    markers = walk()
    markers.positions[100:250] = np.nan
    events = gait_events(markers)
    assert isinstance(events, NotGait)
    assert "missing in 42%" in events.reason


def test_balancing_on_one_leg_is_not_gait(shared):
    markers = read_trc(shared / "balancing_trial" / "balancing_LSTM.trc")
    assert isinstance(gait_events(markers), NotGait)


@pytest.mark.parametrize("tilt", [-35.0, 20.0], ids=["forward", "backward"])
def test_a_pelvis_that_leans_changes_no_event(tilt):
    """Forward is level: a foot that is lifted does not count as farther in front."""
    upright, leaning = gait_events(walk()), gait_events(walk(tilt=tilt))
    assert isinstance(upright, GaitEvents)
    assert isinstance(leaning, GaitEvents)
    for side in ("R", "L"):
        for events in ("foot_strike_s", "foot_off_s"):
            one, other = (getattr(found, events)[side] for found in (upright, leaning))
            np.testing.assert_allclose(other, one, atol=0.5 / RATE)


def gappy(markers: MarkerTrajectories, *gaps: tuple[float, float]) -> MarkerTrajectories:
    """The same, nobody seen from one time to another."""
    positions = markers.positions.copy()
    for start, stop in gaps:
        positions[(markers.time_s >= start) & (markers.time_s < stop)] = np.nan
    return MarkerTrajectories(markers.names, positions, markers.rate_hz)


@pytest.mark.parametrize("start", [3.0, 3.2, 3.3, 3.4, 3.6])
def test_a_gap_makes_no_event_and_no_stride(start):
    """Wherever it begins and ends, also just before a foot strikes and just after it did."""
    whole, cut = gait_events(walk(10.0)), gait_events(gappy(walk(10.0), (start, start + 1.3)))
    assert isinstance(whole, GaitEvents)
    assert isinstance(cut, GaitEvents)
    for side in ("R", "L"):
        for events in ("foot_strike_s", "foot_off_s"):
            times, true = (getattr(found, events)[side] for found in (cut, whole))
            assert len(times) >= len(true) - 3
            assert np.abs(times[:, None] - true).min(axis=1).max() < 1.5 / RATE
        strides = np.array(cut.strides(side))
        assert np.allclose(np.diff(strides), STRIDE_S, atol=0.04)
        assert not ((strides[:, 0] < start + 1.3) & (strides[:, 1] > start)).any()
    assert cut.stride_length_m == pytest.approx(1.2 * STRIDE_S, abs=0.05)


def test_gaps_at_one_side_of_many_strikes_leave_the_cadence_as_it_is():
    gaps = [(a, a + 0.38) for a in (1.0, 3.0, 5.0, 7.0)]
    events = gait_events(gappy(walk(10.0), *gaps))
    assert isinstance(events, GaitEvents)
    assert events.stride_time_s == pytest.approx(STRIDE_S, abs=0.02)
    assert events.cadence_per_min == pytest.approx(120 / STRIDE_S, rel=0.02)


def test_a_strike_in_a_bridged_gap_ends_no_stride():
    whole = gait_events(walk())
    assert isinstance(whole, GaitEvents)
    hidden = whole.foot_strike_s["R"][1]
    cut = gait_events(gappy(walk(), (hidden - 0.07, hidden + 0.07)))
    assert isinstance(cut, GaitEvents)
    assert np.abs(cut.foot_strike_s["R"] - hidden).min() > 0.5
    assert len(cut.strides("R")) == len(whole.strides("R")) - 2
    assert np.allclose(np.diff(cut.strides("R")), STRIDE_S, atol=0.04)


def test_no_gait_where_no_heel_is_seen_through_a_stride():
    events = gait_events(gappy(walk(8.0), *((1.1 * k + 0.7, 1.1 * k + 0.92) for k in range(8))))
    assert isinstance(events, NotGait)
    assert "from one strike to the next" in events.reason or "strikes of the" in events.reason


def stepping(
    seconds: float = 9.0,
    rate: float = RATE,
    stance: tuple[float, float] = (0.62, 0.62),
    apart: float = 0.5,
    speed: float = 1.2,
    stride_s: float = STRIDE_S,
    treadmill: bool = False,
    soft: bool = False,
) -> MarkerTrajectories:
    """Feet that stand still for `stance` of each stride, the right from t = 0, 1.1, 2.2 ...

    Then they are carried forward, at one speed or, if `soft`, from rest to rest. The left foot
    strikes `apart` of a stride after the right one. The middle of stance is under the body.
    """
    time = np.arange(0, seconds, 1 / rate)
    markers = body(count=len(time), rate_hz=rate)
    walked = 0 * time if treadmill else speed * time
    positions = markers.positions + np.stack([walked, 0 * time, 0 * time], axis=1)[:, None]
    for prefixes, share, lag in ((("r_", "R"), stance[0], 0.0), (("L_", "L"), stance[1], apart)):
        cycle = time / stride_s - lag
        swing = np.clip((cycle % 1 - share) / (1 - share), 0, 1)
        carried = swing**2 * (3 - 2 * swing) if soft else swing
        ahead = speed * stride_s * (np.floor(cycle) + carried + lag + share / 2) - speed * time
        for i, name in enumerate(markers.names):
            if name.startswith(prefixes) and name.endswith(("calc_study", "toe_study")):
                positions[:, i, 0] += ahead
    return MarkerTrajectories(markers.names, positions, rate)


@pytest.mark.parametrize("treadmill", [False, True])
@pytest.mark.parametrize(
    ("stance", "apart"), [((0.62, 0.62), 0.5), ((0.66, 0.58), 0.5), ((0.62, 0.62), 0.54)]
)
def test_phases_of_a_walk_of_known_timing(stance, apart, treadmill):
    events = gait_events(stepping(stance=stance, apart=apart, treadmill=treadmill))
    assert isinstance(events, GaitEvents)
    phases = events.phases
    assert phases.double_support_share == pytest.approx(sum(stance) - 1, abs=0.035)
    stride_m = 1.2 * STRIDE_S
    lead = (stance[0] - stance[1]) / 2 * stride_m  # the foot that stands longer strikes farther out
    steps = {"R": (1 - apart) * stride_m + lead, "L": apart * stride_m - lead}
    for side, share in zip(("R", "L"), stance, strict=True):
        foot = phases.feet[side]
        assert foot.strides >= 5
        assert foot.stance_share == pytest.approx(share, abs=0.03)
        assert foot.swing_share == pytest.approx(1 - share, abs=0.03)
        assert foot.step_length_m == pytest.approx(steps[side], abs=0.05)


def test_feet_that_are_put_down_softly_seem_to_stand_longer_by_as_much_as_the_docs_say():
    events = gait_events(stepping(soft=True))
    assert isinstance(events, GaitEvents)
    for foot in events.phases.feet.values():
        assert 0.02 < foot.stance_share - 0.62 < 0.07
    assert 0.05 < events.phases.double_support_share - 0.24 < 0.14


def test_a_run_and_few_frames_a_second_have_no_phases():
    run = gait_events(stepping(stance=(0.35, 0.35), speed=3.0, stride_s=0.75, rate=120.0))
    # So late as a runner's toe is farthest behind, the order is that of a walk.
    late = gait_events(stepping(stance=(0.55, 0.55), speed=3.0, stride_s=0.75, rate=120.0))
    few = gait_events(slow(stepping(rate=60.0), 15.0))
    for events in (run, late, few):
        assert isinstance(events, GaitEvents)
        assert np.isnan(events.phases.double_support_share)
        assert {foot.strides for foot in events.phases.feet.values()} == {0}
        assert all(np.isnan(foot.stance_share) for foot in events.phases.feet.values())


def test_strides_with_a_gap_tell_no_phase():
    whole, cut = gait_events(stepping()), gait_events(gappy(stepping(), (3.0, 4.2)))
    assert isinstance(whole, GaitEvents)
    assert isinstance(cut, GaitEvents)
    for side in ("R", "L"):
        assert 2 <= cut.phases.feet[side].strides <= whole.phases.feet[side].strides - 2
        assert cut.phases.feet[side].stance_share == pytest.approx(0.62, abs=0.03)


@pytest.mark.parametrize(
    ("heading", "speed", "told"),
    [(0.0, 1.2, True), (180.0, 1.2, True), (50.0, 1.2, True), (90.0, 1.2, False), (0.0, 0, False)],
    ids=["to the camera", "away from it", "slanting", "across the picture", "on a treadmill"],
)
def test_a_stride_length_that_hangs_on_the_lens_says_so(heading, speed, told):
    events, record = find_gait(walk(heading=heading, speed=speed))
    assert isinstance(events, GaitEvents)
    assert record["warnings"] == ([OF_THE_LENS] if told else [])
    if speed:
        assert events.depth_share == pytest.approx(abs(np.cos(np.radians(heading))), abs=0.05)


def test_the_record_has_what_the_events_have():
    events, record = find_gait(stepping())
    assert isinstance(events, GaitEvents)
    assert record["complete_strides"] == {side: len(events.strides(side)) for side in ("R", "L")}
    assert record["double_support_share"] == events.phases.double_support_share
    assert record["feet"]["L"] == {
        "strides": events.phases.feet["L"].strides,
        "stance_share": events.phases.feet["L"].stance_share,
        "swing_share": 1 - events.phases.feet["L"].stance_share,
        "step_length_m": events.phases.feet["L"].step_length_m,
    }


@pytest.mark.parametrize("after_s", [0.13, 0.2, 0.27])
def test_a_strike_that_is_seen_counts_however_soon_a_gap_follows(after_s):
    markers = walk()
    whole = gait_events(markers)
    strike = whole.foot_strike_s["R"][2]
    positions = markers.positions.copy()
    gone = (markers.time_s > strike + after_s) & (markers.time_s < strike + after_s + 0.5)
    right = [k for k, name in enumerate(markers.names) if name in ("RHeel", "r_calc_study")]
    positions[np.ix_(gone, right)] = np.nan
    events = gait_events(MarkerTrajectories(markers.names, positions, RATE))
    assert strike in events.foot_strike_s["R"]
    assert (whole.foot_strike_s["R"][1], strike) in events.strides("R")


def test_a_walk_has_cycles_and_a_picture_of_them_and_other_clips_have_none():
    markers = walk()
    video = SimpleNamespace(path=Path("walk.mp4"))
    cycles, picture = average_cycles(joint_angles(markers), gait_events(markers), video)
    assert list(cycles.columns) == list(CYCLE_COLUMNS)
    knee = cycles[cycles["angle"] == "knee_R_flexion_deg"].set_index("cycle_percent")
    assert knee["strides"].iloc[0] >= 3
    assert np.ptp(knee["mean_deg"]) == pytest.approx(50, abs=2)
    assert knee["sd_deg"].max() < 3
    assert picture.startswith(b"\x89PNG")
    nothing, no_picture = average_cycles(joint_angles(markers), NotGait("it is none"), video)
    assert len(nothing.columns) == 0
    assert no_picture == b""


def pedalling(turns_per_min: float, crank_m: float, rate: float = RATE) -> MarkerTrajectories:
    """Feet on the pedals of a bicycle, 15 degrees of ankling, 5 mm of noise on every marker."""
    time = np.arange(0, 8, 1 / rate)
    markers = body(count=len(time), rate_hz=rate)
    positions = markers.positions.copy()
    for prefix, lag in (("r", 0.0), ("L", np.pi)):
        angle = 2 * np.pi * turns_per_min / 60 * time + lag
        pedal = np.array([0.1, 0.25]) + crank_m * np.column_stack([np.sin(angle), np.cos(angle)])
        raised = np.radians(15) * np.sin(angle)
        behind = np.column_stack([-np.cos(raised), np.sin(raised)])
        for name, length_m in (("toe", 0.0), ("5meta", 0.04), ("calc", 0.17)):
            positions[:, markers.names.index(f"{prefix}_{name}_study"), :2] = (
                pedal + length_m * behind
            )
    positions += np.random.default_rng(0).normal(0, 0.005, positions.shape)
    return MarkerTrajectories(markers.names, positions, rate)


@pytest.mark.parametrize("rate", [25.0, 60.0])
@pytest.mark.parametrize("crank_m", [0.165, 0.175])
@pytest.mark.parametrize("turns_per_min", [60, 75, 90, 100])
def test_pedalling_is_not_gait(turns_per_min, crank_m, rate):
    events = gait_events(pedalling(turns_per_min, crank_m, rate))
    assert isinstance(events, NotGait)
    assert "the feet go round as on pedals: on their way back they sink by" in events.reason


def made_walk(seed: int, limp: float = 0.0, rate: float = RATE) -> MarkerTrajectories:
    """A made walk in place, of any speed; the right leg moves by so much less than the left one."""
    frames = round(6 * rate)
    made, _, _ = KINDS["walk"](Clock(frames, rate, np.random.default_rng(seed)))
    angles = {
        f"{joint}_{side}_flexion_deg": (1 - limp * (side == "R")) * made[f"{name} {joint} flexion"]
        for side, name in (("R", "right"), ("L", "left"))
        for joint in ("hip", "knee", "ankle")
    }
    return body(angles, count=frames, rate_hz=rate)


def on_a_slope(markers: MarkerTrajectories, degrees: float) -> MarkerTrajectories:
    """The same on ground that rises by so much towards the front."""
    turned = markers.positions @ turn("Z", np.array([degrees]))[0].T
    return MarkerTrajectories(markers.names, turned, markers.rate_hz)


@pytest.mark.parametrize("seed", range(8))
def test_made_walks_are_gait_at_any_speed_with_a_limp_and_on_a_slope(seed):
    for markers in (
        made_walk(seed),
        made_walk(seed, rate=25.0),
        made_walk(seed, limp=0.4),
        on_a_slope(made_walk(seed), 8.0),
        on_a_slope(made_walk(seed), -8.0),
    ):
        assert isinstance(gait_events(markers), GaitEvents)


@pytest.mark.parametrize("treadmill", [False, True])
@pytest.mark.parametrize(("speed", "bob_m"), [(0.5, 0.03), (1.2, 0.06), (1.8, 0.1)])
def test_a_pelvis_that_rises_over_the_standing_foot_is_gait(speed, bob_m, treadmill):
    markers = stepping(speed=speed, treadmill=treadmill)
    highest_at_s = 0.31 * STRIDE_S  # the middle of stance
    bob = bob_m / 2 * np.cos(4 * np.pi * (markers.time_s - highest_at_s) / STRIDE_S)
    for i, name in enumerate(markers.names):
        if not name.endswith(("calc_study", "toe_study", "5meta_study")):
            markers.positions[:, i, 1] += bob
    assert isinstance(gait_events(markers), GaitEvents)
