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
from gonio.frames import mid_hip_of
from gonio.landmarks.inputs import LOG_METRES
from gonio.options import Options
from gonio.skeleton import COCO_FROM_MEDIAPIPE, COCO_JOINTS, COCO_OF_MEDIAPIPE
from gonio.training.prepare import PreparedSequence, prepare_repaired
from gonio.training.targets import seen_from
from gonio.types import FloatArray, LandmarkSequence

_COCO = list(COCO_FROM_MEDIAPIPE)
_FRAMES_A_TURN = 4
CHANGING_S = 0.4
ERROR_OF_JOINT_M: dict[str, tuple[str, float]] = {
    "left_hip": ("", 0.03),
    "right_hip": ("", 0.03),
    "neck": ("", 0.07),
    "left_shoulder": ("neck", 0.06),
    "right_shoulder": ("neck", 0.06),
    "nose": ("neck", 0.08),
    **{f"{side}_{part}": ("nose", 0.015) for side in ("left", "right") for part in ("eye", "ear")},
    **{f"{side}_elbow": (f"{side}_shoulder", 0.08) for side in ("left", "right")},
    **{f"{side}_wrist": (f"{side}_elbow", 0.13) for side in ("left", "right")},
    **{f"{side}_knee": (f"{side}_hip", 0.10) for side in ("left", "right")},
    **{f"{side}_ankle": (f"{side}_knee", 0.13) for side in ("left", "right")},
}
"""Of each joint: the one that carries it, and by how much more it errs than that one, metres in
depth. Summed up they are about as large as MediaPipe's on drawn bodies (docs/data.md)."""


class DetectorErrors(Options):
    """How the errors of a clip's detector are changed; 0 switches a change off."""

    model_config = ConfigDict(allow_inf_nan=False)

    world_errors: float = Field(
        0.0, ge=0, le=20, description="errors are added in 3D, up to so many times MediaPipe's"
    )
    image_easier: float = Field(
        0.0, ge=0, le=1, description="errors across the view are smaller by up to this share"
    )
    errors_changed: float = Field(
        1.0, ge=0, le=1, description="share of the clips to which these two are done"
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
        """The clip with other errors in 3D and smaller ones across the view, or as it is."""
        if not (self.world_errors or self.image_easier):
            return clip
        if self.errors_changed < 1 and rng.random() >= self.errors_changed:
            return clip
        clip = with_smaller_errors(clip, 1 - self.image_easier * rng.uniform())
        size = self.world_errors * rng.uniform()
        return with_errors(clip, size * random_errors(clip.time, rng)) if size else clip

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
    metres = np.exp(clip.frame[:, None, LOG_METRES, None].astype(float))  # a half image height
    return replace(repaired.moved_on_image(change[..., 3:5] / metres), world=world)


def with_smaller_errors(clip: PreparedSequence, factor: float) -> PreparedSequence:
    """The clip as a detector sees it that errs less across the view, as much in depth.

    World and image errors across the view shrink together: one of them alone would tell the other,
    and with it the truth, to whom compares them.

    Args:
        clip: prepared; where its truth or camera does not count, nothing changes.
        factor: on the errors of the joints across the view; the landmarks that belong to a joint
            move with it.
    """
    counts = (clip.weight * clip.camera_weight)[:, None] > 0
    there = (clip.there[:, _COCO] & counts)[..., None]
    if factor == 1 or not there.any():
        return clip
    seen = seen_from(clip.pose, np.linalg.norm(clip.camera, axis=1).clip(min=1.0))
    landmarks = clip.landmarks.copy()
    for columns, true, axes in (
        (slice(0, 3), clip.pose, (0, 1, 2)),
        (slice(3, 5), seen, (1, 2)),
    ):
        said = clip.landmarks[:, _COCO, columns]
        products, squares = ((there * v * true).sum(axes, keepdims=True) for v in (said, true))
        error = said - products / squares.clip(min=1e-9) * true
        error[..., 2:] = 0.0  # in depth it errs as it does
        change = ((factor - 1) * error * there)[:, list(COCO_OF_MEDIAPIPE)]  # (T, 33, ...)
        landmarks[..., columns] += change * clip.there[..., None]
    return replace(clip, landmarks=landmarks)


def with_errors(clip: PreparedSequence, errors: FloatArray) -> PreparedSequence:
    """The clip with errors (T, 17, 3) of its joints in 3D, metres, beside those that it has.

    The landmarks that belong to a joint move with it.
    """
    landmarks = clip.landmarks.copy()
    landmarks[..., :3] += errors[:, list(COCO_OF_MEDIAPIPE)] * clip.there[..., None]
    return replace(clip, landmarks=landmarks)


def random_errors(time_s: ArrayLike, rng: Generator) -> FloatArray:
    """Errors of a detector that have nothing to do with what it says of the clip.

    The detector's own errors made larger would tell the truth: what is said in 3D lies on a line
    from the truth through what the image shows, and a network finds where on it.

    Each joint errs with the one that carries it, and by itself by `ERROR_OF_JOINT_M` in depth and
    half of it across; one half of the variance lasts for the clip, the other changes within
    `CHANGING_S`.

    Args:
        time_s: (T,) seconds.
        rng: draws them.

    Returns:
        (T, 17, 3) metres, ray frame, mid-hip at 0.
    """
    time = np.asarray(time_s, dtype=float)
    knots = np.arange(time[0] - CHANGING_S, time[-1] + 2 * CHANGING_S, CHANGING_S)
    weights = (1 - np.abs(time[:, None] - knots) / CHANGING_S).clip(min=0)  # (T, knots)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    names = list(ERROR_OF_JOINT_M)
    shape = (len(names), 3)
    drawn = rng.normal(size=shape) + np.tensordot(weights, rng.normal(size=(len(knots), *shape)), 1)
    own: dict[str, FloatArray] = {}
    for name, error in zip(names, np.moveaxis(drawn, 1, 0), strict=True):
        carrier, size = ERROR_OF_JOINT_M[name]
        own[name] = np.sqrt(0.5) * size * error * (0.5, 0.5, 1.0) + own.get(carrier, 0.0)
    errors = np.stack([own[name] for name in COCO_JOINTS], axis=1)
    return np.asarray(errors - mid_hip_of(errors)[:, None])


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
