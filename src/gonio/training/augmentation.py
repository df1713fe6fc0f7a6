"""Changes of a training clip that keep 3D and 2D together: true symmetries, and what may be unseen.

A change of the pose alone, such as a turn about the vertical, would have changed the image too, so
there is none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial.transform import Rotation

from gonio.capture.shards import Shard
from gonio.landmarks.inputs import FRAME_FEATURES, Array, mirrored_landmarks, viewpoint_features
from gonio.skeleton import (
    ARM_LANDMARKS,
    COCO_FROM_MEDIAPIPE,
    COCO_MIRROR,
    COCO_OF_MEDIAPIPE,
    LEG_LANDMARKS,
    MEDIAPIPE,
    MEDIAPIPE_MIRROR,
)
from gonio.training.prepare import PreparedSequence, prepare_repaired
from gonio.training.targets import seen_from
from gonio.types import FloatArray, LandmarkSequence

_PLACE_U, _PLACE_V = (FRAME_FEATURES.index(name) for name in ("mid_hip_u", "mid_hip_v"))
_COCO = list(COCO_FROM_MEDIAPIPE)
_FRAMES_A_TURN = 4
_VIEWPOINT = slice(3, len(FRAME_FEATURES))
LIMBS: tuple[tuple[int, ...], ...] = tuple(
    tuple(MEDIAPIPE[f"{side}_{part}"] for part in parts[1:])
    for side in ("left", "right")
    for parts in (ARM_LANDMARKS, LEG_LANDMARKS)
)
"""Landmarks of each limb beyond its root: what something in front of it hides together."""


class OrientationOptions(BaseModel):
    """How a detector that errs otherwise about the whole body's orientation would see a clip."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    orientation: float = Field(
        0.0, ge=0, le=1, description="share of the detector's mean tilt that is taken back"
    )
    tilt_noise_deg: float = Field(
        0.0, ge=0, le=45, description="of the detector's pose, standard deviation a clip"
    )
    turn_noise_deg: float = Field(
        0.0, ge=0, le=45, description="the same about the image's vertical"
    )

    def rotation(self, clip: PreparedSequence, rng: Generator) -> FloatArray | None:
        """The turn (3, 3) of the world landmarks of a clip; None where there is none."""
        noise = np.array([self.tilt_noise_deg, self.turn_noise_deg, self.tilt_noise_deg])
        return orientation_change(clip, self.orientation, np.radians(noise * rng.normal(size=3)))


AS_IN_USE = OrientationOptions()
"""The detector errs about the body's orientation as it does."""


def turned_landmarks(
    shard: Shard, repaired: LandmarkSequence, turned: OrientationOptions
) -> LandmarkSequence:
    """The landmarks of a shard as a detector that errs otherwise about the body's turn sees them.

    The same for the same shard, whoever asks.

    Args:
        shard: one sequence of one camera.
        repaired: its landmarks.
        turned: how the detector errs.
    """
    if turned == AS_IN_USE:
        return repaired
    rng = np.random.default_rng([0x7142, *f"{shard.sequence} {shard.camera}".encode()])
    rotation = turned.rotation(prepare_repaired(shard, repaired), rng)
    return repaired if rotation is None else replace(repaired, world=repaired.world @ rotation.T)


class AugmentationOptions(OrientationOptions):
    """How strongly training clips are changed; 0 switches a change off."""

    world_harder: float = Field(
        0.0, ge=0, le=20, description="the detector's 3D errors are larger by up to this share"
    )
    image_easier: float = Field(
        0.0, ge=0, le=1, description="its errors on the image are smaller by up to this share"
    )
    errors_changed: float = Field(
        1.0, ge=0, le=1, description="share of the clips whose errors are made larger and smaller"
    )
    mirror: bool = True
    roll_deg: float = Field(
        12.0, ge=0, le=90, description="largest turn in the image plane; small ones are likelier"
    )
    world_noise_m: float = Field(0.01, ge=0, le=0.5, description="standard deviation a clip")
    image_noise_m: float = Field(0.006, ge=0, le=0.5, description="standard deviation a clip")
    limb_dropout: float = Field(0.05, ge=0, le=1, description="share of limbs that are hidden")
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
    if options.errors_changed == 1 or rng.random() < options.errors_changed:
        clip = with_errors(
            clip,
            world=1 + options.world_harder * rng.uniform(),
            image=1 - options.image_easier * rng.uniform(),
        )
    clip = reoriented(clip, options.rotation(clip, rng))
    if options.mirror and rng.random() < 0.5:
        clip = mirrored(clip)
    angle = np.radians(options.roll_deg) * rng.uniform(-1, 1) * rng.uniform()
    clip = rolled(clip, float(angle))
    clip = noisy(clip, options, rng)
    clip = hidden(clip, _hidden_landmarks(clip, options, rng))
    landmarks = clip.landmarks
    frame = clip.frame.copy()
    frame[:, _VIEWPOINT] = viewpoint_features(landmarks[..., 3:5].astype(float))
    frame *= clip.there.any(axis=1, keepdims=True)
    return replace(clip, frame=frame)


def with_errors(clip: PreparedSequence, *, world: float, image: float) -> PreparedSequence:
    """The clip as a detector sees it whose errors are larger or smaller, each in the same way.

    On drawn bodies MediaPipe's image points are off by more, from clip to clip, than on real video;
    how far its depth is off there nobody knows. A network that has seen one size of errors only
    weighs image and depth for that one.

    Args:
        clip: prepared; where its truth or camera does not count, nothing changes.
        world: factor on the errors of the joints' world positions; the landmarks that belong to a
            joint move with it.
        image: factor on those of their places on the image.
    """
    counts = (clip.weight * clip.camera_weight)[:, None] > 0
    there = (clip.there[:, _COCO] & counts)[..., None]
    if world == image == 1 or not there.any():
        return clip
    seen = seen_from(clip.pose, np.linalg.norm(clip.camera, axis=1).clip(min=1.0))
    landmarks = clip.landmarks.copy()
    for columns, true, axes, factor in (
        (slice(0, 3), clip.pose, (0, 1, 2), world),
        (slice(3, 5), seen, (1, 2), image),
    ):
        said = clip.landmarks[:, _COCO, columns]
        products, squares = ((there * v * true).sum(axes, keepdims=True) for v in (said, true))
        error = said - products / squares.clip(min=1e-9) * true
        change = ((factor - 1) * error * there)[:, list(COCO_OF_MEDIAPIPE)]  # (T, 33, ...)
        landmarks[..., columns] += change * clip.there[..., None]
    return replace(clip, landmarks=landmarks)


def orientation_change(
    clip: PreparedSequence, share: float, turn: ArrayLike = (0.0, 0.0, 0.0)
) -> FloatArray | None:
    """The turn of a detector that errs otherwise about how the whole body stands.

    MediaPipe tilts rendered bodies by several degrees towards or away from the camera, by more
    the further the camera is from level; people on real video it hardly tilts (its world
    landmarks agree with the ray frame there). A network that learns from the tilted ones learns
    to distrust a tilt that is right.

    Args:
        clip: prepared.
        share: of the mean tilt from MediaPipe's pose to the truth (about x and z of the ray frame)
            that is taken back.
        turn: (3,) a turn on top of it, rotation vector, radians.

    Returns:
        (3, 3) one rotation for the whole clip; None where there is none.
    """
    whole = (clip.weight > 0) & clip.there[:, _COCO].all(axis=1)
    vector = np.array(turn, dtype=float)
    if share and whole.any():
        some = np.flatnonzero(whole)[::_FRAMES_A_TURN]
        said = clip.landmarks[some][:, _COCO, :3]
        turns = [
            Rotation.align_vectors(true, pose)[0].as_rotvec()
            for true, pose in zip(clip.pose[some], said, strict=True)
        ]
        vector += share * np.mean(turns, axis=0) * (1, 0, 1)
    return np.asarray(Rotation.from_rotvec(vector).as_matrix()) if vector.any() else None


def reoriented(clip: PreparedSequence, rotation: FloatArray | None) -> PreparedSequence:
    """The clip with its world landmarks turned; the image and the truth stay.

    Args:
        clip: prepared.
        rotation: as `orientation_change` gives it.
    """
    if rotation is None:
        return clip
    landmarks = clip.landmarks.copy()
    landmarks[..., :3] = landmarks[..., :3] @ rotation.T.astype(np.float32)
    return replace(clip, landmarks=landmarks)


def mirrored(clip: PreparedSequence) -> PreparedSequence:
    """The same movement in a mirror: x changes sign, left and right change places."""
    frame, pose = clip.frame.copy(), clip.pose[:, list(COCO_MIRROR)].copy()
    up, camera = clip.up.copy(), clip.camera.copy()
    frame[:, _PLACE_U] *= -1
    pose[..., 0] *= -1
    up[:, 0] *= -1
    camera[:, 2] *= -1
    return replace(
        clip,
        landmarks=mirrored_landmarks(clip.landmarks),
        frame=frame,
        there=clip.there[:, list(MEDIAPIPE_MIRROR)],
        pose=pose,
        up=up,
        camera=camera,
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
        if rng.random() < 4 * options.limb_dropout:  # a quarter of the clip on average
            start, stop = sorted(rng.integers(0, frames + 1, 2))
            hide[start:stop, limb] = True
    return hide


def hidden(clip: PreparedSequence, hide: NDArray[np.bool_]) -> PreparedSequence:
    """A clip whose landmarks are missing where `hide` (T, 33) is true; the truth stays."""
    there = clip.there & ~hide
    return replace(clip, there=there, landmarks=clip.landmarks * there[..., None])
