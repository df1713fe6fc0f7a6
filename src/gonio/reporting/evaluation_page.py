"""The page of an evaluation: one HTML file with charts, tables and pictures, for offline use."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from gonio.reporting.evaluation_angles import (
    ANGLE_FIGURES,
    AngleTables,
    joints_chart,
    shown_angles,
)
from gonio.reporting.evaluation_charts import (
    calibration_chart,
    chart_html,
    group_chart,
    overview_chart,
)
from gonio.reporting.evaluation_tables import GROUPS, PARTS, SHORT, shown
from gonio.reporting.tables import entries_of
from gonio.training.error_tables import AZIMUTH_BIN_DEG, ELEVATION_BIN_DEG

_ABOUT = {
    "azimuth_deg": f"In bins of {AZIMUTH_BIN_DEG}°, called by their middle: at 0 the camera is in "
    "front of the person, at 90 at the person's right.",
    "elevation_deg": f"In bins of {ELEVATION_BIN_DEG}°, called by their lower edge: above 0 the "
    "camera stands higher than the pelvis and looks down.",
    "image_error_cm": "Clips by how far MediaPipe's points lie from the true joints on the image "
    "(mean over joints, median over frames, at the depth of the body), called by the lower edge.",
}
"""What the groups of a chart mean, where their names do not say it."""


@dataclass(frozen=True)
class EvaluationTables:
    """The tables of an evaluation, made by `gonio.training.error_tables`.

    Attributes:
        whole: a line a recording and row.
        cameras, detectors, performers, joints, azimuths, elevations, image_errors, clips: a line a
            recording, group and row.
    """

    whole: pd.DataFrame
    cameras: pd.DataFrame
    detectors: pd.DataFrame
    performers: pd.DataFrame
    joints: pd.DataFrame
    azimuths: pd.DataFrame
    elevations: pd.DataFrame
    image_errors: pd.DataFrame
    clips: pd.DataFrame


def evaluation_html(
    tables: EvaluationTables,
    record: dict[str, Any],
    worst_clips: bytes,
    angles: AngleTables | None = None,
) -> str:
    """The whole page as text.

    Args:
        tables: the errors.
        record: recordings with their truth under `recordings`, headers of the networks under
            `networks`, versions of the libraries under `versions`, `notes` to read first.
        worst_clips: PNG of the worst clips.
        angles: errors of joint angles, if they were measured.

    Returns:
        HTML that needs no other file and loads nothing.
    """
    names = list(dict.fromkeys(tables.whole["recording"]))
    picture = base64.b64encode(worst_clips).decode("ascii")
    return _template().render(
        sections=[
            _section(tables, name, number) | {"angles": _angles(angles, name, number)}
            for number, name in enumerate(names)
        ],
        facts={name: entries_of(record["recordings"][name]) for name in names},
        notes=record["notes"],
        networks=entries_of(record["networks"], digits=6),
        versions=entries_of(record["versions"], digits=10),
        picture=f"data:image/png;base64,{picture}",
        css=Markup((files("gonio.reporting") / "report.css").read_text(encoding="utf-8")),
        plotly_js=Markup(get_plotlyjs()),
    )


def _section(tables: EvaluationTables, recording: str, number: int) -> dict[str, Any]:
    def own(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["recording"] == recording].drop(columns="recording")

    whole = own(tables.whole)
    groups = [("Each joint", "joint", own(tables.joints))]
    groups += [
        (title, name, own(table))
        for title, name, table in (
            ("Each camera", "camera", tables.cameras),
            ("Each detector", "detector", tables.detectors),
            ("Each performer", "performer", tables.performers),
        )
        if own(table)[name].nunique() > 1
    ]
    views = [
        ("From where the camera looks", "azimuth_deg", own(tables.azimuths)),
        ("How high the camera stands", "elevation_deg", own(tables.elevations)),
        ("How far the image points are off", "image_error_cm", own(tables.image_errors)),
    ]
    calibration = calibration_chart(whole)
    return {
        "name": recording,
        "overview": _chart(overview_chart(whole), f"overview-{number}"),
        "calibration": calibration and _chart(calibration, f"calibration-{number}"),
        "charts": [
            {
                "title": title,
                "about": _ABOUT.get(name, ""),
                "wide": name == "joint",
                "html": _chart(group_chart(table, name, GROUPS[name]), f"{name}-{number}"),
            }
            for title, name, table in [*groups, *views]
        ],
        "parts": [(title, shown(whole, figures)) for title, figures in PARTS.items()],
        "groups": [(title, shown(table, SHORT)) for title, _, table in [*groups, *views]],
    }


def _angles(tables: AngleTables | None, recording: str, number: int) -> dict[str, Any] | None:
    """What the page shows of the joint angles of a recording; None where there are none."""
    own = tables and tables.of(recording)
    if not own:
        return None
    return {
        "whole": shown(own.whole, ANGLE_FIGURES),
        "chart": _chart(joints_chart(own), f"angles-{number}"),
        "parts": shown_angles(own),
    }


def _chart(figure: Any, name: str) -> Markup:
    return Markup(chart_html(figure, name))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("gonio.reporting", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("evaluation.html.j2")
