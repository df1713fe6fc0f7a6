"""What cannot be learned from: bodies that are not human-sized, angles that no body can have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gonio.capture.shards import Shard
from gonio.capture.tasks import LeftOutError
from gonio.errors import InputError
from gonio.kinematics.angles import nearest_equal
from gonio.kinematics.normal_ranges import NORMAL_RANGES
from gonio.markers.stature import estimate_stature
from gonio.skeleton import JOINTS
from gonio.types import BoolArray, FloatArray, RefinedPose

MOST_DISAGREEMENT = 1.35
"""A stated stature and the one that follows from the lengths of legs and trunk may differ by this
factor; unusual proportions stay below."""
SURE_WITHIN_DEG = 80.0
"""Where the middle angle is larger, the first and the last are not certain enough to be judged."""


@dataclass(frozen=True)
class SizeLimits:
    """Which statures are human.

    Attributes:
        shortest_m: metres.
        tallest_m: metres.

    Raises:
        InputError: the shortest is not below the tallest.
    """

    shortest_m: float = 0.9
    tallest_m: float = 2.4

    def __post_init__(self) -> None:
        if not 0 < self.shortest_m < self.tallest_m:
            raise InputError(
                f"statures from {self.shortest_m:g} to {self.tallest_m:g} m; the shortest must be "
                "above 0 and below the tallest"
            )


@dataclass(frozen=True)
class TrueBody:
    """Who is seen.

    Attributes:
        stature_m: metres.
        stated: whether the source states it; otherwise it follows from the true joints.
    """

    stature_m: float
    stated: bool


def body_of(shard: Shard, limits: SizeLimits) -> TrueBody:
    """Stature of the true body, if it is that of a human.

    Args:
        shard: with a truth in metres.
        limits: which statures are human.

    Raises:
        LeftOutError: it is not; the message gives both statures and what is allowed.
        InputError: no frame shows the trunk or a whole leg.
    """
    unknown = np.full(len(shard), np.nan)
    pose = RefinedPose(
        positions=shard.ground_truth.astype(float),
        sigma=np.full(shard.ground_truth.shape, np.nan),
        up=shard.up.astype(float),
        azimuth_deg=unknown,
        elevation_deg=unknown,
    )
    measured = estimate_stature(pose).height_m
    stated = bool(np.isfinite(shard.stature_m))
    stature = shard.stature_m if stated else measured
    for what, value in (("stated stature", stature), ("stature by the joints", measured)):
        if not limits.shortest_m <= value <= limits.tallest_m:
            raise LeftOutError(
                f"not human-sized: its {what} is {value:.3g} m; allowed are "
                f"{limits.shortest_m:g} to {limits.tallest_m:g} m. Is the truth in metres?"
            )
    if max(stature / measured, measured / stature) > MOST_DISAGREEMENT:
        raise LeftOutError(
            f"its stated stature is {stature:.3g} m, but its true joints are those of a body of "
            f"{measured:.3g} m; allowed is a factor of {MOST_DISAGREEMENT}"
        )
    return TrueBody(stature, stated)


def likely(angles: FloatArray) -> FloatArray:
    """The same orientations (T, 12, 3), degrees, each in its likeliest of equal angles."""
    typical = np.array([joint.typical for joint in JOINTS])
    return nearest_equal(angles, np.broadcast_to(typical, angles.shape))


def impossible(angles: FloatArray, beyond_normal_deg: float | None) -> BoolArray:
    """Joints in a position that no body can take, such as a foot that points backward.

    The likeliest of the equal angles is judged, away from the singularity of the sequence.

    Args:
        angles: (T, 12, 3) degrees.
        beyond_normal_deg: how far outside of the normal range of motion; None judges nothing.

    Returns:
        (T, 12) true where one of the three angles is further outside.
    """
    found = np.zeros(angles.shape[:2], dtype=bool)
    if beyond_normal_deg is None:
        return found
    likeliest = likely(angles)
    for column, joint in enumerate(JOINTS):
        sure = np.abs(likeliest[:, column, 1]) < SURE_WITHIN_DEG
        for k, name in enumerate(joint.columns):
            normal = NORMAL_RANGES.get(name)
            if normal is None:
                continue
            value = likeliest[:, column, k]
            low, high = normal.low - beyond_normal_deg, normal.high + beyond_normal_deg
            found[:, column] |= ((value < low) | (value > high)) & (sure | (k == 1))
    return found
