"""All joint angles on one page: a row a joint, a column an angle, right against left."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from gonio.errors import InputError
from gonio.reporting.curves import COMPUTED, COMPUTED_LABEL, FINAL, draw_curve
from gonio.reporting.flags import flags_of, spans_of
from gonio.reporting.series import angle_of, columns_of, times_of
from gonio.reporting.style import (
    ESTIMATED_COLOUR,
    MIDDLE_COLOUR,
    POSITIVE,
    ROW_TITLES,
    SIDE_COLOUR,
    SINGULAR_COLOUR,
    joints_of_row,
)
from gonio.skeleton import Joint
from gonio.types import FloatArray

PAGE_INCHES = (10.0, 14.4)
SMALLEST_SPAN_DEG = 20.0
"""An axis covers at least this, so that noise does not look like movement."""
BAND_LABEL = "band: ±1 SD"
_INK, _SOFT, _GRID, _BAND_KEY = "#22272E", "#6B7480", "#E7EAEE", "#B9BFC7"
_STRIP = 0.022  # height of the strip that names the flagged side, in units of the panel


def joint_angle_figure(
    angles: pd.DataFrame,
    *,
    sigma: pd.DataFrame | None = None,
    computed: pd.DataFrame | None = None,
    computed_sigma: pd.DataFrame | None = None,
    near_singularity: pd.DataFrame | None = None,
    estimated: pd.DataFrame | None = None,
    title: str = "Joint angles",
    subtitle: str = "",
    across: str = "time (s)",
) -> Figure:
    """Draw all 36 angles: 7 rows of joints, 3 angles each, right and left in one panel.

    Gaps stay open. Spans are shaded where a side is near a singularity of its sequence or rests on
    estimated markers; a thin strip at the foot of the panel, in the side's colour, says which.

    Args:
        angles: `time_s` in seconds and the 36 columns in degrees, T rows.
        sigma: one standard deviation of the same columns, degrees, T rows: drawn as a band.
        computed: the angles before a network changed them, T rows: dashed and lighter.
        computed_sigma: their standard deviation, drawn as a lighter band.
        near_singularity: T rows of flags a joint or a column, see `flags.flags_of`.
        estimated: the same for joints that rest on estimated markers.
        title: first line; "?" stands for a character that the font lacks.
        subtitle: second line.
        across: what `time_s` is, if it is not time.

    Returns:
        A figure that belongs to no window and to no global state.

    Raises:
        InputError: a column is missing, there is no row, or a table has another length.
    """
    time_s = times_of(angles)
    for name, table in (
        ("sigma", sigma),
        ("computed", computed),
        ("computed_sigma", computed_sigma),
    ):
        if table is not None and len(table) != len(angles):
            raise InputError(f"{name} has {len(table)} rows; the angles have {len(angles)}")
    figure = Figure(figsize=PAGE_INCHES, facecolor="white")
    grid = figure.subplots(
        len(ROW_TITLES),
        3,
        sharex=True,
        gridspec_kw={"left": 0.075, "right": 0.985, "top": 0.894, "bottom": 0.04},
    )
    figure.subplots_adjust(hspace=0.5, wspace=0.2)
    for axes_row, row in zip(grid, ROW_TITLES, strict=True):
        joints = joints_of_row(row)
        for angle, axes in enumerate(axes_row):
            axes.set_autoscale_on(False)  # limits are set once, not found anew after every curve
            _shade(axes, time_s, joints, flags=near_singularity, colour=SINGULAR_COLOUR)
            _shade(axes, time_s, joints, flags=estimated, colour=ESTIMATED_COLOUR)
            for joint in joints:
                column, colour = columns_of(joint, angles)[angle], SIDE_COLOUR[joint.side]
                if computed is not None:
                    draw_curve(axes, computed, computed_sigma, column, colour, COMPUTED)
                draw_curve(axes, angles, sigma, column, colour, FINAL)
            _dress(axes, joints, angle_of(columns_of(joints[0], angles)[angle], joints[0]))
    _label_edges(grid, time_s, across)
    figure.align_ylabels(grid[:, 0])
    shades = {
        name: colour
        for name, colour, flags in (
            ("near a singularity*", SINGULAR_COLOUR, near_singularity),
            ("rests on estimated markers*", ESTIMATED_COLOUR, estimated),
        )
        if flags is not None
    }
    _head(
        figure,
        title,
        subtitle,
        band=sigma is not None,
        computed=computed is not None,
        shades=shades,
    )
    return figure


def figure_png(figure: Figure, dpi: int = 150) -> bytes:
    """A figure as PNG, without a time stamp: the same figure gives the same bytes."""
    sheet = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(
        sheet, format="png", dpi=dpi, facecolor="white", metadata={"Software": None}
    )
    return sheet.getvalue()


def _shade(
    axes: Axes,
    time_s: FloatArray,
    joints: tuple[Joint, ...],
    *,
    flags: pd.DataFrame | None,
    colour: str,
) -> None:
    across = axes.get_xaxis_transform()
    for level, joint in enumerate(joints):
        spans = spans_of(flags_of(flags, joint, len(time_s)), time_s)
        bars = [(start, stop - start) for start, stop in spans]
        low = 0.012 + level * _STRIP * 1.5
        for place, shade, order in (
            ((0.0, 1.0), colour, 0.5),
            ((low, _STRIP), SIDE_COLOUR[joint.side], 0.6),
        ):
            if bars:
                axes.broken_barh(
                    bars, place, transform=across, color=shade, linewidth=0, zorder=order
                )


def _dress(axes: Axes, joints: tuple[Joint, ...], word: str) -> None:
    first = joints[0]
    sides = "{R,L}_" if len(joints) == 2 else ""
    axes.set_title(
        f"{first.title.capitalize()} {word.replace('_', ' ')}",
        loc="left",
        fontsize=9.5,
        fontweight="bold",
        color=_INK,
        pad=15,
    )
    small: dict[str, Any] = {
        "transform": axes.transAxes,
        "fontsize": 7.0,
        "color": _SOFT,
        "va": "bottom",
    }
    axes.text(0.0, 1.035, f"{first.title}_{sides}{word}_deg", family="monospace", **small)
    axes.text(1.0, 1.035, f"{POSITIVE[first.title, word]} +", ha="right", **small)
    _scale(axes)
    axes.grid(axis="y", color=_GRID, linewidth=0.7)
    axes.axhline(0, color="#B8C0CA", linewidth=0.8, zorder=1)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#9AA3AE")
    axes.tick_params(colors=_SOFT, labelsize=7.5, length=2.5, width=0.7)


def _scale(axes: Axes) -> None:
    curves = [np.asarray(line.get_ydata(), float) for line in axes.lines]
    bands = [
        np.asarray(path.vertices)[:, 1]
        for band in axes.collections
        if isinstance(band, FillBetweenPolyCollection)
        for path in band.get_paths()
    ]
    values = np.concatenate([*curves, *bands])
    seen = values[np.isfinite(values)]
    low, high = (seen.min(), seen.max()) if len(seen) else (0.0, 0.0)
    middle, half = (low + high) / 2, max((high - low) / 2 * 1.12, SMALLEST_SPAN_DEG / 2)
    axes.set_ylim(middle - 1.1 * half, middle + half)  # room for the strips below
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 3, 5, 10], integer=True))
    if not len(seen):
        axes.text(
            0.5,
            0.5,
            "no data",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=8,
            color=_SOFT,
        )


def _label_edges(grid: np.ndarray[Any, Any], time_s: FloatArray, across: str) -> None:
    for axes in grid[:, 0]:
        axes.set_ylabel("angle (deg)", fontsize=8, color=_INK)
    for axes in grid[-1]:
        axes.set_xlabel(across, fontsize=8.5, color=_INK)
    span = time_s[-1] - time_s[0]
    pad = 0.01 * span if span else 0.5
    grid[0, 0].set_xlim(time_s[0] - pad, time_s[-1] + pad)


def _head(
    figure: Figure,
    title: str,
    subtitle: str,
    *,
    band: bool,
    computed: bool,
    shades: dict[str, str],
) -> None:
    # A dollar sign in a file name is no formula.
    left: dict[str, Any] = {"x": 0.075, "ha": "left", "va": "top", "parse_math": False}
    figure.text(y=0.978, s=_drawable(title), fontsize=15, fontweight="bold", color=_INK, **left)
    figure.text(y=0.9585, s=subtitle, fontsize=9, color=_SOFT, **left)
    if shades:
        figure.text(
            y=0.9585 if computed else 0.937,  # the longer key takes the whole line
            s="* strip: which side",
            fontsize=8,
            color=_SOFT,
            **{**left, "x": 0.985, "ha": "right"},
        )
    dashed = Line2D([], [], color=_SOFT, ls=COMPUTED.dash, label=COMPUTED_LABEL)
    handles = [
        Line2D([], [], color=SIDE_COLOUR["R"], linewidth=2.2, label="right"),
        Line2D([], [], color=SIDE_COLOUR["L"], linewidth=2.2, label="left"),
        Line2D([], [], color=MIDDLE_COLOUR, linewidth=2.2, label="mid-line"),
        *([dashed] if computed else []),
        *([Patch(color=_BAND_KEY, label=BAND_LABEL)] if band else []),
        *(Patch(color=colour, label=label) for label, colour in shades.items()),
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.068, 0.946),
        ncols=len(handles),
        frameon=False,
        fontsize=8.5,
        labelcolor=_INK,
        handlelength=1.6,
        columnspacing=1.8,
    )


def _drawable(title: str) -> str:
    """The title with "?" for each character that the font of titles lacks, as of Chinese names."""
    known = get_font(findfont(FontProperties(weight="bold"))).get_charmap()
    return "".join(letter if ord(letter) in known else "?" for letter in title)
