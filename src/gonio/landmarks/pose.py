"""A pose from MediaPipe's own landmarks, for when no depth refiner is used."""

from __future__ import annotations

import numpy as np

from gonio.errors import InputError
from gonio.frames import focal_length_px, ray_from_camera, rays_from_image, up_from_camera_angles
from gonio.options import CameraOptions
from gonio.skeleton import COCO_FROM_MEDIAPIPE, COCO_JOINTS, MEDIAPIPE
from gonio.types import FloatArray, LandmarkSequence, RefinedPose, known


def mid_hip_rays(landmarks: LandmarkSequence, camera: CameraOptions) -> FloatArray:
    """Directions from the camera centre to the mid-hip, (T, 3) unit vectors, camera frame."""
    hips = [MEDIAPIPE["left_hip"], MEDIAPIPE["right_hip"]]
    focal_px = focal_length_px(landmarks.image_size, camera.field_of_view_deg)
    return rays_from_image(landmarks.image[:, hips].mean(axis=1), landmarks.image_size, focal_px)


def scale_between(pose: RefinedPose, landmarks: LandmarkSequence) -> float:
    """How much larger a pose is than MediaPipe's own, one factor for the clip.

    The ratio of the joints' root mean square distances from the mid-hip; 1 where nothing is known,
    or MediaPipe's joints are all in one place.

    Args:
        pose: (T, 17, 3) metres.
        landmarks: the same T frames.

    Raises:
        InputError: they are of different lengths.
    """
    if len(pose) != len(landmarks):
        raise InputError(
            f"the pose is of {len(pose)} frames, the landmarks are of {len(landmarks)}; give the "
            "landmarks that the pose was made from"
        )
    raw = landmarks.world[:, list(COCO_FROM_MEDIAPIPE)]
    both = known(raw) & known(pose.positions)
    size = np.linalg.norm(raw[both])
    if size == 0:
        return 1.0
    return float(np.linalg.norm(pose.positions[both]) / size)


def pose_without_refiner(
    landmarks: LandmarkSequence, camera: CameraOptions | None = None
) -> RefinedPose:
    """MediaPipe's pose as it is, gravity from the camera's pitch and roll (level if not given).

    MediaPipe's world landmarks are taken as given in the ray frame (measured: its error is 2 cm
    lower there than in the camera frame). How sure it is, and from where the camera looks, are
    not known: sigma, azimuth and elevation are NaN.

    Args:
        landmarks: repaired landmarks.
        camera: pitch, roll and field of view.

    Returns:
        (T, 17, 3) positions, metres, ray frame, MediaPipe's own scale.
    """
    camera = camera or CameraOptions()
    up = up_from_camera_angles(camera.pitch_deg or 0.0, camera.roll_deg or 0.0)
    turns = ray_from_camera(mid_hip_rays(landmarks, camera))
    unknown = np.full(len(landmarks), np.nan)
    return RefinedPose(
        positions=landmarks.world[:, list(COCO_FROM_MEDIAPIPE)],
        sigma=np.full((len(landmarks), len(COCO_JOINTS), 3), np.nan),
        up=turns @ up,
        azimuth_deg=unknown,
        elevation_deg=unknown,
    )
