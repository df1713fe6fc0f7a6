from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.capture.rendered import procedural
from gonio.capture.rendered.made_kinds import KINDS, LIMITS, Angles
from gonio.capture.rendered.motion import BONE
from gonio.capture.rendered.variation import global_from_local, local_from_global
from gonio.errors import InputError

ZERO: Angles = {
    name: np.zeros(1)
    for joint in LIMITS
    for name in (
        [joint] if joint.split()[0] in ("trunk", "neck") else [f"left {joint}", f"right {joint}"]
    )
}


def _direction(bone: str, along: list[float], **degrees: float) -> list[float]:
    angles = {**ZERO, **{k.replace("_", " "): np.array([v]) for k, v in degrees.items()}}
    matrices = global_from_local(procedural._local(angles, 1))
    return list(np.round(matrices[0, BONE[bone]] @ along, 3) + 0.0)


@pytest.mark.parametrize(("side", "sign"), [("left", 1.0), ("right", -1.0)])
def test_angles_turn_limbs_the_anatomical_way(side: str, sign: float) -> None:
    title, arm, down = side.title(), [sign, 0.0, 0.0], [0.0, -1.0, 0.0]
    forward = pytest.approx([0, 0, 1], abs=0.05)
    # elbows have a smallest flexion of 2 degrees
    assert _direction(f"{title}ForeArm", arm) == pytest.approx([0, -1, 0], abs=0.05)
    assert _direction(f"{title}Arm", arm, **{f"{side}_shoulder_flexion": 90}) == forward
    assert _direction(f"{title}Arm", arm, **{f"{side}_shoulder_abduction": 90}) == [sign, 0, 0]
    assert _direction(f"{title}ForeArm", arm, **{f"{side}_elbow_flexion": 90}) == forward
    assert _direction(f"{title}UpLeg", down, **{f"{side}_hip_flexion": 90}) == forward
    assert _direction(f"{title}UpLeg", down, **{f"{side}_hip_abduction": 30})[0] == sign * 0.5
    assert _direction(f"{title}Leg", down, **{f"{side}_knee_flexion": 90}) == [0, 0, -1]
    toes_up = _direction(f"{title}Foot", [0, 0, 1], **{f"{side}_ankle_flexion": 20})
    assert toes_up[1] > 0.3
    inward = _direction(f"{title}Foot", [0, 0, 1], **{f"{side}_hip_rotation": 30})
    assert inward[0] == -sign * 0.5
    # internal rotation of the shoulder carries the bent forearm across the belly
    bent = {f"{side}_elbow_flexion": 90.0, f"{side}_shoulder_rotation": 45.0}
    assert _direction(f"{title}ForeArm", arm, **bent)[0] * sign < -0.6


def test_trunk_flexion_bends_forward() -> None:
    assert _direction("Spine1", [0.0, 1.0, 0.0], trunk_flexion=60)[2] > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_seeded_smooth_and_within_the_knees_range(kind: str) -> None:
    for seed in range(6):
        motion = procedural.make_motion(kind, seed, 90)
        again = procedural.make_motion(kind, seed, 90)
        np.testing.assert_array_equal(motion.orientations, again.orientations)
        local = local_from_global(motion.matrices)
        for side in ("Left", "Right"):
            knee = local[:, BONE[f"{side}Leg"]]
            angle = np.degrees(np.arctan2(knee[:, 2, 1], knee[:, 2, 2]))
            assert angle.min() >= -0.1
            assert angle.max() <= LIMITS["knee flexion"][1] + 0.1
        step = np.swapaxes(motion.matrices[:-1], 2, 3) @ motion.matrices[1:]
        turned = np.degrees(Rotation.from_matrix(step.reshape(-1, 3, 3)).magnitude())
        assert turned.max() < 50  # a frame is 33 ms; a fast throw reaches 1500 degrees a second
    other = procedural.make_motion(kind, 99, 90)
    assert np.abs(other.orientations - motion.orientations).max() > 0.05


def test_walking_moves_ahead_and_swings_arms_against_legs() -> None:
    shares = []
    for seed in range(8):
        motion = procedural.make_motion("walk", seed, 90)
        ahead = motion.matrices[:-1, BONE["Hips"]] @ [0.0, 0.0, 1.0]
        moved = np.diff(motion.root, axis=0)
        shares.append(np.sum(ahead * moved, axis=1).mean() * 30)
        hips = np.swapaxes(motion.matrices[:, BONE["Hips"]], 1, 2)
        thigh = (hips @ motion.matrices[:, BONE["LeftUpLeg"]] @ [0.0, -1.0, 0.0])[:, 2]
        arm = (hips @ motion.matrices[:, BONE["LeftArm"]] @ [1.0, 0.0, 0.0])[:, 2]
        assert np.corrcoef(thigh, arm)[0, 1] < -0.2
    assert min(shares) > 0.4
    assert max(shares) < 1.8


def test_one_leg_stands_while_the_other_goes_high() -> None:
    """Over some clips: one leg hangs below the hips, the other at times above them."""
    steepest, highest = [], []
    for seed in range(12):
        motion = procedural.make_motion("one_leg", seed, 60)
        down = [
            (motion.matrices[:, BONE[f"{side}{part}"]] @ [0.0, -1.0, 0.0])[:, 1]
            for side in ("Left", "Right")
            for part in ("UpLeg", "Leg")
        ]
        left, right = down[0] + down[1], down[2] + down[3]
        steepest.append(min(left.mean(), right.mean()))
        highest.append(max(left.max(), right.max()))
    assert max(steepest) < -1.6  # of -2 for a leg that hangs straight
    assert max(highest) > 0.3


def test_lying_bodies_lie() -> None:
    flat = 0
    for seed in range(12):
        motion = procedural.make_motion("lie", seed, 30)
        trunk = motion.matrices[:, BONE["Hips"]] @ [0.0, 1.0, 0.0]
        flat += bool(np.abs(trunk[:, 1]).mean() < 0.5)
    assert flat == 12


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(InputError, match=r"swimming.*poses"):
        procedural.make_motion("swimming", 0, 10)
