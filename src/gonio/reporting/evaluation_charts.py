"""Interactive charts of an evaluation, made from its tables."""

from __future__ import annotations

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
            x=whole["row"],
            y=whole[column],
            name=name,
            marker_color=colour,
            text=[
                f"{v:.1f}" + (f"<br>{c:+.0f} %" if c else "")
                for v, c in zip(whole[column], change.round(), strict=True)
            ],
            textposition="outside",
            textfont_size=11,
            hovertemplate="%{x}<br>" + name + ": %{y:.2f} cm<extra></extra>",
        )
    top = float(whole[list(_ERRORS)].to_numpy(dtype=float).max())
    return _dressed(figure, "mean error (cm)", "row of the comparison", limit=1.22 * top)


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
            x=[_in_lines(value, group) for value in lines[group]],
            y=lines[column],
            name=row,
            marker_color=colours[row],
            visible=True if there else "legendonly",
            hovertemplate=row + ": %{y:.2f}" + unit + "<extra></extra>",
        )
    figure.update_xaxes(type="category", tickangle=0)
    return _dressed(figure, y_title, title)


def _in_lines(value: Any, group: str) -> str:
    text = str(value).replace("_", " ") if group == "joint" else str(value)
    return text.replace(" ", "<br>")


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
                x=told["row"],
                y=told[f"{prefix}within_{sigmas}_sigma_percent"],
                name=f"{name}, within {sigmas} σ",
                marker_color=colour,
                opacity=opacity,
                hovertemplate="%{x}: %{y:.1f} %<extra></extra>",
            )
    for sigmas, percent in NORMAL_SHARES.items():
        figure.add_hline(
            percent,
            line_dash="dash",
            line_color=_SOFT,
            annotation_text=f"{percent} %: right for {sigmas} σ",
            annotation_font_size=11,
            annotation_position="top right",
        )
    return _dressed(figure, "share of errors (%)", "row of the comparison", limit=112)


def _dressed(figure: Any, y_title: str, x_title: str, limit: float | None = None) -> Any:
    figure.update_layout(
        template="none",
        font={"family": _FONT, "size": 12, "color": "#1d242c"},
        height=400,
        margin={"l": 62, "r": 14, "t": 52, "b": 62},
        barmode="group",
        bargap=0.24,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        showlegend=True,
    )
    figure.update_xaxes(title=x_title, automargin=True, linecolor="#9aa3ae", ticks="")
    figure.update_yaxes(
        title=y_title, automargin=True, gridcolor=_LINE, zerolinecolor="#9aa3ae", rangemode="tozero"
    )
    if limit:
        figure.update_yaxes(range=[0, limit])
    return figure


def chart_html(figure: Any, name: str) -> str:
    """A chart as a piece of a page that has Plotly's script already; the same each time."""
    config = {"displaylogo": False, "responsive": True, "modeBarButtons": [["toImage"]]}
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=config)
    return html
