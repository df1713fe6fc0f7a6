"""An articulated body of markers whose joint angles are known by construction.

It is made from bones and joint centres with plain rotation matrices; it does not use Gonio's table
of joints, so that signs and sequences are checked, not repeated. X forward, Y up, Z right.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gonio.skeleton import ALL_MARKERS, AUGMENTED_MARKERS
from gonio.types import FloatArray, MarkerTrajectories

# Pelvis 0.24 m wide and 0.18 m deep: where Harrington's regression puts its hip joint centres.
HIP_X, HIP_Y, HIP_Z = -0.24 * 0.18 - 0.0099, 1.0 - 0.30 * 0.24 - 0.0109, 0.33 * 0.24 + 0.0073
SHOULDER_Y, SHOULDER_Z = 1.45, 0.17
GLENOID_Y = SHOULDER_Y - 0.17 * 2 * SHOULDER_Z  # Rab 2002
LUMBAR = np.array([HIP_X, HIP_Y + 0.42 * 0.24, 0.0])  # Dumas 2007

# Right half and mid-line in the neutral pose, metres: segment -> marker -> position.
_RIGHT: dict[str, dict[str, tuple[float, float, float]]] = {
    "pelvis": {
        "r.ASIS_study": (0.0, 1.0, 0.12),
        "r.PSIS_study": (-0.18, 1.0, 0.05),
        "RHJC_study": (HIP_X, HIP_Y, HIP_Z),
        "RHip": (HIP_X, HIP_Y, HIP_Z),
        "Hip": (HIP_X, HIP_Y, 0.0),
    },
    "trunk": {
        "C7_study": (-0.14, 1.48, 0.0),
        "r_shoulder_study": (HIP_X, SHOULDER_Y, SHOULDER_Z),
        "RShoulder": (HIP_X, GLENOID_Y, SHOULDER_Z),
        "Neck": (HIP_X, 1.46, 0.0),
        "Nose": (0.02, 1.6, 0.0),
        "Head": (-0.06, 1.75, 0.0),
    },
    "femur": {
        "r_knee_study": (HIP_X, 0.5, HIP_Z + 0.05),
        "r_mknee_study": (HIP_X, 0.5, HIP_Z - 0.05),
        "RKnee": (HIP_X, 0.5, HIP_Z),
        "r_thigh1_study": (-0.02, 0.75, HIP_Z + 0.06),
        "r_thigh2_study": (-0.03, 0.65, HIP_Z + 0.07),
        "r_thigh3_study": (-0.10, 0.70, HIP_Z + 0.08),
    },
    "shank": {
        "r_ankle_study": (HIP_X, 0.09, HIP_Z + 0.04),
        "r_mankle_study": (HIP_X, 0.09, HIP_Z - 0.04),
        "RAnkle": (HIP_X, 0.09, HIP_Z),
        "r_sh1_study": (-0.05, 0.35, HIP_Z + 0.05),
        "r_sh2_study": (-0.05, 0.25, HIP_Z + 0.05),
        "r_sh3_study": (-0.10, 0.30, HIP_Z + 0.06),
    },
    "foot": {
        "r_calc_study": (HIP_X - 0.05, 0.04, HIP_Z),
        "r_toe_study": (0.07, 0.04, HIP_Z),
        "r_5meta_study": (0.03, 0.04, HIP_Z + 0.05),
        "RHeel": (HIP_X - 0.05, 0.04, HIP_Z),
        "RBigToe": (0.10, 0.02, HIP_Z - 0.02),
        "RSmallToe": (0.05, 0.02, HIP_Z + 0.05),
    },
    "humerus": {
        "r_lelbow_study": (HIP_X, 1.09, SHOULDER_Z + 0.04),
        "r_melbow_study": (HIP_X, 1.09, SHOULDER_Z - 0.04),
        "RElbow": (HIP_X, 1.09, SHOULDER_Z),
    },
    "forearm": {
        "r_lwrist_study": (HIP_X, 0.84, SHOULDER_Z + 0.03),
        "r_mwrist_study": (HIP_X, 0.84, SHOULDER_Z - 0.03),
        "RWrist": (HIP_X, 0.84, SHOULDER_Z),
    },
}
_CENTRES: dict[str, tuple[float, float, float]] = {
    "hip": (HIP_X, HIP_Y, HIP_Z),
    "knee": (HIP_X, 0.5, HIP_Z),
    "ankle": (HIP_X, 0.09, HIP_Z),
    "shoulder": (HIP_X, GLENOID_Y, SHOULDER_Z),
    "elbow": (HIP_X, 1.09, SHOULDER_Z),
}
# (limb) joint, segment that it carries, segment that carries it
_LIMBS = (
    ("hip", "femur", "pelvis"),
    ("knee", "shank", "femur"),
    ("ankle", "foot", "shank"),
    ("shoulder", "humerus", "trunk"),
    ("elbow", "forearm", "humerus"),
)


def turn(axis: str, degrees: FloatArray) -> FloatArray:
    """Right-handed rotations about X, Y or Z, (T, 3, 3)."""
    a = np.radians(np.atleast_1d(degrees))
    c, s, zero, one = np.cos(a), np.sin(a), np.zeros_like(a), np.ones_like(a)
    rows = {
        "X": ((one, zero, zero), (zero, c, -s), (zero, s, c)),
        "Y": ((c, zero, s), (zero, one, zero), (-s, zero, c)),
        "Z": ((c, -s, zero), (s, c, zero), (zero, zero, one)),
    }[axis]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def left_name(name: str) -> str:
    for right, left in (("r.", "L."), ("r_", "L_"), ("R", "L")):
        if name.startswith(right):
            return left + name[len(right) :]
    return name


def joint_rotation(
    joint: str, side: str, angles: Mapping[str, FloatArray], count: int
) -> FloatArray:
    """Rotation of a joint from its anatomical angles, written out joint by joint."""

    def about(axis: str, angle: str, sign: float) -> FloatArray:
        column = f"{joint}{'_' + side if side else ''}_{angle}_deg"
        return turn(axis, sign * np.broadcast_to(angles.get(column, 0.0), (count,)))

    if joint == "pelvis":
        # Turn left, drop the right side, tilt backward.
        return about("Y", "rotation", 1) @ about("X", "list", 1) @ about("Z", "tilt", 1)
    inward = 1.0 if side in ("R", "") else -1.0
    if joint == "trunk":  # forward, to the right, to the left
        return about("Z", "flexion", -1) @ about("X", "adduction", 1) @ about("Y", "rotation", 1)
    if joint == "elbow":
        return (
            about("Z", "flexion", 1)
            @ about("X", "deviation", inward)
            @ about("Y", "pronation", inward)
        )
    forward = -1.0 if joint == "knee" else 1.0  # a bent knee takes the foot backward
    return (
        about("Z", "flexion", forward)
        @ about("X", "adduction", inward)
        @ about("Y", "rotation", inward)
    )


def body(
    angles: Mapping[str, FloatArray] | None = None,
    *,
    count: int = 1,
    rate_hz: float = 60.0,
    place: FloatArray | None = None,
    names: tuple[str, ...] = ALL_MARKERS,
    lumbar: FloatArray = LUMBAR,
) -> MarkerTrajectories:
    """Markers of the body with given angles.

    Args:
        angles: column name -> (T,) degrees; 0 where not given.
        count: T.
        rate_hz: frames a second.
        place: (T, 3) metres added to everything.
        names: which of the 65 markers to give.
        lumbar: (3,) where the trunk bends.
    """
    angles = angles or {}
    poses = {"lab": (np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3)))}

    def carry(joint: str, side: str, parent: str, child: str, centre: FloatArray) -> None:
        rotation, origin = poses[parent]
        turned = rotation @ joint_rotation(joint, side, angles, count)
        at = rotation @ centre + origin
        poses[child] = (turned, at - turned @ centre)

    carry("pelvis", "", "lab", "pelvis", np.array([0.0, 1.0, 0.0]))
    carry("trunk", "", "pelvis", "trunk", lumbar)
    for side, mirror in (("R", 1.0), ("L", -1.0)):
        for joint, child, parent in _LIMBS:
            carrier = parent if parent in ("pelvis", "trunk") else f"{parent}_{side}"
            centre = np.array(_CENTRES[joint]) * [1.0, 1.0, mirror]
            carry(joint, side, carrier, f"{child}_{side}", centre)
    paths: dict[str, FloatArray] = {}
    for segment, markers in _RIGHT.items():
        for name, position in markers.items():
            for side, mirror in (("R", 1.0), ("L", -1.0)):
                own = segment if segment in ("pelvis", "trunk") else f"{segment}_{side}"
                rotation, origin = poses[own]
                point = np.array(position) * [1.0, 1.0, mirror]
                paths[name if side == "R" else left_name(name)] = rotation @ point + origin
    positions = np.stack([paths[name] for name in names], axis=1)
    if place is not None:
        positions = positions + np.asarray(place)[:, None]
    return MarkerTrajectories(names, positions, rate_hz)


def mirrored(markers: MarkerTrajectories) -> MarkerTrajectories:
    """The body seen in a mirror: left and right exchanged, Z negated."""
    pairs = {n: left_name(n) for n in markers.names if left_name(n) != n}
    swapped = pairs | {left: right for right, left in pairs.items()}
    order = [markers.names.index(swapped.get(n, n)) for n in markers.names]
    return MarkerTrajectories(
        markers.names, markers.positions[:, order] * [1.0, 1.0, -1.0], markers.rate_hz
    )


def without(markers: MarkerTrajectories, *gone: str) -> MarkerTrajectories:
    """The same without some markers."""
    names = tuple(name for name in markers.names if name not in gone)
    return MarkerTrajectories(names, markers.select(names), markers.rate_hz)


def skin_markers() -> tuple[str, ...]:
    """The augmented markers that a laboratory can glue on: all but the hip joint centres."""
    return tuple(name for name in AUGMENTED_MARKERS if "HJC" not in name)
