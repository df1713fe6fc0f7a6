"""Motion made without any recording, within anatomical limits: the default, nothing to download.

Joint angles are degrees in the joint's own axes: flexion forward, abduction away from the middle,
internal rotation.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from gonio.capture.rendered.made_kinds import KINDS, LIMITS, Angles, Clock
from gonio.capture.rendered.motion import BONE, BONES, Motion, quaternions_from_matrices
from gonio.capture.rendered.variation import global_from_local
from gonio.errors import InputError
from gonio.types import FloatArray

LEG_M = 0.82
"""Leg length of the made motion's root path."""


def make_motion(kind: str, seed: int, frames: int, fps: float = 30.0) -> Motion:
    """Motion of one kind.

    Args:
        kind: one of `KINDS`.
        seed: the same seed gives the same motion.
        frames: how many.
        fps: frames a second.

    Returns:
        A motion by the performer `made<seed>`.

    Raises:
        InputError: there is no such kind, or no frame is wanted.
    """
    if kind not in KINDS or frames < 1:
        raise InputError(
            f"made motion {kind!r} of {frames} frames; allowed are {', '.join(KINDS)} and one "
            "frame or more"
        )
    rng = np.random.default_rng([0x3A0E, list(KINDS).index(kind), seed])
    clock = Clock(frames, fps, rng)
    angles, root, whole = KINDS[kind](clock)
    matrices = global_from_local(_local(angles, frames))
    if whole is not None:
        matrices = whole[:, None] @ matrices
    turn = Rotation.from_euler("y", rng.uniform(0, 360), degrees=True).as_matrix()
    return Motion(
        name=f"{kind}{seed}",
        performer=f"made{seed}",
        action=kind,
        fps=fps,
        orientations=quaternions_from_matrices(turn @ matrices),
        root=root @ turn.T,
        leg_m=LEG_M,
    )


def _within(angles: Angles) -> Angles:
    return {name: np.clip(a, *LIMITS[_joint_angle(name)]) for name, a in angles.items()}


def _joint_angle(name: str) -> str:
    return name.removeprefix("left ").removeprefix("right ")


def _local(angles: Angles, frames: int) -> FloatArray:
    """(T, 23, 3, 3) orientations relative to the parents, from angles in degrees."""
    angles = _within(angles)
    local = np.tile(np.eye(3), (frames, len(BONES), 1, 1))

    def turned(sequence: str, *names: str, signs: tuple[float, ...]) -> FloatArray:
        columns = [sign * angles[name] for name, sign in zip(names, signs, strict=True)]
        stacked = np.column_stack(columns)
        return np.asarray(Rotation.from_euler(sequence, stacked, degrees=True).as_matrix())

    for part, bones in (("trunk", ("LowerBack", "Spine", "Spine1")), ("neck", ("Neck", "Head"))):
        share = 1.0 / len(bones)
        names = (f"{part} rotation", f"{part} bend", f"{part} flexion")
        for bone in bones:
            local[:, BONE[bone]] = turned("YZX", *names, signs=(share, share, share))
    for side, s in (("left", 1.0), ("right", -1.0)):
        title = side.title()
        leg = (f"{side} hip flexion", f"{side} hip abduction", f"{side} hip rotation")
        local[:, BONE[f"{title}UpLeg"]] = turned("XZY", *leg, signs=(-1.0, s, -s))
        local[:, BONE[f"{title}Leg"]] = turned("X", f"{side} knee flexion", signs=(1.0,))
        local[:, BONE[f"{title}Foot"]] = turned("X", f"{side} ankle flexion", signs=(-1.0,))
        local[:, BONE[f"{title}Arm"]] = _arm(angles, side, s)
        local[:, BONE[f"{title}ForeArm"]] = turned(
            "YX", f"{side} elbow flexion", f"{side} forearm pronation", signs=(-s, 0.7)
        )
        local[:, BONE[f"{title}Hand"]] = turned(
            "ZY", f"{side} wrist flexion", f"{side} wrist abduction", signs=(-s, -s)
        )
    return local


def _arm(angles: Angles, side: str, s: float) -> FloatArray:
    """(T, 3, 3) upper arm in the shoulder: from the T-pose to the side, then as the angles say.

    The arm hangs at 0 flexion and 0 abduction, elbow crease forward.
    """
    flexion, abduction, rotation = (
        angles[f"{side} shoulder {name}"] for name in ("flexion", "abduction", "rotation")
    )
    raise_arm = np.column_stack([-flexion, s * abduction])
    shoulder = Rotation.from_euler("XZ", raise_arm, degrees=True)
    hang = Rotation.from_euler("z", -90.0 * s, degrees=True)
    twist = Rotation.from_euler("x", rotation[:, None], degrees=True)
    return np.asarray((shoulder * hang * twist).as_matrix())
