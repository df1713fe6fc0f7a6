"""One curve of a figure with its band: the angles of the result, or those before a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from gonio.reporting.series import envelope

MOST_POINTS = 4000
"""A curve of more samples is drawn by its extremes; the page has no room for more."""
COMPUTED_LABEL = "as computed"


@dataclass(frozen=True)
class Look:
    """How the curves of one table are drawn.

    Attributes:
        width: of the line, points.
        dash: as matplotlib has it.
        alpha: of the line.
        band_alpha: of the band.
        layer: which table lies above.
        label: of a line, with the column for `{}`.
    """

    width: float = 1.3
    dash: str | tuple[int, tuple[float, ...]] = "-"
    alpha: float = 1.0
    band_alpha: float = 0.18
    layer: float = 3.0
    label: str = "{}"


FINAL = Look()
COMPUTED = Look(1.0, (0, (4.0, 2.0)), 0.6, 0.09, 2.5, f"{{}} {COMPUTED_LABEL}")
"""Of the angles before a network changed them: dashed, lighter, below."""


def draw_curve(
    axes: Axes,
    table: pd.DataFrame,
    sigma: pd.DataFrame | None,
    column: str,
    colour: str,
    look: Look,
) -> None:
    """Draw a column over time, with a band of one standard deviation to either side.

    Args:
        axes: where.
        table: `time_s` and the column, degrees, T rows; gaps stay open.
        sigma: T rows of the same column, degrees; None for no band.
        column: its name.
        colour: of line and band.
        look: how.
    """
    values = table[column].to_numpy(dtype=np.float64)
    keep = envelope(values, MOST_POINTS)
    time_s, values = table["time_s"].to_numpy(dtype=np.float64)[keep], values[keep]
    if sigma is not None:
        spread = sigma[column].to_numpy(dtype=np.float64)[keep]
        axes.fill_between(
            time_s,
            values - spread,
            values + spread,
            color=colour,
            alpha=look.band_alpha,
            linewidth=0,
            zorder=look.layer - 1,
        )
    axes.plot(
        time_s,
        values,
        color=colour,
        linewidth=look.width,
        linestyle=look.dash,
        alpha=look.alpha,
        solid_capstyle="round",
        marker="o" if len(time_s) == 1 else None,
        markersize=3,
        label=look.label.format(column),
        zorder=look.layer,
    )
