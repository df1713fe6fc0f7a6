from __future__ import annotations

import numpy as np
import pytest

from gonio.kinematics.gait import GaitEvents, NotGait, gait_events
from gonio.trc import read_trc
from gonio.types import MarkerTrajectories
from tests.kinematics.body import body, skin_markers, without

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
