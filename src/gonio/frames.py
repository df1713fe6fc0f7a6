"""Camera, ray and lab frame, and the rotations between them.

* camera: x right, y down, z away from the camera (OpenCV).
* ray: origin at mid-hip, z along the ray from the camera centre through the mid-hip,
  x = normalised(camera y x z), y = z x x.
* lab: right-handed, Y up against gravity, X the horizontal direction from the subject to the
  camera, Z = X x Y.

A matrix `target_from_source` turns column vectors: `v_target = target_from_source @ v_source`.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from gonio.errors import InputError
from gonio.skeleton import BONES, COCO, COCO_MIRROR
from gonio.types import FloatArray

F = TypeVar("F", bound=np.floating)


def normalised(vectors: ArrayLike) -> FloatArray:
    """Unit vectors along the last axis; NaN where the length is 0."""
    array = np.asarray(vectors, dtype=float)
    length = np.linalg.norm(array, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(length > 0, array / length, np.nan))


def mid_hip_of(joints: FloatArray) -> FloatArray:
    """(..., D) midpoint of the hips of (..., 17, D) COCO joints, D axes."""
    hips = joints[..., [COCO["left_hip"], COCO["right_hip"]], :]
    return np.asarray(hips.mean(axis=-2))


def mirrored_vectors(vectors: NDArray[F]) -> NDArray[F]:
    """Vectors (..., 3) of the camera or the ray frame in a mirror: x changes its sign."""
    return vectors * np.array([-1, 1, 1], dtype=vectors.dtype)


def mirrored_joints(joints: NDArray[F]) -> NDArray[F]:
    """COCO joints (..., 17, 3) of the same body in a mirror: sides change places too."""
    return mirrored_vectors(joints[..., list(COCO_MIRROR), :])


def mirrored_viewpoint(camera: NDArray[F]) -> NDArray[F]:
    """Places (..., 3) of the camera seen from the pelvis (forward, up, right) in a mirror."""
    return camera * np.array([1, 1, -1], dtype=camera.dtype)


def bone_length_cv(joints: FloatArray) -> float:
    """Mean over 12 bones of standard deviation / mean of their lengths over time.

    A bone does not change its length: what varies is error. A frame counts for each bone that it
    shows, whether it shows the others or not.

    Args:
        joints: (T, 17, 3) COCO joints, metres, any axes; NaN where unknown.

    Returns:
        In parts of 1; NaN where no bone is there in two frames.
    """
    near, far = ([COCO[bone[end]] for bone in BONES] for end in (0, 1))
    lengths = np.linalg.norm(joints[:, far] - joints[:, near], axis=2)
    there = np.isfinite(lengths)
    count = there.sum(axis=0)
    mean = np.where(there, lengths, 0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(there, (lengths - mean) ** 2, 0).sum(axis=0) / np.maximum(count, 1)
    usable = (count > 1) & (mean > 0)
    return float(np.mean(np.sqrt(squares[usable]) / mean[usable])) if usable.any() else np.nan


def shortest_turn(source: FloatArray, target: FloatArray, share: float = 1.0) -> FloatArray:
    """(3, 3) smallest rotation that takes the direction `source` to the unit vector `target`.

    Args:
        source: (3,) longer than 0.
        target: (3,) unit vector, same axes.
        share: of the way.
    """
    return np.asarray(Rotation.from_rotvec(share * turn_vectors(source, target)).as_matrix())


def turn_vectors(source: FloatArray, target: FloatArray) -> FloatArray:
    """(..., 3) rotation vectors, radians, of the smallest turns from directions to others.

    Args:
        source: (..., 3) longer than 0.
        target: (..., 3) unit vectors, same axes.
    """
    unit = normalised(source)
    axis = np.cross(unit, target)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = np.arctan2(sine, np.sum(unit * target, axis=-1, keepdims=True))
    return np.asarray(axis / np.maximum(sine, 1e-12) * angle)


def focal_length_px(image_size: tuple[int, int], field_of_view_deg: float) -> float:
    """Focal length of a pinhole camera, in pixels.

    Args:
        image_size: (width, height), pixels.
        field_of_view_deg: angle over the longer side of the image, degrees.

    Raises:
        InputError: the angle is not between 5 and 170 degrees.
    """
    if not 5 <= field_of_view_deg <= 170:
        raise InputError(
            f"camera.field_of_view_deg is {field_of_view_deg:g}; allowed are 5 to 170 degrees "
            "over the longer side of the image"
        )
    return float(max(image_size) / 2 / np.tan(np.radians(field_of_view_deg) / 2))


def rays_from_image(image: FloatArray, image_size: tuple[int, int], focal_px: float) -> FloatArray:
    """Directions from the camera centre through image points.

    Args:
        image: (..., 2) points in units of the image's width and height (0..1).
        image_size: (width, height), pixels.
        focal_px: focal length, pixels; the principal point is the image's centre.

    Returns:
        (..., 3) unit vectors, camera frame.
    """
    offset = (np.asarray(image, dtype=float) - 0.5) * np.asarray(image_size, dtype=float)
    depth = np.full((*offset.shape[:-1], 1), focal_px)
    return normalised(np.concatenate([offset, depth], axis=-1))


def ray_from_camera(ray: FloatArray) -> FloatArray:
    """Rotations into the ray frame.

    Args:
        ray: (..., 3) direction from the camera centre to the mid-hip, camera frame.

    Returns:
        (..., 3, 3) with `v_ray = ray_from_camera @ v_camera`; NaN where the ray is NaN or
        parallel to the camera's y axis.
    """
    z = normalised(ray)
    down = np.broadcast_to([0.0, 1.0, 0.0], z.shape)
    x = normalised(np.cross(down, z))
    return np.stack([x, np.cross(z, x), z], axis=-2)


def up_from_camera_angles(pitch_deg: float, roll_deg: float) -> FloatArray:
    """Direction against gravity in the camera frame.

    Args:
        pitch_deg: how far the camera looks down, degrees; 0 is level, 90 straight down.
        roll_deg: how far the camera is turned clockwise about its view, as seen from behind it.

    Returns:
        (3,) unit vector; (0, -1, 0) for a level camera.
    """
    pitch, roll = np.radians([pitch_deg, roll_deg])
    level = np.array([0.0, -np.cos(pitch), -np.sin(pitch)])
    # A camera turned clockwise sees the world turned counter-clockwise (y is down).
    turn = np.array(
        [[np.cos(roll), np.sin(roll), 0.0], [-np.sin(roll), np.cos(roll), 0.0], [0.0, 0.0, 1.0]]
    )
    return np.asarray(turn @ level)


def elevation_from_up(up: FloatArray) -> FloatArray:
    """(T,) elevation of the camera seen from the mid-hip, degrees, of gravity (T, 3).

    Args:
        up: unit vectors, ray frame, whose z leads from the camera to the mid-hip.
    """
    return np.asarray(np.degrees(np.arcsin(np.clip(-up[:, 2], -1.0, 1.0))))


def camera_angles_from_up(up: FloatArray) -> tuple[float, float]:
    """Pitch and roll of a camera, the inverse of `up_from_camera_angles`.

    Args:
        up: (3,) direction against gravity, camera frame, of any length.

    Returns:
        Pitch in [-90, 90] and roll in [-180, 180], degrees; NaN where `up` is NaN or zero.
    """
    x, y, z = normalised(up)
    return float(np.degrees(np.arcsin(np.clip(-z, -1, 1)))), float(np.degrees(np.arctan2(-x, -y)))


def lab_from_camera(up: FloatArray, ray: FloatArray) -> FloatArray:
    """Rotation from the camera frame into the lab frame.

    Args:
        up: (3,) direction against gravity, camera frame.
        ray: (3,) direction from the camera to the subject, camera frame.

    Returns:
        (3, 3). Where the camera looks straight up or down, the top of its image stands in for the
        direction in which it looks.

    Raises:
        InputError: `up` or `ray` is NaN or zero.
    """
    y, to_subject = normalised(up), normalised(ray)
    if not (np.isfinite(y).all() and np.isfinite(to_subject).all()):
        raise InputError(f"no lab frame from up {up} and ray {ray}: both must be finite, not zero")
    towards_camera = -to_subject
    horizontal = towards_camera - (towards_camera @ y) * y
    if np.linalg.norm(horizontal) < 1e-3:
        image_down = np.array([0.0, 1.0, 0.0])  # the top of the image lies beyond the subject
        horizontal = image_down - (image_down @ y) * y
    x = normalised(horizontal)
    return np.stack([x, y, np.cross(x, y)])


def lab_from_ray(up: FloatArray, towards_camera: FloatArray) -> FloatArray:
    """Rotations from the ray frame into the lab frame, where the true view is known.

    Two directions are known in both frames: against gravity, and to the camera, which is -z of the
    ray frame by definition (the triad method of Black 1964, AIAA Journal 2:1350).

    Args:
        up: (T, 3) direction against gravity, ray frame.
        towards_camera: (T, 3) from the mid-hip to the camera, lab axes, any length.

    Returns:
        (T, 3, 3); NaN where a direction is missing or the camera is straight above or below.
    """
    ray_up, lab_up = normalised(up), np.broadcast_to([0.0, 1.0, 0.0], np.shape(up))
    in_ray = _triad(ray_up, np.broadcast_to([0.0, 0.0, -1.0], ray_up.shape))
    in_lab = _triad(lab_up, normalised(towards_camera))
    return np.asarray(in_lab @ np.swapaxes(in_ray, 1, 2))


def _triad(up: FloatArray, direction: FloatArray) -> FloatArray:
    """(T, 3, 3) matrices whose columns are: level towards `direction`, up, and square to both."""
    z = normalised(np.cross(direction, up))
    return np.stack([np.cross(up, z), up, z], axis=-1)
