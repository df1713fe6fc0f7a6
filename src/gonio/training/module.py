"""Training of the depth refiner as a Lightning module."""

from __future__ import annotations

import math

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torchmetrics import MeanMetric

from gonio.models.depth_refiner import Batch, PoseAwareDepthRefiner, Refined, angles_of
from gonio.skeleton import COCO_FROM_MEDIAPIPE
from gonio.training.losses import depth_refiner_losses
from gonio.training.options import TrainingOptions
from gonio.training.targets import Target

MONITORED = "val_score_cm"
"""What early stopping and the choice of the best epoch look at: 3D plus depth error."""
FIRST_SHARE = 0.02
LAST_SHARE = 0.02
"""Of the learning rate: at the first step of the warm-up, and at the end of the cosine."""


class DepthRefinerModule(pl.LightningModule):
    """Losses, optimiser and metrics around the network.

    Args:
        network: to be trained.
        options: of the training.
        steps: optimiser steps in all epochs, for the learning rate.
    """

    def __init__(
        self, network: PoseAwareDepthRefiner, options: TrainingOptions, steps: int
    ) -> None:
        super().__init__()
        self.network, self.options, self.steps = network, options, steps
        self.validation: dict[str, MeanMetric] = {}

    def on_train_epoch_start(self) -> None:
        """What is random in the network depends on seed and epoch, so that a resumed run agrees."""
        torch.manual_seed(self.options.seed * 100_003 + self.current_epoch)

    def training_step(self, pair: tuple[Batch, Target], _: int) -> Tensor:
        """The weighted sum of the losses."""
        batch, target = pair
        losses = depth_refiner_losses(self.network(batch), target)
        weights = self.options.losses.model_dump()
        total = sum((weights[name] * value for name, value in losses.items()), torch.zeros(()))
        rows = len(batch.time)
        for name, value in losses.items():
            self.log(f"train_{name}", value, on_step=False, on_epoch=True, batch_size=rows)
        self.log("train_loss", total, on_step=False, on_epoch=True, prog_bar=True, batch_size=rows)
        return total

    def validation_step(self, pair: tuple[Batch, Target], _: int) -> None:
        """Errors of the refined and of the raw pose, centimetres and degrees."""
        batch, target = pair
        refined = self.network(batch)
        for name, (values, weight) in validation_values(batch, refined, target).items():
            if name not in self.validation:
                self.validation[name] = MeanMetric().to(self.device)
            self.validation[name].update(values, weight.expand_as(values))

    def on_validation_epoch_end(self) -> None:
        """Log the means over the epoch."""
        for name, metric in self.validation.items():
            self.log(f"val_{name}", metric.compute(), prog_bar=name in ("depth_cm", "score_cm"))
            metric.reset()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW, linear warm-up, then half a cosine."""
        decayed = [p for p in self.parameters() if p.dim() > 1]
        others = [p for p in self.parameters() if p.dim() <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.options.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=self.options.learning_rate, betas=(0.9, 0.98))
        warmup, steps = self.options.warmup_steps, self.steps
        schedule = LambdaLR(optimiser, lambda step: learning_rate_share(step, warmup, steps))
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def learning_rate_share(step: int, warmup: int, steps: int) -> float:
    """Factor on the learning rate at a step: up in a line, down along half a cosine."""
    if step < warmup:
        return FIRST_SHARE + (1 - FIRST_SHARE) * step / warmup
    progress = min(1.0, (step - warmup) / max(1, steps - warmup))
    return LAST_SHARE + (1 - LAST_SHARE) * (1 + math.cos(math.pi * progress)) / 2


def validation_values(
    batch: Batch, refined: Refined, target: Target
) -> dict[str, tuple[Tensor, Tensor]]:
    """Errors with their weights, by name.

    Every pose, raw and refined, first gets the one scale a row that brings it nearest to the
    truth: a camera does not show how large somebody is.
    """
    raw = batch.landmarks[:, :, list(COCO_FROM_MEDIAPIPE), :3]
    weight = target.weight[..., None]
    azimuth, elevation = angles_of(refined.camera)
    true_azimuth, true_elevation = angles_of(target.camera)
    turned = torch.remainder(azimuth - true_azimuth + math.pi, 2 * math.pi) - math.pi
    values = {
        "azimuth_deg": (torch.rad2deg(turned.abs()), target.camera_weight),
        "elevation_deg": (torch.rad2deg((elevation - true_elevation).abs()), target.camera_weight),
    }
    for name, pose in (("raw_", raw), ("", refined.pose)):
        error = 100 * (scaled_to(pose, target) - target.pose)
        depth, distance = error[..., 2].abs(), error.norm(dim=-1)
        values |= {f"{name}depth_cm": (depth, weight), f"{name}position_cm": (distance, weight)}
    values["score_cm"] = (depth + distance, weight)
    if refined.up is not None:
        cosine = (refined.up * target.up).sum(dim=-1).clamp(-1, 1)
        values["up_deg"] = (torch.rad2deg(torch.acos(cosine)), target.weight)
    return values


def scaled_to(pose: Tensor, target: Target) -> Tensor:
    """A pose (B, T, J, 3) with the one factor a row that brings it nearest to the truth."""
    weight = target.weight[..., None, None]
    factor = (weight * pose * target.pose).sum((1, 2, 3)) / (weight * pose**2).sum(
        (1, 2, 3)
    ).clamp_min(1e-9)
    return pose * factor[:, None, None, None]
