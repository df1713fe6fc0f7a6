"""What MediaPipe would have said about a pose: learned from pairs, errors included.

A small network gives what MediaPipe says on average of a pose seen from its camera; the rest, what
it said in one clip or another, is kept as it was measured and added to other clips of similar pose.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from gonio.errors import InputError
from gonio.files import replacing
from gonio.skeleton import COCO_FROM_MEDIAPIPE, COCO_JOINTS, MEDIAPIPE, MEDIAPIPE_LANDMARKS

Array = NDArray[np.float32]

_FEET = {"right_heel": 0, "right_foot_index": 1, "left_heel": 3, "left_foot_index": 4}
_NEAR = {"eye": "eye", "mouth": "nose", "pinky": "wrist", "index": "wrist", "thumb": "wrist"}
POINTS = len(COCO_JOINTS) + 6
"""True points that the model is told: COCO's joints and six of the feet."""


def _nearest_point(name: str) -> int:
    """Position, among the true points, of the one that lies nearest to a landmark."""
    if name in _FEET:
        return len(COCO_JOINTS) + _FEET[name]
    if MEDIAPIPE[name] in COCO_FROM_MEDIAPIPE:
        return COCO_FROM_MEDIAPIPE.index(MEDIAPIPE[name])
    part = next(near for key, near in _NEAR.items() if key in name)
    side = "left" if "left" in name else "right"
    return COCO_JOINTS.index(part if part == "nose" else f"{side}_{part}")


NEAREST: tuple[int, ...] = tuple(_nearest_point(name) for name in MEDIAPIPE_LANDMARKS)
"""The true point that each of MediaPipe's landmarks lies at or near."""


@dataclass(frozen=True)
class Seen:
    """Frames of one or more clips; the truth is scaled to the reference body.

    Attributes:
        truth: (N, 23, 3) true joints and feet from mid-hip, metres, ray frame.
        up: (N, 3) against gravity, ray frame.
        distance: (N,) of the camera from mid-hip, metres.
        landmarks: (N, 33, 6) what MediaPipe said, as `PoseInputs.landmarks`.
        clip: (N,) number of the clip.
    """

    truth: Array
    up: Array
    distance: Array
    landmarks: Array
    clip: NDArray[np.int64]


def projected_points(truth: Array, distance: Array) -> Array:
    """(N, K, 2) perspective image of points (N, K, 3) in the plane of the mid-hip, metres."""
    nearness = distance[:, None] / np.maximum(distance[:, None] + truth[..., 2], 0.2)
    return np.asarray(truth[..., :2] * nearness[..., None], dtype=np.float32)


def _expected(truth: Array, distance: Array) -> Array:
    """(N, 33, 6) what a perfect detector would say: the nearest true point, half visible."""
    image = projected_points(truth, distance)
    nearest = list(NEAREST)
    half = np.zeros((*truth[:, nearest].shape[:2], 1), dtype=np.float32)
    return np.concatenate([truth[:, nearest], image[:, nearest], half], axis=2)


def _told(truth: Array, up: Array, distance: Array) -> Array:
    flat = [
        truth.reshape(len(truth), -1),
        projected_points(truth, distance).reshape(len(truth), -1),
    ]
    return np.concatenate([*flat, up], axis=1).astype(np.float32)


def _logit(landmarks: Array) -> Array:
    """Landmarks with the visibility as a logit, so that errors can be added to it."""
    out = landmarks.copy()
    visibility = np.clip(landmarks[..., 5], 1e-3, 1 - 1e-3)
    out[..., 5] = np.log(visibility / (1 - visibility))
    return out


@dataclass(frozen=True)
class DetectorModel:
    """MediaPipe in numbers.

    Attributes:
        mean, scale: of what the network is told.
        weights: of its layers, (out, in) each.
        biases: of its layers.
        errors: (M, 33, 6) what was measured less what the network says, visibility as a logit.
        start: (C + 1,) first frame of each clip in `errors`.
        described: (C, 54) mean pose and gravity of each clip, by which a similar one is found.
    """

    mean: Array
    scale: Array
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    errors: Array
    start: NDArray[np.int64]
    described: Array

    def average(self, truth: Array, up: Array, distance: Array) -> Array:
        """(N, 33, 6) what MediaPipe says on average, visibility as a logit."""
        x = (_told(truth, up, distance) - self.mean) / self.scale
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = x @ weight.T + bias
            if layer < len(self.weights) - 1:
                x = np.maximum(x, 0.0)
        offset = 0.1 * x.reshape(len(truth), len(MEDIAPIPE_LANDMARKS), 6)
        offset[..., 5] *= 10
        return np.asarray(_expected(truth, distance) + offset, dtype=np.float32)

    def say(
        self, truth: Array, up: Array, distance: Array, rng: np.random.Generator, tries: int = 24
    ) -> Array:
        """What MediaPipe might say of a clip, errors included.

        Args:
            truth: as in `Seen`, T frames 0.1 s apart.
            up: as in `Seen`.
            distance: as in `Seen`.
            rng: chooses the clip whose errors are borrowed: of `tries` the most similar one.
            tries: clips looked at.

        Returns:
            (T, 33, 6) as `PoseInputs.landmarks`.
        """
        said = self.average(truth, up, distance)
        clips = rng.integers(len(self.described), size=tries)
        apart = np.abs(self.described[clips] - describe(truth, up)).sum(axis=1)
        clip = int(clips[apart.argmin()])
        first, stop = int(self.start[clip]), int(self.start[clip + 1])
        rows = first + _there_and_back(len(truth), stop - first, rng)
        said = said + self.errors[rows]
        said[..., 5] = 1 / (1 + np.exp(-said[..., 5]))
        return np.asarray(said, dtype=np.float32)


def _there_and_back(count: int, available: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`count` positions in a row in a clip of `available` frames, turning back at its ends."""
    place = int(rng.integers(available)) + np.arange(count)
    last = max(available - 1, 0)
    return np.asarray(last - np.abs(place % max(2 * last, 1) - last), dtype=np.int64)


def describe(truth: Array, up: Array) -> Array:
    """(54,) mean pose and gravity of a clip."""
    joints = truth[:, : len(COCO_JOINTS)].mean(axis=0).ravel()
    return np.concatenate([joints, up.mean(axis=0)]).astype(np.float32)


class _Net(nn.Sequential):
    def __init__(self, told: int, hidden: int, said: int) -> None:
        super().__init__(
            nn.Linear(told, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, said),
        )


def fit_detector_model(
    seen: Seen, *, hidden: int = 384, epochs: int = 40, batch: int = 512, seed: int = 0
) -> DetectorModel:
    """Learn what MediaPipe says on average, and keep what it said beyond that.

    Args:
        seen: of the training split only.
        hidden: size of the two hidden layers.
        epochs: over all frames.
        batch: frames a step.
        seed: of the training.
    """
    torch.manual_seed(seed)
    order = np.random.default_rng(seed)
    told = _told(seen.truth, seen.up, seen.distance)
    mean, scale = told.mean(axis=0), told.std(axis=0) + 1e-3
    wanted = _logit(seen.landmarks) - _expected(seen.truth, seen.distance)
    wanted[..., :5] *= 10
    x = torch.from_numpy((told - mean) / scale)
    y = torch.from_numpy(wanted.reshape(len(wanted), -1))
    net = _Net(x.shape[1], hidden, y.shape[1])
    steps = epochs * -(-len(x) // batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in tqdm(range(epochs), desc="detector model", unit=" epochs"):
        for rows in np.array_split(order.permutation(len(x)), -(-len(x) // batch)):
            chosen = torch.from_numpy(rows)
            loss = functional.smooth_l1_loss(net(x[chosen]), y[chosen])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
    return _with_errors(net, mean, scale, seen)


def _with_errors(net: _Net, mean: Array, scale: Array, seen: Seen) -> DetectorModel:
    layers = [layer for layer in net if isinstance(layer, nn.Linear)]
    start = np.flatnonzero(np.diff(seen.clip, prepend=-1))
    stops = np.append(start[1:], len(seen.clip))
    described = [describe(seen.truth[a:b], seen.up[a:b]) for a, b in zip(start, stops, strict=True)]
    model = DetectorModel(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        weights=tuple(layer.weight.detach().numpy() for layer in layers),
        biases=tuple(layer.bias.detach().numpy() for layer in layers),
        errors=np.zeros((0, len(MEDIAPIPE_LANDMARKS), 6), dtype=np.float32),
        start=np.append(start, len(seen.clip)).astype(np.int64),
        described=np.stack(described),
    )
    errors = _logit(seen.landmarks) - model.average(seen.truth, seen.up, seen.distance)
    return DetectorModel(**{**_shallow(model), "errors": errors.astype(np.float32)})


def _shallow(model: DetectorModel) -> dict[str, Any]:
    return {field.name: getattr(model, field.name) for field in fields(model)}


def save_detector_model(path: Path, model: DetectorModel) -> None:
    """Write a model, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    arrays = _shallow(model)
    for name in ("weights", "biases"):
        for number, value in enumerate(arrays.pop(name)):
            arrays[f"{name}_{number}"] = value
    arrays["errors"] = arrays["errors"].astype(np.float16)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    with replacing(path) as scratch:
        scratch.write_bytes(buffer.getvalue())


def load_detector_model(path: Path) -> DetectorModel:
    """Read a model.

    Raises:
        InputError: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays: dict[str, Any] = {name: archive[name] for name in archive.files}
        layers: Sequence[int] = range(sum(name.startswith("weights_") for name in arrays))
        for name in ("weights", "biases"):
            arrays[name] = tuple(arrays.pop(f"{name}_{number}") for number in layers)
        arrays["errors"] = arrays["errors"].astype(np.float32)
        return DetectorModel(**arrays)
    except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        raise InputError(f"{path} is damaged ({error}); delete it and run again") from error
