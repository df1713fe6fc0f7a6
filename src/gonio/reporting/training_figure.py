"""How a training went: losses and errors over the epochs."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PANELS: dict[str, tuple[str, ...]] = {
    "loss": ("train_loss",),
    "error, cm": ("val_position_cm", "val_raw_position_cm", "val_depth_cm", "val_raw_depth_cm"),
    "viewpoint, degrees": ("val_azimuth_deg", "val_elevation_deg", "val_up_deg"),
}
"""Panels of the figure: the unit and the columns that are drawn."""


def training_figure(curves: pd.DataFrame) -> Figure:
    """Three panels over the epochs: loss, errors against raw, viewpoint.

    Args:
        curves: a row an epoch, as a training gives it.
    """
    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, (unit, columns) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        _draw(axes, curves, unit, columns)
    return figure


def _draw(axes: Axes, curves: pd.DataFrame, unit: str, columns: tuple[str, ...]) -> None:
    for column in columns:
        if column in curves:
            raw = "raw" in column
            axes.plot(
                curves["epoch"],
                curves[column],
                "--" if raw else "-",
                color="0.5" if raw else None,
                label=column.removeprefix("val_").rsplit("_", 1)[0].replace("_", " "),
            )
    axes.set(xlabel="epoch", ylabel=unit)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
