from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gonio.capture.rendered.camera import View, place_camera
from gonio.capture.rendered.scene import Box, CameraSpec, Occluder, SceneSpec
from gonio.capture.rendered.scene_sampling import sample_scene
from gonio.capture.rendered.stage import FLOATS, build_stage

GREY = (0.5, 0.5, 0.5)


@pytest.fixture
def view() -> View:
    rng = np.random.default_rng(0)
    points = rng.uniform([-0.3, 0.0, -0.2], [0.3, 1.7, 0.2], (4, 200, 3))
    return place_camera(CameraSpec((480, 360), 50.0, 30.0, 10.0, 0.0, 0.8, (0.0, 0.0)), points)


def _scene(kind: str, boxes: tuple[Box, ...], occluders: tuple[Occluder, ...]) -> SceneSpec:
    scene = sample_scene(1)
    background = replace(scene.background, kind=kind, boxes=boxes)
    return replace(scene, background=background, occluders=occluders)


@pytest.mark.parametrize("kind", ["room", "open", "flat"])
def test_every_kind_of_background_is_drawn_behind_the_body(view: View, kind: str) -> None:
    triangles = build_stage(_scene(kind, (), ()), view, np.zeros(3))
    assert triangles.shape[1] == FLOATS
    assert np.isfinite(triangles).all()
    if kind == "flat":
        assert view.in_camera(triangles[:, :3])[:, 2].min() > 10


def test_an_occluder_stands_between_camera_and_body_where_it_was_wanted(view: View) -> None:
    occluder = Occluder((0.5, 1.0), (0.5, 0.4), 0.3, GREY, 0)
    triangles = build_stage(_scene("flat", (), (occluder,)), view, np.zeros(3))
    local = view.in_camera(triangles[-6:, :3])
    assert (local[:, 2] < view.nearest_m).all()
    pixels = local[:, :2] / local[:, 2:] * view.focal_px + np.array(view.image_size) / 2
    left, top, right, bottom = view.body_box_px
    middle = (pixels.min(axis=0) + pixels.max(axis=0)) / 2
    np.testing.assert_allclose(middle, [(left + right) / 2, bottom], atol=1.0)
    size = np.ptp(pixels, axis=0)
    np.testing.assert_allclose(size, [0.5 * (right - left), 0.4 * (bottom - top)], atol=1.0)


def test_furniture_does_not_hide_the_body_but_a_seat_stays(view: View) -> None:
    def boxes_drawn(box: Box) -> int:
        with_box = build_stage(_scene("open", (box,), ()), view, np.zeros(3))
        return (len(with_box) - len(build_stage(_scene("open", (), ()), view, np.zeros(3)))) // 36

    towards = view.position / np.linalg.norm(view.position)
    in_the_way = tuple(float(v) for v in 1.5 * towards)
    size = (0.4, 0.4, 0.4)
    assert boxes_drawn(Box((in_the_way[0], 0.5, in_the_way[2]), size, 0.0, GREY, 0)) == 0
    assert boxes_drawn(Box((-in_the_way[0], 0.5, -in_the_way[2]), size, 0.0, GREY, 0)) == 1
    assert boxes_drawn(Box((0.0, 0.2, 0.0), size, 0.0, GREY, 0)) == 1
