"""Nodes of `inference` that compute; those that make the results readable are in `reader_nodes`.

Each takes values and the parameters, and calls one part of Gonio.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from gonio.datasets.checkpoint import CheckpointFile, own_files
from gonio.datasets.opensim import OpenSimSolution
from gonio.errors import InputError
from gonio.files import ScratchFile
from gonio.kinematics import (
    gimbal_flags,
    model_coordinates,
    scale_and_solve,
)
from gonio.kinematics.angles import (
    check_first_seconds,
    filtered,
    joints_without_zero,
    relative_to,
    split_flags,
    zero_reference,
)
from gonio.kinematics.bands import REFINED_EVERY, AngleSamples, sampled_angles
from gonio.kinematics.chain import angles_of, augmented, check_static_trial, markers_of
from gonio.kinematics.comparison import columns_from_model
from gonio.kinematics.segments import collected_warnings
from gonio.landmarks.detector import detect_landmarks
from gonio.landmarks.repair import RepairedLandmarks, repair_landmarks
from gonio.landmarks.video import VideoInfo
from gonio.models.record import angle_record, pose_record
from gonio.models.registry import Refiners, no_checkpoint, shared_refiners
from gonio.options import CHECKPOINTS_OF, InferenceOptions
from gonio.pipelines.inference.imports import imported_meanwhile
from gonio.quality import about_capture_rate, about_zero
from gonio.reporting.small_copy import SmallCopy
from gonio.same_video import video_record
from gonio.types import LandmarkSequence, MarkerTrajectories, RefinedPose

Parameters = dict[str, Any]
_log = logging.getLogger(__name__)

POSE_NETWORKS = ("main_refiner", "depth_refiner")
"""Networks that change the pose; of a choice of refiner that reads both, the first does it."""
ANGLE_NETWORKS = ("main_refiner", "joint_refiner")
"""The same of those that change angles."""
MIN_FRAMES = 2


def detect(
    video: VideoInfo, pose_models: Path, parameters: Parameters
) -> tuple[LandmarkSequence, ScratchFile, dict[str, Any]]:
    """Landmarks of the chosen person, a small copy made on the way, and which file it was."""
    options = InferenceOptions.from_parameters(parameters)
    if video.frames < MIN_FRAMES:
        raise InputError(
            f"{video.path} holds {video.frames} frame; motion needs at least {MIN_FRAMES}: use a "
            "video, not a picture"
        )
    options.check_rate(str(video.path), video.rate_hz)
    for said in about_capture_rate(video):
        _log.warning(said)
    scratch = ScratchFile("small.mp4")
    small_copy = SmallCopy(scratch.path, options.report.overlay_max_side)
    with small_copy as small, imported_meanwhile(options.refiner):
        landmarks = detect_landmarks(
            video.path,
            options.model,
            person=options.person,
            max_people=options.max_people,
            model_folder=pose_models,
            capture_rate_hz=options.capture_rate_hz,
            progress=True,
            watch=small.add,
        )
    known = video_record(video.path) | {"capture_rate_hz": options.capture_rate_hz}
    return landmarks, scratch, known


def repair(landmarks_detected: LandmarkSequence, parameters: Parameters) -> RepairedLandmarks:
    """Landmarks with sides put right, gaps filled, filtered.

    Where the first seconds are to be zero and show nobody, the run ends here, before results of an
    earlier one are replaced.
    """
    options = InferenceOptions.from_parameters(parameters)
    if options.zero == "first_seconds":
        check_first_seconds(landmarks_detected, options.zero_seconds)
    return repair_landmarks(landmarks_detected, options.repair)


def refine_pose(
    landmarks: RepairedLandmarks,
    depth_refiner: CheckpointFile,
    joint_refiner: CheckpointFile,
    main_refiner: CheckpointFile,
    parameters: Parameters,
) -> tuple[RefinedPose, dict[str, Any]]:
    """The pose, its depth corrected by the refiner that the parameters name, and what it did."""
    options = InferenceOptions.from_parameters(parameters)
    refiners = _refiners(options, depth_refiner, joint_refiner, main_refiner)
    pose = refiners.pose(landmarks.sequence, options.camera)
    record = pose_record(pose, landmarks.sequence)
    if refiners.instead:
        record["why_not_main"] = refiners.instead
        _log.warning("refiner %s in place of main: %s", refiners.choice, refiners.instead)
    network = _network(POSE_NETWORKS, refiners)
    if network is None:
        return pose, record
    if checkpoint := refiners.checkpoint(network):
        record["checkpoint"] = checkpoint
    else:
        record["why_not"] = no_checkpoint(network, refiners.own[network])
        _log.warning("depth is not corrected: %s", record["why_not"])
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


def sample_angles(
    pose: RefinedPose,
    landmarks: RepairedLandmarks,
    marker_record: dict[str, Any],
    parameters: Parameters,
) -> AngleSamples:
    """Angles, as computed, of poses that differ as sigma says; none where it is not known."""
    options = InferenceOptions.from_parameters(parameters)
    if options.sigma_samples == 0 or not np.isfinite(pose.sigma).any():
        return AngleSamples()
    samples = sampled_angles(pose, landmarks, marker_record["stature_estimate_m"], options)
    if not samples.angles:
        _log.warning("there is no band: the body is not seen for two frames on end")
    return samples


def propagate_sigma(
    angle_samples: AngleSamples,
    landmarks: RepairedLandmarks,
    joint_angles_of_markers: pd.DataFrame,
    joint_angles: pd.DataFrame,
    depth_refiner: CheckpointFile,
    joint_refiner: CheckpointFile,
    main_refiner: CheckpointFile,
    parameters: Parameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One standard deviation of each angle, and of each before a network changed it.

    Tables without columns where none is known, and the second one where no network changes angles.
    """
    if not angle_samples.angles:
        return pd.DataFrame(), pd.DataFrame()
    spread = _known(angle_samples.spread(joint_angles_of_markers))
    options = InferenceOptions.from_parameters(parameters)
    refiners = _refiners(options, depth_refiner, joint_refiner, main_refiner)
    if not refiners.change_angles:
        return spread, pd.DataFrame()
    some = angle_samples.every(REFINED_EVERY)
    refined = [
        refiners.angles(sample, landmarks.sequence, options.camera, both_ways=False)
        for sample in some.angles
    ]
    return _known(replace(some, angles=refined).spread(split_flags(joint_angles)[0])), spread


def _known(band: pd.DataFrame) -> pd.DataFrame:
    """The band; a table without columns where it holds no value."""
    return band if band.drop(columns="time_s").notna().any(axis=None) else pd.DataFrame()


def compute_angles(
    markers_augmented: MarkerTrajectories, parameters: Parameters
) -> tuple[pd.DataFrame, list[str]]:
    """The 36 joint angles as the markers give them, and what kinematics warns of."""
    options = InferenceOptions.from_parameters(parameters)
    with collected_warnings() as said:
        angles = angles_of(markers_augmented, options)
    return angles, said


def refine_angles(
    joint_angles_of_markers: pd.DataFrame,
    landmarks: RepairedLandmarks,
    depth_refiner: CheckpointFile,
    joint_refiner: CheckpointFile,
    main_refiner: CheckpointFile,
    parameters: Parameters,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """The joint angles, refined if the parameters say so, with a flag a joint near singularity.

    With them the angles as computed, a table without columns where they were not refined, and what
    the refiner did.
    """
    angles = joint_angles_of_markers
    options = InferenceOptions.from_parameters(parameters)
    refiners = _refiners(options, depth_refiner, joint_refiner, main_refiner)
    network = _network(ANGLE_NETWORKS, refiners)
    if network is None:
        record = angle_record(angles, None, "none")
        return _with_flags(angles), pd.DataFrame(), record
    checkpoint = refiners.checkpoint(network)
    if checkpoint is None:  # the default goes as far as its networks are there
        why_not = no_checkpoint(network, refiners.own[network])
        _log.warning("angles are not corrected: %s", why_not)
        record = angle_record(angles, None, "none") | {"why_not": why_not}
        return _with_flags(angles), pd.DataFrame(), record
    refined = refiners.angles(angles, landmarks.sequence, options.camera)
    record = angle_record(angles, refined, network.removesuffix("_refiner"))
    record["checkpoint"] = checkpoint
    return _with_flags(refined), angles, record


def _refiners(
    options: InferenceOptions,
    depth_refiner: CheckpointFile,
    joint_refiner: CheckpointFile,
    main_refiner: CheckpointFile,
) -> Refiners:
    """The networks of a run; the nodes that ask for them share them."""
    own = own_files(
        depth_refiner=depth_refiner, joint_refiner=joint_refiner, main_refiner=main_refiner
    )
    return shared_refiners(options.refiner, own)


def _with_flags(angles: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([angles, gimbal_flags(angles)], axis=1)


def _network(names: tuple[str, ...], refiners: Refiners) -> str | None:
    """The first of some networks that the choice of refiner reads."""
    return next((name for name in names if name in CHECKPOINTS_OF[refiners.choice]), None)


def zero_angles(
    joint_angles: pd.DataFrame, static_trial: pd.DataFrame, parameters: Parameters
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Angles relative to a reference pose, and the frames that it was taken from.

    A table without columns and an empty record where none is wanted.
    """
    options = InferenceOptions.from_parameters(parameters)
    if options.zero == "none":
        return pd.DataFrame(), {}
    check_static_trial(static_trial, options)
    angles, _ = split_flags(joint_angles)
    reference = zero_reference(
        angles, options.zero, seconds=options.zero_seconds, static=static_trial
    )
    record = {
        "from": options.zero,
        "frames": len(reference),
        "frames_with_angles": int(reference.notna().any(axis=1).sum()),
        "joints_without_zero": joints_without_zero(angles, reference),
    }
    for said in about_zero(record):
        _log.warning(said)
    return relative_to(reference, angles), record


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
