"""One training from beginning to end: resumable, with curves, calibration and a checkpoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    ModelCheckpoint,
    TQDMProgressBar,
    WeightAveraging,
)
from torch import Tensor

from gonio import __version__
from gonio.capture.tasks import digest
from gonio.errors import InputError
from gonio.models.checkpoint_io import Checkpoint
from gonio.models.depth_refiner import (
    DepthRefiner,
    PoseAwareDepthRefiner,
    load_network,
    make_header,
)
from gonio.signals import stride_of
from gonio.training.calibration import calibrate
from gonio.training.data import ClipData, sample_of
from gonio.training.module import MONITORED, DepthRefinerModule
from gonio.training.options import TrainingOptions
from gonio.training.prepare import ClipList

NORMALISED_BY_ROWS = 64
CLIPS_LOOKED_AT = 300
_RUNS_ALIKE = ("resume", "workers", "threads", "devices", "nodes", "strategy", "accelerator")
"""Options that do not change what is learned: a run may go on with others."""


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Attributes:
        checkpoint: the best epoch's averaged weights, with their header.
        metrics: of the validation split and the run; JSON values.
        curves: a row an epoch.
    """

    checkpoint: Checkpoint
    metrics: dict[str, Any]
    curves: pd.DataFrame


def train_depth_refiner(clips: ClipList, options: TrainingOptions, folder: Path) -> Trained:
    """Train a depth refiner, or go on with a training that was stopped.

    Args:
        clips: prepared, of each split.
        options: everything else.
        folder: where Lightning keeps the state of the run, in a folder of its own.

    Raises:
        InputError: the run cannot start, or the checkpoint to start from does not fit.
    """
    if options.threads:
        torch.set_num_threads(options.threads)
    pl.seed_everything(options.seed, workers=True, verbose=False)
    config = options.network
    data = ClipData(
        clips,
        window=config.window,
        step_s=config.step_s,
        rows=options.rows,
        augmentation=options.augmentation,
        seed=options.seed,
        workers=options.workers,
    )
    run = folder / f"{options.name}-{run_hash(clips, options)}"
    network = _network(options, data)
    epoch_steps = steps_an_epoch(clips, options)
    module = DepthRefinerModule(network, options, epoch_steps * options.epochs)
    best = ModelCheckpoint(run, "best", monitor=MONITORED, mode="min", save_last=True)
    trainer = _trainer(options, run, [best, Curves()], epoch_steps)
    last = run / "last.ckpt"
    resumed = str(last) if options.resume and last.is_file() else None
    trainer.fit(module, datamodule=data, ckpt_path=resumed, weights_only=True)
    curves = Curves.kept_in(last)
    state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
    kept = {k.removeprefix("network."): v for k, v in state.items() if k.startswith("network.")}
    network.load_state_dict(kept)
    network = network.half().float().to("cpu").eval()  # as the file will hold them
    return _trained(network, clips, options, curves)


def run_hash(clips: ClipList, options: TrainingOptions) -> str:
    """Names a run: the data and all options that change what is learned."""
    content = options.model_dump(mode="json", exclude=set(_RUNS_ALIKE))
    return digest([clips.data_hash, content])[:10]


def steps_an_epoch(clips: ClipList, options: TrainingOptions) -> int:
    """Optimiser steps an epoch, estimated from clips spread evenly over all of them."""
    train = clips.clips["train"]
    chosen = train[:: max(1, len(train) // CLIPS_LOOKED_AT)]
    step_s, window = options.network.step_s, options.network.window
    loaded = [clips.store.load(key) for key, _ in chosen]
    lengths = [min(len(c) / stride_of(c.rate_hz, step_s), window) for c in loaded]
    frames = len(train) * float(np.mean(lengths))
    return max(1, math.ceil(frames / (options.rows * window * options.processes)))


def _network(options: TrainingOptions, data: ClipData) -> PoseAwareDepthRefiner:
    if options.start_from is not None:
        network, _ = load_network(options.start_from)
        if network.config != options.network:
            raise InputError(
                f"training.start_from: the network in {options.start_from} has another "
                f"configuration ({network.config}) than training.network ({options.network})"
            )
        return network.train()
    network = PoseAwareDepthRefiner(options.network)
    network.normalise_by(sample_of(data.rows_of("train", None), NORMALISED_BY_ROWS))
    return network


def _trainer(
    options: TrainingOptions, run: Path, callbacks: list[Callback], epoch_steps: int
) -> pl.Trainer:
    extra: list[Callback] = [
        EarlyStopping(MONITORED, patience=options.patience, mode="min"),
        Averaging(options.average_decay),
        TQDMProgressBar(refresh_rate=20),
    ]
    shares = options.processes * max(1, options.workers)
    return pl.Trainer(
        accelerator=options.accelerator,
        devices=options.devices,
        num_nodes=options.nodes,
        strategy=options.lightning_strategy,
        precision=options.precision,
        max_epochs=options.epochs,
        limit_train_batches=epoch_steps if shares > 1 else 1.0,
        gradient_clip_val=options.gradient_clip,
        callbacks=[*callbacks, *extra],
        default_root_dir=run,
        logger=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
    )


class Averaging(WeightAveraging):
    """Exponential moving average of the weights, which is validated and kept.

    Lightning's own cannot be sent to other processes.

    Args:
        decay: share of the average that stays at each step.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(avg_fn=partial(moving_average, decay=decay))

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """After every step."""
        return step_idx is not None


def moving_average(average: Tensor, current: Tensor, _: Tensor | int, *, decay: float) -> Tensor:
    """The average after one more value."""
    return decay * average + (1 - decay) * current


class Curves(Callback):
    """Keeps the metrics of every epoch; they are part of the run's state."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the epoch's metrics."""
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self.rows.append({"epoch": trainer.current_epoch, "learning_rate": rate, **values})

    def state_dict(self) -> dict[str, Any]:
        """For Lightning's checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From Lightning's checkpoint."""
        self.rows = list(state_dict["rows"])

    @staticmethod
    def kept_in(checkpoint: Path) -> pd.DataFrame:
        """A row an epoch, as a run's last checkpoint holds them, whichever process wrote it."""
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        return pd.DataFrame(state["callbacks"][Curves.__name__]["rows"])


def _trained(
    network: PoseAwareDepthRefiner,
    clips: ClipList,
    options: TrainingOptions,
    curves: pd.DataFrame,
) -> Trained:
    uncalibrated = DepthRefiner(network, make_header(network.config, {"sigma_scale": [1.0] * 3}))
    calibration = calibrate(uncalibrated, clips.store, clips.clips["validation"])
    best = curves.iloc[int(curves[MONITORED].to_numpy().argmin())]
    metrics = {
        "best_epoch": int(best["epoch"]),
        "epochs": len(curves),
        "parameters": sum(int(np.prod(p.shape)) for p in network.parameters()),
        "validation": {k: round(float(v), 4) for k, v in best.items() if str(k).startswith("val_")},
        "validation_in_use": calibration.described,
        "data": clips.described,
    }
    about = {
        "sigma_scale": calibration.sigma_scale,
        "metrics": metrics,
        "data": {"hash": clips.data_hash, **clips.described},
        "training": options.model_dump(mode="json", exclude={"network", *_RUNS_ALIKE}),
        "versions": {
            "gonio": __version__,
            **{package: version(package) for package in ("torch", "lightning", "mediapipe")},
        },
    }
    header = make_header(network.config, about)
    return Trained(Checkpoint(header, dict(network.state_dict())), metrics, curves)
