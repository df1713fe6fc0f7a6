"""The tables of an evaluation as Markdown and HTML: which columns, their headings and digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

GROUPS: dict[str, str] = {
    "recording": "recording",
    "camera": "camera",
    "detector": "detector",
    "performer": "performer",
    "joint": "joint",
    "angle": "angle",
    "clip": "clip",
    "azimuth_deg": "azimuth (°)",
    "elevation_deg": "elevation (°)",
    "image_error_cm": "image points off (cm)",
    "row": "row",
}
"""Columns that say what a line is about, in their order."""

FIGURES: dict[str, tuple[str, int]] = {
    "clips": ("clips", 0),
    "frames": ("frames", 0),
    "missing_frames": ("frames with a missing joint", 0),
    "swapped_frames": ("left/right swapped frames", 0),
    "depth_mean_cm": ("depth, mean (cm)", 1),
    "depth_vs_raw_percent": ("depth against raw (%)", 0),
    "depth_vs_raw_low_percent": ("95 % interval over clips, from (%)", 0),
    "depth_vs_raw_high_percent": ("to (%)", 0),
    "depth_median_cm": ("depth, median (cm)", 1),
    "depth_p95_cm": ("depth, 95 % (cm)", 1),
    "depth_bias_cm": ("depth, signed mean (cm)", 1),
    "x_mean_cm": ("image plane, x (cm)", 1),
    "y_mean_cm": ("image plane, y (cm)", 1),
    "position_mean_cm": ("3D, mean (cm)", 1),
    "position_vs_raw_percent": ("3D against raw (%)", 0),
    "aligned_mean_cm": ("aligned (PA), mean (cm)", 1),
    "aligned_vs_raw_percent": ("aligned against raw (%)", 0),
    "limb_mean_deg": ("limb direction (°)", 1),
    "bone_length_cv_percent": ("bone-length CV (%)", 1),
    "jitter_m_s2": ("acceleration (m/s²)", 1),
    "jitter_of_truth_m_s2": ("acceleration of the truth (m/s²)", 1),
    "azimuth_mean_deg": ("azimuth (°)", 1),
    "azimuth_bias_deg": ("azimuth, signed mean (°)", 1),
    "elevation_mean_deg": ("elevation (°)", 1),
    "up_mean_deg": ("up (°)", 1),
    "within_1_sigma_percent": ("within 1 σ (%)", 0),
    "within_2_sigma_percent": ("within 2 σ (%)", 0),
    "depth_within_1_sigma_percent": ("depth within 1 σ (%)", 0),
    "depth_within_2_sigma_percent": ("depth within 2 σ (%)", 0),
    "sigma_mean_cm": ("mean σ (cm)", 1),
    "depth_sigma_mean_cm": ("mean σ of depth (cm)", 1),
    "milliseconds_a_frame": ("refiner (ms a frame)", 2),
    "depth_unscaled_mean_cm": ("depth without scale (cm)", 1),
    "position_unscaled_mean_cm": ("3D without scale (cm)", 1),
    "missing_percent": ("missing (%)", 1),
    "without_offset_deg": ("angle without offset (°)", 1),
    "without_offset_vs_raw_percent": ("against raw (%)", 0),
    "absolute_deg": ("angle (°)", 1),
    "correlation": ("correlation", 2),
    "range_error_deg": ("range of motion (°)", 1),
    "range_bias_deg": ("range of motion, signed (°)", 1),
    "hip_flexion_deg": ("hip flexion (°)", 1),
    "knee_flexion_deg": ("knee flexion (°)", 1),
    "ankle_flexion_deg": ("ankle flexion (°)", 1),
}
"""Heading, with the unit, and decimals of every figure."""

PARTS: dict[str, tuple[str, ...]] = {
    "Depth": (
        "frames",
        "missing_frames",
        "swapped_frames",
        "depth_mean_cm",
        "depth_vs_raw_percent",
        "depth_vs_raw_low_percent",
        "depth_vs_raw_high_percent",
        "depth_median_cm",
        "depth_p95_cm",
        "depth_unscaled_mean_cm",
    ),
    "3D and image plane": (
        "position_mean_cm",
        "position_vs_raw_percent",
        "position_unscaled_mean_cm",
        "aligned_mean_cm",
        "aligned_vs_raw_percent",
        "x_mean_cm",
        "y_mean_cm",
    ),
    "Body, movement and viewpoint": (
        "limb_mean_deg",
        "bone_length_cv_percent",
        "jitter_m_s2",
        "jitter_of_truth_m_s2",
        "azimuth_mean_deg",
        "azimuth_bias_deg",
        "elevation_mean_deg",
        "up_mean_deg",
    ),
    "How sure: σ, and time": (
        "within_1_sigma_percent",
        "within_2_sigma_percent",
        "depth_within_1_sigma_percent",
        "depth_within_2_sigma_percent",
        "sigma_mean_cm",
        "depth_sigma_mean_cm",
        "milliseconds_a_frame",
    ),
}
"""The whole table has too many columns for a page: it is shown in these parts."""

SHORT: tuple[str, ...] = (
    "frames",
    "missing_frames",
    "swapped_frames",
    "depth_mean_cm",
    "depth_vs_raw_percent",
    "position_mean_cm",
    "position_vs_raw_percent",
    "aligned_mean_cm",
    "aligned_vs_raw_percent",
)
"""Figures of a part of a recording: of a camera, a joint, a viewpoint."""
NOTHING = "–"


@dataclass(frozen=True)
class Shown:
    """A table as text.

    Attributes:
        heads: heading of each column.
        rows: cells.
        words: how many columns, from the left, say what a line is about; the others are numbers.
    """

    heads: list[str]
    rows: list[list[str]]
    words: int


def shown(table: pd.DataFrame, figures: tuple[str, ...]) -> Shown:
    """Headings and cells of a table; figures that no line has are left out.

    Args:
        table: made by `gonio.training.error_tables`, or read from its CSV.
        figures: which columns to show, beside those that say what a line is about.
    """
    groups = [name for name in GROUPS if name in table]
    told = [name for name in figures if name in table and table[name].notna().any()]
    heads = [GROUPS[name] for name in groups] + [FIGURES[name][0] for name in told]
    rows = [
        [_cell(name, value) for name, value in zip([*groups, *told], row, strict=True)]
        for row in table[[*groups, *told]].astype(object).to_numpy()
    ]
    return Shown(heads, rows, len(groups))


def _cell(name: str, value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    if name not in FIGURES:
        return str(value)
    text = f"{float(value):.{FIGURES[name][1]}f}"
    if name.endswith("_vs_raw_percent"):
        text = f"{float(value):+.0f}"
    return "0" if text in ("-0", "+0") else text


def as_markdown(table: pd.DataFrame, figures: tuple[str, ...] | None = None) -> str:
    """A table as Markdown, without a line break at its end.

    Args:
        table: made by `gonio.training.error_tables`, or read from its CSV.
        figures: which columns to show; all if not given.
    """
    text = shown(table, figures or tuple(FIGURES))
    rule = ["---"] * text.words + ["---:"] * (len(text.heads) - text.words)
    lines = [text.heads, rule, *text.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def pivoted_markdown(table: pd.DataFrame, groups: list[str], figure: str) -> str:
    """One figure as Markdown, a line a group and a column a row of the comparison.

    Args:
        table: a line a group and row.
        groups: columns that say what a line is about.
        figure: which one.
    """
    wide = table.pivot(index=groups, columns="row", values=figure)
    wide = wide.loc[list(dict.fromkeys(table[groups].itertuples(index=False, name=None)))]
    rows = list(dict.fromkeys(table["row"]))
    lines = [
        [GROUPS[name] for name in groups] + rows,
        ["---"] * len(groups) + ["---:"] * len(rows),
    ]
    for group, values in zip(wide.index, wide[rows].to_numpy(dtype=float), strict=True):
        lines.append([str(name) for name in group] + [_cell(figure, float(v)) for v in values])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def evaluation_markdown(whole: pd.DataFrame, cameras: pd.DataFrame) -> str:
    """The tables of the docs: every figure of every row, and the short form for each camera.

    Args:
        whole: a line a recording and row.
        cameras: a line a recording, camera and row.
    """
    parts = [
        f"**{title}**\n\n{as_markdown(whole, figures)}"
        for title, figures in PARTS.items()
        if whole[[name for name in figures if name in whole]].notna().any(axis=None)
    ]
    several = cameras.groupby("recording")["camera"].transform("nunique") > 1
    if several.any():
        figures = (*SHORT, "azimuth_mean_deg", "azimuth_bias_deg")
        parts.append(f"**Camera by camera**\n\n{as_markdown(cameras[several], figures)}")
    return "\n\n".join(parts)
