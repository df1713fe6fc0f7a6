"""These need the built body model: `slow`, since building it takes a minute the first time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gonio.capture.rendered.appearance import dress
from gonio.capture.rendered.body import Body
from gonio.capture.rendered.scene import Clothes
from gonio.capture.rendered.scene_sampling import sample_scene

pytestmark = pytest.mark.slow


@pytest.fixture
def clothes() -> Clothes:
    return replace(
        sample_scene(0).clothes,
        skin=(0.8, 0.6, 0.5),
        shirt=(1.0, 0.0, 0.0),
        trousers=(0.0, 0.0, 1.0),
        shoes=(0.0, 1.0, 0.0),
        sleeve=0.5,
        trouser_leg=0.9,
        hair_style="bald",
        skirt=False,
        face_hidden="none",
        shirt_loose_m=0.03,
        folds_m=0.0,
    )


def _colour_at(body: Body, clothes: Clothes, bone: str) -> tuple[float, ...]:
    vertices = body.model.weights[:13380, body.model.bones.index(bone)]
    colours = dress(body, clothes, 0).colours[:13380][vertices > 0.98]
    values, counts = np.unique(colours, axis=0, return_counts=True)
    return tuple(values[counts.argmax()])


def test_regions_have_their_colours(body: Body, clothes: Clothes) -> None:
    assert _colour_at(body, clothes, "Spine1") == clothes.shirt
    assert _colour_at(body, clothes, "LeftUpLeg") == clothes.trousers
    assert _colour_at(body, clothes, "RightLeg") == clothes.skin
    assert _colour_at(body, clothes, "LeftForeArm") == clothes.skin
    assert _colour_at(body, replace(clothes, sleeve=2.1), "LeftForeArm") == clothes.shirt
    assert _colour_at(body, clothes, "RightFoot") == clothes.shoes


def test_loose_cloth_stands_off_the_skin_and_bare_skin_does_not(
    body: Body, clothes: Clothes
) -> None:
    moved = np.linalg.norm(dress(body, clothes, 0).vertices - body.rest.vertices, axis=1)
    spine = body.model.weights[:, body.model.bones.index("Spine1")] > 0.98
    hand = body.model.weights[:, body.model.bones.index("LeftHandFinger1")] > 0.9
    assert np.median(moved[:13380][spine[:13380]]) == pytest.approx(0.03, abs=1e-6)
    assert moved[:13380][hand[:13380]].max() == 0.0


def test_a_skirt_and_long_hair_add_triangles(body: Body, clothes: Clothes) -> None:
    plain = len(dress(body, clothes, 0).faces)
    assert len(dress(body, replace(clothes, hair_style="long"), 0).faces) == plain + len(
        body.model.hair_faces
    )
    assert len(dress(body, replace(clothes, skirt=True), 0).faces) > plain + 300


def test_normals_point_outwards(body: Body, clothes: Clothes) -> None:
    dressed = dress(body, clothes, 0)
    spine = body.model.weights[:13380].argmax(axis=1) == body.model.bones.index("Spine")
    places = dressed.vertices[:13380][spine]
    outward = places - places.mean(axis=0)
    agree = np.sum(outward * dressed.normals[:13380][spine], axis=1) > 0
    assert agree.mean() > 0.9
