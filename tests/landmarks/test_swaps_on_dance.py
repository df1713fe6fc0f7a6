"""Real dance of AIST++ in nine views: fast feet and crossing legs are no swaps.

The 2D points are those of a detector that does not smooth; one of the two sequences is breaking,
with poor points. The truth is the annotated 3D, projected.
"""

import json

import cv2
import numpy as np
import pytest

from gonio.capture.unpickle import read_pickle
from gonio.landmarks.swaps import find_swaps
from gonio.skeleton import COCO, MEDIAPIPE_LANDMARKS
from gonio.types import LandmarkSequence


def coco_of(landmark):
    """COCO's joint that stands in for a landmark of MediaPipe."""
    name = landmark.replace("_inner", "").replace("_outer", "")
    if name in COCO:
        return COCO[name]
    side = "left" if "left" in name else "right"
    part = "ear" if "mouth" in name else "ankle" if "heel" in name or "foot" in name else "wrist"
    return COCO[f"{side}_{part}"]


SOURCE = [coco_of(name) for name in MEDIAPIPE_LANDMARKS]


def views(folder):
    """(detected 2D, projected truth, image size) of all views of both sequences."""
    settings = dict(
        line.split()
        for line in (folder / "cameras" / "mapping.txt").read_text().splitlines()
        if line
    )
    for path in sorted((folder / "keypoints2d").glob("*.pkl")):
        detected = np.asarray(read_pickle(path)["keypoints2d"], float)[..., :2]
        truth = read_pickle(folder / "keypoints3d" / path.name)["keypoints3d_optim"]
        cameras = json.loads((folder / "cameras" / f"{settings[path.stem]}.json").read_text())
        for view, camera in zip(detected, cameras, strict=True):
            points, _ = cv2.projectPoints(
                np.asarray(truth, float).reshape(-1, 3),
                *(np.array(camera[key]) for key in ("rotation", "translation", "matrix")),
                np.array(camera["distortions"]),
            )
            frames = min(len(view), len(truth))
            yield view[:frames], points.reshape(-1, 17, 2)[:frames], camera["size"]


@pytest.fixture(scope="module")
def found(shared):
    results = []
    for detected, truth, size in views(shared / "aistpp" / "annotations"):
        n = len(detected)
        sequence = LandmarkSequence(
            np.arange(n) / 60,
            np.zeros((n, 33, 3)),
            detected[:, SOURCE] / np.array(size),
            np.ones((n, 33)),
            tuple(size),
        )
        results.append((find_swaps(sequence), detected, truth))
    return results


def test_hardly_a_frame_is_touched(found):
    assert len(found) == 18
    touched = sum(swaps.frames for swaps, _, _ in found)
    assert touched <= 10  # of 10,368


def test_what_is_exchanged_was_swapped(found):
    legs = [COCO[f"{side}_{part}"] for side in ("left", "right") for part in ("knee", "ankle")]
    other = legs[2:] + legs[:2]
    for swaps, detected, truth in found:
        sure = swaps.legs & ~swaps.legs_blended
        as_is = np.linalg.norm(detected[:, legs] - truth[:, legs], axis=2).mean(axis=1)
        exchanged = np.linalg.norm(detected[:, other] - truth[:, legs], axis=2).mean(axis=1)
        assert (exchanged < as_is)[sure].all()
