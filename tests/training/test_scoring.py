from dataclasses import replace

import numpy as np
import pytest

from gonio.frames import ray_from_camera, up_from_camera_angles
from gonio.landmarks.pose import mid_hip_rays
from gonio.landmarks.repair import repair_landmarks
from gonio.options import CameraOptions, RepairOptions
from gonio.skeleton import COCO, COCO_FROM_MEDIAPIPE, COCO_MIRROR, MEDIAPIPE, MEDIAPIPE_MIRROR
from gonio.training.error_tables import whole_table
from gonio.training.image_points import with_true_image
from gonio.training.recordings import BASELINES, KNOWN_GRAVITY, KNOWN_IMAGE
from gonio.training.scoring import (
    score_clip,
    score_clips,
    true_camera,
)
from tests.training.evaluation_fakes import FakeRefiner, clip

WHOLE = RepairOptions()


@pytest.fixture(scope="module")
def shards():
    return [clip(40, name="a"), clip(25, seed=1, name="b")]


def scored(shard, repair=WHOLE, **refiners):
    return score_clip("made", shard, refiners, repair)


def row(table, name):
    return table[table["row"] == name].iloc[0]


def test_rows_stand_in_order_the_networks_last(shards):
    refiners = {"one": FakeRefiner(shards), "two": FakeRefiner(shards, noise_m=0.03)}
    clips = score_clips({"made": shards}, refiners)
    assert [list(c.errors) for c in clips] == [[*BASELINES, "one", "two"]] * 2
    table = whole_table(clips)
    assert row(table, "one")["position_mean_cm"] < 1e-4
    assert row(table, "two")["depth_mean_cm"] == pytest.approx(
        3 * np.sqrt(2 / np.pi), rel=0.1
    )  # mean of the absolute value of normal errors
    assert np.isnan(row(table, "raw")["milliseconds_a_frame"])
    assert row(table, "one")["milliseconds_a_frame"] > 0


def test_sigma_of_the_true_size_covers_68_and_95_percent(shards):
    table = whole_table(
        score_clips({"made": shards}, {"sure": FakeRefiner(shards, noise_m=0.03, sigma_m=0.03)})
    )
    assert row(table, "sure")["within_1_sigma_percent"] == pytest.approx(68.3, abs=3)
    assert row(table, "sure")["depth_within_2_sigma_percent"] == pytest.approx(95.4, abs=2)
    assert np.isnan(row(table, "raw")["within_1_sigma_percent"])


def test_projected_clips_are_seen_as_they_are():
    slow = replace(clip(30, name="p"), source="projected", fps=10.0, time_s=np.arange(30) / 10.0)
    errors = scored(slow).errors
    for name in BASELINES[1:]:
        np.testing.assert_array_equal(errors[name].offset, errors["raw"].offset)


def test_networks_see_repaired_landmarks():
    shard = clip(30)
    world = shard.landmarks_world.copy()
    world[12] = np.nan
    broken = replace(shard, landmarks_world=world)
    seen = []

    class Listens(FakeRefiner):
        def refine(self, landmarks, camera=None):
            seen.append(landmarks)
            return super().refine(landmarks, camera)

    errors = scored(broken, net=Listens([shard])).errors
    assert np.isfinite(seen[0].world).all()  # the short gap is filled
    assert errors["raw"].missing.sum() == 1
    assert errors["repaired"].missing.sum() == 0
    scored(broken, RepairOptions(fill_gaps=False), net=Listens([shard]))
    assert np.isnan(seen[1].world[12]).all()  # unless the run leaves it


def test_one_row_is_told_how_the_camera_looks():
    shard = clip(30)
    told = {}

    class Listens(FakeRefiner):
        def __init__(self, name):
            super().__init__([shard])
            self.name = name

        def refine(self, landmarks, camera=None):
            told[self.name] = camera
            return super().refine(landmarks, camera)

    scored(shard, **{name: Listens(name) for name in ("net", KNOWN_GRAVITY)})
    assert told["net"] is None
    camera = told[KNOWN_GRAVITY]
    turns = ray_from_camera(mid_hip_rays(shard.landmark_sequence, camera))
    up = turns @ up_from_camera_angles(camera.pitch_deg, camera.roll_deg)
    np.testing.assert_allclose(up, shard.up, atol=0.01)
    unknown = replace(shard, up=np.full_like(shard.up, np.nan))
    assert true_camera(unknown) == CameraOptions()


def test_one_row_sees_where_the_true_joints_lie_on_the_image():
    shard = clip(30)
    wrist, thumb = MEDIAPIPE["left_wrist"], MEDIAPIPE["left_thumb"]
    image = shard.landmark_sequence.image.copy()
    image[:, [wrist, thumb]] += [0.1, 0.05]
    displaced = replace(shard.landmark_sequence, image=image)
    told = with_true_image(displaced, shard)
    points = told.points_2d[:, list(COCO_FROM_MEDIAPIPE)]
    points -= points[:, [COCO["left_hip"], COCO["right_hip"]]].mean(axis=1, keepdims=True)
    distance = np.linalg.norm(shard.camera_relative, axis=1, keepdims=True)[..., None]
    true = shard.ground_truth[..., :2] / (1 + shard.ground_truth[..., 2:] / distance)
    ratio = (points * true).sum(axis=(1, 2)) / (true**2).sum(axis=(1, 2))
    np.testing.assert_allclose(points, true * ratio[:, None, None], atol=0.02)
    moved = told.image - displaced.image
    np.testing.assert_allclose(moved[:, thumb], moved[:, wrist])
    assert np.linalg.norm(moved[:, wrist], axis=1).min() > 0.05
    np.testing.assert_array_equal(told.world, displaced.world)
    truth = shard.ground_truth.copy()
    truth[:, COCO["left_wrist"]] = np.nan
    unknown = with_true_image(displaced, replace(shard, ground_truth=truth))
    np.testing.assert_array_equal(unknown.image[:, wrist], displaced.image[:, wrist])
    seen = {}

    class Listens(FakeRefiner):
        def refine(self, landmarks, camera=None):
            seen[camera is None] = landmarks
            return super().refine(landmarks, camera)

    scored(shard, **{KNOWN_IMAGE: Listens([shard])})
    repaired = repair_landmarks(shard.landmark_sequence, WHOLE).sequence
    np.testing.assert_array_equal(seen[True].image, with_true_image(repaired, shard).image)


def test_exchanged_sides_are_counted_in_raw():
    shard = clip(30)
    world, corrupted = shard.landmarks_world.copy(), shard.corrupted.copy()
    world[10:16] = world[10:16][:, list(MEDIAPIPE_MIRROR)]
    corrupted[10:16] = corrupted[10:16][:, list(COCO_MIRROR)]
    swapped = replace(shard, landmarks_world=world, corrupted=corrupted)
    assert scored(swapped).errors["raw"].swapped.sum() == 6


def test_rows_are_compared_over_the_same_samples():
    """What repair fills in is measured in no row; each says what it lacks itself."""
    shard = clip(30)
    world = shard.landmarks_world.copy()
    world[12] = np.nan
    broken = replace(shard, landmarks_world=world)
    errors = scored(broken, net=FakeRefiner([shard])).errors
    for of_row in errors.values():
        assert np.flatnonzero(np.isnan(of_row.depth).all(axis=1)).tolist() == [12]
    assert [int(errors[name].missing.sum()) for name in ("raw", "net")] == [1, 0]
