"""Nodes of `inference`: each takes values and the parameters, and calls one part of Gonio."""

from __future__ import annotations

import warnings
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from gonio.datasets.checkpoint import CheckpointFile
from gonio.datasets.opensim import OpenSimSolution
from gonio.errors import InputError
from gonio.files import ScratchFile
from gonio.kinematics import (
    GaitEvents,
    KinematicsWarning,
    NotGait,
    gait_events,
    gimbal_flags,
    joint_angles,
    model_coordinates,
    scale_and_solve,
    summarise,
    zeroed,
)
from gonio.kinematics.angles import filtered
from gonio.kinematics.comparison import columns_from_model
from gonio.landmarks.detector import detect_landmarks
from gonio.landmarks.model_files import MODEL_FOLDER
from gonio.landmarks.pose import pose_without_refiner
from gonio.landmarks.repair import FILLED, RepairedLandmarks, repair_landmarks
from gonio.landmarks.video import VideoInfo
from gonio.markers.augment import augment_markers, augmented_shares
from gonio.markers.from_pose import MarkerOptions, scaled_markers
from gonio.models.registry import refined_angles, refined_pose
from gonio.options import InferenceOptions
from gonio.quality import estimated_joints, versions, warnings_of
from gonio.reporting.figures import figure_png, joint_angle_figure
from gonio.reporting.overlay import OverlayVideo
from gonio.reporting.report import ReportContent, report_html
from gonio.reporting.small_copy import SmallCopy
from gonio.types import LandmarkSequence, MarkerTrajectories, RefinedPose

Parameters = dict[str, Any]

MIN_FRAMES = 2


def detect(video: VideoInfo, parameters: Parameters) -> tuple[LandmarkSequence, ScratchFile]:
    """Landmarks of the chosen person, and a small copy of the video made on the way."""
    options = InferenceOptions.from_parameters(parameters)
    if video.frames < MIN_FRAMES:
        raise InputError(
            f"{video.path} holds {video.frames} frame; motion needs at least {MIN_FRAMES}: use a "
            "video, not a picture"
        )
    scratch = ScratchFile("small.mp4")
    with SmallCopy(scratch.path, options.report.overlay_max_side) as small:
        landmarks = detect_landmarks(
            video.path,
            options.model,
            person=options.person,
            max_people=options.max_people,
            model_folder=MODEL_FOLDER,
            progress=True,
            watch=small.add,
        )
    return landmarks, scratch


def repair(landmarks_detected: LandmarkSequence, parameters: Parameters) -> RepairedLandmarks:
    """Landmarks with sides put right, gaps filled, filtered."""
    options = InferenceOptions.from_parameters(parameters)
    return repair_landmarks(landmarks_detected, options.repair)


def refine_pose(
    landmarks: RepairedLandmarks, depth_refiner: CheckpointFile, parameters: Parameters
) -> RefinedPose:
    """The pose, its depth corrected by the refiner that the parameters name."""
    options = InferenceOptions.from_parameters(parameters)
    if options.refiner in ("none", "joint"):
        return pose_without_refiner(landmarks.sequence, options.camera)
    return refined_pose(options.refiner, depth_refiner, landmarks.sequence)


def make_markers(
    pose: RefinedPose, landmarks: RepairedLandmarks, parameters: Parameters
) -> tuple[MarkerTrajectories, dict[str, Any]]:
    """The 22 markers in the lab frame, and how they were scaled."""
    options = InferenceOptions.from_parameters(parameters)
    scaled = scaled_markers(
        pose,
        landmarks.sequence,
        options.subject.subject(),
        MarkerOptions(options.camera, options.estimate_missing, options.min_visibility),
        estimated=(landmarks.flags & FILLED) > 0,
    )
    return scaled.markers, scaled.record


def augment(
    markers: MarkerTrajectories, marker_record: dict[str, Any], parameters: Parameters
) -> MarkerTrajectories:
    """The 22 markers and the 43 that the LSTM adds."""
    options = InferenceOptions.from_parameters(parameters)
    return augment_markers(
        markers,
        options.subject.subject(),
        provider=options.provider,
        cycles=options.augmentation_cycles,
        noise_m=options.augmentation_noise_m,
        force_complete=options.force_complete,
        height_m=marker_record["stature_estimate_m"],
    )


def compute_angles(
    markers_augmented: MarkerTrajectories, parameters: Parameters
) -> tuple[pd.DataFrame, list[str]]:
    """The 36 joint angles as the markers give them, and what kinematics warns of."""
    options = InferenceOptions.from_parameters(parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", KinematicsWarning)
        angles = joint_angles(
            markers_augmented,
            cutoff_hz=options.angle_cutoff_hz,
            shoulder_sequence=options.shoulder_sequence,
        )
    said = [str(w.message) for w in caught if issubclass(w.category, KinematicsWarning)]
    return angles, list(dict.fromkeys(said))


def refine_angles(
    joint_angles_computed: pd.DataFrame,
    landmarks: RepairedLandmarks,
    joint_refiner: CheckpointFile,
    parameters: Parameters,
) -> pd.DataFrame:
    """The joint angles, refined if the parameters say so, with a flag a joint near singularity."""
    options = InferenceOptions.from_parameters(parameters)
    angles = joint_angles_computed
    if options.refiner not in ("none", "depth"):
        angles = refined_angles(options.refiner, joint_refiner, angles, landmarks.sequence)
    return pd.concat([angles, gimbal_flags(angles)], axis=1)


def zero_angles(
    joint_angles: pd.DataFrame, static_trial: pd.DataFrame, parameters: Parameters
) -> pd.DataFrame:
    """Angles relative to a reference pose; a table without columns where none is wanted."""
    options = InferenceOptions.from_parameters(parameters)
    if options.zero == "none":
        return pd.DataFrame()
    if options.zero == "static_trial" and static_trial.empty:
        raise InputError(
            "zero is static_trial, but no trial is given: say static_trial=<path of the "
            "joint_angles.csv of a standing trial>"
        )
    angles, _ = _angles_and_flags(joint_angles)
    return zeroed(angles, options.zero, seconds=options.zero_seconds, static=static_trial)


def solve_model(markers_augmented: MarkerTrajectories, parameters: Parameters) -> pd.DataFrame:
    """The coordinates of Pose2Sim's OpenSim model that put its markers where ours are."""
    options = InferenceOptions.from_parameters(parameters)
    return model_coordinates(markers_augmented, cutoff_hz=options.angle_cutoff_hz)


def solve_opensim(
    markers_augmented: MarkerTrajectories, parameters: Parameters
) -> tuple[OpenSimSolution, dict[str, Any], pd.DataFrame]:
    """OpenSim's own scaling and inverse kinematics, if asked for: files, quality and curves."""
    options = InferenceOptions.from_parameters(parameters)
    if not options.opensim:
        return OpenSimSolution(), {}, pd.DataFrame()
    smooth = filtered(markers_augmented, options.angle_cutoff_hz)
    with TemporaryDirectory(prefix="gonio-") as scratch:
        result = scale_and_solve(smooth, options.subject.subject(), scratch)
        model = result.model.read_text(encoding="utf-8")
    solution = OpenSimSolution(model, result.coordinates, result.marker_errors, result.quality())
    return solution, result.quality(), columns_from_model(result.coordinates)


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
        "stride_time_s": events.stride_time_s,
        "stride_length_m": events.stride_length_m,
    }


def summarise_angles(joint_angles: pd.DataFrame, gait_found: GaitEvents | NotGait) -> pd.DataFrame:
    """Range of motion, peak, mean and symmetry of every angle."""
    angles, _ = _angles_and_flags(joint_angles)
    return summarise(angles, None if isinstance(gait_found, NotGait) else gait_found)


def export_c3d(markers_augmented: MarkerTrajectories) -> MarkerTrajectories:
    """All markers, for the C3D file."""
    return markers_augmented


def draw_figure(
    joint_angles: pd.DataFrame,
    markers_augmented: MarkerTrajectories,
    marker_record: dict[str, Any],
    video: VideoInfo,
    parameters: Parameters,
) -> bytes:
    """All joint angles, right against left, as PNG."""
    options = InferenceOptions.from_parameters(parameters)
    angles, flags = _angles_and_flags(joint_angles)
    figure = joint_angle_figure(
        angles,
        near_singularity=flags,
        estimated=estimated_joints(markers_augmented),
        title=f"Joint angles of {video.path.name}",
        subtitle=f"{video.frames} frames at {video.rate_hz:.4g} Hz, refiner: {options.refiner}, "
        f"scale: {marker_record['scale']}",
    )
    return figure_png(figure)


def draw_overlay(
    video_small: VideoInfo, landmarks: RepairedLandmarks, parameters: Parameters
) -> OverlayVideo:
    """The video with the skeleton on it; drawn frame by frame while it is written."""
    options = InferenceOptions.from_parameters(parameters)
    return OverlayVideo(
        video_small.path,
        landmarks.sequence,
        marked=landmarks.flags > 0,
        max_side=options.report.overlay_max_side,
    )


def record_quality(
    video: VideoInfo,
    landmarks: RepairedLandmarks,
    marker_record: dict[str, Any],
    markers_augmented: MarkerTrajectories,
    joint_angles: pd.DataFrame,
    opensim_quality: dict[str, Any],
    kinematics_warnings: list[str],
    parameters: Parameters,
    *seconds: float,
) -> dict[str, Any]:
    """The quality record; `seconds` are those of the steps in `TIMED_STEPS`."""
    options = InferenceOptions.from_parameters(parameters)
    _, flags = _angles_and_flags(joint_angles)
    flags.columns = [name.removesuffix("_near_singularity") for name in flags.columns]
    return {
        "video": {
            "name": video.path.name,
            "frames": video.frames,
            "rate_hz": video.rate_hz,
            "duration_s": video.duration_s,
            "width": video.width,
            "height": video.height,
            "rotation_deg": video.rotation,
            "variable_rate": video.variable_rate,
        },
        "landmarks": landmarks.record,
        "markers": marker_record,
        "augmented_share": augmented_shares(markers_augmented),
        "frames_near_singularity": flags.sum().to_dict(),
        "frames_on_estimated_markers": estimated_joints(markers_augmented).sum().to_dict(),
        "opensim": opensim_quality or "not asked for (opensim: true)",
        "refiner": options.refiner,
        "checkpoint": None if options.refiner == "none" else options.refiner,
        "warnings": [
            *warnings_of(
                video,
                landmarks.record,
                marker_record,
                markers_augmented,
                flags,
                options.refiner,
                level_camera=options.refiner in ("none", "joint")
                and options.camera.pitch_deg == options.camera.roll_deg == 0,
            ),
            *kinematics_warnings,
        ],
        "seconds": dict(zip(TIMED_STEPS, seconds, strict=True)),
        "versions": versions(),
    }


TIMED_STEPS = ("detect", "repair", "refine_pose", "make_markers", "augment", "compute_angles")
"""Steps whose seconds stand in the quality record."""


def write_report(
    video: VideoInfo,
    markers_augmented: MarkerTrajectories,
    joint_angles: pd.DataFrame,
    joint_angles_zeroed: pd.DataFrame,
    opensim_angles: pd.DataFrame,
    summary: pd.DataFrame,
    gait_found: GaitEvents | NotGait,
    joint_angles_figure: bytes,
    quality: dict[str, Any],
    parameters: Parameters,
) -> str:
    """The report as one page of HTML."""
    options = InferenceOptions.from_parameters(parameters)
    angles, flags = _angles_and_flags(joint_angles)
    markers = quality["markers"]
    return report_html(
        ReportContent(
            title=video.path.name,
            video=quality["video"],
            subject={"height_m": options.subject.height, "mass_kg": options.subject.mass},
            refiner=options.refiner,
            scale=f"{markers['scale']} (factor {markers['scale_factor']:.3f})",
            markers=markers_augmented,
            angles=angles,
            near_singularity=flags,
            quality={k: v for k, v in quality.items() if k not in ("warnings", "versions")},
            estimated=estimated_joints(markers_augmented),
            zeroed=None if joint_angles_zeroed.empty else joint_angles_zeroed,
            opensim=None if opensim_angles.empty else opensim_angles,
            summary=summary,
            gait=gait_found,
            warnings=tuple(quality["warnings"]),
            figure=joint_angles_figure,
            parameters=options.model_dump(),
            versions=quality["versions"],
        )
    )


def _angles_and_flags(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The angles with their time, and the flags, of the table in `joint_angles.csv`."""
    names = [name for name in table.columns if str(name).endswith("_near_singularity")]
    return table.drop(columns=names), table[names].astype(bool)
