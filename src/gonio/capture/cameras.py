"""A pinhole camera with a lens, where it stands, and where a point falls on its image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from gonio.errors import InputError
from gonio.types import FloatArray

NEAREST_M = 0.01
"""Points nearer to the plane of the camera than this, or behind it, have no image."""


@dataclass(frozen=True)
class Camera:
    """The inside of a camera.

    Attributes:
        matrix: (3, 3) focal lengths and principal point, pixels.
        image_size: (width, height), pixels.
        distortion: (5,) k1, k2, p1, p2, k3 of the lens in OpenCV's order; zeros for none.

    Raises:
        InputError: shapes that do not agree, a focal length or an image size that is not positive.
    """

    matrix: FloatArray
    image_size: tuple[int, int]
    distortion: FloatArray = field(default_factory=lambda: np.zeros(5))

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, dtype=float)
        distortion = np.asarray(self.distortion, dtype=float).reshape(-1)
        width, height = (int(side) for side in self.image_size)
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
            raise InputError(f"Camera.matrix is {matrix.tolist()}; allowed is a finite 3 x 3")
        if min(matrix[0, 0], matrix[1, 1]) <= 0:
            raise InputError(
                f"Camera.matrix has the focal lengths {matrix[0, 0]:g} and {matrix[1, 1]:g}; "
                "both must be above 0"
            )
        if distortion.shape != (5,) or not np.isfinite(distortion).all():
            raise InputError(
                f"Camera.distortion is {distortion.tolist()}; allowed are 5 finite numbers "
                "(k1, k2, p1, p2, k3)"
            )
        if min(width, height) <= 0:
            raise InputError(f"Camera.image_size is {(width, height)}; both must be above 0")
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "distortion", distortion)
        object.__setattr__(self, "image_size", (width, height))

    def project(self, points: ArrayLike) -> FloatArray:
        """Pixels of points in front of the camera.

        The lens model is that of Brown (1966) in the form of OpenCV 4.x, "Camera Calibration and
        3D Reconstruction".

        Args:
            points: (..., 3) metres, camera frame.

        Returns:
            (..., 2) pixels, x right, y down, origin at the top left; NaN for points that are
            missing or not in front of the camera.
        """
        array = np.asarray(points, dtype=float)
        depth = np.where(array[..., 2] > NEAREST_M, array[..., 2], np.nan)
        x, y = array[..., 0] / depth, array[..., 1] / depth
        k1, k2, p1, p2, k3 = self.distortion
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        xd = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        yd = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        homogeneous = np.stack([xd, yd, np.ones_like(xd)], axis=-1) @ self.matrix.T
        return np.asarray(homogeneous[..., :2])

    def contains(self, pixels: ArrayLike) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Which pixels (..., 2) lie on the image; (...) false where missing."""
        array = np.asarray(pixels, dtype=float)
        inside = (array >= 0) & (array < np.asarray(self.image_size, dtype=float))
        return np.asarray(inside.all(axis=-1))


@dataclass(frozen=True)
class Placement:
    """Where a camera stands: `p_camera = rotation @ p_world + translation`.

    Attributes:
        rotation: (3, 3) camera from world.
        translation: (3,) metres.

    Raises:
        InputError: the rotation is not one.
    """

    rotation: FloatArray
    translation: FloatArray

    def __post_init__(self) -> None:
        rotation = np.asarray(self.rotation, dtype=float)
        translation = np.asarray(self.translation, dtype=float).reshape(-1)
        if rotation.shape != (3, 3) or not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3):
            raise InputError(
                f"Placement.rotation is {rotation.tolist()}; allowed is a 3 x 3 rotation matrix"
            )
        if translation.shape != (3,) or not np.isfinite(translation).all():
            raise InputError(
                f"Placement.translation is {translation.tolist()}; allowed are 3 finite numbers"
            )
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation", translation)

    def camera_from_world(self, points: ArrayLike) -> FloatArray:
        """Turn and move (..., 3) world points, metres, into the camera frame."""
        return np.asarray(np.asarray(points, dtype=float) @ self.rotation.T + self.translation)

    @property
    def position(self) -> FloatArray:
        """(3,) of the camera's centre in the world, metres."""
        return np.asarray(-self.translation @ self.rotation)


@dataclass(frozen=True)
class PlacedCamera:
    """A calibrated camera of a recording.

    Attributes:
        name: of the camera.
        inside: its lens and image.
        placement: where it stands.
    """

    name: str
    inside: Camera
    placement: Placement

    def project(self, points: ArrayLike) -> FloatArray:
        """Pixels (..., 2) of points (..., 3) in the world, metres, as `Camera.project`."""
        return self.inside.project(self.placement.camera_from_world(points))
