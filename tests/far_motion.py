"""Movements far from the training data, rendered and seen by MediaPipe like the rendered source.

Each begins with quiet standing. They are made here, in the tests, from a body outside of the
splits, so that no network can have learned from them. (All networks have seen other bodies stand
on one leg with the other raised, in motion that was projected and not rendered.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from gonio.capture.observation import ObservationOptions, observe
from gonio.capture.rendered.made_kinds import GAIT, GAIT_PHASE, LIMITS
from gonio.capture.rendered.motion import BONE, Motion, quaternions_from_matrices
from gonio.capture.rendered.procedural import LEG_M, _local
from gonio.capture.rendered.scene import Background, CameraSpec, Clothes, Light, Picture, SceneSpec
from gonio.capture.rendered.sequence import RenderedSequence
from gonio.capture.rendered.tasks import BODIES_A_SPLIT, SPLITS, RenderedTask
from gonio.capture.rendered.variation import global_from_local
from gonio.capture.shards import Shard, read_shard, write_shard
from gonio.capture.tasks import Task
from gonio.types import BoolArray, FloatArray

FRAMES, FPS = 105, 30.0
STILL_S = 1.0
"""Quiet standing at the beginning, seconds."""
NEUTRAL_S = (0.4, 0.9)
"""The part of it that excursions are measured from: the filters and networks have settled."""
BODY_ID = len(SPLITS) * BODIES_A_SPLIT + 39
"""A man of 1.79 m; the numbers of all splits are smaller."""
VIEWS = {"oblique": -30.0, "side": -80.0}
"""Bearing of the camera from straight ahead, degrees; negative is on the body's right."""
LIFT_DEG, STRAIGHT_DEG, HYPER_DEG = 85.0, 0.0, -13.5

STANDING = {
    "hip flexion": 3.0,
    "hip abduction": 4.0,
    "knee flexion": 5.0,
    "shoulder flexion": 5.0,
    "shoulder abduction": 12.0,
    "shoulder rotation": 10.0,
    "elbow flexion": 20.0,
    "forearm pronation": 20.0,
}
"""Angles of quiet standing, degrees; those that are not named are 0."""

Angles = dict[str, FloatArray]


@dataclass(frozen=True)
class FarMovement:
    """A movement and where in it the body is far from what networks know.

    Attributes:
        name: of the movement.
        motion: what the bones do.
        extreme: (T,) the frames that count.
        angles: columns of the angles in question.
    """

    name: str
    motion: Motion
    extreme: BoolArray
    angles: tuple[str, ...]


def time_s() -> FloatArray:
    """(T,) seconds."""
    return np.arange(FRAMES) / FPS


def leg_lift() -> FarMovement:
    """The right leg goes up straight in front of the body, and slowly down again."""
    share = _moving() / (FRAMES / FPS - STILL_S)
    lift = 0.5 - 0.5 * np.cos(2 * np.pi * share)
    angles = _standing()
    angles["right hip flexion"] += lift * (LIFT_DEG - STANDING["hip flexion"])
    angles["right knee flexion"] += lift * (STRAIGHT_DEG - STANDING["knee flexion"])
    angles["right ankle flexion"] += -10 * lift
    angles["trunk flexion"] += -6 * lift
    for side in ("left", "right"):
        angles[f"{side} shoulder abduction"] += 20 * lift
    return FarMovement(
        "leg_lift",
        _motion("leg_lift", angles),
        lift > 0.9,
        ("hip_R_flexion_deg", "knee_R_flexion_deg"),
    )


def stiff_knee_walk() -> FarMovement:
    """Walking with a right knee that never bends: the leg swings around outside."""
    moving = _moving()
    begun = np.clip(moving / 0.4, 0, 1)
    left = (moving / 1.3 + 0.62) % 1.0  # the left foot begins to swing
    right = (left + 0.5) % 1.0
    swing = np.where(right > 0.6, np.sin(np.pi * (right - 0.6) / 0.4), 0.0)
    angles = _standing()
    for name, knots in GAIT.items():
        curve = CubicSpline([*GAIT_PHASE, 1.0], [*knots, knots[0]], bc_type="periodic")
        angles[f"left {name}"] += begun * (0.75 * curve(left) - STANDING.get(name, 0.0))
    angles["right hip flexion"] += begun * (20 * np.cos(2 * np.pi * right) + 2)
    angles["right hip abduction"] += begun * 18 * swing
    angles["right knee flexion"] += begun * (STRAIGHT_DEG - STANDING["knee flexion"])
    for side, phase in (("left", left), ("right", right)):
        angles[f"{side} shoulder flexion"] += -15 * begun * np.cos(2 * np.pi * phase)
    hike = Rotation.from_euler("z", (-5 * begun * swing)[:, None], degrees=True).as_matrix()
    path = np.cumsum(0.7 / FPS * begun * (moving > 0))
    motion = _motion("stiff_knee_walk", angles, hike, path)
    return FarMovement("stiff_knee_walk", motion, begun == 1, ("knee_R_flexion_deg",))


def hyper_extended_elbow() -> FarMovement:
    """The right arm, half raised, is straightened twice, each time beyond straight."""
    moving = _moving()
    begun = np.clip(moving / 0.4, 0, 1)
    bent = (0.5 + 0.5 * np.cos(2 * np.pi * moving / 1.25)) ** 2  # lingers where it is straight
    angles = _standing()
    angles["right shoulder flexion"] += begun * 45
    angles["right shoulder abduction"] += begun * 13
    wanted = HYPER_DEG + (70 - HYPER_DEG) * bent
    angles["right elbow flexion"] += begun * (wanted - STANDING["elbow flexion"])
    return FarMovement(
        "hyper_extended_elbow",
        _motion("hyper_extended_elbow", angles),
        (begun == 1) & (angles["right elbow flexion"] < HYPER_DEG + 1.5),
        ("elbow_R_flexion_deg",),
    )


MOVEMENTS: dict[str, Callable[[], FarMovement]] = {
    "leg_lift": leg_lift,
    "stiff_knee_walk": stiff_knee_walk,
    "hyper_extended_elbow": hyper_extended_elbow,
}


def _moving() -> FloatArray:
    """(T,) seconds since the quiet standing ended."""
    return np.maximum(time_s() - STILL_S, 0.0)


def _standing() -> Angles:
    sided = {name: name.split()[0] not in ("trunk", "neck") for name in LIMITS}
    names = [
        f"{side}{name}"
        for name in LIMITS
        for side in (("left ", "right ") if sided[name] else ("",))
    ]
    return {name: np.full(FRAMES, STANDING.get(name.partition(" ")[2], 0.0)) for name in names}


def _motion(
    name: str, angles: Angles, whole: FloatArray | None = None, ahead_m: FloatArray | None = None
) -> Motion:
    """Made motion, with the right elbow as wanted also where made motion would clip it.

    Args:
        name: of the clip.
        angles: (T,) degrees each, as made motion takes them.
        whole: (T, 3, 3) turns of the whole body.
        ahead_m: (T,) path forward, metres.
    """
    local = _local(angles, FRAMES)
    elbow = angles["right elbow flexion"]
    beyond = elbow - np.clip(elbow, *LIMITS["elbow flexion"])
    turn = Rotation.from_euler("y", beyond[:, None], degrees=True).as_matrix()
    local[:, BONE["RightForeArm"]] = turn @ local[:, BONE["RightForeArm"]]
    matrices = global_from_local(local)
    if whole is not None:
        matrices = whole[:, None] @ matrices
    root = np.tile([0.0, 0.9, 0.0], (FRAMES, 1))
    if ahead_m is not None:
        root[:, 2] = ahead_m
    return Motion(name, "nobody", name, FPS, quaternions_from_matrices(matrices), root, LEG_M)


class FarSequence(RenderedSequence):
    """One of the movements in a plain scene, from one viewpoint."""

    def __init__(self, movement: FarMovement, view: str):
        super().__init__(_task(movement.name, view))
        self.scene = _plain_scene(VIEWS[view])
        self._movement = movement

    @cached_property
    def motion(self) -> Motion:
        """The movement as it was made."""
        return self._movement.motion


def _task(name: str, view: str) -> RenderedTask:
    return RenderedTask(
        task_id=f"{name}_{view}",
        split="test",
        subject="nobody",
        body_id=BODY_ID,
        scene_seed=0,
        n_frames=FRAMES,
        fps=FPS,
        motion_folder=None,
        clip=None,
        arms=None,
        made=(name, 0),
        mirrored=False,
        offsets=0.0,
    )


def _plain_scene(azimuth_deg: float) -> SceneSpec:
    grey, white = (0.45, 0.45, 0.45), (0.8, 0.8, 0.78)
    return SceneSpec(
        seed=0,
        clothes=Clothes(
            skin=(0.80, 0.60, 0.45),
            hair=(0.17, 0.11, 0.08),
            shirt=(0.2, 0.35, 0.7),
            trousers=(0.15, 0.15, 0.2),
            shoes=(0.6, 0.1, 0.1),
            sleeve=0.5,
            trouser_leg=0.6,
            shirt_loose_m=0.005,
            trousers_loose_m=0.005,
            folds_m=0.002,
            shirt_pattern=0,
            trousers_pattern=0,
            pattern_scale=10.0,
            hair_style="short",
            skirt=False,
            face_hidden="none",
        ),
        light=Light((0.4, 0.8, 0.45), (0.4, 0.4, 0.4), (0.6, 0.6, 0.6), 0.3),
        background=Background("room", (grey, white, white), (0, 0), 1.0, 4.0, 20.0, ()),
        camera=CameraSpec((480, 480), 50.0, azimuth_deg, 5.0, 0.0, 0.85, (0.0, 0.0)),
        occluders=(),
        picture=Picture(0.0, 1, 0.0, 1.0, 0.0, 1.0, 0.0, "none", 0),
    )


def far_shard(folder: Path, movement: FarMovement, view: str) -> Shard:
    """The movement as `data_conversion` would have it; rendered once a folder.

    Raises:
        GonioError: Anny or moderngl is not installed, or the machine has no EGL.
    """
    path = folder / f"{movement.name}_{view}.npz"
    if not path.is_file():
        sequence = FarSequence(movement, view)
        task = Task("rendered", movement.name, view, "nobody", "test", "", FRAMES)
        options = ObservationOptions(model="full", max_view_error=float("inf"), previews=0)
        seen = observe(task, sequence.frames(), sequence.truth, FPS, options)
        write_shard(path, seen.shard)
    return read_shard(path)
