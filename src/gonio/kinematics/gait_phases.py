"""Stance, swing, double support and step length of a walk, from the events of both feet.

Perry, Gait Analysis, 1992, chapter 1: a stride is the time from a strike of a foot to its next; it
stands from its strike to its off and swings from there to the next strike; double support are the
two stretches of a stride in which both feet stand.

The events are those of `gait`, after Zeni and others. A foot that has slowed down before it strikes
is farthest in front a little earlier, and one that leaves the ground slowly is farthest behind a
little later: stance comes out longer than between the contacts themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gonio.kinematics.landmarks import SIDES
from gonio.skeleton import Side
from gonio.types import FloatArray

Frames = NDArray[np.intp]

FASTEST_WALK_M_S = 2.0
"""Who goes faster runs. A runner's toe is farthest behind after it has left the ground (Fellin and
others, J Sci Med Sport 13, 2010, 646-650), so that stance would come out too long."""
FEWEST_HZ = 20.0
"""With fewer frames a second one frame is 5 % of a stride or more."""


@dataclass(frozen=True)
class FootPhases:
    """What one foot does in its strides; medians, NaN where no stride tells.

    Attributes:
        strides: how many strides tell.
        stance_share: of the stride, 0 to 1.
        step_length_m: how far its heel is in front of the other one when it strikes.
    """

    strides: int = 0
    stance_share: float = float("nan")
    step_length_m: float = float("nan")

    @property
    def swing_share(self) -> float:
        """Of the stride, 0 to 1."""
        return 1.0 - self.stance_share

    def record(self) -> dict[str, float]:
        """As the record and the report show it."""
        return {
            "strides": self.strides,
            "stance_share": self.stance_share,
            "swing_share": self.swing_share,
            "step_length_m": self.step_length_m,
        }


def _unknown() -> dict[Side, FootPhases]:
    return {side: FootPhases() for side in SIDES}


@dataclass(frozen=True)
class GaitPhases:
    """Phases of a walk.

    Attributes:
        feet: by side.
        double_support_share: of the stride, 0 to 1, both stretches together; median over the
            strides of both feet, NaN where no stride tells.
    """

    feet: Mapping[Side, FootPhases] = field(default_factory=_unknown)
    double_support_share: float = float("nan")


def phases_of(
    strides: Mapping[Side, Frames],
    strikes: Mapping[Side, Frames],
    offs: Mapping[Side, Frames],
    heel: Mapping[Side, FloatArray],
    toe: Mapping[Side, FloatArray],
    rate_hz: float,
) -> GaitPhases:
    """Phases from those complete strides in which all events are there, in the order of a walk.

    Args:
        strides: (N, 2) frames of the strikes that begin and end a complete stride, by side.
        strikes: (K,) frames, by side.
        offs: (K,) frames, by side.
        heel: (T,) metres in front of the pelvis, by side.
        toe: (T,) metres in front of the pelvis, by side.
        rate_hz: frames a second; too few tell nothing.

    Returns:
        NaN where nothing is known: events are missing, or it is a run.
    """
    feet, double = {}, []
    for side, other in zip(SIDES, reversed(SIDES), strict=True):
        told = []
        for start, stop in strides[side] if rate_hz >= FEWEST_HZ else ():
            between = [_inside(events, start, stop) for events in (offs[other], strikes[other])]
            order = [start, *between, _inside(offs[side], start, stop), stop]
            if None in order or sorted(order) != order:
                continue
            _, other_off, other_strike, off, _ = order
            speed = (toe[side][start] - toe[side][off]) * rate_hz / (off - start)
            if not speed <= FASTEST_WALK_M_S:
                continue
            length = stop - start
            told.append(((off - start) / length, heel[side][stop] - heel[other][stop]))
            double.append(((other_off - start) + (off - other_strike)) / length)
        if told:
            stance, step = np.array(told).T
            feet[side] = FootPhases(len(told), _median(stance), _median(step))
    return GaitPhases(_unknown() | feet, _median(np.array(double)))


def _median(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _inside(events: Frames, start: int, stop: int) -> int | None:
    """The one event between two strikes; None where there is none, or more than one."""
    found = events[(events > start) & (events < stop)]
    return int(found[0]) if len(found) == 1 else None
