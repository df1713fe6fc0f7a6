"""Nodes of `inference` that make of the results what a reader looks at."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gonio.kinematics import GaitEvents, NotGait, gait_events, summarise
from gonio.kinematics.angles import split_flags
from gonio.kinematics.gait_cycles import as_curves, gait_cycles
from gonio.landmarks.repair import RepairedLandmarks
from gonio.landmarks.video import VideoInfo
from gonio.markers.augment import augmented_shares
from gonio.models.record import checkpoints_of, refiner_in_use
from gonio.options import InferenceOptions
from gonio.quality import OF_MARKERS, about_zero, estimated_joints, versions, warnings_of
from gonio.reporting.figures import figure_png, joint_angle_figure
from gonio.reporting.overlay import OverlayVideo
from gonio.reporting.report import ReportContent, report_html
from gonio.types import MarkerTrajectories

Parameters = dict[str, Any]

TIMED_STEPS = (
    "detect",
    "repair",
    "refine_pose",
    "make_markers",
    "augment",
    "compute_angles",
    "refine_angles",
    "sample_angles",
    "propagate_sigma",
)
"""Steps whose seconds stand in the quality record."""
SHOWN_ELSEWHERE = ("warnings", "versions", "angles")
"""Parts of the quality record that have a place of their own in the report."""


def find_gait(
    markers_augmented: MarkerTrajectories,
) -> tuple[GaitEvents | NotGait, dict[str, Any]]:
    """Gait events of the clip, or why it is not gait; the same for the record."""
    events = gait_events(markers_augmented)
    if isinstance(events, NotGait):
        return events, {"is_gait": False, "text": f"Not gait: {events.reason}."}
    found = {
        f"{name} {side}": times.tolist()
        for name, by_side in (("strike", events.foot_strike_s), ("off", events.foot_off_s))
        for side, times in by_side.items()
    }
    return events, {
        "is_gait": True,
        "text": f"Gait: {events.cadence_per_min:.0f} steps a minute.",
        "events": found,
        "complete_strides": {side: len(stride_s) for side, stride_s in events.stride_s.items()},
        "cadence_per_min": events.cadence_per_min,
        "stride_time_s": events.stride_time_s,
        "stride_length_m": events.stride_length_m,
        "depth_share": events.depth_share,
        "double_support_share": events.phases.double_support_share,
        "feet": {side: foot.record() for side, foot in events.phases.feet.items()},
        "warnings": list(events.remarks),
    }


def summarise_angles(joint_angles: pd.DataFrame, gait_found: GaitEvents | NotGait) -> pd.DataFrame:
    """Range of motion, peak, mean and symmetry of every angle, singular frames left out."""
    angles, _ = split_flags(joint_angles)
    return summarise(angles, None if isinstance(gait_found, NotGait) else gait_found)


def average_cycles(
    joint_angles: pd.DataFrame, gait_found: GaitEvents | NotGait, video: VideoInfo
) -> tuple[pd.DataFrame, bytes]:
    """Angles over the gait cycle, as a table and as a picture (PNG).

    A table without columns and no bytes where the clip is not gait.
    """
    if isinstance(gait_found, NotGait):
        return pd.DataFrame(), b""
    angles, _ = split_flags(joint_angles)
    cycles = gait_cycles(angles, gait_found)
    columns = [str(name) for name in angles.columns if name != "time_s"]
    strides = {side: len(gait_found.strides(side)) for side in ("R", "L")}
    figure = joint_angle_figure(
        as_curves(cycles, columns, "mean_deg"),
        sigma=as_curves(cycles, columns, "sd_deg"),
        title=f"Gait cycles of {video.path.name}",
        subtitle=f"mean of {strides['R']} strides right and {strides['L']} left; pelvis and trunk "
        "by the right; the band is how much strides differ",
        across="gait cycle (%)",
    )
    return cycles, figure_png(figure)


def export_c3d(markers_augmented: MarkerTrajectories) -> MarkerTrajectories:
    """All markers, for the C3D file."""
    return markers_augmented


def draw_figure(
    joint_angles: pd.DataFrame,
    joint_angles_sigma: pd.DataFrame,
    joint_angles_computed: pd.DataFrame,
    joint_angles_computed_sigma: pd.DataFrame,
    pose_record: dict[str, Any],
    angle_record: dict[str, Any],
    markers_augmented: MarkerTrajectories,
    marker_record: dict[str, Any],
    video: VideoInfo,
) -> bytes:
    """All joint angles, right against left, with their bands, as PNG; refined and as computed."""
    angles, flags = split_flags(joint_angles)
    figure = joint_angle_figure(
        angles,
        sigma=_table_or_none(joint_angles_sigma),
        computed=_table_or_none(joint_angles_computed),
        computed_sigma=_table_or_none(joint_angles_computed_sigma),
        near_singularity=flags,
        estimated=estimated_joints(markers_augmented),
        title=f"Joint angles of {video.path.name}",
        subtitle=f"{video.frames} frames at {video.rate_hz:.4g} Hz{_as_played(video)}, "
        f"refiner: {refiner_in_use(pose_record, angle_record)}, scale: {marker_record['scale']}",
    )
    return figure_png(figure)


def _as_played(video: VideoInfo) -> str:
    return "" if video.time_scale == 1 else f" (plays at {video.played_rate_hz:.4g} Hz)"


def draw_overlay(
    video: VideoInfo, video_small: VideoInfo, landmarks: RepairedLandmarks, parameters: Parameters
) -> OverlayVideo:
    """The video with the skeleton on it, as it plays; drawn frame by frame while it is written."""
    options = InferenceOptions.from_parameters(parameters)
    return OverlayVideo(
        video_small.path,
        landmarks.sequence,
        marked=landmarks.flags > 0,
        max_side=options.report.overlay_max_side,
        time_scale=video.time_scale,
    )


def record_quality(
    video: VideoInfo,
    video_record: dict[str, Any],
    landmarks: RepairedLandmarks,
    pose_record: dict[str, Any],
    angle_record: dict[str, Any],
    marker_record: dict[str, Any],
    markers_augmented: MarkerTrajectories,
    joint_angles: pd.DataFrame,
    zero_record: dict[str, Any],
    opensim_quality: dict[str, Any],
    kinematics_warnings: list[str],
    gait: dict[str, Any],
    parameters: Parameters,
    *records: dict[str, Any],
) -> dict[str, Any]:
    """The quality record; `records` are those of the steps in `TIMED_STEPS`."""
    options = InferenceOptions.from_parameters(parameters)
    angles, flags = split_flags(joint_angles)
    flags.columns = [name.removesuffix("_near_singularity") for name in flags.columns]
    return {
        "video": {
            "name": video.path.name,
            "frames": video.frames,
            "rate_hz": video.rate_hz,
            "played_rate_hz": video.played_rate_hz,
            "duration_s": video.duration_s,
            "width": video.width,
            "height": video.height,
            "rotation_deg": video.rotation,
            "variable_rate": video.variable_rate,
            "file": video_record,
        },
        "refiner": refiner_in_use(pose_record, angle_record),
        "refiner_asked_for": options.refiner,
        "checkpoints": checkpoints_of(pose_record, angle_record),
        "landmarks": landmarks.record,
        "pose": {k: v for k, v in pose_record.items() if k not in ("refiner", "checkpoint")},
        "angles": _of_angles(angle_record),
        "markers": marker_record,
        "augmented_share": augmented_shares(markers_augmented),
        "frames_near_singularity": flags.sum().to_dict(),
        "frames_on_estimated_markers": estimated_joints(markers_augmented).sum().to_dict(),
        "zero": zero_record or "not asked for (zero: first_seconds or static_trial)",
        "opensim": opensim_quality or "not asked for (opensim: true)",
        "warnings": [
            *warnings_of(
                video,
                landmarks.record,
                pose_record,
                marker_record,
                markers_augmented,
                flags,
                landmarks.sequence,
                angles,
            ),
            *about_zero(zero_record),
            *kinematics_warnings,
            *gait.get("warnings", ()),
        ],
        "seconds": {
            step: record["seconds"] for step, record in zip(TIMED_STEPS, records, strict=True)
        },
        "versions": versions(),
    }


def _of_angles(record: dict[str, Any]) -> dict[str, Any]:
    """What a network did to the angles, and which files know nothing of it."""
    told = {k: v for k, v in record.items() if k not in ("refiner", "checkpoint")}
    return told | ({"files_of_markers": OF_MARKERS} if record["angles_corrected"] else {})


def write_report(
    video: VideoInfo,
    markers_augmented: MarkerTrajectories,
    joint_angles: pd.DataFrame,
    joint_angles_zeroed: pd.DataFrame,
    joint_angles_sigma: pd.DataFrame,
    joint_angles_computed: pd.DataFrame,
    joint_angles_computed_sigma: pd.DataFrame,
    opensim_angles: pd.DataFrame,
    summary: pd.DataFrame,
    gait_found: GaitEvents | NotGait,
    gait_cycles_figure: bytes,
    joint_angles_figure: bytes,
    pose_record: dict[str, Any],
    angle_record: dict[str, Any],
    quality: dict[str, Any],
    parameters: Parameters,
) -> str:
    """The report as one page of HTML."""
    options = InferenceOptions.from_parameters(parameters)
    angles, flags = split_flags(joint_angles)
    markers = quality["markers"]
    return report_html(
        ReportContent(
            title=video.path.name,
            video=quality["video"],
            subject={"height_m": options.subject.height, "mass_kg": options.subject.mass},
            pose=pose_record,
            gravity=markers["gravity"],
            scale=f"{markers['scale']} (factor {markers['scale_factor']:.3f})",
            markers=markers_augmented,
            angles=angles,
            angle_record=angle_record,
            computed=_table_or_none(joint_angles_computed),
            computed_sigma=_table_or_none(joint_angles_computed_sigma),
            near_singularity=flags,
            quality={k: v for k, v in quality.items() if k not in SHOWN_ELSEWHERE},
            sigma=_table_or_none(joint_angles_sigma),
            estimated=estimated_joints(markers_augmented),
            zeroed=_table_or_none(joint_angles_zeroed),
            opensim=_table_or_none(opensim_angles),
            summary=summary,
            gait=gait_found,
            gait_cycles=gait_cycles_figure,
            warnings=tuple(quality["warnings"]),
            figure=joint_angles_figure,
            parameters=options.model_dump(),
            versions=quality["versions"],
        )
    )


def _table_or_none(table: pd.DataFrame) -> pd.DataFrame | None:
    return None if table.empty else table
