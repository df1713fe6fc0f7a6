"""Shards of an articulated body whose joint angles are known by construction."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gonio.capture.cameras import Camera
from gonio.capture.pairs import Truth, build_shard
from gonio.capture.shards import Shard, ShardLabels
from gonio.capture.store import ConversionPlan, Outcome, ShardStore
from gonio.capture.tasks import Converted, Split, Task
from gonio.frames import ray_from_camera
from gonio.skeleton import AUGMENTED_MARKERS, COCO_FROM_MEDIAPIPE, COCO_JOINTS, MEDIAPIPE
from gonio.types import FloatArray, LandmarkSequence, MarkerTrajectories
from tests.kinematics.body import body

SIZE = (1280, 720)
FOCAL = 640 / np.tan(np.radians(30))  # the field of view that inference assumes
CAMERA = Camera(np.array([[FOCAL, 0, 640], [0, FOCAL, 360], [0, 0, 1]]), SIZE)
STATURE = 1.7
PLACES = {"eye": (-0.02, 0.03, 0.03), "ear": (-0.09, 0.01, 0.07)}  # from the nose, to the right
FEET = ("Heel", "BigToe", "SmallToe")


def known_shard(
    angles: Mapping[str, FloatArray] | None = None,
    *,
    count: int = 60,
    rate_hz: float = 30.0,
    pitch_deg: float = 15.0,
    noise_m: float = 0.0,
    markers: bool = True,
    feet: bool = True,
    stature_m: float = STATURE,
    sequence: str = "walk",
    subject: str = "s1",
    source: str = "fake",
    time_s: FloatArray | None = None,
) -> Shard:
    """The body with given angles, filmed by a camera that looks down on it from 4 m."""
    paths = body(angles, count=count, rate_hz=rate_hz)
    in_camera = _into_camera(pitch_deg)
    joints = in_camera(_joints(paths))
    foot = in_camera(np.stack([paths[f"{s}{part}"] for s in "RL" for part in FEET], axis=1))
    truth = Truth(
        joints=joints,
        up=in_camera(np.array([[0.0, 1.0, 0.0]]), turn_only=True)[0],
        camera=CAMERA,
        feet=foot if feet else None,
        markers=in_camera(paths.select(AUGMENTED_MARKERS)) if markers else None,
        stature_m=stature_m,
    )
    time = np.arange(count) / rate_hz if time_s is None else time_s
    labels = ShardLabels(source, sequence, "c01", subject, rate_hz, "mediapipe full VIDEO")
    return build_shard(_seen(truth, foot, time, noise_m), truth, labels)


def _joints(paths: MarkerTrajectories) -> FloatArray:
    rows = []
    for name in COCO_JOINTS:
        side, _, part = name.partition("_")
        if name == "nose":
            rows.append(paths["Nose"])
        elif part in PLACES:
            mirror = [1.0, 1.0, 1.0 if side == "right" else -1.0]
            rows.append(paths["Nose"] + np.array(PLACES[part]) * mirror)
        else:
            rows.append(paths[side[0].upper() + part.title()])
    return np.stack(rows, axis=1)


def _into_camera(pitch_deg: float):
    """From the lab, where the body faces +X to the camera, into the camera frame."""
    pitch = np.radians(pitch_deg)
    away = np.array([-np.cos(pitch), -np.sin(pitch), 0.0])
    right = np.array([0.0, 0.0, -1.0])
    camera_from_lab = np.stack([right, np.cross(away, right), away])
    eye = np.array([0.0, 1.0, 0.0]) - 4.0 * away

    def turn(points: FloatArray, turn_only: bool = False) -> FloatArray:
        return (points if turn_only else points - eye) @ camera_from_lab.T

    return turn


def _seen(truth: Truth, foot: FloatArray, time_s: FloatArray, noise_m: float) -> LandmarkSequence:
    """MediaPipe's landmarks: the truth in the ray frame with noise."""
    points = np.repeat(truth.mid_hip[:, None], 33, axis=1)
    points[:, list(COCO_FROM_MEDIAPIPE)] = truth.joints
    for first, side in ((0, "right"), (3, "left")):
        points[:, MEDIAPIPE[f"{side}_heel"]] = foot[:, first]
        points[:, MEDIAPIPE[f"{side}_foot_index"]] = foot[:, first + 1]
    turn = ray_from_camera(truth.mid_hip)
    world = np.einsum("nij,nkj->nki", turn, points - truth.mid_hip[:, None])
    world += np.random.default_rng(0).normal(scale=noise_m, size=world.shape)
    image = truth.camera.project(points) / np.array(SIZE)
    return LandmarkSequence(time_s, world, image, np.ones(world.shape[:2]), SIZE)


def shard_store(root: Path, shards: list[Shard]) -> ShardStore:
    """A folder as `data_conversion` leaves it; splits go round by subject."""
    splits: tuple[Split, ...] = ("train", "validation", "test")
    subjects = list(dict.fromkeys(shard.subject for shard in shards))
    tasks = [
        Task(
            shard.source,
            shard.sequence,
            shard.camera,
            shard.subject,
            splits[subjects.index(shard.subject) % 3],
            "h",
            len(shard),
        )
        for shard in shards
    ]
    store = ShardStore(root)
    for name in dict.fromkeys(shard.source for shard in shards):
        own = tuple(task for task in tasks if task.source == name)
        store.save(ConversionPlan(_Nothing(name), {"made": "by hand"}, "p1", own))
    for task, shard in zip(tasks, shards, strict=True):
        store.save(Outcome(task, "p1", "done", converted=Converted(shard, view_error=0.02)))
    return store


class _Nothing:
    def __init__(self, name: str) -> None:
        self.name = name

    def list_tasks(self) -> list[Task]:
        return []

    def convert(self, task: Task) -> Converted:
        raise NotImplementedError
