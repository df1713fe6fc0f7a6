"""Changes of training clips with angles: the mirror image, noise, and joints that are not seen."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from gonio.frames import mirrored_joints
from gonio.landmarks.inputs import PoseInputs, mirrored_inputs
from gonio.models.joint_refiner import mirrored_angles
from gonio.options import Options
from gonio.skeleton import COCO_MIRROR, JOINT_MIRROR
from gonio.training.angle_clips import AngleClip, MainClip
from gonio.training.clips import Array

A = TypeVar("A", bound=AngleClip)
WAVES, WAVE_HZ = 3, (0.2, 1.6)
"""Waves of a movement that is added to a joint, and their frequencies."""
_FLIP_VIEW = np.array([-1.0, 1.0, 1.0, -1.0, 1.0, 1.0], dtype=np.float32)
"""Of up (x, y, z), sine and cosine of the azimuth, sine of the elevation."""


class AngleAugmentation(Options):
    """How strongly clips are changed for the joint refiner; 0 switches a change off."""

    model_config = ConfigDict(allow_inf_nan=False)

    mirror: bool = True
    angle_noise_deg: float = Field(2.0, ge=0, le=45, description="standard deviation a clip")
    joint_dropout: float = Field(0.03, ge=0, le=1, description="share of joints that are hidden")
    shifted: float = Field(0.3, ge=0, le=1, description="share of joints that are held otherwise")
    shift_deg: tuple[float, float, float] = Field(
        (25.0, 12.0, 12.0), description="of the three angles, standard deviation a clip"
    )
    moved: float = Field(0.0, ge=0, le=1, description="share of joints that are moved otherwise")
    move_deg: tuple[float, float, float] = Field(
        (25.0, 8.0, 8.0), description="of the three angles, standard deviation over time"
    )

    def __call__(self, clip: AngleClip, rng: Generator) -> AngleClip:
        """A changed copy of a clip."""
        if self.mirror and rng.random() < 0.5:
            clip = mirrored_angle_clip(clip)
        clip = shifted(clip, self.shifted, self.shift_deg, rng)
        if self.moved:
            clip = moved(clip, self.moved, self.move_deg, rng)
        noise = _angle_noise(clip.angles.shape, self.angle_noise_deg, rng)
        shown = clip.angle_there & (
            rng.random((1, clip.angle_there.shape[1])) >= self.joint_dropout
        )
        return replace(
            clip,
            angles=(clip.angles + noise) * shown[..., None],
            visibility=clip.visibility * shown,
            angle_there=shown,
            angle_weight=clip.angle_weight * shown,
        )


def shifted(
    clip: AngleClip, share: float, size_deg: tuple[float, float, float], rng: Generator
) -> AngleClip:
    """The clip of somebody who holds some joints otherwise, seen with the same errors.

    Computed and true angles of a joint are shifted by the same constant. So the network sees
    postures that no training subject has, and learns that an unusual angle may be a true one: what
    is off is what disagrees with the other joints and with the errors that it knows.

    Args:
        clip: computed and true angles.
        share: of the joints.
        size_deg: of the shift of the three angles, standard deviation.
        rng: of this clip in this epoch.
    """
    constant = rng.normal(size=(1, clip.angle_there.shape[1], 3))
    return _some_joints_by(clip, share, np.radians(size_deg) * constant, rng)


def moved(
    clip: AngleClip, share: float, size_deg: tuple[float, float, float], rng: Generator
) -> AngleClip:
    """The clip of somebody who moves some joints otherwise, seen with the same errors.

    As `shifted`, but by the same smooth movement: the sum of a few slow waves. So the network
    learns that a movement which it does not expect may be a true one.

    Args:
        clip: computed and true angles.
        share: of the joints.
        size_deg: of the movement of the three angles, standard deviation over time.
        rng: of this clip in this epoch.
    """
    waves = (WAVES, 1, clip.angle_there.shape[1], 3)
    turns = rng.uniform(*WAVE_HZ, waves) * clip.time[:, None, None] + rng.random(waves)
    wave = (rng.normal(size=waves) * np.sin(2 * np.pi * turns)).sum(axis=0) * np.sqrt(2 / WAVES)
    return _some_joints_by(clip, share, np.radians(size_deg) * wave, rng)


def _some_joints_by(
    clip: AngleClip, share: float, change: NDArray[np.floating], rng: Generator
) -> AngleClip:
    """Computed and true angles of a share of the joints changed alike; what is missing stays 0.

    Args:
        clip: T frames.
        share: of the joints.
        change: (T or 1, 12, 3) radians.
        rng: of this clip in this epoch.
    """
    change = change * (rng.random((1, change.shape[1], 1)) < share)
    return replace(
        clip,
        angles=((clip.angles + change) * clip.angle_there[..., None]).astype(np.float32),
        truth=((clip.truth + change) * (clip.angle_weight > 0)[..., None]).astype(np.float32),
    )


class MainAugmentation(Options):
    """How strongly clips are changed for the main refiner; 0 switches a change off."""

    model_config = ConfigDict(allow_inf_nan=False)

    mirror: bool = True
    angle_noise_deg: float = Field(1.0, ge=0, le=45, description="standard deviation a clip")
    pose_noise_m: float = Field(0.005, ge=0, le=0.5, description="of the refined pose, a clip")

    def __call__(self, clip: MainClip, rng: Generator) -> MainClip:
        """A changed copy of a clip."""
        if self.mirror and rng.random() < 0.5:
            clip = mirrored_main_clip(clip)
        noise = _angle_noise(clip.angles.shape, self.angle_noise_deg, rng)
        noise = noise * clip.angle_there[..., None]
        moved = _noise(clip.refined.shape, rng) * self.pose_noise_m * clip.pose_there[..., None]
        return replace(
            clip,
            angles=clip.angles + noise,
            joint_refined=clip.joint_refined + noise,
            refined=clip.refined + moved.astype(np.float32),
        )


def _angle_noise(shape: tuple[int, ...], size_deg: float, rng: Generator) -> Array:
    return np.asarray(np.radians(size_deg) * _noise(shape, rng), dtype=np.float32)


def _noise(shape: tuple[int, ...], rng: Generator) -> Array:
    """Of standard deviation 1: half of its variance constant over the clip, half changing."""
    noise = (rng.normal(size=(1, *shape[1:])) + rng.normal(size=shape)) * np.sqrt(0.5)
    return np.asarray(noise, dtype=np.float32)


def mirrored_angle_clip(clip: A) -> A:
    """The same movement in a mirror; of a clip that knows more, its angles alone."""
    order = list(JOINT_MIRROR)
    return replace(
        clip,
        angles=mirrored_angles(clip.angles).astype(np.float32),
        visibility=clip.visibility[:, order],
        angle_there=clip.angle_there[:, order],
        truth=mirrored_angles(clip.truth).astype(np.float32),
        angle_weight=clip.angle_weight[:, order],
    )


def mirrored_main_clip(clip: MainClip) -> MainClip:
    """The same movement in a mirror, with all that was said of it."""
    mirror = list(COCO_MIRROR)
    seen = mirrored_inputs(PoseInputs(clip.landmarks, clip.frame, clip.there))
    return replace(
        mirrored_angle_clip(clip),
        landmarks=seen.landmarks,
        frame=seen.frame,
        there=seen.there,
        pose=mirrored_joints(clip.pose),
        refined=mirrored_joints(clip.refined),
        log_sigma=clip.log_sigma[:, mirror],
        pose_there=clip.pose_there[:, mirror],
        view=clip.view * _FLIP_VIEW,
        joint_refined=mirrored_angles(clip.joint_refined).astype(np.float32),
    )
