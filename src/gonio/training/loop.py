"""The course of a training: Lightning, resumed where it was stopped, its curves and its best state.

The same for all networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

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
from torch import Tensor, nn

from gonio import __version__
from gonio.capture.tasks import digest
from gonio.errors import InputError
from gonio.models.blocks import parameter_count
from gonio.models.checkpoint_io import Checkpoint, file_digest
from gonio.signals import stride_of
from gonio.training.clips import Clip, ClipList
from gonio.training.data import DEPTH_KINDS, Change, ClipData, Kinds, rows_needed
from gonio.training.module import MONITORED, RefinerModule
from gonio.training.options import RunOptions

C = TypeVar("C", bound=Clip)
N = TypeVar("N", bound=nn.Module)
CLIPS_LOOKED_AT, CLIPS_PACKED = 300, 3000
"""Clips whose lengths are taken for those of all, and how many of such lengths are packed."""
RUN_FORMAT = 1
"""Raised where the same data and options teach something else: losses, networks, inputs."""
RUNS_ALIKE = ("resume", "threads", "strategy", "accelerator", "feet")
"""Options that do not change what the network learns: a run may go on with others."""
SHARING = ("devices", "nodes", "workers")
"""Options that share the clips out: of these a run depends on how many shares there are."""
CHECKPOINT_OPTIONS = ("start_from", "mixed_with", "joined_with")
"""Options that are paths of checkpoints."""
UNLEARNED = ("name", "sources", "epochs", "seed", "mixed_share")
"""Options that a run of no epochs reads, beside those of checkpoints."""
AFTERWARDS = ("mixed_with", "mixed_share", "joined_with")
"""Options of what is done with a trained network."""


IN_TRAINING_OR_USE = ("dropout", "window", "mirror_average", "smooth", "skeleton_fit")
"""Fields of a network's configuration that its weights do not depend on."""


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


def begin(options: RunOptions) -> None:
    """Threads and seed, before a network is made."""
    if options.threads:
        torch.set_num_threads(options.threads)
    pl.seed_everything(options.seed, workers=True, verbose=False)


def clip_data(
    clips: ClipList[C], options: RunOptions, augmentation: Change[C], kinds: Kinds = DEPTH_KINDS
) -> ClipData[C]:
    """The clips of a training as its options want them.

    Args:
        clips: prepared, of each split.
        options: of the training.
        augmentation: of the training clips.
        kinds: what the network sees and what it is to say.

    Raises:
        InputError: there are fewer clips than processes, or no clip of a split has a truth.
    """
    for split in ("train", "validation"):
        if len(clips.clips[split]) < options.processes:
            raise InputError(
                f"{options.GROUP} shares the clips out to {options.processes} processes (devices "
                f"x nodes), but there are {len(clips.clips[split])} of the split {split}: take "
                "fewer devices or convert more data"
            )
        if not any(clips.store.load(key).counts for key, _ in clips.clips[split]):
            raise InputError(
                f"no frame of the {split} clips counts: in each of them some joint has no truth; "
                "convert recordings with the truth of all joints"
            )
    return ClipData(
        clips,
        window=options.frames_a_row,
        step_s=options.seconds_a_step,
        rows=options.rows,
        augmentation=augmentation,
        seed=options.seed,
        workers=options.workers,
        kinds=kinds,
    )


def started_from(options: RunOptions, load: Callable[[str], tuple[N, Any]]) -> N | None:
    """The network to start from, None where the options name none.

    Args:
        options: of the training.
        load: gives the network of a checkpoint first.

    Raises:
        MissingFileError: there is no such checkpoint.
        InputError: it is broken, or of another configuration.
    """
    if options.start_from is None:
        return None
    return _as_wanted(options.start_from, "start_from", options, load).train()


def to_mix_in(options: RunOptions, load: Callable[[str], tuple[N, Any]]) -> list[N]:
    """The networks whose weights are mixed in; arguments and errors as of `started_from`."""
    return [_as_wanted(path, "mixed_with", options, load) for path in options.mixed_with]


def _as_wanted(
    path: str, option: str, options: RunOptions, load: Callable[[str], tuple[N, Any]]
) -> N:
    """The network of a checkpoint; what its weights do not depend on is as in the options."""
    network, _ = load(path)
    config: Any = network.config
    fields = (field for field in IN_TRAINING_OR_USE if hasattr(config, field))
    changes = {field: getattr(options.network, field) for field in fields}
    if replace(config, **changes) != options.network:
        group = options.GROUP
        raise InputError(
            f"{group}.{option}: the network in {path} has another configuration "
            f"({config}) than {group}.network ({options.network})"
        )
    same = type(network)(options.network)
    same.load_state_dict(network.state_dict())
    return same


def mix(network: nn.Module, others: Sequence[nn.Module], share: float) -> None:
    """Mix the weights of other networks into a trained one that began where they did, or from one.

    On the way from the one to the other lie networks that are nearly as good as both, each at what
    it is better at (Wortsman and others, Robust fine-tuning of zero-shot models, CVPR 2022), and
    between several one that carries over better than each (Wortsman and others, Model soups, ICML
    2022).

    Args:
        network: its weights change; half precision, as a file will hold them.
        others: of the same configuration; nothing happens without any.
        share: of the mean of the others' weights.
    """
    if not others:
        return
    theirs = [other.state_dict() for other in others]
    for name, own in network.state_dict().items():
        if own.is_floating_point():
            mean = torch.stack([weights[name] for weights in theirs]).mean(dim=0)
            own.copy_(share * mean + (1 - share) * own)
    network.half().float()


def run_training(
    module: RefinerModule, data: ClipData[Any], options: RunOptions, folder: Path
) -> pd.DataFrame:
    """Train, or go on with a training that was stopped; the network ends in its best state.

    Args:
        module: around the network, whose weights become the averaged ones of the best epoch, in
            half precision as a file will hold them.
        data: its clips.
        options: of the training.
        folder: where Lightning keeps the state of the run, in a folder of its own.

    Returns:
        A row an epoch; of none, one of what the network is validated with as it is.
    """
    if options.epochs == 0:
        return _validated(module, data, options)
    run = folder / f"{options.name}-{run_hash(data.clips, options)}"
    # Without a counter in their names: the files of a run that is begun anew replace the old ones.
    kept_as = partial(RunCheckpoint, run, enable_version_counter=False)
    best = kept_as("best", monitor=MONITORED, mode="min")
    # Lightning's `save_last` is written only when the best is, and a run would go on from there.
    newest = kept_as("last")
    epoch_steps = module.steps // options.epochs
    shares = options.processes * max(1, options.workers)
    trainer = _trainer(
        options,
        devices=options.devices,
        num_nodes=options.nodes,
        strategy=options.lightning_strategy,
        max_epochs=options.epochs,
        limit_train_batches=epoch_steps if shares > 1 else 1.0,
        gradient_clip_val=options.gradient_clip,
        callbacks=[
            best,
            newest,
            Curves(),
            EarlyStopping(MONITORED, patience=options.patience, mode="min"),
            Averaging(options.average_decay),
            TQDMProgressBar(refresh_rate=20),
        ],
        default_root_dir=run,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
    )
    last = run / "last.ckpt"
    resumed = _state(last) if options.resume and last.is_file() else None
    if resumed is None or not _has_stopped(resumed, options):
        begun = str(last) if resumed else None
        trainer.fit(module, datamodule=data, ckpt_path=begun, weights_only=True)
    curves = Curves.kept_in(last)
    if not np.isfinite(curves[MONITORED]).any():
        raise InputError(
            f"{options.GROUP}: no epoch ended with errors that are numbers, the network diverged; "
            f"lower {options.GROUP}.learning_rate (it is {options.learning_rate:g})"
        )
    state = _state(run / "best.ckpt")["state_dict"]
    kept = {k.removeprefix("network."): v for k, v in state.items() if k.startswith("network.")}
    module.network.load_state_dict(kept)
    module.network.half().float().to("cpu").eval()
    return curves


def _validated(module: RefinerModule, data: ClipData[Any], options: RunOptions) -> pd.DataFrame:
    """The errors of a network that is not trained; it is left ready for use. Nothing is written."""
    # One device: all that the machine has, where nothing is said
    trainer = _trainer(options, devices=1, enable_checkpointing=False)
    (values,) = trainer.validate(module, datamodule=data, verbose=False)
    module.network.to("cpu").eval()
    return pd.DataFrame([{"epoch": 0, "learning_rate": 0.0, **values}])


def run_hash(clips: ClipList[Any], options: RunOptions) -> str:
    """Names a run: the data and all that changes what is learned, other checkpoints included.

    Gonio's version is part of it: losses and networks of another one may be others.
    """
    content = options.model_dump(mode="json", exclude={*RUNS_ALIKE, *SHARING, *AFTERWARDS})
    if options.start_from is not None:  # what it holds, not what it is called
        content["start_from"] = file_digest(Path(options.start_from))
    how = [RUN_FORMAT, __version__, options.processes, max(1, options.workers)]
    return digest([clips.data_hash, content, *how])[:10]


def steps_an_epoch(clips: ClipList[Any], options: RunOptions) -> int:
    """Optimiser steps an epoch, estimated from clips spread evenly over all of them."""
    train = clips.clips["train"]
    chosen = train[:: max(1, len(train) // CLIPS_LOOKED_AT)]
    step_s, window = options.seconds_a_step, options.frames_a_row
    loaded: list[Clip] = [clips.store.load(key) for key, _ in chosen]
    lengths = [min(-(-len(c) // stride_of(c.rate_hz, step_s)), window) for c in loaded]
    mixed = np.random.default_rng(options.seed).choice(lengths, CLIPS_PACKED)
    rows = len(train) * rows_needed(mixed.tolist(), window) / CLIPS_PACKED
    return max(1, math.ceil(rows / (options.rows * options.processes)))


def _state(path: Path) -> dict[str, Any]:
    """What Lightning has kept of a run.

    Raises:
        InputError: it is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if not {"state_dict", "callbacks"} <= set(state):
            raise RuntimeError("it is not the state of a training")
        Curves.rows_in(state)
    except (OSError, RuntimeError, EOFError, UnpicklingError, TypeError, KeyError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{path} is damaged or gone ({reason}): delete the folder {path.parent} to begin that "
            "training again"
        ) from error
    return state


def _has_stopped(state: dict[str, Any], options: RunOptions) -> bool:
    """Whether a run has ended because it made no progress any more, or diverged."""
    stopping = (v for k, v in state["callbacks"].items() if k.startswith(EarlyStopping.__name__))
    rows = Curves.rows_in(state)
    diverged = bool(rows) and not math.isfinite(rows[-1][MONITORED])
    return diverged or any(kept["wait_count"] >= options.patience for kept in stopping)


def metrics_of(
    networks: Iterable[nn.Module],
    curves: pd.DataFrame,
    clips: ClipList[Any],
    in_use: dict[str, Any],
) -> dict[str, Any]:
    """What a checkpoint says of its training: the best epoch on validation, and use of it."""
    best = curves.iloc[int(np.nanargmin(curves[MONITORED].to_numpy()))]
    return {
        "best_epoch": int(best["epoch"]),
        "epochs": len(curves),
        "parameters": parameter_count(*networks),
        "validation": {
            name: round(float(value), 4)
            for name, value in best.items()
            if str(name).startswith("val_") and math.isfinite(value)  # some joint has no truth
        },
        "validation_in_use": in_use,
        "data": clips.described,
    }


def about(metrics: dict[str, Any], clips: ClipList[Any], options: RunOptions) -> dict[str, Any]:
    """The part of a header that all checkpoints have: metrics, data, training, versions.

    Of other checkpoints that took part it bears the names, not where they lay.
    """
    training = options.model_dump(mode="json", exclude={"network", *RUNS_ALIKE, *SHARING})
    training["processes"] = options.processes
    if not options.epochs:  # nothing was learned by the options of learning
        training = {
            key: training[key] for key in (*UNLEARNED, *CHECKPOINT_OPTIONS) if key in training
        }
    files = {key: _file_names(training[key]) for key in CHECKPOINT_OPTIONS if training.get(key)}
    return {
        "metrics": metrics,
        "data": {"hash": clips.data_hash, **clips.described},
        "training": {**training, **files},
        "versions": {
            "gonio": __version__,
            **{package: version(package) for package in ("torch", "lightning", "mediapipe")},
        },
    }


def _file_names(paths: str | list[str]) -> str | list[str]:
    """Paths without their folders, which are nobody's business."""
    return Path(paths).name if isinstance(paths, str) else [Path(path).name for path in paths]


def _trainer(options: RunOptions, **more: Any) -> pl.Trainer:
    """Lightning's trainer; what is the same whatever it does, and more of its arguments."""
    return pl.Trainer(
        accelerator=options.accelerator,
        precision=options.precision,
        logger=False,
        enable_model_summary=False,
        **more,
    )


class RunCheckpoint(ModelCheckpoint):
    """Keeps what it knows of the best epoch where the folder of the run was moved.

    Lightning's own forgets it, and the next epoch would replace a better one.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From Lightning's checkpoint, its files in the folder of this run."""
        here = Path(str(self.dirpath))

        def moved(path: str) -> str:
            return str(here / Path(path).name) if path else path

        files = ("best_model_path", "kth_best_model_path", "last_model_path")
        super().load_state_dict(
            {
                **state_dict,
                "dirpath": self.dirpath,
                **{name: moved(state_dict[name]) for name in files},
                "best_k_models": {moved(k): v for k, v in state_dict["best_k_models"].items()},
            }
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
    """The average after one more value; what is no number with a fraction stays as it is."""
    if not average.is_floating_point():
        return current
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
        return pd.DataFrame(Curves.rows_in(_state(checkpoint)))

    @staticmethod
    def rows_in(state: dict[str, Any]) -> list[dict[str, float]]:
        """The same of a state that is read; none before the first epoch has ended."""
        rows: list[dict[str, float]] = state["callbacks"].get(Curves.__name__, {"rows": []})["rows"]
        return rows
