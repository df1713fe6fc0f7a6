"""Training of the foot network, after the depth refiner that it belongs to.

It sees single frames and is small: all of its frames are held at once, at most `frames` of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from gonio.capture.manifest import Manifest, Record
from gonio.capture.reference_body import reference_scale
from gonio.capture.shards import read_shard
from gonio.landmarks.inputs import PoseInputs
from gonio.models.checkpoint_io import Checkpoint
from gonio.models.depth_refiner import FEET, DepthRefiner
from gonio.models.foot_network import (
    SIDES,
    FootInputs,
    FootNetwork,
    foot_inputs,
    mirrored_feet,
    mirrored_foot_inputs,
)
from gonio.options import RepairOptions
from gonio.signals import nearest
from gonio.skeleton import COCO
from gonio.training.feet_options import FeetOptions
from gonio.training.prepare import PreparedStore, prepared_key
from gonio.types import FloatArray

_log = logging.getLogger(__name__)

_TRUE_POINTS = [[0, 1], [3, 4]]
"""Heel and big toe of the right and the left foot in `Shard.feet_truth`."""
SMOOTH_M = 0.01
"""Below it the loss is quadratic, above it linear."""


class Feet(NamedTuple):
    """Frames of many clips.

    Attributes:
        features: (N, FEATURES).
        offsets: (N, 2, 2, 3) MediaPipe's, metres.
        truth: (N, 2, 2, 3) metres; 0 where unknown.
        weight: (N, 2) 1 where a foot and its truth are there.
    """

    features: Tensor
    offsets: Tensor
    truth: Tensor
    weight: Tensor


def with_feet(
    checkpoint: Checkpoint,
    refiner: DepthRefiner,
    manifest: Manifest,
    clips: PreparedStore,
    repair: RepairOptions,
    options: FeetOptions,
    seed: int,
) -> Checkpoint:
    """The checkpoint of a depth refiner with a foot network trained on what it says.

    Args:
        checkpoint: of the depth refiner.
        refiner: the same, ready for use.
        manifest: of the shards.
        clips: the same shards, prepared.
        repair: as they were prepared.
        options: of this training.
        seed: of this training.

    Returns:
        The same checkpoint where there is nothing to train, or where no shard of a split knows the
        feet; the log says so then.
    """
    if options.epochs == 0:
        return checkpoint
    sets = {
        split: _gathered(_frames(refiner, manifest, clips, repair, split, options.frames))
        for split in ("train", "validation")
    }
    without = [split for split, found in sets.items() if not found.weight.any()]
    if without:
        _log.warning(
            "no foot network: no shard of the %s split knows the feet, so heels and toes stay as "
            "MediaPipe says them",
            " and of the ".join(without),
        )
        return checkpoint
    network = trained_feet(sets["train"], sets["validation"], options, seed)
    weights = {f"{FEET}{name}": value for name, value in network.state_dict().items()}
    metrics = {
        f"{name}_cm": round(100 * float(_error(values, sets["validation"])), 3)
        for name, values in (
            ("raw", sets["validation"].offsets),
            ("feet", _answers(network, sets["validation"])),
        )
    }
    header = {
        **checkpoint.header,
        "feet": asdict(options.network),
        "feet_training": {**options.model_dump(mode="json"), "validation": metrics},
    }
    return Checkpoint(header, {**checkpoint.weights, **weights})


def trained_feet(train: Feet, validation: Feet, options: FeetOptions, seed: int) -> FootNetwork:
    """The network of the epoch that is best on the validation frames."""
    torch.manual_seed(seed)
    network = FootNetwork(options.network)
    network.mean.copy_(train.features.mean(dim=0))
    network.scale.copy_(train.features.std(dim=0).clamp_min(1e-3))
    steps = -(-len(train.features) // options.batch_size) * options.epochs
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    best, kept = float("inf"), network.state_dict()
    for _ in range(options.epochs):
        for rows in torch.split(torch.randperm(len(train.features)), options.batch_size):
            noise = options.noise * network.scale * torch.randn_like(train.features[rows])
            said = network(train.features[rows] + noise, train.offsets[rows])
            loss = functional.smooth_l1_loss(
                said, train.truth[rows], reduction="none", beta=SMOOTH_M
            )
            weight = train.weight[rows]
            loss = (loss.mean(dim=(2, 3)) * weight).sum() / weight.sum().clamp_min(1.0)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        error = float(_error(_answers(network, validation), validation))
        if error < best:
            best, kept = error, {k: v.clone() for k, v in network.state_dict().items()}
    network.load_state_dict(kept)
    return network.half().float().eval()


def _answers(network: FootNetwork, feet: Feet) -> Tensor:
    with torch.inference_mode():
        answers: Tensor = network(feet.features, feet.offsets)
    return answers


def _error(offsets: Tensor, feet: Feet) -> Tensor:
    """Mean distance from the truth, metres."""
    distance = (offsets - feet.truth).norm(dim=-1).mean(dim=-1)
    mean: Tensor = (distance * feet.weight).sum() / feet.weight.sum().clamp_min(1.0)
    return mean


def _gathered(parts: Iterator[Feet]) -> Feet:
    found = list(parts)
    if not found:
        nothing = torch.zeros(0, 2, 2, 3)
        return Feet(torch.zeros(0, 1), nothing, nothing, torch.zeros(0, 2))
    return _together(found)


def _together(parts: Sequence[Feet]) -> Feet:
    return Feet(*(torch.cat(values) for values in zip(*parts, strict=True)))


def _frames(
    refiner: DepthRefiner,
    manifest: Manifest,
    clips: PreparedStore,
    repair: RepairOptions,
    split: str,
    most: int,
) -> Iterator[Feet]:
    """Frames of each clip that knows its feet, each beside its mirror image."""
    records = [r for r in manifest.with_status("done") if r.split == split]
    total = sum(record.written_frames for record in records)
    stride = max(1, -(-total // most))
    for record in tqdm(records, desc=f"feet, {split}", unit=" clips"):
        found = _clip(refiner, manifest, clips, repair, record)
        if found is not None:
            yield Feet(*(values[::stride] for values in found))


def _clip(
    refiner: DepthRefiner,
    manifest: Manifest,
    clips: PreparedStore,
    repair: RepairOptions,
    record: Record,
) -> Feet | None:
    shard = read_shard(manifest.path_of(record))
    if not np.isfinite(shard.feet_truth).any():
        return None
    clip = clips.load(prepared_key(record, repair))
    rows = nearest(shard.time_s, clip.time.astype(float))
    scale = reference_scale(shard.ground_truth)
    ankles = shard.ground_truth[rows][:, [COCO[f"{side}_ankle"] for side in SIDES]]
    feet = shard.feet_truth[rows][:, np.array(_TRUE_POINTS)]
    truth = np.asarray(scale * (feet - ankles[:, :, None]), dtype=float)
    inputs = PoseInputs(clip.landmarks, clip.frame, clip.there)
    pose = refiner.refine_inputs(inputs, clip.time.astype(float), clip.rate_hz)
    seen = foot_inputs(inputs, pose.positions, pose.up)
    mirrored = mirrored_foot_inputs(inputs, pose.positions, pose.up)
    return _together([_beside(seen, truth), _beside(mirrored, mirrored_feet(truth))])


def _beside(seen: FootInputs, truth: FloatArray) -> Feet:
    weight = seen.there & np.isfinite(truth).all(axis=(2, 3))
    return Feet(
        features=torch.from_numpy(seen.features),
        offsets=torch.from_numpy(seen.offsets),
        truth=torch.from_numpy(np.nan_to_num(truth).astype(np.float32)),
        weight=torch.from_numpy(weight.astype(np.float32)),
    )
