"""What a refiner is to say: the truth of a clip as it is learned."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gonio.landmarks.inputs import Array
from gonio.models.depth_network import LEAST_NEARNESS
from gonio.types import FloatArray


class Target(NamedTuple):
    """Truth of B clips of T frames.

    Attributes:
        pose: (B, T, 17, 3) metres, ray frame, scaled to the reference body.
        up: (B, T, 3) against gravity, ray frame.
        camera: (B, T, 3) camera in the axes of the pelvis (forward, up, right), metres.
        weight: (B, T) 1 where the pose counts, else 0.
        camera_weight: (B, T) 1 where the camera counts, else 0.
        time: (B, T) seconds.
        clip: (B, T) as in `Batch`.
    """

    pose: Tensor
    up: Tensor
    camera: Tensor
    weight: Tensor
    camera_weight: Tensor
    time: Tensor
    clip: Tensor


def members(clip: Tensor, weight: Tensor) -> Tensor:
    """(B, T, K) which of the K clips of a row a frame belongs to: 1 for its own, 0 for others.

    Args:
        clip: (B, T) as in `Batch`; padding belongs to none.
        weight: of the device and type of the answer.
    """
    return functional.one_hot(clip + 1)[..., 1:].to(weight)


def camera_in_pelvis(azimuth_deg: Array, elevation_deg: Array, distance_m: Array) -> FloatArray:
    """(T, 3) place of the camera in the axes of the pelvis: forward, up, right; metres."""
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    level = np.cos(elevation)
    direction = np.stack(
        [level * np.cos(azimuth), np.sin(elevation), level * np.sin(azimuth)], axis=-1
    )
    return np.asarray(direction * np.asarray(distance_m)[..., None])


def seen_from(pose: NDArray[Any], distance_m: NDArray[Any]) -> FloatArray:
    """Where a camera sees joints, in metres at the depth of the mid-hip.

    Args:
        pose: (T, J, 3) metres, ray frame, mid-hip origin.
        distance_m: (T,) of the camera from the mid-hip.

    Returns:
        (T, J, 2) x right, y down.
    """
    nearness = 1 + pose[..., 2:] / distance_m[:, None, None]
    return np.asarray(pose[..., :2] / nearness.clip(min=LEAST_NEARNESS))
