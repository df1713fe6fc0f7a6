"""Nodes of `joint_angle_generation`: each takes values and the parameters, and calls one part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from gonio.capture.conversion import conversion_events, log_problems
from gonio.capture.store import ConversionPlan, Outcome, ShardStore
from gonio.datasets.checkpoint import CheckpointFile, own_files
from gonio.options import InferenceOptions
from gonio.reporting.angle_histograms import angle_histograms
from gonio.reporting.figures import figure_png
from gonio.training.angle_options import AngleOptions
from gonio.training.angle_source import plan_angles, sampled_markers
from gonio.training.angle_statistics import AngleStatistics, angle_statistics, summary
from gonio.types import MarkerTrajectories

Parameters = dict[str, Any]


def plan_angle_shards(
    training_shards: ShardStore,
    depth_refiner: CheckpointFile,
    joint_refiner: CheckpointFile,
    main_refiner: CheckpointFile,
    parameters: Parameters,
) -> list[ConversionPlan]:
    """All shards of the sources that the parameters name, as tasks."""
    options = AngleOptions.from_parameters(parameters)
    chain = InferenceOptions.from_parameters(parameters)
    files = own_files(
        depth_refiner=depth_refiner, joint_refiner=joint_refiner, main_refiner=main_refiner
    )
    return plan_angles(options, chain, training_shards, files)


def generate_angles(
    angle_plans: Sequence[ConversionPlan], angle_shards_so_far: ShardStore, parameters: Parameters
) -> Iterator[ConversionPlan | Outcome]:
    """Each plan, then each task as it ends; what was done in an earlier run is not done again."""
    options = AngleOptions.from_parameters(parameters)
    for plan in angle_plans:
        yield from conversion_events(plan, angle_shards_so_far, options.execution)


def measure_angles(
    angle_shards: ShardStore, parameters: Parameters
) -> tuple[AngleStatistics, pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Counts, errors of each angle, problems, and their summary."""
    options = AngleOptions.from_parameters(parameters)
    manifest = angle_shards.manifest().select(options.sources)
    log_problems(manifest)
    statistics = angle_statistics(manifest)
    tables = (statistics.counts, statistics.errors, statistics.problems)
    return statistics, *tables, summary(manifest, statistics)


def draw_angles(angle_statistics: AngleStatistics) -> bytes:
    """A histogram of every angle, as PNG."""
    return figure_png(angle_histograms(angle_statistics), dpi=110)


def sample_markers(
    angle_plans: Sequence[ConversionPlan], angle_shards: ShardStore, parameters: Parameters
) -> dict[str, MarkerTrajectories]:
    """The 65 markers of both sides of some sequences."""
    options = AngleOptions.from_parameters(parameters)
    return sampled_markers(angle_plans, angle_shards.manifest(), options.trc_sequences)
