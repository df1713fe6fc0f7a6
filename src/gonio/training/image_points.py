"""Where a detector's points on the image lie beside those of the true joints."""

from __future__ import annotations

import numpy as np

from gonio.capture.shards import Shard
from gonio.frames import mid_hip_of
from gonio.signals import nearest
from gonio.skeleton import COCO_FROM_MEDIAPIPE, COCO_OF_MEDIAPIPE
from gonio.training.targets import seen_from
from gonio.types import FloatArray, LandmarkSequence, known

LEAST_CORRELATION = 0.5
"""Of the points and the true ones: below it their sizes are compared, not their likeness."""


def image_errors(landmarks: LandmarkSequence, shard: Shard) -> tuple[FloatArray, FloatArray]:
    """How far the points of the joints are off on the image, mid-hip on mid-hip.

    The true body gets the size on the image, frame by frame, that brings it nearest to the points.

    Args:
        landmarks: T frames of the clip.
        shard: with its truth.

    Returns:
        (T, 17, 2) error in half image heights, y down, NaN where point or truth is missing; and
        (T,) half image heights a metre, NaN where nothing is seen.
    """
    rows = nearest(shard.time_s, landmarks.time_s)
    distance = np.linalg.norm(shard.camera_relative[rows].astype(float), axis=1)
    true = seen_from(shard.ground_truth[rows].astype(float), distance)  # (T, 17, 2) metres
    said = landmarks.points_2d[:, list(COCO_FROM_MEDIAPIPE)]
    said = said - mid_hip_of(said)[:, np.newaxis]
    there = (known(said) & known(true))[..., np.newaxis]
    products, said_squares, true_squares = (
        np.where(there, a * b, 0.0).sum(axis=(1, 2))
        for a, b in ((said, true), (said, said), (true, true))
    )
    # Least squares; a body that is seen upside down still has a size
    fit = np.maximum(products, LEAST_CORRELATION * np.sqrt(said_squares * true_squares))
    seen = true_squares > 0
    size = np.where(seen, fit / np.where(seen, true_squares, 1.0), np.nan)
    return np.where(there, said - true * size[:, None, None], np.nan), size


def image_error_cm(shard: Shard) -> float:
    """Mean distance of a clip's image points from the true ones, in the depth of the body.

    Median over frames, so that a person who is lost for a moment hardly counts; NaN where no frame
    has both, or all points are one.

    Args:
        shard: its landmarks as the detector gave them.
    """
    error, size = image_errors(shard.landmark_sequence, shard)
    distance = np.linalg.norm(error, axis=2)
    distance = distance[np.isfinite(distance).any(axis=1)]
    size = size[size > 0]
    if not len(size) or not len(distance):
        return float("nan")
    return 100 * float(np.median(np.nanmean(distance, axis=1)) / np.median(size))


def with_true_image(landmarks: LandmarkSequence, shard: Shard) -> LandmarkSequence:
    """Landmarks whose image points a detector without errors would have seen.

    Landmarks that belong to a joint move with it. A joint stays where it or its truth is missing.
    World landmarks stay.

    Args:
        landmarks: repaired, T frames.
        shard: with the truth.
    """
    error, _ = image_errors(landmarks, shard)
    error = np.nan_to_num(error)[:, list(COCO_OF_MEDIAPIPE)]  # (T, 33, 2)
    return landmarks.moved_on_image(-error)
