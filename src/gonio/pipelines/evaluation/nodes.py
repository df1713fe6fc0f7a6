"""Nodes of `evaluation`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gonio.capture.demo import (
    DEMO_CAMERAS,
    Camera,
    coco_truth_world,
    demo_folder,
    demo_video,
    read_qualisys_calibration,
    truth_in_ray_frame,
)
from gonio.capture.triangulate import triangulate
from gonio.landmarks.detector import detect_landmarks
from gonio.landmarks.repair import repair_landmarks
from gonio.options import RepairOptions
from gonio.skeleton import COCO_FROM_MEDIAPIPE
from gonio.training import metrics
from gonio.types import FloatArray, LandmarkSequence, MarkerTrajectories

Landmarks = dict[str, LandmarkSequence]

STAGES: dict[str, RepairOptions | None] = {
    "raw": None,
    "raw + filter": RepairOptions(swaps=False, fill_gaps=False),
    "repaired": RepairOptions(),
}
"""Rows of the table: what was done to MediaPipe's landmarks. Each has one scale a clip."""


def demo_cameras() -> dict[str, Camera]:
    """Calibration of the four demo cameras."""
    return read_qualisys_calibration(demo_folder() / "calibration" / "Calib.qca.txt")


def detect_demo(model: str) -> Landmarks:
    """MediaPipe's landmarks of the four demo videos."""
    return {camera: detect_landmarks(demo_video(camera), model) for camera in DEMO_CAMERAS}


def true_joints(
    truth: MarkerTrajectories | None, cameras: dict[str, Camera], landmarks: Landmarks
) -> tuple[FloatArray, str]:
    """COCO joints in world axes, (T, 17, 3) metres, and where they come from.

    Without a reference trial the joints are triangulated from the four views' own repaired 2D,
    which agrees with the reference to 3 to 6 cm and flatters the image plane.
    """
    if truth is not None:
        return coco_truth_world(truth), "reference trial"
    repaired = [repair_landmarks(landmarks[name]).sequence for name in DEMO_CAMERAS]
    columns = list(COCO_FROM_MEDIAPIPE)
    points = np.stack([s.image[:, columns] * np.array(s.image_size) for s in repaired])
    weight = np.stack([s.visibility[:, columns] for s in repaired])
    joints = triangulate([cameras[name] for name in DEMO_CAMERAS], points, np.nan_to_num(weight))
    return joints, "triangulation of its own four views"


def compare(
    landmarks: Landmarks, cameras: dict[str, Camera], truth: tuple[FloatArray, str]
) -> pd.DataFrame:
    """A row a camera and stage: errors in centimetres, swapped and missing frames."""
    joints, source = truth
    rows = []
    for camera, detected in landmarks.items():
        target, _ = truth_in_ray_frame(joints, cameras[camera])
        for stage, options in STAGES.items():
            sequence = detected
            if options is not None:
                sequence = repair_landmarks(detected, options).sequence
            pose = sequence.world[:, list(COCO_FROM_MEDIAPIPE)]
            rows.append({"camera": camera, "stage": stage, **_errors(pose, target)})
    table = pd.DataFrame(rows)
    mean = table.groupby("stage", sort=False).mean(numeric_only=True).reset_index()
    mean.insert(0, "camera", "all")
    return pd.concat([table, mean], ignore_index=True).assign(truth=source)


def _errors(pose: FloatArray, truth: FloatArray) -> dict[str, float]:
    scaled = pose * metrics.clip_scale(pose, truth)
    depth = metrics.depth_errors(scaled, truth) * 100
    return {
        "depth_mean_cm": float(np.nanmean(depth)),
        "depth_median_cm": float(np.nanmedian(depth)),
        "depth_p95_cm": float(np.nanpercentile(depth, 95)),
        "position_mean_cm": float(np.nanmean(metrics.position_errors(scaled, truth)) * 100),
        "aligned_mean_cm": float(np.nanmean(metrics.aligned_errors(pose, truth)) * 100),
        "swapped_frames": int(metrics.swapped_frames(scaled, truth).sum()),
        "missing_frames": int(np.isnan(pose).any(axis=(1, 2)).sum()),
    }


def as_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown, for the docs."""
    head = "| " + " | ".join(table.columns) + " |\n|" + "---|" * len(table.columns) + "\n"
    rows = [
        " | ".join(_cell(str(name), value) for name, value in zip(table.columns, row, strict=True))
        for row in table.values
    ]
    return head + "".join(f"| {row} |\n" for row in rows)


def _cell(column: str, value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if column.endswith("_frames") else f"{value:.1f}"
    return str(value)
