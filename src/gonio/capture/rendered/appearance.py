"""Clothes, skin and hair on the mesh: colours and patterns a vertex, cloth that stands off it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gonio.capture.rendered.anny_model import BODY_VERTICES
from gonio.capture.rendered.body import Body
from gonio.capture.rendered.scene import Clothes
from gonio.types import FloatArray

EYE_VERTICES = (14598, 14742)
"""Eyes in the base mesh (MakeHuman's groups helper-l-eye and helper-r-eye)."""
PLAIN, SHIRT, TROUSERS = 0, 1, 2


@dataclass(frozen=True)
class Dressed:
    """What the renderer draws.

    Attributes:
        vertices: (V, 3) on the unposed body, metres.
        normals: (V, 3) unit vectors.
        colours: (V, 3) 0..1.
        patterns: (V,) kind of pattern.
        faces: (F, 3) triangles.
    """

    vertices: FloatArray
    normals: FloatArray
    colours: FloatArray
    patterns: NDArray[np.int64]
    faces: NDArray[np.int64]


@dataclass(frozen=True)
class _Regions:
    """Where each vertex is: share of each part, and how far along the limbs."""

    head: NDArray[np.bool_]
    arm: FloatArray
    leg: FloatArray
    torso: NDArray[np.bool_]
    hips: NDArray[np.bool_]
    foot: NDArray[np.bool_]


def dress(body: Body, clothes: Clothes, seed: int) -> Dressed:
    """Dress a body.

    Args:
        body: unposed.
        clothes: colours, lengths and looseness.
        seed: of the folds.
    """
    regions = _regions(body)
    rest = body.rest.vertices
    faces = body.model.faces
    normals = _normals(rest, faces)
    cloth, trousers, loose = _cloth(regions, clothes)
    colours = np.tile(np.array(clothes.skin, dtype=float), (len(rest), 1))
    colours[trousers] = clothes.trousers
    colours[cloth & ~trousers] = clothes.shirt
    colours[regions.foot] = clothes.shoes
    patterns = np.where(cloth & ~trousers, clothes.shirt_pattern, 0)
    patterns[trousers] = clothes.trousers_pattern
    hair = _paint_head(body, regions, clothes, colours)
    folds = clothes.folds_m * _folds(rest, seed)
    push = np.where(cloth, loose + folds * (loose > 0), 0.0) + 0.012 * hair
    push[regions.foot & (np.array(clothes.shoes) != clothes.skin).any()] += 0.006
    vertices = rest + push[:, None] * normals
    parts = [faces]
    if clothes.skirt:
        parts.append(_skirt(body, clothes, colours, patterns))
    if clothes.hair_style == "long":
        parts.append(body.model.hair_faces)
        colours[np.unique(body.model.hair_faces)] = clothes.hair
    all_faces = np.concatenate(parts)
    return Dressed(vertices, _normals(vertices, all_faces), colours, patterns, all_faces)


def _regions(body: Body) -> _Regions:
    model, rest = body.model, body.rest
    weights = model.weights
    index = model.bones.index
    main = weights.argmax(axis=1)

    def ridden(*bones: str) -> NDArray[np.bool_]:
        return np.isin(main, [index(bone) for bone in bones])

    arm = np.full(len(rest.vertices), np.nan)
    leg = np.full(len(rest.vertices), np.nan)
    for side in ("Left", "Right"):
        for along, parts in (
            (arm, ("Arm", "ForeArm", "Hand")),
            (leg, ("UpLeg", "Leg", "Foot")),
        ):
            heads = [rest.bone_heads[index(side + part)] for part in parts]
            for k in (0, 1):
                mine = ridden(side + parts[k])
                axis = heads[k + 1] - heads[k]
                share = (rest.vertices[mine] - heads[k]) @ axis / (axis @ axis)
                along[mine] = k + share
    skin = np.arange(len(rest.vertices)) < BODY_VERTICES
    return _Regions(
        head=ridden("Head", "Neck1") & skin,
        arm=np.where(skin, arm, np.nan),
        leg=np.where(skin, leg, np.nan),
        torso=ridden("LowerBack", "Spine", "Spine1", "LeftShoulder", "RightShoulder") & skin,
        hips=ridden("Hips", "LHipJoint", "RHipJoint") & skin,
        foot=ridden("LeftFoot", "RightFoot", "LeftToeBase", "RightToeBase") & skin,
    )


def _cloth(
    regions: _Regions, clothes: Clothes
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], FloatArray]:
    """Which vertices are clothed, which of them by trousers, and how far the cloth stands off."""
    sleeves = np.nan_to_num(regions.arm, nan=9.0) < clothes.sleeve
    trousers = regions.hips | (np.nan_to_num(regions.leg, nan=9.0) < clothes.trouser_leg)
    cloth = regions.torso | sleeves | trousers
    # Cloth hangs: looser away from the shoulders and towards the ends of sleeves and legs.
    shirt_loose = clothes.shirt_loose_m * np.where(
        sleeves, 0.5 + 0.4 * np.nan_to_num(regions.arm), 1
    )
    legs_loose = clothes.trousers_loose_m * (0.5 + 0.5 * np.nan_to_num(regions.leg))
    return cloth, trousers, np.where(trousers, legs_loose, shirt_loose)


def _paint_head(
    body: Body, regions: _Regions, clothes: Clothes, colours: FloatArray
) -> NDArray[np.bool_]:
    """Colour hair, eyes, lips, brows and what hides the face; returns the hairy vertices."""
    rest, model = body.rest.vertices, body.model
    eyes = slice(*EYE_VERTICES)
    eye = rest[eyes].reshape(2, -1, 3).mean(axis=1)
    middle = eye.mean(axis=0)
    span = np.linalg.norm(eye[0] - eye[1])
    local = (rest - middle) / span  # in distances between the eyes: x left, y up, z forward
    crown = regions.head & ((local[:, 1] > 1.0) | ((local[:, 2] < -1.0) & (local[:, 1] > -1.2)))
    hair = crown & (clothes.hair_style != "bald")
    colours[hair] = clothes.hair
    nose = model.keypoints[model.keypoint_names.index("nose")] @ local
    brow = regions.head & (abs(local[:, 1] - 0.36) < 0.08) & (abs(abs(local[:, 0]) - 0.5) < 0.35)
    colours[brow & (local[:, 2] > -0.6)] = np.array(clothes.hair) * 0.6
    lips = regions.head & (abs(local[:, 1] - nose[1] + 0.45) < 0.13) & (abs(local[:, 0]) < 0.4)
    colours[lips & (local[:, 2] > 0.0)] *= (0.85, 0.5, 0.5)
    pupil = np.zeros(len(rest), dtype=bool)
    pupil[eyes] = local[eyes, 2] > np.percentile(local[eyes, 2], 75)
    colours[eyes] = 0.92
    colours[pupil] = 0.08
    front = regions.head & (local[:, 2] > -1.3)
    if clothes.face_hidden == "mask":
        colours[front & (local[:, 1] < -0.35) & (local[:, 1] > -2.3)] = clothes.shirt
    elif clothes.face_hidden == "glasses":
        lens = front & (abs(local[:, 1]) < 0.35) & (abs(abs(local[:, 0]) - 0.5) < 0.42)
        colours[lens] = 0.05
        colours[eyes] = 0.05
    elif clothes.face_hidden == "hood":
        colours[regions.head & ((local[:, 1] > 0.7) | (local[:, 2] < -0.7))] = clothes.shirt
    return np.asarray(hair)


def _skirt(
    body: Body, clothes: Clothes, colours: FloatArray, patterns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Colour the skirt and cut it where the trousers would end."""
    faces = body.model.skirt_faces
    used = np.unique(faces)
    colours[used], patterns[used] = clothes.trousers, clothes.trousers_pattern
    height = body.rest.vertices[:, 1]
    index = body.model.bones.index
    hip, ankle = (body.rest.bone_heads[index(name), 1] for name in ("LeftUpLeg", "LeftFoot"))
    end = hip - 0.5 * min(clothes.trouser_leg, 1.7) * (hip - ankle)
    return np.asarray(faces[(height[faces] > end).all(axis=1)])


def _folds(rest: FloatArray, seed: int) -> FloatArray:
    """(V,) folds of cloth, about -1..1: a sum of random waves."""
    rng = np.random.default_rng([0xF01D, seed])
    waves = rng.normal(0, 1, (6, 3)) * rng.uniform(15, 70, (6, 1))
    phases = rng.uniform(0, 2 * np.pi, 6)
    return np.asarray(np.sin(rest @ waves.T + phases).sum(axis=1) / 3)


def _normals(vertices: FloatArray, faces: NDArray[np.int64]) -> FloatArray:
    """(V, 3) unit normals, the mean of the faces around each vertex weighted by their area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    total = np.zeros_like(vertices)
    for axis in range(3):
        total[:, axis] = np.bincount(
            faces.reshape(-1), np.repeat(across[:, axis], 3), minlength=len(vertices)
        )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.where(length > 0, length, 1.0))
