"""Segment frames, joint angles and OpenSim files; the first axis of every array is time."""

from gonio.kinematics.angles import gimbal_flags, joint_angles, zeroed
from gonio.kinematics.c3d import read_c3d, write_c3d
from gonio.kinematics.coordinates import model_coordinates
from gonio.kinematics.gait import GaitEvents, NotGait, gait_events
from gonio.kinematics.mot import read_mot, write_mot
from gonio.kinematics.opensim_ik import OpenSimError, OpenSimResult, scale_and_solve
from gonio.kinematics.segments import KinematicsWarning, SegmentFrame, segment_frames
from gonio.kinematics.summary import summarise

__all__ = [
    "GaitEvents",
    "KinematicsWarning",
    "NotGait",
    "OpenSimError",
    "OpenSimResult",
    "SegmentFrame",
    "gait_events",
    "gimbal_flags",
    "joint_angles",
    "model_coordinates",
    "read_c3d",
    "read_mot",
    "scale_and_solve",
    "segment_frames",
    "summarise",
    "write_c3d",
    "write_mot",
    "zeroed",
]
