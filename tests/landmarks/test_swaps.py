from dataclasses import replace

import numpy as np
import pytest

from gonio.capture.demo import (
    DEMO_CAMERAS,
    coco_truth_world,
    demo_folder,
    demo_shard,
    read_qualisys_calibration,
)
from gonio.landmarks.repair import repair_landmarks
from gonio.landmarks.swaps import find_swaps, undo_swaps
from gonio.options import RepairOptions
from gonio.skeleton import COCO_FROM_MEDIAPIPE, MEDIAPIPE, MEDIAPIPE_MIRROR
from gonio.training.metrics import clip_scale, swapped_frames
from gonio.trc import read_trc
from gonio.types import LandmarkSequence


def walking(n=180, rate=30.0, view_deg=20.0, cadence_hz=0.9):
    """A walker seen from `view_deg` off the front: legs and arms swing in opposite phase."""
    time = np.arange(n) / rate
    points = np.zeros((n, 33, 3))
    heights = {"shoulder": 1.4, "elbow": 1.1, "wrist": 0.9, "hip": 0.95, "knee": 0.5}
    heights |= {"ankle": 0.1, "heel": 0.03, "foot_index": 0.02}
    swing = {"elbow": 0.1, "wrist": 0.3, "knee": 0.2, "ankle": 0.35, "heel": 0.35}
    swing |= {"foot_index": 0.35}
    phase = np.sin(2 * np.pi * cadence_hz * time)
    for name, index in MEDIAPIPE.items():
        side = 1 if name.startswith("right") else -1 if name.startswith("left") else 0
        part = name.split("_", 1)[-1]
        part = "wrist" if part in ("pinky", "index", "thumb") else part
        arm = -1 if part in ("elbow", "wrist") else 1
        points[:, index, 0] = side * (0.2 if part in ("shoulder", "elbow", "wrist") else 0.1)
        points[:, index, 1] = heights.get(part, 1.6)
        points[:, index, 2] = arm * side * swing.get(part, 0.0) * phase
    turn = np.radians(view_deg)
    across = points[..., 0] * np.cos(turn) + points[..., 2] * np.sin(turn)
    depth = -points[..., 0] * np.sin(turn) + points[..., 2] * np.cos(turn)
    image = np.stack([0.5 - across / 3, 1 - points[..., 1] / 2], axis=2)
    world = np.stack([-across, 0.95 - points[..., 1], depth], axis=2)
    return LandmarkSequence(time, world, image, np.ones((n, 33)), (900, 600))


def swap(sequence, mask):
    mirror = list(MEDIAPIPE_MIRROR)

    def exchanged(values):
        out = values.copy()
        out[mask] = out[mask][:, mirror]
        return out

    return LandmarkSequence(
        sequence.time_s,
        exchanged(sequence.world),
        exchanged(sequence.image),
        sequence.visibility,
        sequence.image_size,
    )


@pytest.mark.parametrize("view", [0, 20, 45, 70, 90])
@pytest.mark.parametrize("rate", [25, 30, 60, 120])
def test_walking_has_no_swaps_from_any_side(view, rate):
    swaps = find_swaps(walking(n=6 * rate, rate=rate, view_deg=view))
    assert swaps.frames == 0


def test_running_legs_that_cross_fast_are_no_swaps():
    assert find_swaps(walking(n=180, rate=30, view_deg=90, cadence_hz=1.6)).frames == 0


@pytest.mark.parametrize("start", [20, 75])
@pytest.mark.parametrize("length", [1, 8, 60])
def test_a_swapped_stretch_is_found_and_put_right(start, length):
    true = walking()
    mask = np.zeros(len(true), bool)
    mask[start : start + length] = True
    seen = swap(true, mask)
    swaps = find_swaps(seen)
    repaired = undo_swaps(seen, swaps)
    kept = np.isfinite(repaired.image).all(axis=2)
    np.testing.assert_allclose(repaired.image[kept], true.image[kept])
    assert (swaps.legs == mask).mean() > 0.97
    assert kept.mean() > 0.9


def test_only_the_legs():
    true = walking()
    mask = np.zeros(len(true), bool)
    mask[40:70] = True
    seen = swap(true, mask)
    arms = [i for name, i in MEDIAPIPE.items() if i < MEDIAPIPE["left_hip"]]
    image = seen.image.copy()
    image[:, arms] = true.image[:, arms]
    mixed = LandmarkSequence(seen.time_s, seen.world, image, seen.visibility, seen.image_size)
    swaps = find_swaps(mixed)
    assert (swaps.legs == mask).mean() > 0.97
    assert not swaps.arms.any()


def test_a_gap_does_not_stop_it():
    true = walking()
    mask = np.zeros(len(true), bool)
    mask[100:120] = True
    seen = swap(true, mask)
    world, image = seen.world.copy(), seen.image.copy()
    world[[50, 51, 110]], image[[50, 51, 110]] = np.nan, np.nan
    seen = LandmarkSequence(seen.time_s, world, image, seen.visibility, seen.image_size)
    swaps = find_swaps(seen)
    mask[110] = False
    assert (swaps.arms == mask).mean() > 0.97


def without(sequence, frames, landmarks):
    world, image = sequence.world.copy(), sequence.image.copy()
    for values in (world, image):
        values[frames, landmarks] = np.nan
    return replace(sequence, world=world, image=image)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["nose", "right_wrist", "left_knee"])
@pytest.mark.parametrize("frames", [70, 30, slice(28, 34), slice(None)])
def test_a_missing_landmark_does_not_stop_it(name, frames):
    mask = (np.arange(90) >= 30) & (np.arange(90) < 60)
    seen = swap(walking(90), mask)
    found, whole = find_swaps(without(seen, frames, MEDIAPIPE[name])), find_swaps(seen)
    assert whole.frames == found.frames == 30
    assert (found.legs == mask).all()
    assert (found.arms == mask).all()


@pytest.mark.filterwarnings("error")
def test_frames_without_image_points_are_passed_over():
    mask = (np.arange(90) >= 30) & (np.arange(90) < 60)
    seen = swap(walking(90), mask)
    image = seen.image.copy()
    image[[10, 30, 80]] = np.nan
    mask[30] = False
    assert (find_swaps(replace(seen, image=image)).legs == mask).all()
    assert find_swaps(replace(seen, image=np.full_like(image, np.nan))).frames == 0


@pytest.mark.filterwarnings("error")
def test_a_body_without_size_has_no_sides():
    seen = walking(30)
    assert find_swaps(replace(seen, image=np.full_like(seen.image, 0.5))).frames == 0


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_short_sequences_pass(frames):
    sequence = walking(n=max(frames, 1))
    if frames == 0:
        blank = np.full_like(sequence.world, np.nan)
        sequence = LandmarkSequence(
            sequence.time_s, blank, blank[..., :2], sequence.visibility, sequence.image_size
        )
    assert find_swaps(sequence).frames == 0


@pytest.mark.parametrize("camera", DEMO_CAMERAS)
def test_the_demo_after_repair(shared, demo_landmarks, camera):
    """cam02 has 28 swapped frames before repair; no camera may have more than 3 after it."""
    cameras = read_qualisys_calibration(demo_folder() / "calibration" / "Calib.qca.txt")
    detected = demo_landmarks(camera)
    trial = read_trc(shared / "balancing_trial" / "balancing.trc")
    joints = coco_truth_world(trial, detected.time_s)
    truth = demo_shard(detected, joints, cameras[camera], "mediapipe full VIDEO").ground_truth

    def count(sequence):
        pose = sequence.world[:, list(COCO_FROM_MEDIAPIPE)]
        return int(swapped_frames(pose * clip_scale(pose, truth), truth).sum())

    repaired = repair_landmarks(detected, RepairOptions()).sequence
    assert count(detected) == pytest.approx(28 if camera == "cam02" else 0, abs=4)
    assert count(repaired) <= (3 if camera == "cam02" else 0)
    assert np.isfinite(repaired.world).all()
