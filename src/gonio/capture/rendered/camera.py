"""Where the camera stands, so that the body's path is in the picture as the scene wants it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from gonio.capture.rendered.scene import CameraSpec
from gonio.frames import focal_length_px
from gonio.types import FloatArray

LOWEST_CAMERA_M = 0.15
"""The camera stays above the floor."""
NEAREST_BODY_M = 0.6
"""No point of the body comes nearer to the camera."""


HEAD_CUT_AIM = -0.6
"""Where the body is larger than the picture, the head stays in it unless the aim is below this."""


@dataclass(frozen=True)
class View:
    """A camera in the world of the motion.

    Attributes:
        rotation: (3, 3) rows are the camera's right, down and ahead: `p_cam = rotation @
            (p_world - position)`, OpenCV's camera frame.
        position: (3,) of the camera, world, metres.
        focal_px: focal length, pixels; the principal point is the middle of the image.
        image_size: (width, height), pixels.
        body_box_px: left, top, right, bottom of the body in the median frame, pixels.
        nearest_m: depth of the nearest point of the body over the whole clip, metres.
    """

    rotation: FloatArray
    position: FloatArray
    focal_px: float
    image_size: tuple[int, int]
    body_box_px: tuple[float, float, float, float]
    nearest_m: float

    def in_camera(self, points: FloatArray) -> FloatArray:
        """(..., 3) world points in the camera frame, metres."""
        return np.asarray((points - self.position) @ self.rotation.T)

    @property
    def up(self) -> FloatArray:
        """(3,) direction against gravity, camera frame."""
        return np.asarray(self.rotation[:, 1])


def place_camera(spec: CameraSpec, points: FloatArray) -> View:
    """Put the camera where the body's path fills the picture as wanted.

    Args:
        spec: bearing, elevation, roll, field of view, filling and aim.
        points: (T, K, 3) points of the body over the clip, world, metres.
    """
    focal = focal_length_px(spec.image_size, spec.field_of_view_deg)
    half = np.array(spec.image_size) / 2
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    centre = (low + high) / 2
    azimuth, elevation = np.radians([spec.azimuth_deg, spec.elevation_deg])
    level = np.cos(elevation)
    direction = np.array([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)])
    cloud = points.reshape(-1, 3)
    distance = 4.0
    for _ in range(12):
        position = centre + distance * direction
        position[1] = max(position[1], LOWEST_CAMERA_M)
        rotation = _looking(position, centre, spec.roll_deg)
        local = (cloud - position) @ rotation.T
        nearest = local[:, 2].min()
        if nearest < NEAREST_BODY_M:
            distance += NEAREST_BODY_M - nearest + 0.05
            continue
        image = local[:, :2] / local[:, 2:] * focal
        filled = float((np.ptp(image, axis=0) / (2 * half)).max())
        distance = float(np.clip(distance * filled / spec.fill, distance * 0.5, distance * 2.5))
    # Turn the camera so that the path lies off the middle, within the room that is left.
    room = half - np.ptp(image, axis=0) / 2
    wanted = np.array(spec.aim) * np.maximum(room, 0.05 * half)
    if room[1] < 0 and spec.aim[1] > HEAD_CUT_AIM:  # cut the feet off rather than the head
        wanted[1] = 0.04 * half[1] - room[1]
    middle = (image.max(axis=0) + image.min(axis=0)) / 2
    turn_x, turn_y = np.arctan((middle - wanted) / focal)
    rotation = Rotation.from_euler("yx", [-turn_x, turn_y]).as_matrix() @ rotation
    return _view(rotation, position, focal, spec.image_size, points)


def _looking(position: FloatArray, target: FloatArray, roll_deg: float) -> FloatArray:
    ahead = target - position
    ahead = ahead / np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 1.0, 0.0])
    right = right / np.linalg.norm(right)
    level = np.stack([right, np.cross(ahead, right), ahead])
    # Seen from behind, a camera turned clockwise sees the world turned counter-clockwise.
    return np.asarray(Rotation.from_euler("z", -roll_deg, degrees=True).as_matrix() @ level)


def _view(
    rotation: FloatArray,
    position: FloatArray,
    focal: float,
    image_size: tuple[int, int],
    points: FloatArray,
) -> View:
    local = (points - position) @ rotation.T
    image = local[..., :2] / np.maximum(local[..., 2:], 0.05) * focal + np.array(image_size) / 2
    low, high = np.median(image.min(axis=1), axis=0), np.median(image.max(axis=1), axis=0)
    return View(
        rotation=rotation,
        position=position,
        focal_px=focal,
        image_size=image_size,
        body_box_px=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        nearest_m=float(max(local[..., 2].min(), 0.3)),
    )
