"""Plots of a conversion: where MediaPipe errs, and from where the subjects are seen."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gonio.capture.statistics import (
    AZIMUTH_BIN_DEG,
    ELEVATION_EDGES_DEG,
    ConversionStatistics,
)

CM = 100.0


def error_figure(statistics: ConversionStatistics) -> Figure:
    """Mean error and its part in depth, by joint and by azimuth, a colour for each source."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    joints, azimuths = figure.subplots(2, 1)
    _bars(joints, statistics.errors, "joint", "Error by joint")
    _bars(azimuths, statistics.errors, "azimuth_deg", "Error by azimuth of the camera (degrees)")
    return figure


def _bars(axes: Axes, errors: pd.DataFrame, by: str, title: str) -> None:
    rows = errors[errors["by"] == by]
    names = list(dict.fromkeys(rows["name"])) if by == "joint" else sorted(set(rows["name"]))
    sources = sorted(set(rows["source"]))
    width = 0.8 / max(1, len(sources))
    for number, source in enumerate(sources):
        own = rows[rows["source"] == source].set_index("name").reindex(names)
        x = np.arange(len(names)) + (number - (len(sources) - 1) / 2) * width
        colour = f"C{number}"
        axes.bar(x, CM * own["mean_m"], width, color=colour, alpha=0.45, label=f"{source}: 3D")
        axes.bar(
            x,
            CM * own["mean_depth_error_m"],
            width / 2,
            color=colour,
            label=f"{source}: depth",
        )
    axes.set_xticks(
        range(len(names)), [n.replace("_", " ") for n in names], rotation=40, ha="right"
    )
    axes.set_ylabel("mean error (cm)")
    axes.set_title(title)
    if sources:
        axes.legend(fontsize="small")
    else:
        axes.text(0.5, 0.5, "no pairs", transform=axes.transAxes, ha="center")


def coverage_figure(statistics: ConversionStatistics) -> Figure:
    """Number of pairs by azimuth and elevation, and by split."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    views, splits = figure.subplots(1, 2, width_ratios=[3, 1])
    image = views.imshow(statistics.viewpoints.T, origin="lower", aspect="auto", cmap="viridis")
    azimuths = [k * AZIMUTH_BIN_DEG for k in range(statistics.viewpoints.shape[0])]
    views.set_xticks(range(len(azimuths)), [f"{a}-{a + AZIMUTH_BIN_DEG}" for a in azimuths])
    views.tick_params(axis="x", rotation=40)
    elevations = list(pairwise(ELEVATION_EDGES_DEG))
    views.set_yticks(range(len(elevations)), [f"{low} to {high}" for low, high in elevations])
    views.set_xlabel("azimuth of the camera (degrees; 0 in front, 90 at the subject's right)")
    views.set_ylabel("elevation (degrees)")
    figure.colorbar(image, ax=views, label="pairs")
    rows = statistics.counts[statistics.counts["by"] == "split"]
    names = [f"{r.source}\n{r.name}" for r in rows.itertuples(index=False)]
    splits.bar(range(len(rows)), rows["pairs"])
    splits.set_xticks(range(len(rows)), names, fontsize="small", rotation=40)
    splits.set_ylabel("pairs")
    return figure
