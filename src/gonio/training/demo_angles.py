"""True joint angles of the demo: OpenSim's inverse kinematics of its four cameras, or our own."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gonio.capture.cameras import PlacedCamera
from gonio.capture.shards import Shard
from gonio.errors import InputError
from gonio.frames import mid_hip_of
from gonio.kinematics.chain import angles_of, augmented
from gonio.kinematics.comparison import columns_from_model
from gonio.options import CameraOptions, InferenceOptions, SubjectOptions
from gonio.signals import rows_at
from gonio.skeleton import ANGLE_COLUMNS, JOINTS
from gonio.training.angle_scoring import TrueAngles
from gonio.types import FloatArray, MarkerTrajectories

DEMO_SUBJECT = SubjectOptions(height=1.72, mass=70.0)
"""With whose stature and mass the reference trial was made."""
ENOUGH_TOLD = 0.9
"""True angles of a smaller share of the video's frames are taken for those of another trial."""
_HEADING = divmod(ANGLE_COLUMNS.index("pelvis_rotation_deg"), 3)
"""Joint and angle that turn with the lab about its vertical axis."""


@dataclass(frozen=True)
class DemoAngles:
    """True joint angles of the demo.

    Attributes:
        angles: (T, 12, 3) degrees, lab axes of the reference trial (Y up); NaN where unknown, empty
            where there are none.
        time_s: (T,) seconds, 0 at the first frame of the videos (`coco_truth_world`).
        source: where they come from, in words.
    """

    angles: FloatArray = field(default_factory=lambda: np.empty((0, len(JOINTS), 3)))
    time_s: FloatArray = field(default_factory=lambda: np.empty(0))
    source: str = "none"


def demo_options(run: InferenceOptions) -> InferenceOptions:
    """The parameters of `inference` for the demo: its subject, an unknown camera, Z-X-Y."""
    changes = {"subject": DEMO_SUBJECT, "camera": CameraOptions(), "shoulder_sequence": "ZXY"}
    return run.model_copy(update=changes)


def demo_angles_of(
    motion: pd.DataFrame | None, trial: MarkerTrajectories | None, run: InferenceOptions
) -> DemoAngles:
    """The demo's true angles, as far as the user has its reference trial.

    Args:
        motion: OpenSim's inverse kinematics of the reference trial, degrees; None where absent.
        trial: its markers, from which our own kinematics makes the angles where the motion is
            absent; None where they are absent too.
        run: the parameters of `inference`.
    """
    if motion is not None:
        source = "OpenSim's inverse kinematics of the reference trial"
        time_s = motion["time"].to_numpy(dtype=float)
        return DemoAngles(_triples(columns_from_model(motion)), time_s, source)
    if trial is not None:
        options = demo_options(run)
        markers = augmented([trial], DEMO_SUBJECT.height or np.nan, options)[0]
        return DemoAngles(
            _triples(angles_of(markers, options)),
            trial.time_s,
            "our own kinematics of the reference trial's markers",
        )
    return DemoAngles()


def demo_clip_angles(
    shard: Shard,
    demo: DemoAngles,
    joints_world: FloatArray,
    camera: PlacedCamera,
    run: InferenceOptions,
) -> TrueAngles:
    """The true angles as the lab frame of one camera has them, X to the camera.

    Args:
        shard: the demo in this camera.
        demo: true angles.
        joints_world: (T, 17, 3) true joints, metres, world axes with Z up.
        camera: calibrated.
        run: the parameters of `inference`.

    Returns:
        Angles of the shard's frames, NaN where the trial has none.

    Raises:
        InputError: the angles are not those of the video: a tenth of its frames or more have none.
    """
    angles = rows_at(demo.angles, demo.time_s, shard.time_s)
    told = np.isfinite(angles).any(axis=(1, 2)).sum()
    if told <= ENOUGH_TOLD * len(shard):
        raise InputError(
            f"the demo's true angles ({demo.source}) tell {told} of the {len(shard)} frames of its "
            "video; give demo_angles the motion of the same trial"
        )
    angles[:, _HEADING[0], _HEADING[1]] -= camera_heading_deg(joints_world, camera)
    return TrueAngles(angles, demo_options(run), demo.source)


def camera_heading_deg(joints_world: FloatArray, camera: PlacedCamera) -> float:
    """Direction from the body to a camera about the vertical axis, from the trial's X, degrees.

    Args:
        joints_world: (T, 17, 3) true joints, metres, world axes with Z up; the trial's X, Y and Z
            are the world's y, z and x.
        camera: calibrated.
    """
    x_world, y_world, _ = camera.placement.position - np.nanmean(mid_hip_of(joints_world), axis=0)
    return float(np.degrees(np.arctan2(-x_world, y_world)))


def _triples(table: pd.DataFrame) -> FloatArray:
    """(T, 12, 3) degrees of a table; NaN where it lacks a column."""
    whole = table.reindex(columns=list(ANGLE_COLUMNS)).to_numpy(dtype=float)
    return np.asarray(whole.reshape(len(table), len(JOINTS), 3))
