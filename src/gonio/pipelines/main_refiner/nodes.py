"""Nodes of `main_refiner`: each takes values and the parameters, and calls one part of Gonio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gonio.capture.store import ShardStore
from gonio.datasets.checkpoint import CheckpointFile, own_files
from gonio.models.checkpoint_io import Checkpoint, file_digest
from gonio.models.depth_refiner import DepthRefiner
from gonio.models.joint_refiner import JointRefiner
from gonio.models.registry import load_refiners
from gonio.reporting.figures import figure_png
from gonio.reporting.training_figure import training_figure
from gonio.training.angle_clips import (
    MainClip,
    MainStore,
    Preparation,
    angle_clip_list,
    prepare_main_clips,
)
from gonio.training.angle_source import check_same_chain, detector_errors_in
from gonio.training.angle_training_options import MainTrainingOptions
from gonio.training.clips import ClipList, Prepared
from gonio.training.options import repair_of

Parameters = dict[str, Any]


@dataclass(frozen=True)
class JoinedRefiners:
    """The two refiners that a main refiner joins.

    Attributes:
        depth: from its checkpoint.
        joint: from its checkpoint.
        hashes: of the two checkpoints.
    """

    depth: DepthRefiner
    joint: JointRefiner
    hashes: tuple[str, ...]


def load_joined(depth_refiner: CheckpointFile, joint_refiner: CheckpointFile) -> JoinedRefiners:
    """The user's own refiners, else those that come with Gonio.

    Raises:
        MissingFileError: there is no checkpoint of one of them.
    """
    own = own_files(depth_refiner=depth_refiner, joint_refiner=joint_refiner)
    both = load_refiners("both", own)
    assert both.depth is not None  # a choice has all of its networks
    assert both.joint is not None
    hashes = tuple(file_digest(both.used[name]) for name in own)
    return JoinedRefiners(both.depth, both.joint, hashes)


def prepare_clips(
    angle_shards: ShardStore,
    main_clips_so_far: MainStore,
    joined_refiners: JoinedRefiners,
    parameters: Parameters,
) -> Iterator[Prepared[MainClip]]:
    """The shards with angles that are not prepared yet, and what the refiners say of them."""
    options = MainTrainingOptions.from_parameters(parameters)
    options.check_machine()
    manifest = angle_shards.manifest().select(options.sources)
    preparation = _preparation(angle_shards, options, joined_refiners, parameters)
    for source in options.sources:
        check_same_chain(angle_shards, source, preparation.repair, joined_refiners.hashes[0])
    refiners = (joined_refiners.depth, joined_refiners.joint)
    yield from prepare_main_clips(manifest, main_clips_so_far, preparation, refiners)


def list_clips(
    angle_shards: ShardStore,
    main_clips: MainStore,
    joined_refiners: JoinedRefiners,
    parameters: Parameters,
) -> ClipList[MainClip]:
    """The prepared clips of each split."""
    options = MainTrainingOptions.from_parameters(parameters)
    manifest = angle_shards.manifest().select(options.sources)
    preparation = _preparation(angle_shards, options, joined_refiners, parameters)
    return angle_clip_list(manifest, main_clips, preparation, options.repeats)


def _preparation(
    shards: ShardStore,
    options: MainTrainingOptions,
    joined: JoinedRefiners,
    parameters: Parameters,
) -> Preparation:
    """What clips are prepared with: as the detector erred when their angles were computed."""
    errors = {source: detector_errors_in(shards, source) for source in options.sources}
    return Preparation(repair_of(parameters), joined.hashes, errors)


def train(
    main_training_clips: ClipList[MainClip],
    training_runs: Path,
    joined_refiners: JoinedRefiners,
    parameters: Parameters,
) -> tuple[Checkpoint, dict[str, Any], pd.DataFrame]:
    """The best network of a training, its metrics, and the course of the training."""
    # Lightning comes with it, for which runs of other pipelines need not wait
    from gonio.training.main_module import train_main_refiner

    options = MainTrainingOptions.from_parameters(parameters)
    refiners = (joined_refiners.depth, joined_refiners.joint)
    trained = train_main_refiner(main_training_clips, options, training_runs, refiners)
    return trained.checkpoint, trained.metrics, trained.curves


def draw_curves(main_training_curves: pd.DataFrame) -> bytes:
    """Loss and errors over the epochs, as PNG."""
    return figure_png(training_figure(main_training_curves))
