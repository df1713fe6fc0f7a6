from dataclasses import replace

import numpy as np
import pytest

from gonio.capture.pairs import Truth, build_shard
from gonio.capture.shards import ShardLabels
from gonio.frames import ray_from_camera, up_from_camera_angles
from gonio.landmarks.pose import mid_hip_rays
from gonio.options import CameraOptions, RepairOptions
from gonio.skeleton import COCO_MIRROR, MEDIAPIPE_MIRROR
from gonio.training.error_tables import whole_table
from gonio.training.recordings import BASELINES, KNOWN_GRAVITY, EvaluationOptions
from gonio.training.scoring import (
    REPAIR,
    at_times,
    evaluation_record,
    pose_with_viewpoint,
    score_clip,
    score_clips,
    true_camera,
)
from tests.capture.fakes import CAMERA, seen_by_mediapipe, standing
from tests.training.evaluation_fakes import FakeRefiner, clip, true_pose


@pytest.fixture(scope="module")
def shards():
    return [clip(40, name="a"), clip(25, seed=1, name="b")]


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


def test_a_filter_alone_undoes_no_swap_and_repair_does():
    assert REPAIR["raw"] is None
    assert REPAIR["raw + filter + scale"] == RepairOptions(swaps=False, fill_gaps=False)
    assert REPAIR["repaired"] == RepairOptions()


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

    scored = score_clip("made", broken, {"net": Listens([shard])})
    assert np.isfinite(seen[0].world).all()  # the short gap is filled
    assert scored.errors["raw"].missing.sum() == 1
    assert scored.errors["repaired"].missing.sum() == 0


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

    score_clip("made", shard, {name: Listens(name) for name in ("net", KNOWN_GRAVITY)})
    assert told["net"] is None
    camera = told[KNOWN_GRAVITY]
    turns = ray_from_camera(mid_hip_rays(shard.landmark_sequence, camera))
    up = turns @ up_from_camera_angles(camera.pitch_deg, camera.roll_deg)
    np.testing.assert_allclose(up, shard.up, atol=0.01)
    unknown = replace(shard, up=np.full_like(shard.up, np.nan))
    assert true_camera(unknown) == CameraOptions()


def test_exchanged_sides_are_counted_in_raw():
    shard = clip(30)
    world, corrupted = shard.landmarks_world.copy(), shard.corrupted.copy()
    world[10:16] = world[10:16][:, list(MEDIAPIPE_MIRROR)]
    corrupted[10:16] = corrupted[10:16][:, list(COCO_MIRROR)]
    swapped = replace(shard, landmarks_world=world, corrupted=corrupted)
    assert score_clip("made", swapped, {}).errors["raw"].swapped.sum() == 6


@pytest.mark.parametrize(("right_turn_deg", "azimuth"), [(0, 0), (90, 270), (180, 180), (-90, 90)])
def test_the_viewpoint_of_a_known_camera(right_turn_deg, azimuth):
    """A level camera; who faces it has azimuth 0, who turns right shows the left side."""
    turn = np.radians(right_turn_deg)
    facing = np.array([-np.sin(turn), 0, -np.cos(turn)])  # camera axes: z away from the camera
    right = np.array([-np.cos(turn), 0, np.sin(turn)])
    body = standing() @ np.stack([right, [0, -1, 0], facing]) + [0, 0, 4]
    truth = Truth(np.repeat(body[None], 5, axis=0), np.array([0.0, -1, 0]), CAMERA)
    seen = seen_by_mediapipe(truth, noise_m=0)
    labels = ShardLabels("fake", "s", "c", "p", 30.0, "d")
    shard = build_shard(seen, truth, labels)
    pose = pose_with_viewpoint(shard.landmark_sequence)
    np.testing.assert_allclose((shard.azimuth - azimuth + 180) % 360, 180, atol=1e-3)
    np.testing.assert_allclose((pose.azimuth_deg - azimuth + 180) % 360, 180, atol=1e-3)
    np.testing.assert_allclose(pose.elevation_deg, shard.elevation, atol=0.2)
    np.testing.assert_allclose(pose.up, shard.up, atol=0.01)


def test_a_pose_at_another_rate_comes_back_to_the_times_of_the_truth():
    shard = clip(21)
    pose = true_pose(shard)
    half = type(pose)(
        pose.positions[::2],
        pose.sigma[::2],
        pose.up[::2],
        pose.azimuth_deg[::2],
        pose.elevation_deg[::2],
    )
    back = at_times(half, shard.time_s[::2], shard.time_s)
    assert len(back) == 21
    np.testing.assert_allclose(back.positions[::2], pose.positions[::2], atol=1e-9)
    np.testing.assert_allclose(back.positions, pose.positions, atol=0.01)
    assert at_times(pose, shard.time_s, shard.time_s) is pose


def test_the_record_says_what_is_not_there(shards):
    refiners = {"net": FakeRefiner(shards)}
    record = evaluation_record(
        {"demo": shards, "made_test": shards[:1]},
        refiners,
        EvaluationOptions(),
        "triangulation of its own four views",
    )
    assert len(record["notes"]) == 2
    assert "without a checkpoint" in record["notes"][0]
    assert record["recordings"]["demo"]["frames_with_truth"] == 65
    assert record["recordings"]["demo"]["truth"].startswith("triangulation")
    assert "truth" not in record["recordings"]["made_test"]
    assert record["networks"]["net"]["config"] == {"d": 1}
    quiet = evaluation_record(
        {"demo": shards}, {"shipped": refiners["net"]}, EvaluationOptions(), "reference trial"
    )
    assert quiet["notes"] == []
