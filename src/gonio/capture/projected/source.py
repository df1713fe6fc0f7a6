"""Motion projected through random cameras as a source of pairs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, field_validator
from scipy.spatial.transform import Rotation

from gonio.capture.manifest import Manifest
from gonio.capture.pairs import Truth, build_shard
from gonio.capture.projected.balance import STANDING_KINDS, balancing_turns, beside_support
from gonio.capture.projected.detector_model import DetectorModel, load_detector_model
from gonio.capture.projected.measured import measured_detector
from gonio.capture.reference_body import reference_scale
from gonio.capture.rendered.scene import CameraSpec
from gonio.capture.rendered.scene_sampling import sample_scene
from gonio.capture.rendered.sequence import RenderedSequence
from gonio.capture.rendered.tasks import (
    MADE_WEIGHTS,
    RenderedOptions,
    RenderedTask,
    Share,
    checked_kinds,
)
from gonio.capture.rendered_source import RenderedSource
from gonio.capture.shards import ShardLabels
from gonio.capture.store import ShardStore
from gonio.capture.tasks import Converted, Task, digest
from gonio.errors import InputError
from gonio.frames import ray_from_camera
from gonio.options import Options, RepairOptions
from gonio.skeleton import MEDIAPIPE
from gonio.types import FloatArray, LandmarkSequence

DETECTOR_MODEL_FORMAT = 1
"""Raised where the same pairs teach another model of the detector."""
ASIDE_M = 0.025
"""How far the mass of a body in balance lies beside the middle of its feet, standard deviation."""
RATE_HZ = 10.0
"""Frames a second: those that a network over time compares."""
STEEPEST_DEG = 80.0
"""Cameras above or below the body have no level."""
Elevation = Annotated[float, Field(ge=-STEEPEST_DEG, le=STEEPEST_DEG)]


class ProjectedOptions(Options):
    """What to project: the parameters below `projected`."""

    model_config = ConfigDict(allow_inf_nan=False)

    sequences: int = Field(2000, ge=1, description="movements, each of a body of its own")
    cameras: int = Field(4, ge=1, description="that see each movement")
    seed: int = Field(
        1000,
        ge=0,
        description="of everything; its bodies and scenes are others than those of rendered pairs",
    )
    sequence_frames: int = Field(24, ge=6, description="frames a sequence, 0.1 s apart")
    made_share: Share = Field(0.3, description="as in `RenderedOptions`")
    made_kinds: dict[str, float] = Field(
        default_factory=lambda: {**MADE_WEIGHTS, "one_leg": 0.0},
        description="how likely each kind of made motion is, in any unit",
    )
    mix_share: Share = Field(0.35, description="as in `RenderedOptions`")
    offset_share: Share = Field(0.7, description="as in `RenderedOptions`")
    offset_factor: float = Field(
        1.5, ge=0, le=10, description="on the strength of the random offsets of the joints"
    )
    balanced_share: Share = Field(
        0.0,
        description="of sequences whose body is turned so that its mass lies above its feet, where "
        "made motion stands on them, or beside them as in the recording that was changed",
    )
    tilt_share: Share = Field(
        0.35, description="of the other sequences whose body is tilted as a whole"
    )
    tilt_deg: float = Field(
        20.0, ge=0, le=180, description="standard deviation of the tilt about any axis, degrees"
    )
    elevation_deg: tuple[Elevation, Elevation] = Field(
        (-15.0, 45.0),
        description="lowest and highest camera above the horizontal; all between are as likely",
    )

    @field_validator("made_kinds")
    @classmethod
    def _known_kinds(cls, value: dict[str, float]) -> dict[str, float]:
        checked_kinds(value)
        return value

    @field_validator("elevation_deg")
    @classmethod
    def _lowest_first(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] > value[1]:
            raise ValueError("allowed are a lowest and a highest one, in this order")
        return value

    def rendered(self) -> RenderedOptions:
        """The movements, as the source `rendered` would draw them; all are for training."""
        return RenderedOptions(
            frames=self.sequences * self.sequence_frames,
            seed=self.seed,
            sequence_frames=self.sequence_frames,
            frame_rates=(RATE_HZ,),
            made_share=self.made_share,
            mix_share=self.mix_share,
            offset_share=self.offset_share,
            split_shares=(1.0, 0.0, 0.0),
        )


@dataclass(frozen=True)
class ProjectedSource:
    """Tasks and shards of projected motion.

    Attributes:
        motion_folder: clips of recorded motion; where it has none, motion is made.
        shards_folder: of the rendered pairs whose errors are borrowed.
        options: what to project.
        repair: as `inference` repairs: the errors that are borrowed are those that it leaves.
        motion_needed: whether the motion folder must have clips, as one that the user has named.
    """

    motion_folder: Path
    shards_folder: Path
    options: ProjectedOptions = field(default_factory=ProjectedOptions)
    repair: RepairOptions = field(default_factory=RepairOptions)
    motion_needed: bool = False

    @property
    def name(self) -> str:
        """`projected`."""
        return "projected"

    def parameters(self) -> dict[str, Any]:
        """What the shards depend on; more sequences only make more tasks."""
        kept = self.options.model_dump(exclude={"sequences"})
        return {
            **kept,
            "errors_of": _errors_of(self._rendered(), self.repair),
            "motion": self._movements().parameters(),
        }

    def _movements(self) -> RenderedSource:
        options = self.options
        return RenderedSource(
            self.motion_folder,
            options.rendered(),
            made_kinds=options.made_kinds,
            motion_needed=self.motion_needed,
        )

    def _rendered(self) -> Manifest:
        return ShardStore(self.shards_folder).manifest().select(["rendered"])

    def list_tasks(self) -> list[Task]:
        """A task for each movement and camera; the detector model is learned here, once.

        Raises:
            MissingFileError: the motion folder must have clips and has none.
            InputError: there are no rendered training pairs, or somebody who is held out of their
                training moves here.
        """
        manifest = self._rendered()
        movements = self._movements().list_tasks()
        _check_held_out(manifest, movements)
        name = _errors_of(manifest, self.repair)
        path = self.shards_folder / "detector_models" / f"{name}.npz"
        measured_detector(manifest, path, self.repair)
        return [
            replace(
                task,
                source=self.name,
                camera=f"camera{number}",
                details={**task.details, "detector": path, "camera": number},
            )
            for task in movements
            for number in range(self.options.cameras)
        ]

    def convert(self, task: Task) -> Converted:
        """Pose a body, project it, and let the detector model see it.

        Raises:
            GonioError: Anny is not installed.
            InputError: the detector model is damaged.
        """
        rendered: RenderedTask = task.details["rendered"]
        number: int = task.details["camera"]
        scene_seed = rendered.scene_seed if number == 0 else rendered.scene_seed + 7919 * number
        factor = self.options.offset_factor
        sequence = RenderedSequence(replace(rendered, offsets=factor * rendered.offsets))
        rng = np.random.default_rng([0x9403, scene_seed])
        elevation = float(rng.uniform(*self.options.elevation_deg))
        camera = replace(sample_scene(scene_seed).camera, elevation_deg=elevation)
        truth = sequence.truth_from(camera)
        truth = self._turned(truth, rendered, camera, rng)
        landmarks = projected_landmarks(truth, _detector(task.details["detector"]), rng)
        labels = ShardLabels(
            source=self.name,
            sequence=task.sequence,
            camera=task.camera,
            subject=task.subject,
            fps=RATE_HZ,
            detector="mediapipe modelled",
        )
        return Converted(build_shard(landmarks, truth, labels))

    def _turned(
        self, truth: Truth, task: RenderedTask, camera: CameraSpec, rng: np.random.Generator
    ) -> Truth:
        """The body brought into balance, tilted as a whole, or as it is."""
        options = self.options
        if rng.random() < options.balanced_share:
            aside = _beside_its_feet(task, camera, rng)
            if aside is not None:
                assert truth.feet is not None  # a drawn body has feet
                return tilted(truth, balancing_turns(truth.joints, truth.feet, truth.up, aside))
        if rng.random() < options.tilt_share:
            vector = np.radians(options.tilt_deg) * rng.normal(size=3)
            return tilted(truth, Rotation.from_rotvec(vector).as_matrix())
        return truth


def _beside_its_feet(
    task: RenderedTask, camera: CameraSpec, rng: np.random.Generator
) -> FloatArray | None:
    """Where the mass of a body lies beside its feet, camera frame: above them in made motion.

    Where a recording was changed it lies as in the recording; None where nothing is known or to be
    done.
    """
    if task.made is not None:
        return ASIDE_M * rng.normal(size=3) if task.made[0] in STANDING_KINDS else None
    if task.arms is None and task.offsets == 0:
        return None
    recorded = RenderedSequence(replace(task, arms=None, offsets=0.0)).truth_from(camera)
    assert recorded.feet is not None
    return beside_support(recorded.joints, recorded.feet, recorded.up)


def _errors_of(rendered: Manifest, repair: RepairOptions) -> str:
    """Hash of the rendered training pairs whose errors are borrowed, and of their repair."""
    train = [r for r in rendered.with_status("done") if r.split == "train"]
    pairs = [[r.key, r.parameter_hash, r.source_hash, r.bytes] for r in train]
    return digest([DETECTOR_MODEL_FORMAT, pairs, repair.model_dump()])


def _check_held_out(rendered: Manifest, movements: list[Task]) -> None:
    """See that who is held out of training in the rendered pairs is no training subject here.

    Raises:
        InputError: somebody is; both sources split the performers of the motion folder as it is
            when they are converted.
    """
    splits = {who: record.split for record in rendered for who in record.subject.split("+")}
    moving = {who: task.split for task in movements for who in task.subject.split("+")}
    torn = sorted(who for who, split in moving.items() if splits.get(who, split) != split)
    if torn:
        named = "; ".join(f"{who} for {moving[who]}, rendered for {splits[who]}" for who in torn)
        raise InputError(
            f"the rendered shards hold out who would be projected otherwise: {named}. The motion "
            "folder has changed since they were made: give it as it was, or convert "
            "source=rendered again"
        )


def tilted(truth: Truth, turn: FloatArray) -> Truth:
    """The same movement of a body that leans as a whole; gravity and the camera stay.

    Args:
        truth: camera frame.
        turn: (3, 3) or (T, 3, 3) rotation of the body about its mid-hip, camera frame.
    """
    centre = truth.mid_hip[:, None]

    def turned(points: FloatArray) -> FloatArray:
        return np.asarray(centre + (points - centre) @ np.swapaxes(turn, -1, -2))

    return replace(
        truth,
        joints=turned(truth.joints),
        feet=None if truth.feet is None else turned(truth.feet),
        markers=None if truth.markers is None else turned(truth.markers),
        pelvis_forward=None,
    )


@lru_cache(maxsize=1)
def _detector(path: Path) -> DetectorModel:
    return load_detector_model(path)


def projected_landmarks(
    truth: Truth, detector: DetectorModel, rng: np.random.Generator
) -> LandmarkSequence:
    """What MediaPipe might have said, after repair, about a true movement.

    Args:
        truth: camera frame, with feet.
        detector: what it says on average, and its measured errors.
        rng: chooses whose errors.
    """
    mid_hip, turn = truth.mid_hip, ray_from_camera(truth.mid_hip)
    feet = np.full((len(truth), 6, 3), np.nan) if truth.feet is None else truth.feet
    points = np.concatenate([truth.joints, feet], axis=1)
    scale = reference_scale(truth.joints)
    relative = np.einsum("nij,nkj->nki", turn, points - mid_hip[:, None]) * scale
    said = detector.say(
        relative.astype(np.float32),
        np.einsum("nij,nj->ni", turn, truth.up).astype(np.float32),
        (np.linalg.norm(mid_hip, axis=1) * scale).astype(np.float32),
        rng,
    )
    return LandmarkSequence(
        time_s=np.arange(len(truth)) / RATE_HZ,
        world=said[..., :3].astype(float),
        image=_on_image(said[..., 3:5].astype(float), truth),
        visibility=said[..., 5].astype(float),
        image_size=truth.camera.image_size,
    )


def _on_image(offsets: FloatArray, truth: Truth) -> FloatArray:
    """Offsets (T, 33, 2) from mid-hip in metres as points on the image in 0..1.

    They are scaled so that shoulders and hips together are as large as the true ones.
    """
    size = np.array(truth.camera.image_size, dtype=float)
    true = truth.camera.project(truth.joints)  # (T, 17, 2) pixels
    centre = truth.camera.project(truth.mid_hip[:, None])
    trunk = [5, 6, 11, 12]
    names = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    mine = offsets[:, [MEDIAPIPE[name] for name in names]]
    wanted = true[:, trunk] - centre
    factor = (mine * wanted).sum(axis=(1, 2)) / np.maximum((mine**2).sum(axis=(1, 2)), 1e-6)
    focal = truth.camera.matrix[0, 0] / np.linalg.norm(truth.mid_hip, axis=1)
    factor = np.clip(factor, 0.7 * focal, 1.4 * focal)
    return np.asarray((centre + offsets * factor[:, None, None]) / size)
