"""Joint angles of an evaluation: their part of the page and of the docs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gonio.reporting.evaluation_charts import group_chart
from gonio.reporting.evaluation_tables import Shown, as_markdown, pivoted_markdown, shown
from gonio.training.angle_tables import ALL_ANGLES

ERROR = "without_offset_deg"
"""The error that the charts show."""
JOINT_FIGURES: tuple[str, ...] = (
    "frames",
    "missing_percent",
    "without_offset_deg",
    "without_offset_vs_raw_percent",
    "absolute_deg",
    "correlation",
    "range_error_deg",
    "range_bias_deg",
)
"""Figures of a joint or an angle."""
ANGLE_FIGURES: tuple[str, ...] = (
    "clips",
    *JOINT_FIGURES,
    "hip_flexion_deg",
    "knee_flexion_deg",
    "ankle_flexion_deg",
)
"""Figures of the whole and of a camera."""


@dataclass(frozen=True)
class AngleTables:
    """The tables of joint angles, made by `gonio.training.angle_tables`; empty if none are known.

    Attributes:
        whole: a line a recording and row.
        joints: a line a recording, joint, angle and row.
        cameras: a line a recording, camera and row.
    """

    whole: pd.DataFrame
    joints: pd.DataFrame
    cameras: pd.DataFrame

    def of(self, recording: str) -> AngleTables | None:
        """The part of a recording, without its name; None where it has no true angles."""
        if self.whole.empty or recording not in set(self.whole["recording"]):
            return None
        parts = (
            table[table["recording"] == recording].drop(columns="recording")
            for table in (self.whole, self.joints, self.cameras)
        )
        return AngleTables(*parts)

    @property
    def each_joint(self) -> pd.DataFrame:
        """The joints as means of their three angles."""
        return self.joints[self.joints["angle"] == ALL_ANGLES]


def joints_chart(tables: AngleTables) -> Any:
    """The error in each joint, a bar a row.

    Args:
        tables: of one recording.
    """
    title = "mean angle error without offset (°)"
    return group_chart(tables.each_joint, "joint", "joint", ERROR, title)


def shown_angles(tables: AngleTables) -> list[tuple[str, Shown]]:
    """Titles and tables of one recording: cameras if there are several, every joint and angle."""
    parts = []
    if tables.cameras["camera"].nunique() > 1:
        parts.append(("Joint angles, each camera", shown(tables.cameras, ANGLE_FIGURES)))
    return [*parts, ("Joint angles, each joint and angle", shown(tables.joints, JOINT_FIGURES))]


def angle_markdown(tables: AngleTables) -> str:
    """The tables of the docs: the whole, each joint, and each camera where there are several."""
    parts = [f"**Joint angles**\n\n{as_markdown(tables.whole, ANGLE_FIGURES)}"]
    several = tables.cameras.groupby("recording")["camera"].transform("nunique") > 1
    if several.any():
        cameras = as_markdown(tables.cameras[several], ANGLE_FIGURES[1:])
        parts.append(f"**Joint angles, camera by camera**\n\n{cameras}")
    joints = pivoted_markdown(tables.each_joint, ["recording", "joint"], ERROR)
    parts.append(f"**Joint angles, joint by joint: error without offset (°)**\n\n{joints}")
    return "\n\n".join(parts)
