"""A picture of the marker table on a body, to check it by eye: front, left side, back, and feet."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from gonio.capture.rendered.appearance import Dressed, dress
from gonio.capture.rendered.body import Body
from gonio.capture.rendered.camera import View, place_camera
from gonio.capture.rendered.motion import BONES, Motion
from gonio.capture.rendered.render import Renderer
from gonio.capture.rendered.scene import (
    Background,
    CameraSpec,
    Light,
)
from gonio.capture.rendered.scene_sampling import sample_scene
from gonio.capture.rendered.stage import build_stage
from gonio.skeleton import AUGMENTED_MARKERS
from gonio.types import FloatArray

VIEWS: dict[str, float] = {"front": 0.0, "left": 90.0, "back": 180.0, "right": 270.0}
PANEL = (900, 1000)
"""(width, height) of each view, pixels."""
SHOWN_MM = 25.0
"""Markers that lie further behind the drawn surface than this are drawn hollow."""


def draw_markers(body: Body, motion: Motion | None = None) -> NDArray[np.uint8]:
    """Draw a body with its 43 markers from four sides.

    Args:
        body: whose markers.
        motion: its first frame is the pose; the T-pose where not given.

    Returns:
        (H, W, 3) uint8, the four views side by side; a marker that the body hides is hollow.

    Raises:
        GonioError: no moderngl or no EGL.
    """
    transforms = body.transforms(motion or t_pose())[:1]
    markers = body.markers(transforms)
    scene = sample_scene(0)
    grey = (0.75, 0.7, 0.66)
    clothes = replace(scene.clothes, skin=grey, hair_style="bald", skirt=False, face_hidden="none")
    clothes = replace(clothes, sleeve=-1.0, trouser_leg=-1.0, shirt_loose_m=0.0, folds_m=0.0)
    dressed = dress(body, clothes, seed=0)
    dressed = replace(
        dressed, vertices=body.rest.vertices, colours=np.full_like(dressed.colours, 0.7)
    )
    panels = [
        _panel(body, dressed, transforms, markers[0], name, azimuth)
        for name, azimuth in VIEWS.items()
    ]
    return np.concatenate(panels, axis=1)


def t_pose() -> Motion:
    """One frame in the T-pose."""
    orientations = np.zeros((1, len(BONES), 4))
    orientations[..., 3] = 1.0
    return Motion("t_pose", "nobody", "t_pose", 30.0, orientations, np.array([[0.0, 0.9, 0.0]]))


def _panel(
    body: Body,
    dressed: Dressed,
    transforms: FloatArray,
    markers: FloatArray,
    name: str,
    azimuth: float,
) -> NDArray[np.uint8]:
    camera = CameraSpec(PANEL, 20.0, azimuth, 0.0, 0.0, 0.92, (0.0, 0.0))
    points = np.concatenate([body.joints(transforms), body.feet(transforms)], axis=1)
    view = place_camera(camera, points)
    white = Background("flat", ((1.0, 1.0, 1.0),) * 3, (0, 0), 1.0, 5.0, 0.0, ())
    scene = replace(sample_scene(0), background=white, occluders=())
    light = Light((0.3, 0.6, 0.74), (0.55, 0.55, 0.55), (0.5, 0.5, 0.5), 0.0)
    if azimuth >= 135:
        light = replace(light, direction=(0.3, 0.6, -0.74))
    stage = build_stage(scene, view, np.zeros(3))
    renderer = Renderer(dressed, body.model.weights, light, (1.0, 1.0, 1.0), 1.0, stage, view)
    try:
        picture = renderer.draw(transforms[0])
    finally:
        renderer.close()
    nearest = _surface_depth(view, body.vertices(transforms[0]), markers)
    return _labelled(picture, view, markers, nearest, name)


def _surface_depth(view: View, vertices: FloatArray, markers: FloatArray) -> FloatArray:
    """(43,) depth of the nearest vertex around each marker's place in the picture, metres."""
    skin, points = view.in_camera(vertices[:13380]), view.in_camera(markers)
    depths = np.empty(len(points))
    for i, point in enumerate(points):
        apart = np.linalg.norm(skin[:, :2] / skin[:, 2:] - point[:2] / point[2], axis=1)
        around = apart * point[2] < 0.015
        depths[i] = skin[around, 2].min() if around.any() else point[2]
    return depths


def _labelled(
    picture: NDArray[np.uint8], view: View, markers: FloatArray, nearest: FloatArray, name: str
) -> NDArray[np.uint8]:
    points = view.in_camera(markers)
    pixels = points[:, :2] / points[:, 2:] * view.focal_px + np.array(view.image_size) / 2
    for label, (x, y), depth, near in zip(
        AUGMENTED_MARKERS, pixels, points[:, 2], nearest, strict=True
    ):
        hidden = depth - near > SHOWN_MM / 1000
        at = (round(float(x)), round(float(y)))
        colour = (160, 160, 200) if hidden else (200, 0, 0)
        cv2.circle(picture, at, 4, colour, 1 if hidden else -1)
        if not hidden:
            text = label.removesuffix("_study")
            cv2.putText(picture, text, (at[0] + 6, at[1] + 3), 0, 0.38, (0, 0, 120), 1, 16)
    cv2.putText(picture, name, (10, 30), 0, 0.9, (0, 0, 0), 2, 16)
    return picture
