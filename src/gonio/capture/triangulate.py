"""3D joints from several calibrated cameras, for recordings that come without truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gonio.capture.cameras import PlacedCamera
from gonio.capture.demo import DEMO_CAMERAS, coco_truth_world
from gonio.landmarks.repair import repair_landmarks
from gonio.skeleton import COCO_FROM_MEDIAPIPE, COCO_JOINTS
from gonio.types import FloatArray, LandmarkSequence, MarkerTrajectories


@dataclass(frozen=True)
class DemoTruth:
    """True joints of the demo.

    Attributes:
        joints: (T, 17, 3) metres, world axes with Z up, of every frame of the videos; NaN where
            unknown.
        source: where they come from, in words.
    """

    joints: FloatArray
    source: str


NO_DEMO = DemoTruth(np.empty((0, len(COCO_JOINTS), 3)), "not asked for")


def demo_truth_of(
    trial: MarkerTrajectories | None,
    cameras: dict[str, PlacedCamera],
    landmarks: dict[str, LandmarkSequence],
) -> DemoTruth:
    """The demo's truth.

    Without a reference trial the joints are triangulated from the four views' own repaired 2D,
    which agrees with the reference to 3 to 6 cm and flatters the image plane.

    Args:
        trial: the reference trial, None where it is absent.
        cameras: the four cameras.
        landmarks: MediaPipe's landmarks in each of them, T frames.
    """
    if trial is not None:
        time_s = landmarks[DEMO_CAMERAS[0]].time_s
        return DemoTruth(coco_truth_world(trial, time_s), "reference trial")
    repaired = [repair_landmarks(landmarks[name]).sequence for name in DEMO_CAMERAS]
    columns = list(COCO_FROM_MEDIAPIPE)
    points = np.stack([s.image[:, columns] * np.array(s.image_size) for s in repaired])
    weight = np.stack([s.visibility[:, columns] for s in repaired])
    joints = triangulate([cameras[name] for name in DEMO_CAMERAS], points, np.nan_to_num(weight))
    return DemoTruth(joints, "triangulation of its own four views")


def triangulate(
    cameras: list[PlacedCamera], image_px: FloatArray, weight: FloatArray
) -> FloatArray:
    """Linear triangulation weighted by visibility (Hartley and Zisserman 2004, section 12.2).

    Args:
        cameras: C cameras.
        image_px: (C, T, J, 2) image points, pixels; NaN where not seen.
        weight: (C, T, J) at least 0.

    Returns:
        (T, J, 3) metres, world axes; NaN where fewer than two cameras see a point.
    """
    rows = []
    for camera, points, w in zip(cameras, image_px, weight, strict=True):
        projection = camera.inside.matrix @ np.column_stack(
            [camera.placement.rotation, camera.placement.translation]
        )
        projection = projection / np.linalg.norm(projection[2, :3])
        seen = np.isfinite(points).all(axis=2) & (w > 0)
        at = np.where(seen[..., None], points, 0.0)
        strength = np.where(seen, w, 0.0)[..., None, None] / 1000
        rows.append(strength * (at[..., None] * projection[2] - projection[:2]))
    equations = np.concatenate(rows, axis=2)  # (T, J, 2 C, 4)
    _, _, vt = np.linalg.svd(equations)
    point = vt[..., -1, :]
    views = (np.abs(equations).sum(axis=3) > 0).sum(axis=2)
    return np.where((views >= 4)[..., None], point[..., :3] / point[..., 3:], np.nan)
