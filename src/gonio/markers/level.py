"""A refined pose whose depth agrees with the gravity that the user knows.

A network that takes the camera's pitch for another than it is leans the body by more than half as
much, because a lean along the line of sight hardly shows in the image.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gonio.frames import elevation_from_up, ray_from_camera, shortest_turn
from gonio.landmarks.pose import mid_hip_rays
from gonio.markers.gravity import gravity_of
from gonio.options import CameraOptions
from gonio.types import LandmarkSequence, RefinedPose, known

SHARE_OF_POSE = 0.6
"""By how much of a network's error about gravity its pose leans: the share that serves best on
validation clips (0.5 and 0.7 are hardly worse)."""


def levelled(
    pose: RefinedPose, landmarks: LandmarkSequence, camera: CameraOptions | None
) -> RefinedPose:
    """A pose leaning, by one angle a clip, towards what the user knows of gravity.

    What is seen in the image stays where it is: the depth alone is that of the turned pose. The
    camera stands still. What the user does not give of pitch and roll is as predicted.

    Args:
        pose: T frames of a network that predicts gravity, NaN where it does not.
        landmarks: the same T frames.
        camera: its pitch and roll, as far as the user knows them.

    Returns:
        The pose with the depth that `positions` and `feet` have after a rotation about the mid-hip
        by `SHARE_OF_POSE` of the angle between predicted and known gravity; `up` turned by all of
        it, and the elevation that follows from it. As it was where the user gives neither pitch
        nor roll.
    """
    if camera is None or (camera.pitch_deg is None and camera.roll_deg is None):
        return pose
    if not known(pose.up).any():
        return pose
    lens = CameraOptions(field_of_view_deg=camera.field_of_view_deg)
    predicted = gravity_of(pose, landmarks, lens).up
    told = gravity_of(pose, landmarks, camera).up
    turns = ray_from_camera(mid_hip_rays(landmarks, camera))
    whole, part = (
        turns @ shortest_turn(predicted, told, share) @ np.swapaxes(turns, 1, 2)
        for share in (1.0, SHARE_OF_POSE)
    )
    up = np.einsum("tij,tj->ti", whole, pose.up)
    positions, feet = pose.positions.copy(), pose.feet.copy()
    positions[..., 2] = np.einsum("tj,tkj->tk", part[:, 2], pose.positions)
    feet[..., 2] = np.einsum("tj,tfpj->tfp", part[:, 2], pose.feet)
    return replace(
        pose,
        positions=positions,
        feet=feet,
        up=up,
        elevation_deg=elevation_from_up(up),
    )
