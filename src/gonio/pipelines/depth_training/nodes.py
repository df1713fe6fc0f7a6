"""Nodes of `depth_training`: each takes values and the parameters, and calls one part of Gonio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from gonio.capture.store import ShardStore
from gonio.models.checkpoint_io import Checkpoint
from gonio.models.depth_refiner import refiner_in
from gonio.reporting.figures import figure_png
from gonio.reporting.training_figure import training_figure
from gonio.training.clips import ClipList, Prepared
from gonio.training.feet import with_feet
from gonio.training.options import TrainingOptions, repair_of
from gonio.training.prepare import PreparedSequence, PreparedStore, clip_list, prepare

Parameters = dict[str, Any]


def prepare_clips(
    training_shards: ShardStore, prepared_clips_so_far: PreparedStore, parameters: Parameters
) -> Iterator[Prepared[PreparedSequence]]:
    """The shards that are not prepared yet, repaired as in use."""
    options = TrainingOptions.from_parameters(parameters)
    options.check_machine()
    manifest = training_shards.manifest().select(options.sources)
    yield from prepare(manifest, prepared_clips_so_far, repair_of(parameters))


def list_clips(
    training_shards: ShardStore, prepared_clips: PreparedStore, parameters: Parameters
) -> ClipList[PreparedSequence]:
    """The prepared clips of each split."""
    options = TrainingOptions.from_parameters(parameters)
    manifest = training_shards.manifest().select(options.sources)
    return clip_list(manifest, prepared_clips, repair_of(parameters), options.repeats)


def train(
    training_clips: ClipList[PreparedSequence], training_runs: Path, parameters: Parameters
) -> tuple[Checkpoint, dict[str, Any], pd.DataFrame]:
    """The best network of a training, its metrics, and the course of the training."""
    # Lightning comes with it, for which runs of other pipelines need not wait
    from gonio.training.fit import train_depth_refiner

    options = TrainingOptions.from_parameters(parameters)
    trained = train_depth_refiner(training_clips, options, training_runs)
    return trained.checkpoint, trained.metrics, trained.curves


def add_feet(
    trained_networks: Checkpoint,
    training_shards: ShardStore,
    prepared_clips: PreparedStore,
    parameters: Parameters,
) -> Checkpoint:
    """The same with a foot network, where the sources know the feet."""
    options = TrainingOptions.from_parameters(parameters)
    named = Path(f"{options.name}, just trained")
    return with_feet(
        trained_networks,
        refiner_in(trained_networks.header, trained_networks.weights, named),
        training_shards.manifest().select(options.sources),
        prepared_clips,
        repair_of(parameters),
        options.feet,
        options.seed,
    )


def draw_curves(training_curves: pd.DataFrame) -> bytes:
    """Losses and errors over the epochs, as PNG."""
    return figure_png(training_figure(training_curves))
