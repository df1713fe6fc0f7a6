"""Angles that are continuous in time: a choice among equal Euler angles, no negated matrices.

Three rotations about Z, X, Y and the three with first + 180, 180 - middle, last + 180 degrees are
the same orientation, and so is any angle plus 360. What is computed for one frame alone jumps
between these; here each frame gets the one that continues its neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from gonio.skeleton import EulerSequence
from gonio.types import FloatArray

NEAR_SINGULARITY_DEG = 10.0
"""Frames nearer to the singularity of their sequence are flagged."""

_BREAK_DEG = 180.0
"""Cost of one jump, per frame of patience: half a turn away from anatomy for so long."""


def euler_deg(rotation: FloatArray, sequence: EulerSequence) -> FloatArray:
    """Angles of rotation matrices, frame by frame.

    Args:
        rotation: (N, 3, 3) finite.
        sequence: intrinsic.

    Returns:
        (N, 3) degrees in the order of the sequence; the middle angle within [-90, 90], or
        [0, 180] for Y-X-Y.
    """
    if len(rotation) == 0:
        return np.zeros((0, 3))
    turns = Rotation.from_matrix(rotation)
    # `gimbal_flags` says what scipy would warn of
    return np.asarray(turns.as_euler(sequence, degrees=True, suppress_warnings=True))


def wrapped_deg(angle: FloatArray) -> FloatArray:
    """Angles in [-180, 180)."""
    return np.asarray((angle + 180.0) % 360.0 - 180.0)


def twin_deg(euler: FloatArray) -> FloatArray:
    """The other three angles of the same orientation, (N, 3) degrees, distinct axes."""
    return np.asarray(euler * [1.0, -1.0, 1.0] + 180.0)


def continuous_deg(
    euler: FloatArray,
    *,
    free: tuple[int, ...] = (),
    patience: int | None = 30,
    typical: ArrayLike = (0.0, 0.0, 0.0),
) -> FloatArray:
    """Make angles of three distinct axes (Tait-Bryan) continuous.

    Successive frames decide whether the plain angles or their twin go on (the nearer one), so a
    middle angle may pass 90 degrees. Which of the two a stretch gets as a whole is decided by
    anatomy: the sum of its absolute distances from the typical angles is least. Frames within 10
    degrees of the singularity, where noise turns the first and the last angle at will, decide
    nothing: they follow the frames before and after. Should the neighbours lead to the unlikely
    twin for longer than `patience` frames, the curve jumps at the singularity (where the frames
    are flagged).

    Args:
        euler: (N, 3) degrees in the order of the sequence, middle within [-90, 90], no NaN: the
            frames with an orientation, in time, gaps left out.
        free: which of the three may have any value and do not count as unlikely (a heading).
        patience: frames; None never jumps.
        typical: (3,) degrees, in the order of the sequence, about which anatomy moves.

    Returns:
        (N, 3) degrees. A stretch without a jump is continuous; its median is within half a turn
        of the typical angle (an arm held overhead is at 185 degrees and not at -175), but for the
        `free` angles, whose first value is within half a turn of 0.
    """
    if len(euler) == 0:
        return np.array(euler, dtype=float)
    sure = np.abs(euler[:, 1]) <= 90.0 - NEAR_SINGULARITY_DEG
    if not sure.any():
        sure[:] = True
    result = np.empty_like(euler)
    result[sure] = _followed(euler[sure], free, patience, np.asarray(typical))
    frames = np.arange(len(euler))
    if not sure.all():
        between = np.stack(
            [np.interp(frames[~sure], frames[sure], path) for path in result[sure].T], axis=-1
        )
        result[~sure] = nearest_equal_deg(euler[~sure], between)
    return result


def continuous_in_stretches_deg(
    euler: FloatArray, sure: NDArray[np.bool_], typical: ArrayLike
) -> FloatArray:
    """Make angles of Y-X-Y continuous, each stretch away from the singularity by itself.

    An arm that swings passes through the singularity at every swing, and there the first angle
    turns by half a turn, either way round: followed through it, the angles would wind up.

    Args:
        euler: (N, 3) degrees, no NaN; the frames with an orientation, in time, gaps left out.
        sure: (N,) frames away from the singularity.
        typical: (3,) degrees about which anatomy moves.

    Returns:
        (N, 3) degrees. A stretch of sure frames is continuous, its median within half a turn of
        the typical angles; the other frames are as near as can be to those before and after.
    """
    result = np.array(euler, dtype=float)
    frames = np.arange(len(result))
    away = result - np.asarray(typical)
    result -= 360.0 * np.round(away / 360.0)
    if not sure.any():
        return result
    for stretch in np.split(frames[sure], np.flatnonzero(np.diff(frames[sure]) > 1) + 1):
        result[stretch] = _unwrapped(result[stretch], (), np.asarray(typical))
    for path in result.T:
        between = np.interp(frames[~sure], frames[sure], path[sure])
        path[~sure] += 360.0 * np.round((between - path[~sure]) / 360.0)
    return result


def nearest_equal_deg(euler: FloatArray, wanted: FloatArray) -> FloatArray:
    """Of all equal angles of three distinct axes, those nearest to the wanted ones.

    Args:
        euler: (N, 3) degrees in the order of the sequence.
        wanted: (N, 3) or (3,) degrees.

    Returns:
        (N, 3) degrees, the same orientations.
    """
    equal = np.stack([euler, twin_deg(euler)])  # (2, N, 3)
    equal += 360.0 * np.round((wanted - equal) / 360.0)
    which = np.argmin(np.abs(equal - wanted).sum(axis=2), axis=0)
    return np.asarray(equal[which, np.arange(len(euler))])


def _followed(
    euler: FloatArray, free: tuple[int, ...], patience: int | None, typical: FloatArray
) -> FloatArray:
    twins = np.stack([euler, twin_deg(euler)])  # (2, N, 3)
    steps = [np.abs(wrapped_deg(twins[k, 1:] - euler[:-1])).sum(axis=1) for k in (0, 1)]
    switches = np.flatnonzero(steps[1] < steps[0]) + 1
    starts = np.concatenate([[0], switches])
    counted = [i for i in range(3) if i not in free]
    unlikely = np.abs(wrapped_deg((twins - typical)[:, :, counted])).sum(axis=2)  # (2, N)
    cost = np.stack([np.add.reduceat(u, starts) for u in unlikely], axis=1)  # (stretches, 2)
    jump = np.inf if patience is None else _BREAK_DEG * patience
    state = _cheapest_states(cost, jump)
    which = np.repeat(state, np.diff(np.append(starts, len(euler))))
    chosen = twins[which, np.arange(len(euler))]
    jumps = starts[1:][state[1:] == state[:-1]]
    pieces = np.split(chosen, jumps)
    return np.concatenate([_unwrapped(piece, free, typical) for piece in pieces])


def _cheapest_states(cost: FloatArray, jump: float) -> NDArray[np.intp]:
    """States (0 plain, 1 twin) of successive stretches: going on means to change the state.

    Shortest path (Viterbi) over stretches, not frames; staying in the state costs `jump`.
    """
    total, came_from = cost[0], []
    for own in cost[1:]:
        going_on, jumping = total[::-1], total + jump
        came_from.append(np.where(going_on <= jumping, [1, 0], [0, 1]))
        total = np.minimum(going_on, jumping) + own
    states = [int(np.argmin(total))]
    for previous in reversed(came_from):
        states.append(int(previous[states[-1]]))
    return np.array(states[::-1], dtype=np.intp)


def _unwrapped(piece: FloatArray, free: tuple[int, ...], typical: FloatArray) -> FloatArray:
    unwrapped = np.unwrap(piece, period=360.0, axis=0)
    away = np.median(unwrapped, axis=0) - typical
    for index in free:
        away[index] = unwrapped[0, index]
    return np.asarray(unwrapped - 360.0 * np.round(away / 360.0))
