"""The report: one HTML page that holds everything it shows and loads nothing from anywhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from gonio.errors import InputError
from gonio.kinematics.comparison import with_heading_beside
from gonio.kinematics.gait import GaitEvents, NotGait
from gonio.kinematics.gait_phases import GaitPhases
from gonio.quality import OF_MARKERS
from gonio.reporting.basis import basis_of
from gonio.reporting.payload import (
    CURVE_POINTS,
    Payload,
    curve_payload,
    row_payload,
    skeleton_payload,
    span_payload,
)
from gonio.reporting.series import times_of
from gonio.reporting.style import (
    ESTIMATED_COLOUR,
    LEFT_COLOUR,
    MIDDLE_COLOUR,
    RIGHT_COLOUR,
    SIDE_NAME,
    SINGULAR_COLOUR,
)
from gonio.reporting.tables import (
    NOTHING,
    Entry,
    entries_of,
    header_of,
    label_of,
    numeric_columns,
    rows_of,
)
from gonio.types import MarkerTrajectories

LIMITS: tuple[str, ...] = (
    "One camera cannot see depth: what moves towards or away from it is the least certain. A "
    "refiner predicts it from how bodies move; it does not measure it.",
    "A band (±1 SD) holds what the refiner is unsure of in the joints. It holds no error of "
    "gravity, of stature or of the augmented markers.",
    "Rotations about the long axis of a limb rest on few, close landmarks; read them with care.",
    "Markers are estimated from the picture, not measured on the skin; the augmented ones are "
    "predicted by a network.",
    "Where a limb is hidden its markers are estimated, and the curves are shaded.",
    "This is no medical device; it makes no diagnosis.",
)
"""What holds for every report."""
NO_PHASES = (
    "Stance, swing, double support and step length are left out: no stride has all contacts of "
    "both feet in the order of a walk."
)
OF_EVENTS = (
    "Contacts are told from the paths of heel and toe, not measured by a force plate: stance comes "
    "out too long by some hundredths of the stride and double support by twice as much. Compare "
    "them between sides and between clips, not with norms of a laboratory."
)
_STATURE = {"height_m": "stature_m"}  # the picture has a height, too
_OF_THE_SAME_FRAMES = (
    "near_singularity",
    "estimated",
    "zeroed",
    "sigma",
    "computed",
    "computed_sigma",
)


@dataclass(frozen=True)
class ReportContent:
    """Everything that a report shows.

    Attributes:
        title: of the page, usually the name of the video.
        video: facts about the video; keys say units (`duration_s`, `rate_hz`), `width` and
            `height` are pixels; a date is shown as it is given.
        subject: facts about the person (`height_m`, `mass_kg`).
        pose: which network corrected the depth, what it did, and from where the body is seen; see
            `gonio.models.record.pose_record`.
        gravity: where up is taken to be; see `gonio.markers.gravity.Gravity.record`.
        scale: where metres come from, in a few words.
        markers: 22 to 65 markers, metres, lab frame, with their `estimated` flags.
        angles: `time_s` and the 36 columns, degrees, T rows.
        angle_record: which network changed the angles, and by how much; see
            `gonio.models.record.angle_record`.
        computed: the angles before a network changed them, T rows; None where none did.
        computed_sigma: one standard deviation of `computed`, degrees, T rows.
        near_singularity: T rows of flags a joint or a column.
        quality: the quality record, nested.
        estimated: T rows of flags: joints that rest on estimated markers.
        zeroed: the angles from which a reference was taken, T rows.
        opensim: OpenSim's own angles, `time_s` and those of the 36 columns that it has.
        sigma: one standard deviation of the angles, degrees, T rows.
        summary: range of motion, peak, mean, symmetry; columns without any value are left out.
        gait: events of the feet, or why the clip is not gait.
        gait_cycles: PNG of the angles over the gait cycle; none where the clip is not gait.
        warnings: sentences to read first.
        parameters: of the run, nested.
        versions: of the program and its libraries.
        limits: what the numbers cannot say, in plain words.
        figure: PNG of all joint angles, for the overview and for print.

    Raises:
        InputError: tables of angles that do not agree in length, or lack a column.
    """

    title: str
    video: dict[str, Any]
    subject: dict[str, Any]
    pose: dict[str, Any]
    gravity: dict[str, Any]
    scale: str
    markers: MarkerTrajectories
    angles: pd.DataFrame
    angle_record: dict[str, Any] = field(default_factory=dict)
    computed: pd.DataFrame | None = None
    computed_sigma: pd.DataFrame | None = None
    near_singularity: pd.DataFrame | None = None
    quality: dict[str, Any] = field(default_factory=dict)
    estimated: pd.DataFrame | None = None
    zeroed: pd.DataFrame | None = None
    opensim: pd.DataFrame | None = None
    sigma: pd.DataFrame | None = None
    summary: pd.DataFrame | None = None
    gait: GaitEvents | NotGait | None = None
    gait_cycles: bytes | None = None
    warnings: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = LIMITS
    figure: bytes | None = None

    def __post_init__(self) -> None:
        frames = len(times_of(self.angles))
        for name in _OF_THE_SAME_FRAMES:
            table = getattr(self, name)
            if table is not None and len(table) != frames:
                raise InputError(
                    f"report.{name} has {len(table)} rows; the angles have {frames}: pass tables "
                    "of the same frames"
                )
        if self.opensim is not None and "time_s" not in self.opensim:
            raise InputError("report.opensim lacks the column time_s")


def report_html(content: ReportContent) -> str:
    """The whole page as text.

    Text from outside (names of files, warnings, parameters) is escaped; the page forbids itself
    any connection (Content-Security-Policy).

    Args:
        content: what to show.

    Returns:
        HTML that needs no other file.
    """
    return _template().render(
        content=content,
        video=entries_of(_video_facts(content.video)),
        subject=entries_of({_STATURE.get(k, k): v for k, v in content.subject.items()}),
        basis=basis_of(
            content.pose, content.angle_record, content.gravity, content.scale, content.markers
        ),
        change=_change(content.angle_record),
        of_markers=OF_MARKERS,
        quality=entries_of(content.quality),
        parameters=entries_of(content.parameters, digits=10),
        versions=entries_of(content.versions, digits=10),
        summary=_summary(content.summary),
        gait=_gait(content.gait),
        gait_cycles=_data_uri(content.gait_cycles) if content.gait_cycles else None,
        figure=_data_uri(content.figure) if content.figure else None,
        data=_payload(content),
        css=Markup(_own("report.css")),
        skeleton_js=Markup(_own("skeleton.js")),
        report_js=Markup(_own("report.js")),
        plotly_js=Markup(get_plotlyjs()),
    )


def _video_facts(video: dict[str, Any]) -> dict[str, Any]:
    facts = {key: value for key, value in video.items() if key not in {"width", "height"}}
    if facts.get("played_rate_hz") == facts.get("rate_hz"):
        facts.pop("played_rate_hz", None)
    if {"width", "height"} <= set(video):
        facts["image"] = f"{video['width']} × {video['height']} px"
    return facts


def _change(record: dict[str, Any]) -> Entry | None:
    """The table of how much a network changed the angles of each joint."""
    if not record.get("angles_corrected"):
        return None
    table = pd.DataFrame.from_dict(record["change_of_joints"], orient="index").rename(label_of)
    table["time_s"] = [f"{time:.2f}" if pd.notna(time) else NOTHING for time in table["time_s"]]
    title = f"Changed by the {record['refiner']} refiner"
    return Entry(title, header=header_of(table), rows=rows_of(table))


def _summary(table: pd.DataFrame | None) -> Entry | None:
    if table is None:
        return None
    told = table.dropna(axis="columns", how="all")
    return Entry("Summary", header=header_of(told), rows=rows_of(told))


def _gait(found: GaitEvents | NotGait | None) -> dict[str, Any] | None:
    if found is None:
        return None
    if isinstance(found, NotGait):
        return {"text": f"This clip is not gait: {found.reason}", "facts": (), "events": ()}
    facts = {
        "cadence": f"{found.cadence_per_min:.0f} steps/min",
        "stride_time_s": found.stride_time_s,
        "stride_length_m": found.stride_length_m,
    }
    events = [
        (label, ", ".join(f"{time:.2f}" for time in times))
        for label, times in _gait_times(found).items()
    ]
    phases, words = _phases(found.phases)
    return {
        "text": " ".join(["This clip is gait.", *found.remarks, words]),
        "facts": entries_of(facts | phases, 3),
        "events": events,
    }


def _phases(phases: GaitPhases) -> tuple[dict[str, Any], str]:
    """What a walk's card shows of its phases, and what there is to say of them."""
    if not any(foot.strides for foot in phases.feet.values()):
        return {}, NO_PHASES
    feet = {SIDE_NAME[side]: foot.record() for side, foot in phases.feet.items()}
    return {"double_support_share": phases.double_support_share, "feet": feet}, OF_EVENTS


def _gait_times(found: GaitEvents | NotGait | None) -> dict[str, list[float]]:
    """Times of each kind of event, seconds; none where the clip is not gait."""
    if not isinstance(found, GaitEvents):
        return {}
    return {
        f"{SIDE_NAME[side]} foot {kind}": [round(float(time), 4) for time in times[side]]
        for kind, times in (("strike", found.foot_strike_s), ("off", found.foot_off_s))
        for side in ("R", "L")
    }


def _payload(content: ReportContent) -> Payload:
    time_s = times_of(content.angles)
    tables = {"absolute": curve_payload(time_s, content.angles, content.sigma)}
    if content.computed is not None:
        tables["computed"] = curve_payload(time_s, content.computed, content.computed_sigma)
    if content.zeroed is not None:
        tables["zeroed"] = curve_payload(time_s, content.zeroed, content.sigma)
    if content.opensim is not None:
        opensim = with_heading_beside(content.opensim, content.angles)
        opensim_s = opensim["time_s"].to_numpy(dtype=np.float64)
        tables["opensim"] = curve_payload(opensim_s, opensim)
    return {
        "title": content.title,
        "thinned": len(time_s) > CURVE_POINTS,
        "rows": row_payload(content.angles),
        "tables": tables,
        "singular": span_payload(content.near_singularity, time_s),
        "estimated": span_payload(content.estimated, time_s),
        "events": _gait_times(content.gait),
        "skeleton": skeleton_payload(content.markers),
        "colours": {
            "R": RIGHT_COLOUR,
            "L": LEFT_COLOUR,
            "M": MIDDLE_COLOUR,
            "singular": SINGULAR_COLOUR,
            "estimated": ESTIMATED_COLOUR,
        },
    }


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _own(name: str) -> str:
    return (files("gonio.reporting") / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    loader = PackageLoader("gonio.reporting", "")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["numeric"] = numeric_columns
    return environment.get_template("report.html.j2")
