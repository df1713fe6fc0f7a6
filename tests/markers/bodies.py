"""A standing body as MediaPipe would see it: known size, known place of the camera."""

import numpy as np

from gonio.skeleton import MEDIAPIPE
from gonio.types import LandmarkSequence

STATURE = 1.75


def standing(n=60, rate=30.0, pitch_deg=0.0, facing_deg=0.0, distance=4.0, path=None):
    """A body of stature 1.75 m, its world landmarks in the ray frame, filmed with a 60 deg lens.

    Returns the landmarks and the true positions (T, 33, 3) in room axes: X to the camera, Y up,
    Z to the right of one who faces the camera, ground at 0.
    """
    room = np.tile(_body(facing_deg), (n, 1, 1))
    if path is not None:
        room = room + path[:, None]
    pitch = np.radians(pitch_deg)
    eye = np.array([distance, 1.0 + distance * np.tan(pitch), 0.0])
    # camera axes in the room: x (image right) is -Z, y down, z away
    z = np.array([-np.cos(pitch), -np.sin(pitch), 0.0])
    x = np.array([0.0, 0.0, -1.0])
    rotation = np.stack([x, np.cross(z, x), z])
    camera = (room - eye) @ rotation.T
    size = (1280, 720)
    focal = 640 / np.tan(np.radians(30))
    image = 0.5 + camera[..., :2] / camera[..., 2:] * focal / np.array(size)
    hip = camera[:, [MEDIAPIPE["left_hip"], MEDIAPIPE["right_hip"]]].mean(axis=1)
    ray = hip / np.linalg.norm(hip, axis=1, keepdims=True)
    side = np.cross([0.0, 1.0, 0.0], ray)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    turn = np.stack([side, np.cross(ray, side), ray], axis=1)
    world = np.einsum("tij,tkj->tki", turn, camera - hip[:, None])
    return LandmarkSequence(np.arange(n) / rate, world, image, np.ones((n, 33)), size), room


def _body(facing_deg):
    """(33, 3) one who stands upright with the arms hanging, turned to the left by an angle."""
    h = STATURE
    places = {
        "shoulder": (0, 0.818 * h, 0.129 * h),
        "elbow": (0, 0.632 * h, 0.14 * h),
        "wrist": (0.02, 0.486 * h, 0.15 * h),
        "foot": (0.18, 0.0, 0.05 * h),
        "pinky": (0.03, 0.44 * h, 0.15 * h),
        "index": (0.05, 0.43 * h, 0.15 * h),
        "thumb": (0.06, 0.45 * h, 0.14 * h),
        "hip": (0, 0.53 * h, 0.05 * h),
        "knee": (0, 0.285 * h, 0.05 * h),
        "ankle": (0, 0.039 * h, 0.05 * h),
        "heel": (-0.06, 0.0, 0.05 * h),
        "ear": (0.0, 0.925 * h, 0.045 * h),
        "eye": (0.09, 0.936 * h, 0.02 * h),
        "mouth": (0.1, 0.89 * h, 0.015 * h),
    }
    points = np.zeros((33, 3))
    for name, index in MEDIAPIPE.items():
        side = 1 if "right" in name else -1 if "left" in name else 0
        key = next((part for part in places if part in name), None)
        x, y, z = places[key] if key else (0.11, 0.92 * h, 0.0)
        points[index] = (x, y, side * z)
    turn = np.radians(facing_deg)
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    return points @ rotation.T
