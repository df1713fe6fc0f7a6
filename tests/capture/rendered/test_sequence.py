"""These draw: `slow`, since the body model must be built and the machine needs EGL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gonio.capture.pairs import build_shard, viewpoint
from gonio.capture.rendered import render
from gonio.capture.rendered.scene import CameraSpec, Picture
from gonio.capture.rendered.sequence import RenderedSequence
from gonio.capture.rendered.tasks import RenderedOptions, RenderedTask, list_tasks
from gonio.errors import GonioError
from gonio.landmarks.detector import detect_frames
from gonio.skeleton import COCO, COCO_FROM_MEDIAPIPE, COCO_MIRROR

pytestmark = pytest.mark.slow
pytest.importorskip("anny", reason="the optional body model anny is not installed")
pytest.importorskip("moderngl", reason="the optional renderer moderngl is not installed")

CLEAR = Picture(0.0, 1, 0.0, 1.0, 0.0, 1.0, 0.0, "none", 0)


@pytest.fixture
def task() -> RenderedTask:
    tasks = list_tasks(RenderedOptions(frames=12 * 40, sequence_frames=12))
    return next(task for task in tasks if task.made and task.made[0] == "reach")


def _clear(task: RenderedTask, azimuth: float, **changes: object) -> RenderedSequence:
    sequence = RenderedSequence(task)
    camera = CameraSpec((400, 400), 45.0, azimuth, 5.0, 0.0, 0.8, (0.0, 0.0))
    light = replace(sequence.scene.light, ambient=(0.6, 0.6, 0.6), colour=(0.4, 0.4, 0.4))
    clothes = replace(sequence.scene.clothes, skirt=False, face_hidden="none", hair_style="short")
    sequence.scene = replace(
        sequence.scene, camera=camera, occluders=(), picture=CLEAR, light=light, clothes=clothes
    )
    sequence.scene = replace(sequence.scene, **changes)  # type: ignore[arg-type]
    return sequence


def test_the_truth_is_the_same_bit_for_bit_and_the_pictures_too(task: RenderedTask) -> None:
    first, second = RenderedSequence(task), RenderedSequence(task)
    for name in ("joints", "feet", "markers", "up", "pelvis_forward"):
        np.testing.assert_array_equal(getattr(first.truth, name), getattr(second.truth, name))
    assert first.truth.stature_m == second.truth.stature_m
    for one, two in zip(first.frames(), second.frames(), strict=True):
        assert one.time_s == two.time_s
        np.testing.assert_array_equal(one.rgb, two.rgb)


def test_frames_have_the_size_number_and_times_of_the_task(task: RenderedTask) -> None:
    sequence = RenderedSequence(task)
    frames = list(sequence.frames())
    assert len(frames) == len(sequence.truth) == task.n_frames
    width, height = sequence.image_size
    assert {frame.rgb.shape for frame in frames} == {(height, width, 3)}
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(12) / 30)


def test_the_body_is_drawn_where_the_truth_says(task: RenderedTask) -> None:
    """The picture of the body, against the same stage without it, covers the projected joints."""
    sequence = _clear(task, 30.0)
    light = replace(sequence.scene.light, shadow=0.0)
    white = replace(sequence.scene.clothes, shirt=(1, 1, 1), trousers=(1, 1, 1), skin=(1, 1, 1))
    black = replace(sequence.scene.clothes, shirt=(0, 0, 0), trousers=(0, 0, 0), skin=(0, 0, 0))
    drawn = []
    for clothes in (white, black):
        scene = replace(sequence.scene, clothes=clothes, light=light)
        sequence.scene = scene
        drawn.append(next(iter(sequence.frames())).rgb.astype(int))
    body = (np.abs(drawn[0] - drawn[1]).sum(axis=2) > 30).astype(int)
    pixels = sequence.truth.camera.project(sequence.truth.joints[0])
    for name in ("left_shoulder", "right_elbow", "left_wrist", "right_hip", "left_knee"):
        x, y = np.round(pixels[COCO[name]]).astype(int)
        assert body[y - 2 : y + 3, x - 2 : x + 3].max() == 1, name
    ys, xs = np.nonzero(body)
    assert xs.min() < pixels[:, 0].min() + 3
    assert ys.max() > pixels[:, 1].max() - 3


@pytest.mark.parametrize("azimuth", [0.0, 50.0, 180.0])
def test_mediapipe_finds_the_body_with_its_sides_right(task: RenderedTask, azimuth: float) -> None:
    sequence = _clear(task, azimuth)
    landmarks = detect_frames(sequence.frames(), sequence.image_size)
    assert landmarks.detected[2:].all()
    found = landmarks.image[-1, list(COCO_FROM_MEDIAPIPE)] * np.array(sequence.image_size)
    true = sequence.truth.camera.project(sequence.truth.joints[-1])
    body = slice(COCO["left_shoulder"], None)
    error = np.linalg.norm(found - true, axis=1)[body].mean()
    swapped = np.linalg.norm(found[list(COCO_MIRROR)] - true, axis=1)[body].mean()
    assert error < (14 if azimuth < 90 else 26)  # of 320 pixels of body; arms hide behind it
    if azimuth != 50.0:  # from there the sides nearly cover each other
        assert error < 0.6 * swapped


def test_the_viewpoint_is_that_of_the_camera(task: RenderedTask) -> None:
    sequence = _clear(task, 0.0)
    truth = sequence.truth
    azimuth, elevation = viewpoint(-truth.mid_hip, truth.up, truth.pelvis_forward)
    heading = sequence.motion.matrices[:, 0] @ [0.0, 0.0, 1.0]
    # The camera's bearing is 0 in the world; seen from the pelvis it is minus the heading.
    expected = -np.degrees(np.arctan2(heading[:, 0], heading[:, 2]))
    turned = (azimuth + expected + 180) % 360 - 180  # azimuth runs towards the right side
    assert np.abs(turned).max() < 12
    assert np.abs(elevation - 5.0).max() < 6


def test_a_shard_is_made_of_it(task: RenderedTask) -> None:
    from gonio.capture.shards import ShardLabels

    sequence = _clear(task, 20.0)
    landmarks = detect_frames(sequence.frames(), sequence.image_size)
    labels = ShardLabels(
        source="rendered", sequence=task.task_id, camera="c", subject="s", fps=30.0, detector="full"
    )
    shard = build_shard(landmarks, sequence.truth, labels)
    assert shard.paired.mean() > 0.7


def test_recorded_motion_stands_on_the_floor(motion_folder: Path) -> None:
    options = RenderedOptions(frames=600, sequence_frames=20, made_share=0.0)
    for task in list_tasks(options, motion_folder=motion_folder)[:6]:
        sequence = RenderedSequence(task)
        lowest = sequence._body.lowest(sequence._transforms)
        assert abs(np.percentile(lowest, 10)) < 0.05


@pytest.fixture
def no_context() -> Iterator[None]:
    render.opengl_context.cache_clear()
    yield
    render.opengl_context.cache_clear()


def test_without_egl_the_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, no_context: None
) -> None:
    monkeypatch.setattr(render, "EGL_LIBRARY", "libEGLnowhere.so.1")
    with pytest.raises(GonioError, match=r"libegl1 libgl1-mesa-dri"):
        render.opengl_context()
