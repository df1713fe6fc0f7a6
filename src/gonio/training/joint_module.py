"""Training of the joint refiner: what it learns, and from beginning to end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gonio.models.checkpoint_io import Checkpoint
from gonio.models.joint_refiner import (
    AngleBatch,
    JointConstraintRefiner,
    JointRefiner,
    load_network,
    make_header,
)
from gonio.skeleton import JOINT_MIRROR, JOINTS
from gonio.training.angle_clips import AngleClip
from gonio.training.angle_errors import AngleErrors, mean_errors
from gonio.training.angle_errors import angle_errors as clip_errors
from gonio.training.angle_losses import (
    angle_loss,
    mirrored,
    size_loss,
    spread_loss,
    symmetry_loss,
    turned,
    velocity_loss,
)
from gonio.training.angle_training_options import JointTrainingOptions
from gonio.training.clips import Array, ClipList
from gonio.training.error_tables import mean
from gonio.training.loop import (
    Trained,
    about,
    begin,
    clip_data,
    metrics_of,
    mix,
    run_training,
    started_from,
    steps_an_epoch,
    to_mix_in,
)
from gonio.training.module import RefinerModule

MIRRORED_SHARE = 4
"""Every so manieth row is seen in the mirror too."""


SaidOfClip = tuple[Array, Array, Array, Array]
"""Refined, computed and true angles (T, 12, 3) of a clip in radians, and the weights (T, 12)."""


class AngleRow(NamedTuple):
    """What the joint refiner sees, as in `AngleBatch`, by the names of the clips."""

    angles: Tensor
    visibility: Tensor
    angle_there: Tensor
    time: Tensor
    clip: Tensor

    @property
    def batch(self) -> AngleBatch:
        """For the network."""
        return AngleBatch(*self)


class AngleTarget(NamedTuple):
    """Truth of B clips of T frames.

    Attributes:
        truth: (B, T, 12, 3) radians.
        angle_weight: (B, T, 12) 1 where it counts, else 0.
        clip: (B, T) as in `AngleBatch`.
    """

    truth: Tensor
    angle_weight: Tensor
    clip: Tensor


class JointRefinerModule(RefinerModule):
    """Losses and metrics around the joint refiner.

    Args:
        network: to be trained.
        options: of the training.
        steps: optimiser steps in all epochs, for the learning rate.
    """

    def __init__(
        self, network: JointConstraintRefiner, options: JointTrainingOptions, steps: int
    ) -> None:
        super().__init__(network, options, steps)
        self.options = options

    def losses(
        self, pair: tuple[AngleRow, AngleTarget]
    ) -> tuple[dict[str, Tensor], dict[str, float]]:
        """Losses of a batch by name, and their weights."""
        row, target = pair
        weights = self.options.losses
        delta = self.network(row.batch)
        angles, weight = row.angles + delta, target.angle_weight
        losses = {
            "angle": angle_loss(angles, target.truth, weight),
            "size": size_loss(delta, weight),
            "velocity": velocity_loss(angles, target.truth, weight, target.clip),
        }
        if weights.spread:
            losses["spread"] = spread_loss(angles, target.truth, weight, target.clip)
        if weights.symmetry:  # of some rows: it costs as much as all other losses
            some = slice(0, max(1, len(row.time) // MIRRORED_SHARE))
            part = AngleBatch(*(values[some] for values in row.batch))
            other = self.network(mirrored_batch(part))
            losses["symmetry"] = symmetry_loss(delta[some], other, weight[some])
        return losses, weights.model_dump()

    def validation_values(
        self, pair: tuple[AngleRow, AngleTarget]
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """Mean absolute errors of refined and of computed angles, degrees."""
        row, target = pair
        refined = row.angles + self.network(row.batch)
        values = angle_errors(refined, row.angles, target.truth, target.angle_weight)
        return {**values, "score": values["angle_deg"]}


def mirrored_batch(batch: AngleBatch) -> AngleBatch:
    """What would be seen of the same movement in a mirror."""
    order = list(JOINT_MIRROR)
    return batch._replace(
        angles=mirrored(batch.angles),
        visibility=batch.visibility[..., order],
        there=batch.there[..., order],
    )


def angle_errors(
    refined: Tensor, computed: Tensor, truth: Tensor, weight: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean absolute errors on the circle with their weights, degrees: all, raw, and by joint.

    Args:
        refined: (B, T, 12, 3) radians.
        computed: (B, T, 12, 3) radians.
        truth: (B, T, 12, 3) radians.
        weight: (B, T, 12).
    """
    error = torch.rad2deg(turned(refined, truth).abs()).mean(dim=-1)
    raw = torch.rad2deg(turned(computed, truth).abs()).mean(dim=-1)
    values = {"angle_deg": (error, weight), "raw_angle_deg": (raw, weight)}
    for k, joint in enumerate(JOINTS):
        if joint.side != "L":
            sides = [k] if joint.side is None else [k, k + 1]
            values[f"{joint.title}_deg"] = (error[..., sides], weight[..., sides])
            values[f"raw_{joint.title}_deg"] = (raw[..., sides], weight[..., sides])
    return values


def train_joint_refiner(
    clips: ClipList[AngleClip], options: JointTrainingOptions, folder: Path
) -> Trained:
    """Train a joint refiner, or go on with a training that was stopped.

    Args:
        clips: prepared, of each split.
        options: everything else.
        folder: where Lightning keeps the state of the run, in a folder of its own.

    Raises:
        InputError: the run cannot start, or the checkpoint to start from does not fit.
    """
    begin(options)
    data = clip_data(clips, options, options.augmentation, (AngleRow, AngleTarget))
    network = started_from(options, load_network) or JointConstraintRefiner(options.network)
    others = to_mix_in(options, load_network)
    steps = steps_an_epoch(clips, options) * options.epochs
    curves = run_training(JointRefinerModule(network, options, steps), data, options, folder)
    mix(network, others, options.mixed_share)
    refiner = JointRefiner(network, make_header(network.config, {}))
    metrics = metrics_of([network], curves, clips, errors_in_use(refiner, clips))
    header = make_header(network.config, about(metrics, clips, options))
    return Trained(Checkpoint(header, dict(network.state_dict())), metrics, curves)


def errors_in_use(refiner: JointRefiner, clips: ClipList[AngleClip]) -> dict[str, float]:
    """Errors of the validation split, all frames, as `angle_means` names them."""
    said: list[SaidOfClip] = []
    for key, _ in clips.clips["validation"]:
        clip = clips.store.load(key)
        refined = clip.angles + refiner.deltas(clip.inputs).astype(np.float32)
        said.append((refined, clip.angles, clip.truth, clip.angle_weight))
    return angle_means(said)


def angle_means(clips: Sequence[SaidOfClip]) -> dict[str, float]:
    """Errors of refined and of computed (`raw_`) angles, degrees, over all frames of the clips.

    Mean absolute error, of all joints and of each; without the mean offset of each clip; of the
    range of motion, and how much wider than the true one it is (`gonio.training.angle_errors`).
    """
    refined, computed, truth, weight = (
        torch.from_numpy(np.concatenate(parts)) for parts in zip(*clips, strict=True)
    )
    means = weighted_means(angle_errors(refined, computed, truth, weight))
    for name, place in (("", 0), ("raw_", 1)):
        errors = mean_errors([_curve_errors(clip[place], *clip[2:]) for clip in clips])
        for what in ("without_offset", "range_error", "range_bias"):
            means[f"{name}{what}_deg"] = round(mean(getattr(errors, what)), 4)
    return means


def _curve_errors(angles: Array, truth: Array, weight: Array) -> AngleErrors:
    true = np.where(weight[..., None] > 0, truth, np.nan)
    return clip_errors(np.degrees(angles), np.degrees(true))


def weighted_means(values: dict[str, tuple[Tensor, Tensor]]) -> dict[str, float]:
    """The mean of each value by its weight, as far as something counts."""
    return {
        name: round(float((value * weight).sum() / weight.sum()), 4)
        for name, (value, weight) in values.items()
        if weight.any()
    }
