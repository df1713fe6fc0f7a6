"""The kinds of made motion: gait, reaching, bending, sitting, lying, one leg, any pose at all.

Each kind gives joint angles over time, the path of the hips and, where the whole body is turned,
its orientation. Angle names and limits are those of `procedural`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.spatial.transform import Rotation

from gonio.types import FloatArray

Angles = dict[str, FloatArray]
"""Joint angle name -> (T,) degrees; names are `<side> <joint> <angle>` or `<joint> <angle>`."""

LIMITS: dict[str, tuple[float, float]] = {
    "hip flexion": (-15, 115),
    "hip abduction": (-15, 40),
    "hip rotation": (-30, 30),
    "knee flexion": (0, 140),
    "ankle flexion": (-40, 20),
    "shoulder flexion": (-45, 165),
    "shoulder abduction": (-5, 160),
    "shoulder rotation": (-70, 60),
    "elbow flexion": (2, 140),
    "forearm pronation": (-75, 75),
    "wrist flexion": (-60, 60),
    "wrist abduction": (-20, 20),
    "trunk flexion": (-20, 75),
    "trunk bend": (-28, 28),
    "trunk rotation": (-40, 40),
    "neck flexion": (-40, 45),
    "neck bend": (-30, 30),
    "neck rotation": (-65, 65),
}
"""Smallest and largest angle, degrees."""

GAIT_PHASE = (0.0, 0.08, 0.15, 0.3, 0.4, 0.5, 0.62, 0.73, 0.85, 0.93)
GAIT: dict[str, tuple[float, ...]] = {
    "hip flexion": (30, 28, 24, 8, -1, -10, 0, 20, 33, 32),
    "knee flexion": (5, 13, 17, 8, 5, 12, 38, 62, 30, 6),
    "ankle flexion": (0, -6, -1, 6, 9, 9, -17, -4, 2, 1),
}
"""Angles of normal level walking over a stride from heel strike, degrees (after Winter 2009,
Biomechanics and Motor Control of Human Movement, 4th ed., appendix A; Perry and Burnfield 2010)."""


@dataclass(frozen=True)
class Clock:
    """Frames to fill."""

    frames: int
    fps: float
    rng: np.random.Generator

    @property
    def time_s(self) -> FloatArray:
        """(T,) seconds."""
        return np.arange(self.frames) / self.fps

    def wander(self, low: float, high: float, pause_s: float = 0.9) -> FloatArray:
        """(T,) smooth path between random values, one about every `pause_s`."""
        length = self.time_s[-1] + 2 * pause_s if self.frames > 1 else 2 * pause_s
        steps = self.rng.uniform(0.5, 1.5, int(np.ceil(length / pause_s)) + 2) * pause_s
        knots = np.concatenate([[0.0], np.cumsum(steps)])
        values = self.rng.uniform(low, high, len(knots))
        return np.asarray(PchipInterpolator(knots, values)(self.time_s))

    def around(self, middle: float, spread: float, pause_s: float = 0.9) -> FloatArray:
        """(T,) smooth path within `spread` of a value."""
        return self.wander(middle - spread, middle + spread, pause_s)


Made = tuple[Angles, FloatArray, FloatArray | None]


def _standing(clock: Clock) -> Angles:
    """Small movements of somebody who stands; the kinds change what they need."""
    angles = {
        "trunk flexion": clock.around(3, 5, 2),
        "trunk bend": clock.around(0, 4, 2),
        "trunk rotation": clock.around(0, 8, 2),
        "neck flexion": clock.around(5, 15),
        "neck bend": clock.around(0, 8),
        "neck rotation": clock.around(0, 35),
    }
    for side in ("left", "right"):
        angles |= {
            f"{side} hip flexion": clock.around(4, 5, 2),
            f"{side} hip abduction": clock.around(5, 5, 2),
            f"{side} hip rotation": clock.around(-5, 8, 2),
            f"{side} knee flexion": clock.around(6, 5, 2),
            f"{side} ankle flexion": clock.around(2, 3, 2),
            f"{side} shoulder flexion": clock.around(5, 20),
            f"{side} shoulder abduction": clock.around(14, 10),
            f"{side} shoulder rotation": clock.around(10, 20),
            f"{side} elbow flexion": clock.around(35, 30),
            f"{side} forearm pronation": clock.around(20, 40),
            f"{side} wrist flexion": clock.around(0, 25),
            f"{side} wrist abduction": clock.around(0, 8),
        }
    return angles


def _still(clock: Clock, height_m: float = 0.9) -> FloatArray:
    return np.column_stack(
        [clock.around(0, 0.04, 2), np.full(clock.frames, height_m), clock.around(0, 0.04, 2)]
    )


def _arms_anywhere(clock: Clock, angles: Angles, pause_s: float = 0.7) -> None:
    for side in ("left", "right"):
        for name in (
            "shoulder flexion",
            "shoulder abduction",
            "shoulder rotation",
            "elbow flexion",
            "forearm pronation",
            "wrist flexion",
        ):
            low, high = LIMITS[name]
            angles[f"{side} {name}"] = clock.wander(0.9 * low, 0.9 * high, pause_s)


def _poses(clock: Clock) -> Made:
    """Any pose within the limits, standing on whatever leg is lower."""
    angles = _standing(clock)
    _arms_anywhere(clock, angles)
    angles["trunk flexion"] = clock.wander(-15, 60)
    angles["trunk bend"] = clock.wander(-22, 22)
    angles["trunk rotation"] = clock.wander(-35, 35)
    for side in ("left", "right"):
        for name, low, high in (
            ("hip flexion", -12, 90),
            ("hip abduction", -8, 35),
            ("hip rotation", -25, 25),
            ("knee flexion", 0, 110),
            ("ankle flexion", -25, 15),
        ):
            angles[f"{side} {name}"] = clock.wander(low, high)
    return angles, _still(clock), None


def _walk(clock: Clock) -> Made:
    """Gait of any speed along a curve, arms swinging against the legs."""
    rng = clock.rng
    speed = rng.uniform(0.5, 1.7)
    vigour = 0.55 + 0.4 * speed / 1.3
    stride_s = np.clip(1.45 - 0.35 * speed, 0.8, 1.4) * rng.uniform(0.92, 1.08)
    phase = clock.time_s / stride_s + rng.random()
    angles = _standing(clock)
    swing = rng.uniform(5, 30) * vigour
    elbow = rng.uniform(8, 70)
    for side, shift in (("left", 0.0), ("right", 0.5)):
        own = (phase + shift) % 1.0
        for name, knots in GAIT.items():
            curve = CubicSpline([*GAIT_PHASE, 1.0], [*knots, knots[0]], bc_type="periodic")
            angles[f"{side} {name}"] = vigour * curve(own)
        swinging = np.cos(2 * np.pi * (own + 0.5))
        angles[f"{side} shoulder flexion"] = 3 + swing * swinging
        angles[f"{side} elbow flexion"] = elbow + 0.5 * swing * swinging
        angles[f"{side} hip abduction"] = 2 + clock.around(0, 2)
    angles["trunk rotation"] = -5 * vigour * np.cos(2 * np.pi * phase) + clock.around(0, 3)
    angles["trunk flexion"] = np.full(clock.frames, rng.uniform(0, 14))
    heading = np.radians(np.cumsum(clock.around(rng.normal(0, 25), 15, 2)) / clock.fps)
    bob = 0.9 + 0.02 * vigour * np.cos(4 * np.pi * phase)
    ahead = np.column_stack([np.sin(heading), np.cos(heading)]) * speed / clock.fps
    path = np.cumsum(ahead, axis=0)
    root = np.column_stack([path[:, 0], bob, path[:, 1]])
    return angles, root, Rotation.from_euler("y", heading[:, None]).as_matrix()


def _reach(clock: Clock) -> Made:
    """Arms and trunk reach for things anywhere around, one arm or both."""
    angles = _standing(clock)
    both = clock.rng.random() < 0.4
    sides = ("left", "right") if both else (str(clock.rng.choice(["left", "right"])),)
    for side in sides:
        angles[f"{side} shoulder flexion"] = clock.wander(0, 160)
        angles[f"{side} shoulder abduction"] = clock.wander(-5, 110)
        angles[f"{side} elbow flexion"] = clock.wander(2, 90)
        angles[f"{side} shoulder rotation"] = clock.wander(-50, 50)
    angles["trunk flexion"] = clock.wander(-10, 45)
    angles["trunk rotation"] = clock.wander(-35, 35)
    angles["trunk bend"] = clock.wander(-20, 20)
    return angles, _still(clock), None


def _bend(clock: Clock) -> Made:
    """Squats, lunges and bending to the floor, once or several times."""
    rng = clock.rng
    angles = _standing(clock)
    depth = 0.5 - 0.5 * np.cos(2 * np.pi * (clock.time_s / rng.uniform(1.2, 4.0) + rng.random()))
    depth = depth ** rng.uniform(0.6, 1.6) * rng.uniform(0.5, 1.0)
    style = rng.choice(["squat", "lunge", "stoop"])
    knee = {"squat": (120, 120), "lunge": (95, 90), "stoop": (25, 25)}[style]
    hip = {"squat": (100, 100), "lunge": (90, -15), "stoop": (70, 70)}[style]
    for side, flexed, hipped in zip(("left", "right"), knee, hip, strict=True):
        angles[f"{side} knee flexion"] = 5 + depth * flexed
        angles[f"{side} hip flexion"] = 4 + depth * hipped
        angles[f"{side} ankle flexion"] = depth * (20 if style == "squat" else 5)
        angles[f"{side} hip abduction"] = 5 + depth * rng.uniform(0, 20)
        angles[f"{side} shoulder flexion"] = clock.around(10, 20) + depth * rng.uniform(0, 90)
    angles["trunk flexion"] = 3 + depth * (rng.uniform(15, 45) if style != "stoop" else 60)
    # The hips flex the thighs; leaning the pelvis keeps the feet below the body.
    lean = depth * {"squat": 25.0, "lunge": 0.0, "stoop": 55.0}[style]
    pelvis = Rotation.from_euler("x", lean[:, None], degrees=True).as_matrix()
    for side in ("left", "right"):
        angles[f"{side} hip flexion"] = angles[f"{side} hip flexion"] + lean * (style == "squat")
    return angles, _still(clock), pelvis


def _one_leg(clock: Clock) -> Made:
    """Standing on one leg, the other raised in any direction, the trunk leaning to balance it.

    Kicks, leg raises, the standing scale: what tests of balance and martial arts ask for.
    """
    rng = clock.rng
    angles = _standing(clock)
    _arms_anywhere(clock, angles, rng.uniform(0.6, 1.5))
    stance, free = rng.permutation(["left", "right"])
    sign = 1.0 if stance == "right" else -1.0
    pause_s = rng.uniform(0.5, 1.5)
    pitch = clock.wander(-20, 75, pause_s)
    roll = clock.wander(-10, 35, pause_s)  # down on the side of the leg that stands
    angles[f"{stance} hip flexion"] = clock.around(5, 8) + pitch
    angles[f"{stance} hip abduction"] = clock.around(0, 5) + roll
    angles[f"{stance} knee flexion"] = clock.wander(0, 45, pause_s)
    straight = rng.random() < 0.6
    angles[f"{free} hip flexion"] = clock.wander(-15, 110, pause_s)
    angles[f"{free} hip abduction"] = clock.wander(-10, 40, pause_s)
    angles[f"{free} hip rotation"] = clock.wander(-25, 25, pause_s)
    angles[f"{free} knee flexion"] = clock.wander(0, 15 if straight else 120, pause_s)
    angles[f"{free} ankle flexion"] = clock.wander(-35, 15, pause_s)
    angles["trunk flexion"] = clock.wander(-20, 35)
    angles["trunk bend"] = clock.wander(-20, 20)
    angles["trunk rotation"] = clock.wander(-30, 30)
    body = Rotation.from_euler("xz", np.column_stack([pitch, sign * roll]), degrees=True)
    return angles, _still(clock), body.as_matrix()


def _sit(clock: Clock) -> Made:
    """Sitting on a seat or the floor, arms busy, legs together, apart or crossed."""
    rng = clock.rng
    angles = _standing(clock)
    on_floor = rng.random() < 0.3
    if rng.random() < 0.5:
        _arms_anywhere(clock, angles, 1.2)
    for side in ("left", "right"):
        angles[f"{side} hip flexion"] = clock.around(rng.uniform(75, 105), 6)
        angles[f"{side} knee flexion"] = clock.around(rng.uniform(20, 110) if on_floor else 88, 12)
        angles[f"{side} hip abduction"] = clock.around(rng.uniform(0, 25), 5)
        angles[f"{side} hip rotation"] = clock.around(rng.uniform(-25, 10), 5)
    angles["trunk flexion"] = clock.around(rng.uniform(-5, 35), 10)
    lean = Rotation.from_euler("x", clock.around(rng.uniform(-20, 8), 4)[:, None], degrees=True)
    return angles, _still(clock, 0.5), lean.as_matrix()


def _lie(clock: Clock) -> Made:
    """Lying on the back, the front or a side, or on all fours, limbs moving."""
    rng = clock.rng
    angles = _standing(clock)
    pitch, roll = {
        "back": (-90.0, 0.0),
        "front": (90.0, 0.0),
        "side": (0.0, float(rng.choice([-90.0, 90.0]))),
        "fours": (75.0, 0.0),
    }[lying := str(rng.choice(["back", "front", "side", "fours"], p=[0.4, 0.2, 0.2, 0.2]))]
    for side in ("left", "right"):
        _lying_arm(clock, angles, side, lying)
        if lying == "fours":
            angles[f"{side} hip flexion"] = clock.around(85, 12)
            angles[f"{side} knee flexion"] = clock.around(90, 12)
        else:
            angles[f"{side} hip flexion"] = clock.wander(-5, 80 if lying != "front" else 10, 1.2)
            angles[f"{side} knee flexion"] = clock.wander(0, 100, 1.2)
    wobble = clock.around(0, 8)
    body = Rotation.from_euler(
        "xz", np.column_stack([pitch + wobble, roll + clock.around(0, 8)]), degrees=True
    )
    return angles, _still(clock, 0.3), body.as_matrix()


def _lying_arm(clock: Clock, angles: Angles, side: str, lying: str) -> None:
    """Arms of somebody who lies stay off the floor's far side."""
    flexion, abduction = {
        "back": ((0, 150), (0, 60)),
        "front": ((-25, 5), (10, 130)),
        "side": ((30, 120), (-5, 15)),
        "fours": ((75, 100), (0, 15)),
    }[lying]
    angles[f"{side} shoulder flexion"] = clock.wander(*flexion, 1.2)
    angles[f"{side} shoulder abduction"] = clock.wander(*abduction, 1.2)
    angles[f"{side} elbow flexion"] = clock.wander(5, 15 if lying == "fours" else 90, 1.2)


KINDS: dict[str, Callable[[Clock], Made]] = {
    "bend": _bend,
    "lie": _lie,
    "poses": _poses,
    "reach": _reach,
    "sit": _sit,
    "walk": _walk,
    "one_leg": _one_leg,
}
"""The kinds of made motion. A kind's place is part of its seed: new kinds come last, else made
motion changes."""
