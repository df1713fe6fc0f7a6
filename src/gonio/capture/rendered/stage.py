"""The stage as triangles: floor, walls, furniture, sky and occluders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gonio.capture.rendered.camera import View
from gonio.capture.rendered.scene import Background, Box, Colour, Occluder, SceneSpec
from gonio.types import FloatArray

FLOOR_M = 30.0
"""Half the side of the floor, metres."""
LEVEL = np.array([1.0, 0.0, 1.0])
CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, -1], [1, 1], [-1, 1]], dtype=float)
FLOATS = 13
"""Per vertex: place 3, normal 3, colour 3, local place 3, texture 1."""


@dataclass(frozen=True)
class _Quad:
    """A rectangle: `centre + u a + v b` for a, b of -1..1, facing `u x v`."""

    centre: FloatArray
    u: FloatArray
    v: FloatArray
    colour: Colour
    texture: int
    scale: float


def build_stage(scene: SceneSpec, view: View, ground: FloatArray) -> NDArray[np.float32]:
    """(M, 13) vertices of triangles, world, for the stage's shader.

    Args:
        scene: what stands there.
        view: the camera; flat backgrounds and occluders are placed by it.
        ground: (3,) mean place of the subject on the floor, world, metres.
    """
    background = scene.background
    quads = _flat(background, view) if background.kind == "flat" else _floor(background, ground)
    if background.kind == "room":
        quads += _walls(background, ground, view)
    if background.kind == "open":
        quads += _sky(background, view)
    if background.kind != "flat":
        for box in background.boxes:
            if _beside(box, view, ground):
                quads += _box(box, ground, background.scale)
    for occluder in scene.occluders:
        quads.append(_screen(occluder, view, background.scale))
    return np.concatenate([_triangles(quad) for quad in quads]).astype(np.float32)


def _triangles(quad: _Quad) -> FloatArray:
    a, b = CORNERS[:, :1], CORNERS[:, 1:]
    places = quad.centre + a * quad.u + b * quad.v
    normal = np.cross(quad.u, quad.v)
    normal = normal / np.linalg.norm(normal)
    local = quad.scale * places
    rows = np.ones((6, 1))
    return np.hstack([places, rows * normal, rows * quad.colour, local, rows * float(quad.texture)])


def _floor(background: Background, ground: FloatArray) -> list[_Quad]:
    turn = _yaw(background.yaw_deg)
    u, v = turn @ [0.0, 0.0, FLOOR_M], turn @ [FLOOR_M, 0.0, 0.0]
    centre = np.array([ground[0], 0.0, ground[2]])
    texture = background.textures[0]
    return [_Quad(centre, u, v, background.colours[0], texture, background.scale)]


def _walls(background: Background, ground: FloatArray, view: View) -> list[_Quad]:
    """Four walls around the subject; the camera may stand outside, so only those behind count."""
    quads = []
    for quarter in range(4):
        turn = _yaw(background.yaw_deg + 90 * quarter)
        inward = turn @ np.array([0.0, 0.0, -1.0])
        centre = np.array([ground[0], 3.0, ground[2]]) - inward * background.wall_m
        if (view.position - centre) @ inward < 0.3:
            continue
        side = np.cross([0.0, 1.0, 0.0], inward) * FLOOR_M
        up = np.array([0.0, 3.0, 0.0])
        texture = background.textures[1]
        quads.append(_Quad(centre, side, up, background.colours[1], texture, background.scale))
    return quads


def _sky(background: Background, view: View) -> list[_Quad]:
    return [_behind(background.colours[2], 0, view, 80.0, 0.02)]


def _flat(background: Background, view: View) -> list[_Quad]:
    texture = background.textures[1]
    return [_behind(background.colours[1], texture, view, 60.0, background.scale * 0.2)]


def _behind(colour: Colour, texture: int, view: View, depth_m: float, scale: float) -> _Quad:
    """A rectangle across the whole picture, far away, facing the camera."""
    right, down, ahead = view.rotation
    width, height = view.image_size
    u = right * depth_m * width / view.focal_px * 0.75
    v = -down * depth_m * height / view.focal_px * 0.75
    return _Quad(view.position + ahead * depth_m, u, v, colour, texture, scale)


def _beside(box: Box, view: View, ground: FloatArray) -> bool:
    """Whether a box is clear of the line between camera and subject, or right under the subject."""
    if not np.any(np.array(box.centre) * LEVEL):
        return True  # what the subject sits on
    centre = np.array(box.centre) + ground * LEVEL
    to_subject = ground - view.position
    share = (centre - view.position) @ to_subject / (to_subject @ to_subject)
    nearest = view.position + np.clip(share, 0, 1) * to_subject
    apart = np.linalg.norm((centre - nearest)[[0, 2]])
    return bool(share > 1.0 or apart > 1.2 + max(box.size))


def _box(box: Box, ground: FloatArray, scale: float) -> list[_Quad]:
    turn = _yaw(box.yaw_deg)
    centre = np.array(box.centre) + ground * LEVEL
    half = np.array(box.size) / 2
    quads = []
    for axis in range(3):
        for sign in (1.0, -1.0):
            first, second = (axis + 1) % 3, (axis + 2) % 3
            out, u, v = (turn[:, k] * half[k] for k in (axis, first, second))
            quads.append(_Quad(centre + sign * out, u, sign * v, box.colour, box.texture, scale))
    return quads


def _screen(occluder: Occluder, view: View, scale: float) -> _Quad:
    """A rectangle between camera and body, placed by the body's picture."""
    left, top, right_px, bottom = view.body_box_px
    width, height = right_px - left, bottom - top
    x = left + occluder.place[0] * width
    y = top + occluder.place[1] * height
    depth = view.nearest_m * (1.0 - 0.8 * occluder.nearness)
    right, down, ahead = view.rotation
    principal = np.array(view.image_size) / 2
    offset = (np.array([x, y]) - principal) / view.focal_px * depth
    metres = depth / view.focal_px / 2
    centre = view.position + ahead * depth + right * offset[0] + down * offset[1]
    u = right * occluder.size[0] * width * metres
    v = -down * occluder.size[1] * height * metres
    return _Quad(centre, u, v, occluder.colour, occluder.texture, scale * 2)


def _yaw(degrees: float) -> FloatArray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
