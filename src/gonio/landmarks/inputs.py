"""What the depth refiner sees of a frame: the same function in training and in use.

Everything is made frame by frame, so that a network without a temporal window sees one frame only.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gonio.skeleton import MEDIAPIPE, MEDIAPIPE_MIRROR
from gonio.types import FloatArray

Array = NDArray[np.float32]

TOKEN_FEATURES: tuple[str, ...] = ("x", "y", "z", "u", "v", "visibility")
"""Of each landmark: MediaPipe's world position and its place on the image, both in metres from
mid-hip, and its visibility."""
FRAME_FEATURES: tuple[str, ...] = (
    "mid_hip_u",
    "mid_hip_v",
    "log_metres_per_image",
    "shoulder_height_difference",
    "hip_height_difference",
    "shoulder_width",
    "hip_width",
    "left_arm_length",
    "right_arm_length",
    "left_leg_length",
    "right_leg_length",
    "arm_ratio",
    "leg_ratio",
    "torso_height",
    "torso_width",
    "torso_aspect",
    "nose_offset",
    "body_centre_u",
)
"""Of each frame: where the mid-hip is on the image (half image heights from its centre), the scale
from image to metres, and the viewpoint features of the 2D encoder, in metres on the image."""
LOG_METRES = FRAME_FEATURES.index("log_metres_per_image")
PLACE_FEATURES = 3
"""The first of `FRAME_FEATURES`, which say where the body is and not how it stands."""
FARTHEST = 1e3
"""A coordinate beyond this, metres or half image heights, is no body's: the landmark is missing."""
_SMALLEST = 1e-3
_LARGEST_RATIO = 3.0
_IMAGE_SPAN_RANGE = (1e-4, 1e4)


@dataclass(frozen=True)
class PoseInputs:
    """Inputs of a depth refiner for T frames.

    Attributes:
        landmarks: (T, 33, 6) `TOKEN_FEATURES`; 0 where the landmark is missing.
        frame: (T, 18) `FRAME_FEATURES`; 0 where the frame is missing.
        there: (T, 33) whether the landmark is there.
    """

    landmarks: Array
    frame: Array
    there: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frame)


def pose_inputs(world: FloatArray, points_2d: FloatArray, visibility: FloatArray) -> PoseInputs:
    """Turn landmarks into what the network sees.

    The image points are scaled to metres by the one factor a frame that brings them nearest to
    MediaPipe's world x and y, so that both can be compared whatever the picture's size.

    Args:
        world: (T, 33, 3) metres, ray frame.
        points_2d: (T, 33, 2) from the image's centre, x right, y down, half image heights.
        visibility: (T, 33), 0..1.

    Returns:
        Finite arrays for any input: what is missing or beyond `FARTHEST`, or in a frame without
        hips, is 0.
    """
    world, points_2d = (np.where(np.abs(a) <= FARTHEST, a, np.nan) for a in (world, points_2d))
    hips = [MEDIAPIPE["left_hip"], MEDIAPIPE["right_hip"]]
    relative = world - world[:, hips].mean(axis=1, keepdims=True)
    mid_hip = points_2d[:, hips].mean(axis=1)
    image = points_2d - mid_hip[:, None]
    there = np.isfinite(relative).all(axis=2) & np.isfinite(image).all(axis=2)
    there &= np.abs(visibility) <= FARTHEST
    relative = np.where(there[..., None], relative, 0.0)
    image = np.where(there[..., None], image, 0.0)
    scale = _metres_per_image(relative, image)
    image = image * scale[:, None, None]
    seen = np.where(there, visibility, 0.0)
    alive = there.any(axis=1)
    place = np.where(alive[:, None], np.column_stack([mid_hip, np.log(scale)]), 0.0)
    frame = np.concatenate([place, viewpoint_features(image)], axis=1)
    landmarks = np.concatenate([relative, image, seen[..., None]], axis=2)
    return PoseInputs(landmarks.astype(np.float32), frame.astype(np.float32), there)


def _metres_per_image(relative: FloatArray, image: FloatArray) -> FloatArray:
    """(T,) factor from half image heights to metres; 1 where the body has no size."""
    span = (image**2).sum(axis=(1, 2))
    fit = (relative[..., :2] * image).sum(axis=(1, 2))
    low, high = _IMAGE_SPAN_RANGE
    good = (span > _SMALLEST**2 * 1e-4) & (fit > 0)
    return np.asarray(np.where(good, np.clip(fit / np.where(good, span, 1.0), low, high), 1.0))


def with_image_to_scale(inputs: PoseInputs) -> PoseInputs:
    """Inputs whose landmarks were moved or hidden, as `pose_inputs` would have given them.

    Args:
        inputs: landmarks where they are now, the image in the scale that they had before.
    """
    landmarks, frame = inputs.landmarks.copy(), inputs.frame.copy()
    relative, image = landmarks[..., :3].astype(float), landmarks[..., 3:5].astype(float)
    image /= np.exp(frame[:, LOG_METRES, None, None].astype(float))
    scale = _metres_per_image(relative, image)
    image *= scale[:, None, None]
    landmarks[..., 3:5] = image
    frame[:, LOG_METRES] = np.log(scale)
    frame[:, PLACE_FEATURES:] = viewpoint_features(image)
    frame *= inputs.there.any(axis=1, keepdims=True)
    return PoseInputs(landmarks, frame, inputs.there)


def viewpoint_features(image: FloatArray) -> FloatArray:
    """The hand-made features of the 2D encoder: what a body's outline says about the viewpoint.

    Args:
        image: (T, 33, 2) landmarks on the image from mid-hip, metres, y down.

    Returns:
        (T, 15): the part of `FRAME_FEATURES` after the place.
    """
    at = {name: image[:, index] for name, index in MEDIAPIPE.items()}
    shoulders = at["left_shoulder"] - at["right_shoulder"]
    hips = at["left_hip"] - at["right_hip"]
    neck = (at["left_shoulder"] + at["right_shoulder"]) / 2
    arms = [_path(at, side, "shoulder", "elbow", "wrist") for side in ("left", "right")]
    legs = [_path(at, side, "hip", "knee", "ankle") for side in ("left", "right")]
    torso_height = np.linalg.norm(neck, axis=1)
    torso_width = (np.linalg.norm(shoulders, axis=1) + np.linalg.norm(hips, axis=1)) / 2
    centre = image[..., 0].mean(axis=1)
    return np.column_stack(
        [
            shoulders[:, 1],
            hips[:, 1],
            shoulders[:, 0],
            hips[:, 0],
            *arms,
            *legs,
            _ratio(*arms),
            _ratio(*legs),
            torso_height,
            torso_width,
            _ratio(torso_width, torso_height),
            at["nose"][:, 0] - neck[:, 0],
            centre,
        ]
    )


def _path(at: dict[str, FloatArray], side: str, *parts: str) -> FloatArray:
    points = [at[f"{side}_{part}"] for part in parts]
    steps = [np.linalg.norm(b - a, axis=1) for a, b in pairwise(points)]
    return np.asarray(np.sum(steps, axis=0))


def _ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    """Logarithm of a ratio, kept within what a body can show; 0 where both are nothing."""
    value = np.log((np.asarray(a) + _SMALLEST) / (np.asarray(b) + _SMALLEST))
    return np.clip(value, -_LARGEST_RATIO, _LARGEST_RATIO)


def mirrored_landmarks(landmarks: Array) -> Array:
    """Features (..., 33, 6) of a body in a mirror: sides change places, x and u their sign."""
    other = landmarks[..., list(MEDIAPIPE_MIRROR), :].copy()
    other[..., [0, 3]] *= -1
    return other


def mirrored_inputs(inputs: PoseInputs) -> PoseInputs:
    """What would be seen of the same body in a mirror."""
    landmarks = mirrored_landmarks(inputs.landmarks)
    frame = inputs.frame * [-1.0, *[1.0] * (inputs.frame.shape[1] - 1)]
    image = landmarks[..., 3:5].astype(float)
    frame[:, PLACE_FEATURES:] = viewpoint_features(image) * inputs.there.any(axis=1, keepdims=True)
    return PoseInputs(landmarks, frame.astype(np.float32), inputs.there[:, list(MEDIAPIPE_MIRROR)])
