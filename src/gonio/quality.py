"""The quality record of a run, and the warnings that follow from it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from gonio.kinematics.c3d import why_no_c3d
from gonio.landmarks.video import VideoInfo
from gonio.markers.gravity import LEVEL, PREDICTED
from gonio.skeleton import JOINT_MARKERS, JOINTS, MEDIAPIPE
from gonio.types import BoolArray, LandmarkSequence, MarkerTrajectories

PACKAGES = (
    "gonio",
    "mediapipe",
    "pose2sim",
    "opensim",
    "onnxruntime",
    "torch",
    "kedro",
    "numpy",
    "scipy",
    "pandas",
    "av",
)
"""Packages whose versions go into the record."""

LEVEL_CAMERA = (
    "The camera was taken as level. If it looked up or down or was turned, the pelvis and the "
    "trunk are tilted as much in the room: give camera.pitch_deg and camera.roll_deg."
)
OF_MARKERS = (
    "The TRC, C3D and MOT files, OpenSim's results, gait events and the skeleton come from the "
    "markers, which a network of angles does not change: they are the motion of "
    "joint_angles_computed.csv, not that of joint_angles.csv."
)
"""What holds wherever a network changed angles."""
FEW_FOR_ZERO = 0.5
"""Below this share of frames with angles in the reference of zeroed angles there is a warning."""
FULL_DETECTION = 0.98
"""Below this share of frames with a person there is a warning."""
UNSTEADY_DEG = 10.0
"""Above this spread of the predicted gravity, degrees, there is a warning."""
SAME_RATE = 0.01
"""Two rates are one within this share: 29.97 is 30."""
OTHER_RATE = 4 / 3
"""A file's tag means another rate from this ratio on: in dim light phones film slower."""
MANY_ESTIMATED = 0.1
"""Above this share of estimated frames a joint is named in a warning."""
MANY_MISSING = 0.1
"""Above this share of frames without its angles, of those with a person, a joint is named."""
MANY_OUTSIDE = 0.1
"""Above this share of frames outside the picture, of those with a person, a part is named."""
PARTS: dict[str, tuple[str, ...]] = {
    "head": ("nose", "ear"),
    "shoulders": ("shoulder",),
    "arms": ("elbow", "wrist"),
    "hips": ("hip",),
    "knees": ("knee",),
    "feet": ("ankle", "heel", "foot_index"),
}
"""Parts of the body, and the landmarks that show them, without their sides."""


def versions() -> dict[str, str]:
    """Versions of Gonio and of the packages whose results depend on them."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def estimated_joints(markers: MarkerTrajectories) -> pd.DataFrame:
    """Frames in which the angles of a joint rest on an estimated marker.

    Args:
        markers: with the names of the 22 markers among them.

    Returns:
        T rows, a column a joint, true where estimated.
    """
    columns = {}
    for joint in JOINTS:
        indices = [
            markers.names.index(name) for name in JOINT_MARKERS[joint.name] if name in markers
        ]
        columns[joint.name] = markers.estimated[:, indices].any(axis=1)
    return pd.DataFrame(columns)


def warnings_of(
    video: VideoInfo,
    landmark_record: dict[str, Any],
    pose_record: dict[str, Any],
    marker_record: dict[str, Any],
    markers: MarkerTrajectories,
    near_singularity: pd.DataFrame,
    landmarks: LandmarkSequence,
    angles: pd.DataFrame,
) -> list[str]:
    """Sentences that a reader of the results should know first.

    Args:
        video: what the video says of itself.
        landmark_record: counts of the repair.
        pose_record: which refiner was used; see `gonio.models.record`.
        marker_record: counts, scale and gravity of the markers.
        markers: all markers with their flags.
        near_singularity: T rows of flags, a column a joint.
        landmarks: the repaired ones, T frames.
        angles: T rows, without flags.
    """
    return [
        *about_capture_rate(video),
        *_about_detection(video, landmark_record),
        *_about_picture(landmarks),
        *_about_missing_angles(angles, landmarks.detected),
        *_about_depth(pose_record),
        *_about_body(marker_record),
        *_about_gravity(marker_record["gravity"]),
        *_about_joints(markers, near_singularity),
        *_about_files(markers),
    ]


def about_capture_rate(video: VideoInfo) -> list[str]:
    """Sentences about a video that plays at another rate than it was filmed at.

    Args:
        video: what the video says of itself, and the user of it.
    """
    filmed, played, tagged = video.rate_hz, video.played_rate_hz, video.tagged_rate_hz
    found = []
    if abs(filmed - played) > SAME_RATE * filmed:
        kind = "slow motion" if played < filmed else "a time-lapse"
        found.append(
            f"The video is {kind}: it was filmed at {filmed:.4g} frames a second and plays at "
            f"{played:.4g}. All times, velocities and frequencies are those of the filmed motion; "
            "the overlay plays as the video does."
        )
    if (
        tagged is not None
        and np.isfinite(filmed)
        and not 1 / OTHER_RATE < tagged / filmed < OTHER_RATE
    ):
        found.append(
            f"The file says that it was filmed at {tagged:.4g} frames a second; it was taken as "
            f"filmed at {filmed:.4g}. If the file is right, times, velocities and gait are wrong "
            f"by as much: give capture_rate_hz={tagged:.4g}."
        )
    return found


def about_zero(record: dict[str, Any]) -> list[str]:
    """Sentences about the reference that angles were zeroed by.

    Args:
        record: frames of the reference, those with angles, joints without; empty where no angles
            were zeroed.
    """
    if not record:
        return []
    found = []
    used, frames = record["frames_with_angles"], record["frames"]
    if used < FEW_FOR_ZERO * frames:
        found.append(f"Zero was taken from {used} frames: the others of {frames} have no angle.")
    if record["joints_without_zero"]:
        found.append(
            "These joints have an angle that is not known in the frames that are taken as zero, or "
            "only near the singularity of its sequence, so its zeroed curve is empty: "
            f"{', '.join(record['joints_without_zero'])}."
        )
    return found


def _about_detection(video: VideoInfo, record: dict[str, Any]) -> list[str]:
    found = []
    if record["detection_rate"] < FULL_DETECTION:
        found.append(
            f"A person was seen in {record['detection_rate']:.0%} of the frames; where nobody was "
            "seen for longer than the gap filling allows, the curves have gaps."
        )
    if record["times_found_again"]:
        found.append(
            "The person was out of sight for longer than the gap filling allows and found again "
            f"{record['times_found_again']} times; see in the overlay whether it is the same one."
        )
    if record["resampled_to_constant_rate"]:
        found.append(
            f"The video's frame rate varies; everything was resampled to {video.rate_hz:.4g} Hz. "
            "Where it has no frames for longer than the gap filling allows, the curves have gaps."
        )
    if record["swapped_frames"] or record["blended_frames"]:
        found.append(
            f"Left and right were put right in {record['swapped_frames']} frames and bridged in "
            f"{record['blended_frames']}; look at those frames in the overlay."
        )
    return found


def _about_picture(landmarks: LandmarkSequence) -> list[str]:
    """Parts of the body that lie outside the picture: MediaPipe says where, but nobody saw them."""
    image = landmarks.image[landmarks.detected]
    if not len(image):
        return []
    outside = np.asarray(((image < 0) | (image > 1)).any(axis=2))
    many = []
    for part, names in PARTS.items():
        own = [i for name, i in MEDIAPIPE.items() if name.split("_", 1)[-1] in names]
        share = outside[:, own].any(axis=1).mean()
        many += [f"{part} ({share:.0%})"] if share > MANY_OUTSIDE else []
    if not many:
        return []
    return [
        "These parts of the body lie outside the picture in a good part of the frames, where "
        f"MediaPipe guesses them: {', '.join(many)}. Film the whole body."
    ]


def _about_missing_angles(angles: pd.DataFrame, seen: BoolArray) -> list[str]:
    if not seen.any():
        return []
    gone = angles.loc[seen].isna().mean()
    shares = {
        joint.name: max(
            share for name, share in gone.items() if str(name).startswith(f"{joint.name}_")
        )
        for joint in JOINTS
    }
    many = [f"{name} ({share:.0%})" for name, share in shares.items() if share > MANY_MISSING]
    if not many:
        return []
    if len(many) == len(JOINTS) and len(set(shares.values())) == 1:
        many = [f"all ({shares[JOINTS[0].name]:.0%})"]
    return [
        "Angles of these joints are missing in a good part of the frames that show the person: "
        f"{', '.join(many)}. What is less visible than min_visibility counts as not seen, and with "
        "it goes what is augmented from it; estimate_missing and force_complete fill more."
    ]


def _about_depth(record: dict[str, Any]) -> list[str]:
    if record["depth_corrected"]:
        instead = record.get("why_not_main")
        return [f"The main refiner was not used: {instead}."] if instead else []
    why = f": {record['why_not']}" if record.get("why_not") else ""
    return [
        f"No depth refiner was used{why}. Depth is MediaPipe's own, which errs by about 9 cm a "
        "joint, and the curves have no band of uncertainty."
    ]


def _about_gravity(record: dict[str, Any]) -> list[str]:
    if record["source"] == LEVEL:
        return [LEVEL_CAMERA]
    spread = record["spread_of_frames_deg"]
    if record["source"] == PREDICTED and spread is not None and spread > UNSTEADY_DEG:
        return [
            f"The refiner's direction of gravity changes from frame to frame (by {spread:.0f} "
            "degrees in the median), as with a moving camera: the pelvis and the trunk may be "
            "tilted in the room. Give camera.pitch_deg and camera.roll_deg if you know them."
        ]
    return []


def _about_body(record: dict[str, Any]) -> list[str]:
    found = []
    if record["scale"] != "subject.height":
        whose = "MediaPipe's own scale" if record["scale"] == "MediaPipe" else "the refiner's scale"
        found.append(
            f"No stature was given: lengths are in {whose} "
            f"(it sees a stature of {record['stature_estimate_m']:.2f} m)."
        )
    elif not record["stature_from_upright_frames"]:
        found.append("No frame shows the subject upright: the scale is less sure than usual.")
    return found


def _about_joints(markers: MarkerTrajectories, near_singularity: pd.DataFrame) -> list[str]:
    found = []
    shares = estimated_joints(markers).mean()
    many = [f"{name} ({share:.0%})" for name, share in shares.items() if share > MANY_ESTIMATED]
    if many:
        found.append(
            f"Angles of these joints rest on estimated markers for a good part: {', '.join(many)}."
        )
    near = near_singularity.mean()
    close = [
        f"{str(name).removesuffix('_near_singularity')} ({share:.0%})"
        for name, share in near.items()
        if share > 0
    ]
    if close:
        found.append(
            "Near a singularity of their sequence, where two angles cannot be told apart: "
            f"{', '.join(close)}."
        )
    gone = np.isnan(markers.positions).any(axis=2).mean(axis=0)
    lost = [name for name, share in zip(markers.names, gone, strict=True) if share == 1]
    if lost:
        found.append(f"These markers are missing throughout: {', '.join(lost)}.")
    return found


def _about_files(markers: MarkerTrajectories) -> list[str]:
    reason = why_no_c3d(markers)
    return [reason] if reason else []
