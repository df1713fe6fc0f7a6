"""A rendered body seen by several cameras at once, with the truth in one world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from gonio.capture.cameras import Camera, Placement
from gonio.capture.rendered.scene import CameraSpec, Light, Picture
from gonio.capture.rendered.sequence import RenderedSequence
from gonio.capture.rendered.tasks import RenderedTask
from gonio.types import FloatArray

Fault = Literal["mirrored", "late"]

_CLEAR = Picture(0.0, 1, 0.0, 1.0, 0.0, 1.0, 0.0, "none", 0)
_LIGHT = Light((0.35, 0.75, 0.56), (0.75, 0.75, 0.72), (0.5, 0.5, 0.52), 0.4)


@dataclass(frozen=True)
class View:
    """One camera's video of a scene, with the truth in the world of that scene.

    Attributes:
        camera: intrinsics.
        placement: camera from world; metres.
        images: frames (H, W, 3) uint8.
    """

    camera: Camera
    placement: Placement
    images: list[NDArray[np.uint8]]


@dataclass(frozen=True)
class Scene:
    """A body that moves, seen by several cameras.

    Attributes:
        joints: (N, 17, 3) COCO joints, metres, world (y up, floor near 0).
        views: by the camera's name.
    """

    joints: FloatArray
    views: dict[str, View]


@dataclass(frozen=True)
class FabricationOptions:
    """How large a fabricated data set is.

    Attributes:
        frames: of each sequence.
        image_size: (width, height), pixels.
        motion: kind of made motion, as in `rendered.procedural`.
        seed: of bodies, motion and scenes.
        faults: what is wrong with a camera's video: `mirrored`, or `late` by a quarter of a second
            against the annotations.
    """

    frames: int = 40
    image_size: tuple[int, int] = (480, 480)
    motion: str = "poses"
    seed: int = 0
    faults: Mapping[str, Fault] = field(default_factory=dict)


def render_scene(
    cameras: Sequence[str], number: int, fps: float, options: FabricationOptions
) -> Scene:
    """Render one body's motion for several cameras around it.

    Args:
        cameras: their names; they stand evenly around the body.
        number: of the body and its motion.
        fps: frames a second.
        options: size, motion, seed, faults.

    Raises:
        GonioError: the packages that render are not installed.
    """
    sequences = {
        name: _sequence(number, fps, options, 20 + 360 * k / len(cameras))
        for k, name in enumerate(cameras)
    }
    first = sequences[cameras[0]].truth
    # The world: the first camera's frame, turned so that y is up, with the floor near y = 0.
    turn, _ = Rotation.align_vectors([[0.0, 1.0, 0.0]], [first.up[0]])
    joints = turn.apply(first.joints.reshape(-1, 3)).reshape(first.joints.shape)
    floor = np.array([0.0, float(joints[..., 1].min()) - 0.08, 0.0])
    joints = joints - floor
    views = {}
    for name, sequence in sequences.items():
        truth = sequence.truth
        images = [frame.rgb for frame in sequence.frames()]
        views[name] = View(
            truth.camera,
            _placement(joints, truth.joints),
            _faulty(images, options.faults.get(name), fps),
        )
    return Scene(joints, views)


def _sequence(
    number: int, fps: float, options: FabricationOptions, azimuth_deg: float
) -> RenderedSequence:
    seed = 1000 * options.seed + number
    task = RenderedTask(
        task_id=f"fabricated_{seed}",
        split="train",
        subject=f"body{seed}",
        body_id=seed,
        scene_seed=seed,
        n_frames=options.frames,
        fps=fps,
        motion_folder=None,
        clip=None,
        arms=None,
        made=(options.motion, seed),
        mirrored=False,
        offsets=0.0,
    )
    sequence = RenderedSequence(task)
    spec = CameraSpec(options.image_size, 50.0, azimuth_deg, 8.0, 0.0, 0.75, (0.0, 0.0))
    sequence.scene = replace(
        sequence.scene, camera=spec, occluders=(), picture=_CLEAR, light=_LIGHT
    )
    return sequence


def _placement(world: FloatArray, camera: FloatArray) -> Placement:
    """The rigid motion that takes the joints in the world to those in the camera frame."""
    a, b = world.reshape(-1, 3), camera.reshape(-1, 3)
    rotation, _ = Rotation.align_vectors(b - b.mean(axis=0), a - a.mean(axis=0))
    matrix = rotation.as_matrix()
    return Placement(matrix, b.mean(axis=0) - matrix @ a.mean(axis=0))


def _faulty(
    images: list[NDArray[np.uint8]], fault: Fault | None, fps: float
) -> list[NDArray[np.uint8]]:
    if fault == "mirrored":
        return [np.ascontiguousarray(image[:, ::-1]) for image in images]
    if fault == "late":
        late = round(fps / 4)
        return [images[0]] * late + images[:-late]
    return images


def write_video(path: Path, images: Sequence[NDArray[np.uint8]], fps: Fraction | int) -> None:
    """Write frames (H, W, 3) with even sides as H.264 in MP4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "18"})
        stream.pix_fmt = "yuv420p"
        stream.height, stream.width = images[0].shape[:2]
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = number
            frame.time_base = 1 / Fraction(fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
