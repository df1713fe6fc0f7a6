"""One rendered sequence: the frames a camera would have filmed, and the truth about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gonio.capture.cameras import Camera
from gonio.capture.pairs import Truth
from gonio.capture.rendered import variation
from gonio.capture.rendered.appearance import dress
from gonio.capture.rendered.body import Body, make_body
from gonio.capture.rendered.camera import View, place_camera
from gonio.capture.rendered.motion import Motion
from gonio.capture.rendered.motion_files import read_clip
from gonio.capture.rendered.picture import Image, Lens, compressed
from gonio.capture.rendered.procedural import make_motion
from gonio.capture.rendered.render import Renderer
from gonio.capture.rendered.scene import Box, CameraSpec, SceneSpec
from gonio.capture.rendered.scene_sampling import sample_scene
from gonio.capture.rendered.stage import build_stage
from gonio.capture.rendered.tasks import ClipPart, RenderedTask
from gonio.landmarks.video import VideoFrame
from gonio.types import FloatArray


class RenderedSequence:
    """A task, made real: `truth` is exact and needs no drawing, `frames()` draws.

    Args:
        task: from `tasks.list_tasks`.
        cache: folder of the built body model, as in `anny_model.load_anny`.

    Attributes:
        task: as given.
        scene: sampled from the task's seed.

    Raises:
        GonioError: Anny is not installed.
        MissingFileError: the motion folder is gone.
    """

    def __init__(self, task: RenderedTask, cache: str | Path | None = None):
        self.task = task
        self.scene: SceneSpec = sample_scene(task.scene_seed)
        self._body: Body = make_body(task.body_id, cache)

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height), pixels."""
        return self.scene.camera.image_size

    @cached_property
    def truth(self) -> Truth:
        """Joints, feet, markers, gravity in the camera frame, metres; the camera; the stature."""
        return self._truth_in(self._view)

    def truth_from(self, camera: CameraSpec) -> Truth:
        """The truth as another camera would have it."""
        return self._truth_in(self._view_of(camera))

    def _truth_in(self, view: View) -> Truth:
        transforms = self._transforms
        width, height = view.image_size
        matrix = np.array(
            [[view.focal_px, 0, width / 2], [0, view.focal_px, height / 2], [0, 0, 1]]
        )
        return Truth(
            joints=view.in_camera(self._body.joints(transforms)),
            up=view.up,
            camera=Camera(matrix=matrix, image_size=view.image_size),
            feet=view.in_camera(self._body.feet(transforms)),
            markers=view.in_camera(self._body.markers(transforms)),
            stature_m=self._body.stature_m,
        )

    def frames(self) -> Iterator[VideoFrame]:
        """The frames in the order of time.

        Raises:
            GonioError: moderngl is not installed, or the machine has no EGL.
        """
        pictures = compressed(self._drawn(), self.scene.picture, self.task.fps)
        for index, rgb in enumerate(pictures):
            yield VideoFrame(time_s=index / self.task.fps, rgb=rgb)

    @cached_property
    def motion(self) -> Motion:
        """The motion with all its variations, not yet set on the floor."""
        task = self.task
        motion = variation.with_short_path(self._recorded)
        if task.arms is not None:
            motion = variation.mixed(motion, self._read(task.arms))
        if task.offsets > 0:
            motion = variation.with_offsets(motion, task.scene_seed, task.offsets)
        return motion

    @cached_property
    def _recorded(self) -> Motion:
        task = self.task
        if task.made is not None:
            kind, seed = task.made
            motion = make_motion(kind, seed, task.n_frames, task.fps)
        else:
            assert task.clip is not None  # a task has one of the two
            motion = self._read(task.clip)
        return variation.mirrored(motion) if task.mirrored else motion

    def _read(self, part: ClipPart) -> Motion:
        assert self.task.motion_folder is not None
        motion = read_clip(self.task.motion_folder, part.info)
        return variation.segment(motion, part.start, self.task.n_frames, self.task.fps)

    @cached_property
    def _transforms(self) -> FloatArray:
        """(T, B, 3, 4) of the bones, the body standing on the floor."""
        body, task = self._body, self.task
        transforms = body.transforms(self.motion)
        reference = None
        if task.made is None:
            reference = body.lowest(body.transforms(self._recorded))
        transforms[..., 1, 3] += variation.footing(body.lowest(transforms), reference)[:, None]
        return transforms

    @cached_property
    def _view(self) -> View:
        return self._view_of(self.scene.camera)

    def _view_of(self, camera: CameraSpec) -> View:
        body, transforms = self._body, self._transforms
        points = np.concatenate([body.joints(transforms), body.feet(transforms)], axis=1)
        return place_camera(camera, points)

    def _drawn(self) -> list[Image]:
        lens = Lens(self.scene.picture, self.task.scene_seed)
        renderer = self._renderer()
        try:
            return [
                lens.expose([renderer.draw(pose) for pose in self._exposures(index)])
                for index in range(self.task.n_frames)
            ]
        finally:
            renderer.close()

    def _exposures(self, index: int) -> list[FloatArray]:
        """(B, 3, 4) poses while the shutter is open, in the middle of which the truth lies."""
        picture, transforms = self.scene.picture, self._transforms
        offsets = np.linspace(-0.5, 0.5, picture.exposures) * picture.shutter
        poses = []
        for offset in offsets if picture.exposures > 1 else [0.0]:
            other = int(np.clip(index + np.sign(offset), 0, len(transforms) - 1))
            share = abs(float(offset))
            poses.append((1 - share) * transforms[index] + share * transforms[other])
        return poses

    def _renderer(self) -> Renderer:
        scene, body = self.scene, self._body
        root = body.joints(self._transforms)[:, 11:13].mean(axis=(0, 1))
        ground: NDArray[np.float64] = root * [1.0, 0.0, 1.0]
        background = scene.background
        if self.task.made is not None and self.task.made[0] == "sit":
            background = replace(background, boxes=(*background.boxes, _seat(root[1], scene)))
        return Renderer(
            dressed=dress(body, scene.clothes, self.task.scene_seed),
            weights=body.model.weights,
            light=scene.light,
            floor=background.colours[0],
            pattern_scale=scene.clothes.pattern_scale,
            stage=build_stage(replace(scene, background=background), self._view, ground),
            view=self._view,
        )


def _seat(hip_height_m: float, scene: SceneSpec) -> Box:
    """A stool under the hips."""
    height = max(hip_height_m - 0.13, 0.02)
    return Box(
        centre=(0.0, height / 2, 0.0),
        size=(0.36, height, 0.36),
        yaw_deg=scene.background.yaw_deg,
        colour=scene.clothes.shoes,
        texture=scene.background.textures[1],
    )
