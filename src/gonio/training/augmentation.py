"""Changes of a training clip that keep 3D and 2D together: true symmetries, and what may be unseen.

A change of the pose alone, such as a turn about the vertical, would have changed the image too, so
there is none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from gonio.frames import mirrored_joints, mirrored_vectors, mirrored_viewpoint
from gonio.landmarks.inputs import (
    FRAME_FEATURES,
    Array,
    PoseInputs,
    mirrored_landmarks,
    with_image_to_scale,
)
from gonio.skeleton import (
    ARM_LANDMARKS,
    LEG_LANDMARKS,
    MEDIAPIPE,
    MEDIAPIPE_MIRROR,
)
from gonio.training.detector_errors import DetectorErrors, reoriented
from gonio.training.prepare import PreparedSequence

_PLACE_U, _PLACE_V = (FRAME_FEATURES.index(name) for name in ("mid_hip_u", "mid_hip_v"))
LIMBS: tuple[tuple[int, ...], ...] = tuple(
    tuple(MEDIAPIPE[f"{side}_{part}"] for part in parts[1:])
    for side in ("left", "right")
    for parts in (ARM_LANDMARKS, LEG_LANDMARKS)
)
"""Landmarks of each limb beyond its root: what something in front of it hides together."""


class AugmentationOptions(DetectorErrors):
    """How strongly training clips are changed; 0 switches a change off."""

    mirror: bool = True
    roll_deg: float = Field(
        12.0, ge=0, le=90, description="largest turn in the image plane; small ones are likelier"
    )
    world_noise_m: float = Field(0.01, ge=0, le=0.5, description="standard deviation a clip")
    image_noise_m: float = Field(0.006, ge=0, le=0.5, description="standard deviation a clip")
    limb_dropout: float = Field(
        0.05, ge=0, le=1 / 3, description="share of limbs and time that is hidden"
    )
    frame_dropout: float = Field(0.03, ge=0, le=1, description="share of frames that are hidden")

    def __call__(self, clip: PreparedSequence, rng: Generator) -> PreparedSequence:
        """A changed copy of a clip."""
        return augmented(clip, self, rng)


def augmented(
    clip: PreparedSequence, options: AugmentationOptions, rng: Generator
) -> PreparedSequence:
    """A changed copy of a clip.

    Args:
        clip: prepared.
        options: how strongly.
        rng: of this clip in this epoch.
    """
    clip = options.resized(clip, rng)
    clip = reoriented(clip, options.rotation(clip, rng))
    if options.mirror and rng.random() < 0.5:
        clip = mirrored(clip)
    angle = np.radians(options.roll_deg) * rng.uniform(-1, 1) * rng.uniform()
    clip = rolled(clip, float(angle))
    clip = noisy(clip, options, rng)
    clip = hidden(clip, _hidden_landmarks(clip, options, rng))
    seen = with_image_to_scale(PoseInputs(clip.landmarks, clip.frame, clip.there))
    return replace(clip, landmarks=seen.landmarks, frame=seen.frame)


def mirrored(clip: PreparedSequence) -> PreparedSequence:
    """The same movement in a mirror: x changes sign, left and right change places."""
    frame = clip.frame.copy()
    frame[:, _PLACE_U] *= -1
    return replace(
        clip,
        landmarks=mirrored_landmarks(clip.landmarks),
        frame=frame,
        there=clip.there[:, list(MEDIAPIPE_MIRROR)],
        pose=mirrored_joints(clip.pose),
        up=mirrored_vectors(clip.up),
        camera=mirrored_viewpoint(clip.camera),
    )


def rolled(clip: PreparedSequence, angle: float) -> PreparedSequence:
    """The camera turned about its view by an angle, radians: 2D and 3D turn together.

    The ray frame of somebody off the image's middle turns by the same angle to within its square;
    azimuth and elevation stay.
    """
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]], dtype=np.float32)

    def turned(values: Array, at: int) -> Array:
        out = values.copy()
        out[..., at : at + 2] = values[..., at : at + 2] @ turn.T
        return out

    return replace(
        clip,
        landmarks=turned(turned(clip.landmarks, 0), 3),
        frame=turned(clip.frame, _PLACE_U),
        pose=turned(clip.pose, 0),
        up=turned(clip.up, 0),
    )


def noisy(clip: PreparedSequence, options: AugmentationOptions, rng: Generator) -> PreparedSequence:
    """Constant and changing offsets of every landmark, in the world and on the image."""
    shape = (len(clip), clip.landmarks.shape[1], 5)
    noise = (rng.normal(size=(1, *shape[1:])) + rng.normal(size=shape)) * np.sqrt(0.5)
    noise[..., :3] *= options.world_noise_m
    noise[..., 3:] *= options.image_noise_m
    landmarks = clip.landmarks.copy()
    landmarks[..., :5] += noise * clip.there[..., None]
    return replace(clip, landmarks=landmarks)


def _hidden_landmarks(
    clip: PreparedSequence, options: AugmentationOptions, rng: Generator
) -> NDArray[np.bool_]:
    """(T, 33) true where a limb is hidden for a stretch of time, or a frame is lost."""
    frames = len(clip)
    hide = np.repeat(rng.random((frames, 1)) < options.frame_dropout, clip.there.shape[1], axis=1)
    for limb in LIMBS:
        if rng.random() < 3 * options.limb_dropout:  # a third of the clip on average
            start, stop = sorted(rng.integers(0, frames + 1, 2))
            hide[start:stop, limb] = True
    return hide


def hidden(clip: PreparedSequence, hide: NDArray[np.bool_]) -> PreparedSequence:
    """A clip whose landmarks are missing where `hide` (T, 33) is true; the truth stays."""
    there = clip.there & ~hide
    return replace(clip, there=there, landmarks=clip.landmarks * there[..., None])
