"""Which row of the demo's reference trial belongs to which frame of its videos."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from gonio.capture.demo import (
    DEMO_CAMERAS,
    coco_truth_world,
    demo_folder,
    demo_video,
    read_qualisys_calibration,
)
from gonio.landmarks.model_files import find_pose_model
from gonio.landmarks.video import read_frames
from gonio.skeleton import COCO_FROM_MEDIAPIPE
from gonio.trc import read_trc

FAR_PX = 60.0
"""A point that lies so far from the usual error of its joint is on another limb."""


def single_pictures(camera: str) -> np.ndarray:
    """(100, 17, 2) pixels: what MediaPipe says of each frame by itself, without smoothing."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(find_pose_model("full", None))),
        running_mode=vision.RunningMode.IMAGE,
    )
    points = []
    with vision.PoseLandmarker.create_from_options(options) as landmarker:
        for frame in read_frames(demo_video(camera)):
            picture = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame.rgb)
            )
            found = landmarker.detect(picture).pose_landmarks
            size = frame.rgb.shape[1::-1]
            row = np.array([(p.x, p.y) for p in found[0]]) if found else np.full((33, 2), np.nan)
            points.append(row[list(COCO_FROM_MEDIAPIPE)] * size)
    return np.array(points)


def behind_ms(seen: np.ndarray, true: np.ndarray, time_s: np.ndarray) -> float:
    """How long image points (T, J, 2) come after the true ones: their error over the velocity."""
    error = seen - true
    usual = np.nanmedian(error, axis=0)
    error[np.linalg.norm(error - usual, axis=2) > FAR_PX] = np.nan
    error = error - np.nanmean(error, axis=0)
    velocity = np.gradient(true, time_s, axis=0)
    velocity = velocity - np.nanmean(velocity, axis=0)
    both = np.isfinite(error) & np.isfinite(velocity)
    slope = (error * velocity)[both].sum() / (velocity**2)[both].sum()
    return float(-1000 * slope)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:(All-NaN|Mean of empty):RuntimeWarning")
def test_what_is_seen_moves_with_the_trial_of_the_same_time(shared, demo_landmarks):
    """Paired by rows it comes a frame late, as MediaPipe smooths it (VIDEO) half a frame more."""
    trial = read_trc(shared / "balancing_trial" / "balancing.trc")
    cameras = read_qualisys_calibration(demo_folder() / "calibration" / "Calib.qca.txt")
    found = {}
    for name in DEMO_CAMERAS:
        landmarks = demo_landmarks(name)
        pictures = single_pictures(name)
        video = landmarks.image[:, list(COCO_FROM_MEDIAPIPE)] * np.array(landmarks.image_size)
        for pairing, time_s in (("rows", trial.time_s), ("times", landmarks.time_s)):
            true = cameras[name].project(coco_truth_world(trial, time_s))
            for mode, seen in (("IMAGE", pictures), ("VIDEO", video)):
                lag = behind_ms(seen, true, landmarks.time_s)
                found.setdefault((f"by {pairing}", mode), {})[name] = lag
    table = pd.DataFrame(found)
    sys.stdout.write(f"\nms behind the trial\n{table.round(1).to_string()}\n")
    mean = table.mean()
    assert mean["by rows", "IMAGE"] == pytest.approx(1000 / 60, abs=5)
    assert abs(mean["by times", "IMAGE"]) < 5
    assert mean["by times", "IMAGE"] < mean["by times", "VIDEO"] < 15
