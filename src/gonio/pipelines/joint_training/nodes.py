"""Nodes of `joint_training`: each takes values and the parameters, and calls one part of Gonio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from gonio.capture.store import ShardStore
from gonio.models.checkpoint_io import Checkpoint
from gonio.reporting.figures import figure_png
from gonio.reporting.training_figure import training_figure
from gonio.training.angle_clips import (
    AngleClip,
    AngleStore,
    Preparation,
    angle_clip_list,
    prepare_angle_clips,
)
from gonio.training.angle_source import check_same_chain
from gonio.training.angle_training_options import JointTrainingOptions
from gonio.training.clips import ClipList, Prepared
from gonio.training.options import repair_of

Parameters = dict[str, Any]


def prepare_clips(
    angle_shards: ShardStore, joint_clips_so_far: AngleStore, parameters: Parameters
) -> Iterator[Prepared[AngleClip]]:
    """The shards with angles that are not prepared yet."""
    options = JointTrainingOptions.from_parameters(parameters)
    options.check_machine()
    manifest = angle_shards.manifest().select(options.sources)
    preparation = Preparation(repair_of(parameters))
    for source in options.sources:
        check_same_chain(angle_shards, source, preparation.repair)
    yield from prepare_angle_clips(manifest, joint_clips_so_far, preparation)


def list_clips(
    angle_shards: ShardStore, joint_clips: AngleStore, parameters: Parameters
) -> ClipList[AngleClip]:
    """The prepared clips of each split."""
    options = JointTrainingOptions.from_parameters(parameters)
    manifest = angle_shards.manifest().select(options.sources)
    preparation = Preparation(repair_of(parameters))
    return angle_clip_list(manifest, joint_clips, preparation, options.repeats)


def train(
    joint_training_clips: ClipList[AngleClip], training_runs: Path, parameters: Parameters
) -> tuple[Checkpoint, dict[str, Any], pd.DataFrame]:
    """The best network of a training, its metrics, and the course of the training."""
    # Lightning comes with it, for which runs of other pipelines need not wait
    from gonio.training.joint_module import train_joint_refiner

    options = JointTrainingOptions.from_parameters(parameters)
    trained = train_joint_refiner(joint_training_clips, options, training_runs)
    return trained.checkpoint, trained.metrics, trained.curves


def draw_curves(joint_training_curves: pd.DataFrame) -> bytes:
    """Loss and errors over the epochs, as PNG."""
    return figure_png(training_figure(joint_training_curves))
