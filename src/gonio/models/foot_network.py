"""The network that puts heels and toes right. Read it from top to bottom.

MediaPipe's feet are hardly longer along the view than nothing: on the picture a foot is small, and
its depth is a guess. Seen from one frame: T frames, 2 feet (right, left), 2 points each (heel, big
toe), told as offsets from the ankle.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gonio.frames import mirrored_joints, mirrored_vectors
from gonio.landmarks.inputs import PoseInputs, mirrored_inputs
from gonio.models.loading import check_sizes
from gonio.skeleton import COCO, MEDIAPIPE
from gonio.types import FloatArray

SIDES = ("right", "left")
POINTS = ("heel", "foot_index")
_ANKLES = [MEDIAPIPE[f"{side}_ankle"] for side in SIDES]
_POINTS = [[MEDIAPIPE[f"{side}_{point}"] for point in POINTS] for side in SIDES]
_BODY = [COCO[f"{side}_{part}"] for side in SIDES for part in ("hip", "knee", "ankle", "shoulder")]
FEATURES = 2 * 2 * 6 + 3 * len(_BODY) + 3
"""World and image offsets with visibility of each point; legs and shoulders; up."""
UNIT_M = 0.1


@dataclass(frozen=True)
class FootConfig:
    """Everything that shapes the network.

    Raises:
        InputError: a size below 1.
    """

    hidden: int = 192
    layers: int = 3

    def __post_init__(self) -> None:
        check_sizes(self, "hidden", "layers")


@dataclass(frozen=True)
class FootInputs:
    """What the network sees of T frames; what is missing is 0.

    Attributes:
        features: (T, FEATURES).
        offsets: (T, 2, 2, 3) MediaPipe's points from the ankle, metres, ray frame.
        there: (T, 2) whether ankle, heel and toe of a foot are there.
    """

    features: NDArray[np.float32]
    offsets: NDArray[np.float32]
    there: NDArray[np.bool_]


def foot_inputs(inputs: PoseInputs, positions: FloatArray, up: FloatArray) -> FootInputs:
    """Feet as the network sees them, in training and in use.

    Args:
        inputs: of the depth refiner, T frames.
        positions: (T, 17, 3) its pose, metres, ray frame; NaN where missing.
        up: (T, 3) its direction against gravity, ray frame; NaN where unknown.
    """
    ankles = inputs.landmarks[:, _ANKLES]  # (T, 2, 6)
    points = inputs.landmarks[:, np.array(_POINTS)]  # (T, 2, 2, 6)
    there: NDArray[np.bool_] = np.asarray(
        inputs.there[:, _ANKLES] & inputs.there[:, np.array(_POINTS)].all(axis=2)
    )
    seen = points.copy()
    seen[..., :5] -= ankles[:, :, None, :5]
    seen *= there[..., None, None]
    count = len(seen)
    body = positions[:, _BODY].reshape(count, 3 * len(_BODY))
    flat = np.concatenate([seen.reshape(count, 2 * 2 * 6).astype(float), body, up], axis=1)
    features = np.nan_to_num(flat).astype(np.float32)
    return FootInputs(features, np.ascontiguousarray(seen[..., :3], dtype=np.float32), there)


def mirrored_foot_inputs(inputs: PoseInputs, positions: FloatArray, up: FloatArray) -> FootInputs:
    """The same of the mirror image of a clip, whose feet change places."""
    return foot_inputs(mirrored_inputs(inputs), mirrored_joints(positions), mirrored_vectors(up))


def mirrored_feet(offsets: NDArray[np.floating]) -> FloatArray:
    """Offsets (T, 2, 2, 3) of the same feet in a mirror."""
    return mirrored_vectors(np.asarray(offsets[:, ::-1], dtype=float))


class FootNetwork(nn.Module):
    """Corrects heels and toes; with zero weights MediaPipe's offsets come back.

    Args:
        config: sizes.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, config: FootConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(FEATURES))
        sizes = [FEATURES, *[config.hidden] * config.layers]
        hidden: list[nn.Module] = []
        for into, out in pairwise(sizes):
            hidden += [nn.Linear(into, out), nn.GELU()]
        self.hidden = nn.Sequential(*hidden)
        self.out = nn.Linear(config.hidden, 2 * 2 * 3)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor, offsets: Tensor) -> Tensor:
        """(T, 2, 2, 3) offsets from the ankle, metres; see `FootInputs`."""
        hidden = self.hidden((features - self.mean) / self.scale)
        change = self.out(hidden).unflatten(-1, (2, 2, 3))
        corrected: Tensor = offsets + UNIT_M * change
        return corrected


def corrected_feet(
    network: FootNetwork, inputs: PoseInputs, positions: FloatArray, up: FloatArray
) -> FloatArray:
    """Offsets of heel and toe from the ankle, the mean of the answers for both mirror images.

    Args:
        network: trained.
        inputs: of the depth refiner, T frames.
        positions: (T, 17, 3) its pose, metres, ray frame; NaN where missing.
        up: (T, 3) its direction against gravity, ray frame.

    Returns:
        (T, 2, 2, 3) right and left foot, heel and big toe, metres, ray frame; NaN where missing.
    """
    seen = foot_inputs(inputs, positions, up)
    other = mirrored_foot_inputs(inputs, positions, up)
    with torch.inference_mode():
        plain, mirrored = (
            network(torch.from_numpy(one.features), torch.from_numpy(one.offsets)).numpy()
            for one in (seen, other)
        )
    mean = (plain + mirrored_feet(mirrored)) / 2
    return np.where(seen.there[..., None, None], mean.astype(float), np.nan)
