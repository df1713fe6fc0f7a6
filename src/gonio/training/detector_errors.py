"""How a detector that errs otherwise would have seen a clip.

On drawn bodies MediaPipe errs in its way; how it errs on people, and how other detectors do, nobody
knows. A network that has seen one kind and one size of errors only weighs image and depth for that
one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike
from pydantic import ConfigDict, Field
from scipy.spatial.transform import Rotation

from gonio.capture.shards import Shard
from gonio.landmarks.inputs import FRAME_FEATURES
from gonio.options import Options
from gonio.skeleton import COCO_FROM_MEDIAPIPE, COCO_OF_MEDIAPIPE
from gonio.training.prepare import PreparedSequence, prepare_repaired
from gonio.training.targets import seen_from
from gonio.types import FloatArray, LandmarkSequence

_COCO = list(COCO_FROM_MEDIAPIPE)
_LOG_METRES = FRAME_FEATURES.index("log_metres_per_image")
_FRAMES_A_TURN = 4


class DetectorErrors(Options):
    """How the errors of a clip's detector are changed; 0 switches a change off."""

    model_config = ConfigDict(allow_inf_nan=False)

    world_harder: float = Field(
        0.0, ge=0, le=20, description="the detector's 3D errors are larger by up to this share"
    )
    image_easier: float = Field(
        0.0, ge=0, le=1, description="its errors on the image are smaller by up to this share"
    )
    errors_changed: float = Field(
        1.0, ge=0, le=1, description="share of the clips whose errors are made larger and smaller"
    )
    orientation: float = Field(
        0.0, ge=0, le=1, description="share of the detector's mean tilt that is taken back"
    )
    tilt_noise_deg: float = Field(
        0.0, ge=0, le=45, description="of the detector's pose, standard deviation a clip"
    )
    turn_noise_deg: float = Field(
        0.0, ge=0, le=45, description="the same about the image's vertical"
    )

    def resized(self, clip: PreparedSequence, rng: Generator) -> PreparedSequence:
        """The clip with larger errors in 3D and smaller ones on the image, or as it is."""
        if not (self.world_harder or self.image_easier):
            return clip
        if self.errors_changed < 1 and rng.random() >= self.errors_changed:
            return clip
        return with_errors(
            clip,
            world=1 + self.world_harder * rng.uniform(),
            image=1 - self.image_easier * rng.uniform(),
        )

    def rotation(self, clip: PreparedSequence, rng: Generator) -> FloatArray | None:
        """The turn (3, 3) of the world landmarks of a clip; None where there is none."""
        noise = np.array([self.tilt_noise_deg, self.turn_noise_deg, self.tilt_noise_deg])
        return orientation_change(clip, self.orientation, np.radians(noise * rng.normal(size=3)))


AS_IN_USE = DetectorErrors()
"""The detector errs as it does."""


def seen_with(errors: DetectorErrors, shard: Shard, repaired: LandmarkSequence) -> LandmarkSequence:
    """The landmarks of a shard as a detector that errs otherwise sees them.

    The same for the same shard, whoever asks.

    Args:
        errors: how the detector errs.
        shard: one sequence of one camera.
        repaired: its landmarks.
    """
    if errors == AS_IN_USE:
        return repaired
    rng = np.random.default_rng([0x7142, *f"{shard.sequence} {shard.camera}".encode()])
    clip = prepare_repaired(shard, repaired)
    other = errors.resized(clip, rng)
    change = other.landmarks.astype(float) - clip.landmarks  # (T, 33, 6)
    world = repaired.world + change[..., :3]
    rotation = errors.rotation(other, rng)
    if rotation is not None:  # of all that is known in 3D, whether or not it is on the image too
        world = world @ rotation.T
    metres = np.exp(clip.frame[:, None, _LOG_METRES, None].astype(float))  # a half image height
    return replace(repaired.moved_on_image(change[..., 3:5] / metres), world=world)


def with_errors(clip: PreparedSequence, *, world: float, image: float) -> PreparedSequence:
    """The clip as a detector sees it whose errors are larger or smaller, each in the same way.

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
