"""Nodes of `inference` that compute; those that make the results readable are in `reader_nodes`.

Each takes values and the parameters, and calls one part of Gonio.
"""

from __future__ import annotations

import warnings
from itertools import islice
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from gonio.datasets.checkpoint import CheckpointFile
from gonio.datasets.opensim import OpenSimSolution
from gonio.errors import InputError
from gonio.files import ScratchFile
from gonio.kinematics import (
    KinematicsWarning,
    gimbal_flags,
    model_coordinates,
    scale_and_solve,
    zeroed,
)
from gonio.kinematics.angles import filtered, split_flags
from gonio.kinematics.chain import angles_of, augmented, markers_of
from gonio.kinematics.comparison import columns_from_model
from gonio.kinematics.uncertainty import angle_spread, sampled_poses
from gonio.landmarks.detector import detect_landmarks
from gonio.landmarks.model_files import MODEL_FOLDER
from gonio.landmarks.repair import RepairedLandmarks, repair_landmarks
from gonio.landmarks.video import VideoInfo
from gonio.models.record import pose_record
from gonio.models.registry import (
    checkpoint_record,
    no_depth_checkpoint,
    refined_angles,
    refined_pose,
)
from gonio.options import InferenceOptions
from gonio.reporting.small_copy import SmallCopy
from gonio.types import LandmarkSequence, MarkerTrajectories, RefinedPose

Parameters = dict[str, Any]

MIN_FRAMES = 2
SAMPLED_FRAMES = 20_000
"""Samples of a clip are taken together as long as they are no more frames: it bounds memory."""


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
) -> tuple[RefinedPose, dict[str, Any]]:
    """The pose, its depth corrected by the refiner that the parameters name, and what it did."""
    options = InferenceOptions.from_parameters(parameters)
    own = depth_refiner.path
    pose, checkpoint = refined_pose(options.refiner, own, landmarks.sequence, options.camera)
    record = pose_record(pose, landmarks.sequence)
    if checkpoint is not None:
        record["checkpoint"] = checkpoint_record(checkpoint, own)
    elif options.refiner == "depth":
        record["why_not"] = no_depth_checkpoint(own)
    return pose, record


def make_markers(
    pose: RefinedPose, landmarks: RepairedLandmarks, parameters: Parameters
) -> tuple[MarkerTrajectories, dict[str, Any]]:
    """The 22 markers in the lab frame, and how they were scaled."""
    scaled = markers_of(pose, landmarks, InferenceOptions.from_parameters(parameters))
    return scaled.markers, scaled.record


def augment(
    markers: MarkerTrajectories, marker_record: dict[str, Any], parameters: Parameters
) -> MarkerTrajectories:
    """The 22 markers and the 43 that the LSTM adds."""
    options = InferenceOptions.from_parameters(parameters)
    return augmented([markers], marker_record["stature_estimate_m"], options)[0]


def propagate_sigma(
    pose: RefinedPose,
    landmarks: RepairedLandmarks,
    marker_record: dict[str, Any],
    joint_angles_computed: pd.DataFrame,
    parameters: Parameters,
) -> pd.DataFrame:
    """One standard deviation of each angle; a table without columns where none is known."""
    options = InferenceOptions.from_parameters(parameters)
    if options.sigma_samples == 0 or not np.isfinite(pose.sigma).any():
        return pd.DataFrame()
    poses = sampled_poses(
        pose,
        landmarks.sequence.rate_hz,
        samples=options.sigma_samples,
        correlation_s=options.sigma_correlation_s,
    )
    together = max(1, SAMPLED_FRAMES // len(pose))
    angles: list[pd.DataFrame] = []
    with warnings.catch_warnings():  # compute_angles has said it
        warnings.simplefilter("ignore", KinematicsWarning)
        while some := list(islice(poses, together)):
            clips = [markers_of(sample, landmarks, options).markers for sample in some]
            markers = augmented(clips, marker_record["stature_estimate_m"], options)
            angles += [angles_of(clip, options) for clip in markers]
    return angle_spread(angles, joint_angles_computed)


def compute_angles(
    markers_augmented: MarkerTrajectories, parameters: Parameters
) -> tuple[pd.DataFrame, list[str]]:
    """The 36 joint angles as the markers give them, and what kinematics warns of."""
    options = InferenceOptions.from_parameters(parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", KinematicsWarning)
        angles = angles_of(markers_augmented, options)
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
        angles = refined_angles(options.refiner, joint_refiner.path, angles, landmarks.sequence)
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
    angles, _ = split_flags(joint_angles)
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
