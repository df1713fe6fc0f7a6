"""How a training went: losses and errors over the epochs."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PANELS: dict[str, tuple[str, ...]] = {
    "loss": ("train_loss",),
    "error, cm": ("val_position_cm", "val_raw_position_cm", "val_depth_cm", "val_raw_depth_cm"),
    "viewpoint, degrees": ("val_azimuth_deg", "val_elevation_deg", "val_up_deg"),
    "angles, degrees": ("val_angle_deg", "val_raw_angle_deg"),
}
"""Panels of the figure: the unit and the columns that are drawn."""


def training_figure(curves: pd.DataFrame) -> Figure:
    """Panels over the epochs: loss, errors against raw, viewpoint, angles; as far as there are any.

    Args:
        curves: a row an epoch, as a training gives it.
    """
    panels = {unit: names for unit, names in PANELS.items() if set(names) & set(curves)}
    figure = Figure(figsize=(4 * len(panels), 4), layout="constrained")
    places = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (unit, columns) in zip(places, panels.items(), strict=True):
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
