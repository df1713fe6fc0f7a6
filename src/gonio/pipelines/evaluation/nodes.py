"""Nodes of `evaluation`: each takes values and the parameters, and calls one part of Gonio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from gonio.capture.cameras import PlacedCamera
from gonio.capture.demo import (
    DEMO_CAMERAS,
    demo_folder,
    demo_shard,
    demo_video,
    read_qualisys_calibration,
)
from gonio.capture.shards import Shard
from gonio.capture.triangulate import NO_DEMO, DemoTruth, demo_truth_of
from gonio.landmarks.detector import detect_landmarks
from gonio.quality import versions
from gonio.reporting.evaluation_angles import AngleTables, angle_markdown
from gonio.reporting.evaluation_figures import worst_clips_figure, worst_frames
from gonio.reporting.evaluation_page import EvaluationTables, evaluation_html
from gonio.reporting.evaluation_tables import evaluation_markdown
from gonio.reporting.figures import figure_png
from gonio.training import error_tables
from gonio.training.error_tables import ScoredClip
from gonio.training.options import repair_of
from gonio.training.recordings import (
    DEMO,
    EvaluationOptions,
    Refiner,
    load_refiners,
    recorded_shards,
)
from gonio.training.scoring import evaluation_record, score_clips
from gonio.types import LandmarkSequence, MarkerTrajectories

Parameters = dict[str, Any]
Landmarks = dict[str, LandmarkSequence]
Recordings = dict[str, list[Shard]]


def networks(parameters: Parameters) -> dict[str, Refiner]:
    """The networks that the parameters name, by their rows, and the shipped one."""
    return load_refiners(EvaluationOptions.from_parameters(parameters))


def demo_cameras() -> dict[str, PlacedCamera]:
    """Calibration of the four demo cameras."""
    return read_qualisys_calibration(demo_folder() / "calibration" / "Calib.qca.txt")


def detect_demo(model: str, pose_models: Path, parameters: Parameters) -> Landmarks:
    """MediaPipe's landmarks of the four demo videos; none where the demo is not asked for."""
    if DEMO not in EvaluationOptions.from_parameters(parameters).recordings:
        return {}
    return {
        camera: detect_landmarks(demo_video(camera), model, model_folder=pose_models)
        for camera in DEMO_CAMERAS
    }


def true_joints(
    truth: MarkerTrajectories | None, cameras: dict[str, PlacedCamera], landmarks: Landmarks
) -> DemoTruth:
    """The demo's truth: its reference trial, or what its own views say."""
    return demo_truth_of(truth, cameras, landmarks) if landmarks else NO_DEMO


def gather(
    landmarks: Landmarks,
    cameras: dict[str, PlacedCamera],
    joints: DemoTruth,
    shards_folder: Path,
    model: str,
    parameters: Parameters,
) -> Recordings:
    """The clips of every recording, the demo's cameras in the form of all others."""
    options = EvaluationOptions.from_parameters(parameters)
    recordings: Recordings = {}
    for name in options.recordings:
        if name == DEMO:
            detector = f"mediapipe {model} VIDEO"
            recordings[name] = [
                demo_shard(seen, joints.joints, cameras[camera], detector)
                for camera, seen in landmarks.items()
            ]
        else:
            recordings[name] = recorded_shards(name, shards_folder, options.max_shards)
    return recordings


def score(
    recordings: Recordings, refiners: dict[str, Refiner], parameters: Parameters
) -> list[ScoredClip]:
    """Errors of every row on every clip, repaired as in `inference`."""
    return score_clips(recordings, refiners, repair_of(parameters))


def tabulate(scores: list[ScoredClip]) -> tuple[pd.DataFrame, ...]:
    """Tables over everything, and by all that `gonio.training.error_tables` groups by."""
    return (
        error_tables.whole_table(scores),
        error_tables.grouped_table(scores, "camera", error_tables.by_camera),
        error_tables.grouped_table(scores, "detector", error_tables.by_detector),
        error_tables.grouped_table(scores, "performer", error_tables.by_performer),
        error_tables.joint_table(scores),
        error_tables.grouped_table(scores, "azimuth_deg", error_tables.by_azimuth),
        error_tables.grouped_table(scores, "elevation_deg", error_tables.by_elevation),
        error_tables.grouped_table(scores, "image_error_cm", error_tables.by_image_error),
        error_tables.grouped_table(scores, "clip", error_tables.by_clip),
    )


def describe(
    recordings: Recordings,
    joints: DemoTruth,
    refiners: dict[str, Refiner],
    whole: pd.DataFrame,
    angles: dict[str, Any],
    parameters: Parameters,
) -> dict[str, Any]:
    """What was measured, on what, with which networks, and the figures of every row."""
    options = EvaluationOptions.from_parameters(parameters)
    record = evaluation_record(recordings, refiners, options, joints.source)
    record["notes"] += angles.get("notes", [])
    return record | {
        "versions": versions(),
        "figures": whole.to_dict("records"),
        "angles": angles,
    }


def draw_worst(scores: list[ScoredClip], parameters: Parameters) -> bytes:
    """The worst clips, each at its worst frame."""
    options = EvaluationOptions.from_parameters(parameters)
    return figure_png(worst_clips_figure(worst_frames(scores, options.worst_clips)))


def page(
    record: dict[str, Any],
    worst_clips: bytes,
    angles: pd.DataFrame,
    angle_joints: pd.DataFrame,
    angle_cameras: pd.DataFrame,
    *tables: pd.DataFrame,
) -> str:
    """The page that shows it all."""
    of_angles = AngleTables(angles, angle_joints, angle_cameras)
    return evaluation_html(EvaluationTables(*tables), record, worst_clips, of_angles)


def as_markdown(
    whole: pd.DataFrame,
    cameras: pd.DataFrame,
    angles: pd.DataFrame,
    angle_joints: pd.DataFrame,
    angle_cameras: pd.DataFrame,
) -> str:
    """The tables for the docs."""
    parts = [evaluation_markdown(whole, cameras)]
    if not angles.empty:
        parts.append(angle_markdown(AngleTables(angles, angle_joints, angle_cameras)))
    return "\n\n".join(parts) + "\n"
