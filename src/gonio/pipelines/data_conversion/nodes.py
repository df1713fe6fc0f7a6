"""Nodes of `data_conversion`: each takes values and the parameters, and calls one part of Gonio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gonio.capture.contact_sheet import tile_sheet
from gonio.capture.conversion import (
    ConversionOptions,
    conversion_events,
    log_problems,
    plan_conversion,
)
from gonio.capture.figures import coverage_figure, error_figure
from gonio.capture.statistics import ConversionStatistics, measured_sources, summary
from gonio.capture.store import ConversionPlan, Outcome, ShardStore
from gonio.reporting.figures import figure_png

Parameters = dict[str, Any]


def plan(
    aistpp_folder: Path,
    mtc_folder: Path,
    motion_folder: Path,
    pose_models: Path,
    training_shards_so_far: ShardStore,
    parameters: Parameters,
) -> ConversionPlan:
    """All tasks of the source that the parameters name."""
    options = ConversionOptions.from_parameters(parameters)
    folders = {
        "aistpp": aistpp_folder,
        "mtc": mtc_folder,
        "rendered": motion_folder,
        "models": pose_models,
        "shards": training_shards_so_far.root,
    }
    return plan_conversion(options, folders)


def convert(
    conversion_plan: ConversionPlan, training_shards_so_far: ShardStore, parameters: Parameters
) -> Iterator[ConversionPlan | Outcome]:
    """The plan, then each task as it ends; what was done in an earlier run is not done again."""
    options = ConversionOptions.from_parameters(parameters)
    yield from conversion_events(conversion_plan, training_shards_so_far, options.execution)


def measure(
    training_shards: ShardStore, parameters: Parameters
) -> tuple[ConversionStatistics, pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Counts, errors of MediaPipe, problems, and their summary."""
    options = ConversionOptions.from_parameters(parameters)
    manifest = training_shards.manifest()
    log_problems(manifest)
    manifest, statistics = measured_sources(manifest, options.source)
    tables = (statistics.counts, statistics.errors, statistics.problems)
    return statistics, *tables, summary(manifest, statistics)


def draw(
    conversion_statistics: ConversionStatistics, training_shards: ShardStore, parameters: Parameters
) -> tuple[bytes, bytes, NDArray[np.uint8]]:
    """Errors, viewpoints, and the contact sheet of the source that was converted last."""
    options = ConversionOptions.from_parameters(parameters)
    tiles = training_shards.previews(options.source, options.preview_seed)
    return (
        figure_png(error_figure(conversion_statistics)),
        figure_png(coverage_figure(conversion_statistics)),
        tile_sheet(tiles),
    )
