"""Training as a Lightning module: what all networks share, and the depth refiner's own."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torchmetrics import MeanMetric

from gonio.models.depth_network import Batch, PoseAwareDepthRefiner, Refined, angles_of
from gonio.skeleton import COCO_FROM_MEDIAPIPE
from gonio.training.losses import depth_refiner_losses
from gonio.training.options import RunOptions, TrainingOptions
from gonio.training.targets import Target

MONITORED = "val_score"
"""What early stopping and the choice of the best epoch look at; of the depth refiner: 3D plus depth
error, cm."""
FIRST_SHARE = 0.02
LAST_SHARE = 0.02
"""Of the learning rate: at the first step of the warm-up, and at the end of the cosine."""


class RefinerModule(pl.LightningModule):
    """What the training of every network has: optimiser, learning rate, logging.

    Args:
        network: to be trained.
        options: of the training.
        steps: optimiser steps in all epochs, for the learning rate.
    """

    def __init__(self, network: nn.Module, options: RunOptions, steps: int) -> None:
        super().__init__()
        self.network, self.run_options, self.steps = network, options, steps
        self.validation: dict[str, MeanMetric] = {}

    def losses(self, pair: Any) -> tuple[dict[str, Tensor], dict[str, float]]:
        """Losses of a batch by name, and their weights."""
        raise NotImplementedError

    def validation_values(self, pair: Any) -> dict[str, tuple[Tensor, Tensor]]:
        """Errors of a batch with their weights, by name."""
        raise NotImplementedError

    def on_train_epoch_start(self) -> None:
        """What is random in the network depends on seed and epoch, so that a resumed run agrees."""
        torch.manual_seed(self.run_options.seed * 100_003 + self.current_epoch)

    def training_step(self, pair: Any, _: int) -> Tensor:
        """The weighted sum of the losses."""
        losses, weights = self.losses(pair)
        total = sum((weights[name] * value for name, value in losses.items()), torch.zeros(()))
        rows = len(pair[0].time)
        for name, value in losses.items():
            self.log(f"train_{name}", value, on_step=False, on_epoch=True, batch_size=rows)
        self.log("train_loss", total, on_step=False, on_epoch=True, prog_bar=True, batch_size=rows)
        return total

    def validation_step(self, pair: Any, _: int) -> None:
        """Errors of what the network says and of what it is given."""
        for name, (values, weight) in self.validation_values(pair).items():
            if name not in self.validation:
                self.validation[name] = MeanMetric().to(self.device)
            self.validation[name].update(values, weight.expand_as(values))

    def on_validation_epoch_end(self) -> None:
        """Log the means over the epoch."""
        for name, metric in self.validation.items():
            self.log(f"val_{name}", metric.compute(), prog_bar=not name.startswith("raw_"))
            metric.reset()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW, linear warm-up, then half a cosine."""
        trained = [p for p in self.parameters() if p.requires_grad]
        groups = [
            {
                "params": [p for p in trained if p.dim() > 1],
                "weight_decay": self.run_options.weight_decay,
            },
            {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
        ]
        rate = self.run_options.learning_rate
        optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
        warmup, steps = self.run_options.warmup_steps, self.steps
        schedule = LambdaLR(optimiser, lambda step: learning_rate_share(step, warmup, steps))
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


class DepthRefinerModule(RefinerModule):
    """Losses and metrics around the depth refiner.

    Args:
        network: to be trained.
        options: of the training.
        steps: optimiser steps in all epochs, for the learning rate.
    """

    network: PoseAwareDepthRefiner

    def __init__(
        self, network: PoseAwareDepthRefiner, options: TrainingOptions, steps: int
    ) -> None:
        super().__init__(network, options, steps)
        self.options = options

    def losses(self, pair: tuple[Batch, Target]) -> tuple[dict[str, Tensor], dict[str, float]]:
        """Losses of a batch by name, and their weights."""
        batch, target = pair
        weights = self.options.losses
        seen = batch.there[:, :, list(COCO_FROM_MEDIAPIPE)]
        losses = depth_refiner_losses(self.network(batch), target, seen, spread=weights.spread > 0)
        return losses, weights.model_dump()

    def validation_values(self, pair: tuple[Batch, Target]) -> dict[str, tuple[Tensor, Tensor]]:
        """Errors of the refined and of the raw pose, centimetres and degrees."""
        batch, target = pair
        return validation_values(batch, self.network(batch), target)


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
    weight = target.weight[..., None] * batch.there[:, :, list(COCO_FROM_MEDIAPIPE)]
    azimuth, elevation = angles_of(refined.camera)
    true_azimuth, true_elevation = angles_of(target.camera)
    turned = torch.remainder(azimuth - true_azimuth + math.pi, 2 * math.pi) - math.pi
    values = {
        "azimuth_deg": (torch.rad2deg(turned.abs()), target.camera_weight),
        "elevation_deg": (torch.rad2deg((elevation - true_elevation).abs()), target.camera_weight),
    }
    for name, pose in (("raw_", raw), ("", refined.pose)):
        depth, distance = pose_errors(pose, target.pose, weight)
        values |= {f"{name}depth_cm": (depth, weight), f"{name}position_cm": (distance, weight)}
    values["score"] = (depth + distance, weight)
    if refined.up is not None:
        cosine = (refined.up * target.up).sum(dim=-1).clamp(-1, 1)
        values["up_deg"] = (torch.rad2deg(torch.acos(cosine)), target.weight)
    return values


def pose_errors(pose: Tensor, truth: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Depth and 3D error (B, T, J), centimetres, of a pose that is scaled; as `scaled_to`."""
    error = 100 * (scaled_to(pose, truth, weight) - truth)
    return error[..., 2].abs(), error.norm(dim=-1)


def scaled_to(pose: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """A pose (B, T, J, 3) with the one factor a row that brings it nearest to the truth.

    Args:
        pose: metres.
        truth: (B, T, J, 3) metres.
        weight: (B, T, J) 1 for joints that count.
    """
    w = weight[..., None]
    factor = (w * pose * truth).sum((1, 2, 3)) / (w * pose**2).sum((1, 2, 3)).clamp_min(1e-9)
    return pose * factor[:, None, None, None]
