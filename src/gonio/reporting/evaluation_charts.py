"""Interactive charts of an evaluation, made from its tables."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from gonio.reporting.style import LEFT_COLOUR, RIGHT_COLOUR
from gonio.training.error_tables import RAW

_FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"
_LINE, _SOFT = "#e2e6ea", "#5b6672"
_BASELINE_COLOURS = {
    "raw + filter + scale": "#E69F00",
    "raw + filter": "#E69F00",
    "repaired": "#8A949F",
}
_NETWORK_COLOURS = ("#56B4E9", "#009E73", "#CC79A7", "#7B61A8", "#B0A100", "#1B7F79", "#7A4E2D")
"""Okabe and Ito's, then others that differ in lightness."""
NORMAL_SHARES = {1: 68.3, 2: 95.4}
"""Percent of normally distributed errors within so many standard deviations."""
_NAME_LETTERS = 18
"""Of the name of a row in one line."""
_BAR_PX, _LEAST_PX, _GAP = 18, 160, 0.24
"""Height of a bar that lies, which has room for its value, and of all; share between the rows."""
_FRAME = {"l": 62, "r": 14, "t": 52, "b": 62}
_ERRORS = {
    "depth_mean_cm": ("depth", RIGHT_COLOUR),
    "position_mean_cm": ("3D", LEFT_COLOUR),
    "aligned_mean_cm": ("3D after alignment (PA)", "#009E73"),
}


def row_colours(rows: list[str]) -> dict[str, str]:
    """A colour for each row; `raw` and the last network keep theirs in every run."""
    networks = [row for row in rows if row not in (RAW, *_BASELINE_COLOURS)]
    colours = {RAW: RIGHT_COLOUR, **_BASELINE_COLOURS}
    for number, row in enumerate(networks):
        colours[row] = _NETWORK_COLOURS[number % len(_NETWORK_COLOURS)]
    if networks:
        colours[networks[-1]] = LEFT_COLOUR
    return {row: colours[row] for row in rows}


def overview_chart(whole: pd.DataFrame) -> Any:
    """Depth, 3D and aligned error of every row, with the change against raw.

    Args:
        whole: one line a row, of one recording.
    """
    figure = go.Figure()
    for column, (name, colour) in _ERRORS.items():
        change = whole[column.replace("_mean_cm", "_vs_raw_percent")]
        figure.add_bar(
            x=whole[column],
            y=_names(whole["row"]),
            orientation="h",
            name=name,
            marker_color=colour,
            text=[
                f"{v:.1f}" + (f" ({c:+.0f} %)" if c else "")
                for v, c in zip(whole[column], change.round(), strict=True)
            ],
            textposition="outside",
            textfont_size=11,
            cliponaxis=False,
            hovertemplate="%{y}<br>" + name + ": %{x:.2f} cm<extra></extra>",
        )
    top = float(whole[list(_ERRORS)].to_numpy(dtype=float).max())
    return _lying(figure, "mean error (cm)", limit=1.22 * top)


def group_chart(
    table: pd.DataFrame,
    group: str,
    title: str,
    column: str = "depth_mean_cm",
    y_title: str = "mean depth error (cm)",
) -> Any:
    """One error in each group (joint, camera, bin of the viewpoint), a bar a row.

    All rows are drawn; all but `raw` and the last are hidden until their name is clicked, where
    there are more than four.

    Args:
        table: a line a group and row, of one recording.
        group: column of the group.
        title: of the horizontal axis.
        column: the error; its name ends with its unit.
        y_title: of the vertical axis.
    """
    rows = list(dict.fromkeys(table["row"]))
    colours = row_colours(rows)
    unit = {"cm": " cm", "deg": "°"}[column.rpartition("_")[2]]
    figure = go.Figure()
    for row in rows:
        lines = table[table["row"] == row]
        there = len(rows) <= 4 or row in (RAW, rows[-1])
        figure.add_bar(
            x=[_label(value, group) for value in lines[group]],
            y=lines[column],
            name=row,
            marker_color=colours[row],
            visible=True if there else "legendonly",
            hovertemplate=row + ": %{y:.2f}" + unit + "<extra></extra>",
        )
    figure.update_xaxes(type="category", autotickangles=[0, 90], tickfont_size=11)
    _dressed(figure, title, y_title)
    figure.update_layout(height=400 + 18 * max(0, len(rows) - 4))  # of a legend a name a line
    return figure


def _label(value: Any, group: str) -> str:
    """A joint in one line, which may be turned by a right angle; else a word a line."""
    if group != "joint":
        return str(value).replace(" ", "<br>")
    side, _, part = str(value).partition("_")
    return f"{part} {side[0].upper()}" if side in ("left", "right") else f"{side} {part}".strip()


def calibration_chart(whole: pd.DataFrame) -> Any | None:
    """Share of errors within one and two sigma; None where no row knows its sigma.

    Args:
        whole: one line a row, of one recording.
    """
    told = whole[whole["within_1_sigma_percent"].notna()]
    if told.empty:
        return None
    figure = go.Figure()
    for prefix, name, colour in (
        ("", "all coordinates", LEFT_COLOUR),
        ("depth_", "depth alone", RIGHT_COLOUR),
    ):
        for sigmas, opacity in ((1, 1.0), (2, 0.55)):
            figure.add_bar(
                x=told[f"{prefix}within_{sigmas}_sigma_percent"],
                y=_names(told["row"]),
                orientation="h",
                name=f"{name}, within {sigmas} σ",
                marker_color=colour,
                opacity=opacity,
                hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
            )
    for sigmas, percent in NORMAL_SHARES.items():
        figure.add_vline(percent, line_dash="dash", line_color=_SOFT)
        figure.add_annotation(  # above the bars, not on them
            x=percent,
            y=1,
            yref="paper",
            xanchor="right" if sigmas == 1 else "center",  # apart from each other
            yanchor="bottom",
            text=f"right for {sigmas} σ:<br>{percent} %",
            font_size=11,
            showarrow=False,
        )
    return _lying(figure, "share of errors (%)", limit=100, above_px=34)


def _names(rows: pd.Series) -> list[str]:
    return ["<br>".join(wrap(row, _NAME_LETTERS, break_long_words=False)) for row in rows]


def _lying(figure: Any, title: str, limit: float, above_px: int = 0) -> Any:
    """Rows below each other: there is room for their names and values on the narrowest screen.

    Args:
        figure: with bars that lie.
        title: of the horizontal axis.
        limit: where it ends.
        above_px: kept free between the bars and the legend.
    """
    bars_px = max(_LEAST_PX, round(len(figure.data[0].y) * len(figure.data) * _BAR_PX / (1 - _GAP)))
    _dressed(figure, "", title, lying=True)
    figure.update_layout(
        height=bars_px + above_px + _FRAME["t"] + _FRAME["b"],
        margin_t=above_px + _FRAME["t"],
        margin_r=48,  # a value may reach into it
        legend_y=1.02 + above_px / bars_px,
        uniformtext={"minsize": 10, "mode": "hide"},
    )
    figure.update_xaxes(range=[0, limit])
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=4)
    return figure


def _dressed(figure: Any, name_title: str, value_title: str, lying: bool = False) -> Any:
    figure.update_layout(
        template="none",
        font={"family": _FONT, "size": 12, "color": "#1d242c"},
        height=400,
        margin=_FRAME,
        barmode="group",
        bargap=_GAP,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        showlegend=True,
    )
    names, values = figure.update_xaxes, figure.update_yaxes
    if lying:
        names, values = values, names
    names(
        title={"text": name_title, "standoff": 10},  # below the names, however they are turned
        automargin=True,
        linecolor="#9aa3ae",
        ticks="",
    )
    values(
        title=value_title,
        automargin=True,
        gridcolor=_LINE,
        zerolinecolor="#9aa3ae",
        rangemode="tozero",
    )
    return figure


def chart_html(figure: Any, name: str) -> str:
    """A chart as a piece of a page that has Plotly's script already; the same each time."""
    config = {"displaylogo": False, "responsive": True, "modeBarButtons": [["toImage"]]}
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=config)
    return html
