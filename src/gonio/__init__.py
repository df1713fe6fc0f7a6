"""Gonio: joint angles from one ordinary video. The first axis of every array is time.

    landmarks = gonio.detect_landmarks("joey.mp4")
    landmarks = gonio.repair_landmarks(landmarks).sequence
    pose      = gonio.DepthRefiner.load().refine(landmarks)
    markers   = gonio.markers_from_pose(pose, landmarks, gonio.Subject(1.78, 75))
    markers65 = gonio.augment_markers(markers, gonio.Subject(1.78, 75))
    angles    = gonio.joint_angles(markers65)
    angles    = gonio.JointRefiner.load().refine(angles, landmarks.visibility)

`DepthRefiner.load` takes the checkpoint that comes with Gonio unless it is given another's path;
`gonio.pose_without_refiner(landmarks)` gives MediaPipe's own depth. Names are looked up when they
are first used, so that `import gonio` is quick.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PLACES = {
    "GonioError": "gonio.errors",
    "InputError": "gonio.errors",
    "LandmarkSequence": "gonio.types",
    "MarkerTrajectories": "gonio.types",
    "RefinedPose": "gonio.types",
    "Subject": "gonio.types",
    "CameraOptions": "gonio.options",
    "RepairOptions": "gonio.options",
    "demo_video": "gonio.capture.demo",
    "detect_landmarks": "gonio.landmarks.detector",
    "repair_landmarks": "gonio.landmarks.repair",
    "pose_without_refiner": "gonio.landmarks.pose",
    "DepthRefiner": "gonio.models.depth_refiner",
    "JointRefiner": "gonio.models.joint_refiner",
    "MainRefiner": "gonio.models.main_refiner",
    "MarkerOptions": "gonio.markers.from_pose",
    "markers_from_pose": "gonio.markers.from_pose",
    "augment_markers": "gonio.markers.augment",
    "joint_angles": "gonio.kinematics",
    "gimbal_flags": "gonio.kinematics",
    "zeroed": "gonio.kinematics",
    "KinematicsWarning": "gonio.kinematics",
    "GaitEvents": "gonio.kinematics",
    "NotGait": "gonio.kinematics",
    "gait_events": "gonio.kinematics",
    "gait_cycles": "gonio.kinematics.gait_cycles",
    "summarise": "gonio.kinematics",
    "model_coordinates": "gonio.kinematics",
    "read_c3d": "gonio.kinematics",
    "write_c3d": "gonio.kinematics",
    "read_mot": "gonio.kinematics",
    "write_mot": "gonio.kinematics",
    "read_trc": "gonio.trc",
    "write_trc": "gonio.trc",
    "joint_angle_figure": "gonio.reporting.figures",
}

__all__ = [
    "CameraOptions",
    "DepthRefiner",
    "GaitEvents",
    "GonioError",
    "InputError",
    "JointRefiner",
    "KinematicsWarning",
    "LandmarkSequence",
    "MainRefiner",
    "MarkerOptions",
    "MarkerTrajectories",
    "NotGait",
    "RefinedPose",
    "RepairOptions",
    "Subject",
    "__version__",
    "augment_markers",
    "demo_video",
    "detect_landmarks",
    "gait_cycles",
    "gait_events",
    "gimbal_flags",
    "joint_angle_figure",
    "joint_angles",
    "markers_from_pose",
    "model_coordinates",
    "pose_without_refiner",
    "read_c3d",
    "read_mot",
    "read_trc",
    "repair_landmarks",
    "summarise",
    "write_c3d",
    "write_mot",
    "write_trc",
    "zeroed",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module gonio has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
