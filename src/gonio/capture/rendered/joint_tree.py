"""A recorded skeleton of any proportions, and its way into the bones of `Motion`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gonio.capture.rendered.motion import BONES, Motion, quaternions_from_matrices
from gonio.errors import InputError
from gonio.frames import shortest_turn
from gonio.types import FloatArray

LIKELY_LEG_M = (0.5, 1.2)
"""Leg lengths (thigh and shank) that make a unit of length believable, metres."""
KNOWN_UNITS_M = {"CMU's 0.45-inch unit": 0.0254 / 0.45, "m": 1.0, "cm": 0.01, "mm": 0.001}
TARGETS: dict[str, tuple[float, float, float]] = {
    "Arm": (1.0, 0.0, 0.0),
    "ForeArm": (1.0, 0.0, 0.0),
    "Hand": (1.0, 0.0, 0.0),
    "UpLeg": (0.0, -1.0, 0.0),
    "Leg": (0.0, -1.0, 0.0),
}
"""Directions of the left limbs in the T-pose; those of the right are mirrored."""
CHAINS: tuple[tuple[str, ...], ...] = (("Arm", "ForeArm", "Hand"), ("UpLeg", "Leg"))


@dataclass(frozen=True)
class Recording:
    """What a file of motion capture says, before it is turned into a `Motion`.

    Attributes:
        path: of the file, for messages.
        names: of J joints, parents before children.
        parents: index of each joint's parent, -1 for the root.
        offsets: (J, 3) place of each joint in its parent, in the resting pose, in file units.
        directions: (J, 3) direction of the bone that begins at each joint, in the resting pose.
        rotations: (T, J, 3, 3) global rotations from the resting pose.
        root: (T, 3) place of the root, file units, Y up.
        fps: frames a second.
        metres_per_unit: length of a file unit, None where the file does not say.
    """

    path: Path
    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: FloatArray
    directions: FloatArray
    rotations: FloatArray
    root: FloatArray
    fps: float
    metres_per_unit: float | None


def motion_from_recording(
    recording: Recording, joints: dict[str, str], name: str, performer: str, action: str
) -> Motion:
    """A recording in the bones and axes of `Motion`.

    Args:
        recording: as read.
        joints: which of its joints stands for each bone of `motion.BONES`.
        name: of the clip.
        performer: who moved.
        action: what is done.

    Raises:
        InputError: a joint is missing, the leg has no length, or its unit cannot be told.
    """
    missing = sorted(joint for joint in set(joints.values()) if joint not in recording.names)
    if missing:
        raise InputError(
            f"{recording.path} has no joint {', '.join(missing)}; it has "
            f"{', '.join(recording.names)}. Only skeletons with CMU's names can be imported."
        )
    index = {bone: recording.names.index(joints[bone]) for bone in BONES}
    t_pose_from_rest = _align(recording, index)
    turns = recording.rotations[:, [index[bone] for bone in BONES]]
    matrices = turns @ np.swapaxes(t_pose_from_rest, 1, 2)
    leg = _leg_units(recording, index)
    if leg <= 0:
        raise InputError(f"{recording.path}: the left leg has no length")
    metres = recording.metres_per_unit or _likely_unit(recording, leg)
    hips = [_path_of(recording, index[bone]) for bone in ("LeftUpLeg", "RightUpLeg")]
    return Motion(
        name=name,
        performer=performer,
        action=action,
        fps=recording.fps,
        orientations=quaternions_from_matrices(matrices),
        root=metres * (hips[0] + hips[1]) / 2,
        leg_m=metres * leg,
    )


def _align(recording: Recording, index: dict[str, int]) -> FloatArray:
    """(23, 3, 3) turns from the file's resting pose into the T-pose, straightening limb by limb."""
    align = np.tile(np.eye(3), (len(BONES), 1, 1))
    for side, mirror in (("Left", 1.0), ("Right", -1.0)):
        for chain in CHAINS:
            turn = np.eye(3)
            for part in chain:
                target = np.array(TARGETS[part]) * [mirror, 1.0, 1.0]
                direction = turn @ recording.directions[index[side + part]]
                if np.linalg.norm(direction) > 1e-9:
                    turn = shortest_turn(direction, target) @ turn
                align[BONES.index(side + part)] = turn
    return align


def _path_of(recording: Recording, joint: int) -> FloatArray:
    """(T, 3) place of a joint, file units."""
    parent = recording.parents[joint]
    if parent < 0:
        return recording.root
    offset = recording.rotations[:, parent] @ recording.offsets[joint]
    return np.asarray(_path_of(recording, parent) + offset)


def _leg_units(recording: Recording, index: dict[str, int]) -> float:
    leg, foot = index["LeftLeg"], index["LeftFoot"]
    return float(np.linalg.norm(recording.offsets[leg]) + np.linalg.norm(recording.offsets[foot]))


def _likely_unit(recording: Recording, leg: float) -> float:
    for metres in KNOWN_UNITS_M.values():
        if LIKELY_LEG_M[0] <= leg * metres <= LIKELY_LEG_M[1]:
            return metres
    raise InputError(
        f"{recording.path}: the leg is {leg:g} units long, which is no human leg in any of "
        f"{', '.join(KNOWN_UNITS_M)}; say how many metres a unit is"
    )
