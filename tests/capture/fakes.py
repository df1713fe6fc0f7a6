"""A source of small shards for tests of the machinery around it; it runs no MediaPipe."""

import os
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gonio.capture.cameras import Camera
from gonio.capture.observation import ObservationOptions
from gonio.capture.pairs import Truth, build_shard
from gonio.capture.shards import Shard, ShardLabels
from gonio.capture.store import ConversionPlan
from gonio.capture.tasks import Converted, LeftOutError, Split, Task
from gonio.errors import InputError
from gonio.skeleton import COCO, COCO_FROM_MEDIAPIPE, COCO_JOINTS
from gonio.types import FloatArray, LandmarkSequence

SIZE = (640, 480)
CAMERA = Camera(np.array([[600.0, 0, 320], [0, 600.0, 240], [0, 0, 1]]), SIZE)

# Right side, up, to the front: metres from mid-hip, of somebody who stands upright.
_STANDING = {
    "nose": (0, 0.65, 0.1),
    "eye": (0.03, 0.69, 0.08),
    "ear": (0.07, 0.67, 0.0),
    "shoulder": (0.18, 0.48, 0.0),
    "elbow": (0.22, 0.2, -0.02),
    "wrist": (0.23, -0.05, 0.05),
    "hip": (0.1, 0.0, 0.0),
    "knee": (0.11, -0.42, 0.02),
    "ankle": (0.11, -0.84, -0.02),
}


def standing() -> FloatArray:
    """(17, 3) joints of a standing body: x to its right, y up, z to its front, metres."""
    rows = []
    for name in COCO_JOINTS:
        x, y, z = _STANDING[name.removeprefix("left_").removeprefix("right_")]
        rows.append((-x if name.startswith("left_") else x, y, z))
    return np.array(rows, dtype=float)


def seen_by_mediapipe(truth: Truth, seed: int = 0, noise_m: float = 0.02) -> LandmarkSequence:
    """Landmarks as MediaPipe would give them: the truth with noise, at 30 frames a second."""
    random = np.random.default_rng(seed)
    n = len(truth)
    world, image = np.zeros((n, 33, 3)), np.full((n, 33, 2), 0.5)
    coco = list(COCO_FROM_MEDIAPIPE)
    world[:, coco] = truth.joints - truth.mid_hip[:, None]
    world += random.normal(scale=noise_m, size=world.shape)
    image[:, coco] = truth.camera.project(truth.joints) / np.array(truth.camera.image_size)
    return LandmarkSequence(
        time_s=np.arange(n) / 30,
        world=world,
        image=image,
        visibility=random.uniform(0.5, 1, (n, 33)),
        image_size=truth.camera.image_size,
    )


def walking_truth(frames: int, seed: int = 0) -> Truth:
    """Somebody who walks past a level camera, turning a little."""
    random = np.random.default_rng(seed)
    joints = np.repeat(standing()[None], frames, axis=0) * [1, -1, -1]
    joints += 0.05 * np.sin(np.arange(frames)[:, None, None] / 7 + random.uniform(0, 6, (17, 3)))
    joints += np.linspace([-0.6, 0.1, 4.0], [0.6, 0.1, 4.5], frames)[:, None]
    return Truth(joints=joints, up=np.array([0.0, -1, 0]), camera=CAMERA, stature_m=1.75)


def small_shard(
    frames: int = 20, seed: int = 0, sequence: str = "walk", subject: str = "s1"
) -> Shard:
    truth = walking_truth(frames, seed)
    labels = ShardLabels("fake", sequence, "c01", subject, 30.0, "mediapipe full VIDEO")
    return build_shard(seen_by_mediapipe(truth, seed), truth, labels)


@dataclass(frozen=True)
class FakeSource:
    """Says and does what the test wants.

    Attributes:
        tasks: number of tasks.
        frames: of each.
        delay_s: how long each takes.
        behaviour: what happens in the task of that sequence: fail, leave_out, surprise, die.
        log: folder in which each conversion leaves a file, to count them.
    """

    tasks: int = 6
    frames: int = 20
    delay_s: float = 0.0
    behaviour: tuple[tuple[str, str], ...] = ()
    log: Path | None = None
    observation: ObservationOptions = field(default_factory=ObservationOptions)

    @property
    def name(self) -> str:
        return "fake"

    def list_tasks(self) -> list[Task]:
        splits: tuple[Split, ...] = ("train", "train", "validation", "test")
        return [
            Task(
                source="fake",
                sequence=f"walk{k:02d}",
                camera="c01",
                subject=f"s{k % 4}",
                split=splits[k % 4],
                source_hash=str(self.frames),
                expected_frames=self.frames,
                left_out="it is on a list" if self.does(f"walk{k:02d}") == "listed" else "",
            )
            for k in range(self.tasks)
        ]

    def does(self, sequence: str) -> str:
        return dict(self.behaviour).get(sequence, "")

    def convert(self, task: Task) -> Converted:
        time.sleep(self.delay_s)
        if self.log is not None:
            (self.log / f"{task.key}-{os.getpid()}-{time.monotonic_ns()}").touch()
        what = self.does(task.sequence)
        if what == "fail":
            raise InputError("the video is broken")
        if what == "leave_out":
            raise LeftOutError("the view is mirrored")
        if what == "surprise":
            raise ZeroDivisionError("nobody thought of this")
        if what == "die":
            os._exit(7)
        seed = zlib.crc32(task.key.encode())
        return Converted(
            small_shard(self.frames, seed, task.sequence, task.subject),
            view_error=0.02,
            previews=(np.full((240, 240, 3), 90, np.uint8),),
        )


def plan_of(source: FakeSource, parameter_hash: str = "p1") -> ConversionPlan:
    parameters: dict[str, Any] = {"hash": parameter_hash}
    return ConversionPlan(source, parameters, parameter_hash, tuple(source.list_tasks()))


def hips() -> list[int]:
    return [COCO["left_hip"], COCO["right_hip"]]
