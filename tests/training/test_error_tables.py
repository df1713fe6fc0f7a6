from dataclasses import replace

import numpy as np
import pytest

from gonio.skeleton import COCO, MEDIAPIPE
from gonio.training import error_tables
from gonio.training.error_tables import ScoredClip
from gonio.training.frame_errors import frame_errors
from gonio.training.image_points import image_error_cm, image_errors, with_true_image
from tests.training.evaluation_fakes import clip, true_pose


def scored(shard, offsets, recording="made"):
    """Rows that are wrong in depth by so many metres at one wrist and the other alike."""
    errors, poses = {}, {}
    for row, offset in offsets.items():
        pose = true_pose(shard, sigma_m=0.1)
        positions = pose.positions.copy()
        positions[:, COCO["left_wrist"], 2] += offset
        positions[:, COCO["right_wrist"], 2] -= offset
        errors[row] = frame_errors(replace(pose, positions=positions), shard, seconds=0.04)
        poses[row] = positions
    return ScoredClip(recording, shard, errors, poses)


@pytest.fixture
def clips():
    return [
        scored(clip(10, name="a", camera="left"), {"raw": 0.2, "better": 0.1}),
        scored(clip(30, seed=1, name="b", camera="right"), {"raw": 0.4, "better": 0.1}),
    ]


def line(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_a_mean_over_clips_weights_their_frames(clips):
    table = error_tables.whole_table(clips)
    raw = line(table, row="raw")
    wrists = (10 * 0.2 + 30 * 0.4) / 40
    assert raw["depth_mean_cm"] == pytest.approx(100 * wrists * 2 / 17, rel=0.05)
    assert (raw["clips"], raw["frames"]) == (2, 40)
    assert raw["milliseconds_a_frame"] == pytest.approx((10 * 4 + 30 * 40 / 30) / 40)


def test_the_change_against_raw_is_in_percent(clips):
    table = error_tables.whole_table(clips)
    better, raw = line(table, row="better"), line(table, row="raw")
    expected = 100 * (better["depth_mean_cm"] / raw["depth_mean_cm"] - 1)
    assert better["depth_vs_raw_percent"] == pytest.approx(expected)
    assert -75 < better["depth_vs_raw_percent"] < -65
    assert raw["depth_vs_raw_percent"] == raw["aligned_vs_raw_percent"] == 0
    columns = list(table.columns)
    assert columns.index("depth_vs_raw_percent") == columns.index("depth_mean_cm") + 1


def test_sigma_is_counted_by_coordinate(clips):
    row = line(error_tables.whole_table(clips), row="raw")
    assert row["depth_within_1_sigma_percent"] == pytest.approx(100 * 15 / 17, abs=0.1)
    assert row["within_1_sigma_percent"] == pytest.approx(100 * 49 / 51, abs=0.1)
    assert row["sigma_mean_cm"] == pytest.approx(10, rel=0.05)


def test_each_camera_is_compared_with_its_own_raw(clips):
    table = error_tables.grouped_table(clips, "camera", error_tables.by_camera)
    assert list(table["camera"]) == ["left", "left", "right", "right"]
    assert line(table, camera="left", row="better")["depth_vs_raw_percent"] == pytest.approx(
        -50, abs=2
    )
    assert line(table, camera="right", row="better")["depth_vs_raw_percent"] == pytest.approx(
        -75, abs=2
    )


def test_each_joint_says_its_own_error_and_those_without_truth_are_left_out():
    shard = clip(12)
    truth = shard.ground_truth.copy()
    truth[:, COCO["left_eye"]] = np.nan
    table = error_tables.joint_table([scored(replace(shard, ground_truth=truth), {"raw": 0.2})])
    assert "left_eye" not in set(table["joint"])
    assert list(table["joint"])[:2] == ["nose", "right_eye"]  # COCO's order
    left, right = (line(table, joint=f"{side}_wrist") for side in ("left", "right"))
    assert left["depth_mean_cm"] == pytest.approx(20, rel=0.05)
    assert left["depth_bias_cm"] == pytest.approx(20, rel=0.05)
    assert right["depth_bias_cm"] == pytest.approx(-20, rel=0.05)


def test_azimuth_bins_are_centred_and_go_around():
    azimuth = np.array([0, 22, 23, 350, 338, 337, 180, np.nan])
    shard = clip(8, azimuth=azimuth.astype(np.float32))
    found = error_tables.by_azimuth(scored(shard, {"raw": 0.1}))
    assert list(found) == [0, 0, 45, 0, 0, 315, 180, None]
    table = error_tables.grouped_table(
        [scored(shard, {"raw": 0.1})], "azimuth_deg", error_tables.by_azimuth
    )
    assert dict(zip(table["azimuth_deg"], table["frames"], strict=True)) == {
        0: 4,
        45: 1,
        180: 1,
        315: 1,
    }


def test_elevation_bins_are_called_by_their_lower_edge():
    elevation = np.array([-1, 0, 14.9, 15, -15, -16], dtype=np.float32)
    shard = clip(6, elevation=elevation)
    found = error_tables.by_elevation(scored(shard, {"raw": 0.1}))
    assert list(found) == [-15, 0, 0, 15, -15, -30]


def test_clips_are_grouped_by_how_far_their_image_points_are_off():
    shard = clip(20)
    seen = with_true_image(shard.landmark_sequence, shard)
    exact = replace(shard, landmarks_2d=seen.points_2d)
    assert image_error_cm(exact) == pytest.approx(0, abs=0.1)
    assert set(error_tables.by_image_error(scored(exact, {"raw": 0.1}))) == {0}
    points, (_, size) = seen.points_2d, image_errors(seen, exact)
    arms = [
        MEDIAPIPE[f"{side}_{part}"] for side in ("left", "right") for part in ("elbow", "wrist")
    ]
    points[:, arms, 0] += 0.3 * size[:, None]  # 30 cm in four joints of seventeen
    off = replace(exact, landmarks_2d=points)
    assert image_error_cm(off) == pytest.approx(30 * 4 / 17, rel=0.15)
    assert set(error_tables.by_image_error(scored(off, {"raw": 0.1}))) == {6}
    for points in (np.nan, 0.2):  # nobody is seen, or nothing but one point
        unseen = replace(exact, landmarks_2d=np.full_like(exact.landmarks_2d, points))
        assert set(error_tables.by_image_error(scored(unseen, {"raw": 0.1}))) == {None}


def test_clips_are_grouped_by_who_moved():
    shards = [
        clip(5, subject=name)
        for name in ("cmu02+body000017", "cmu02+body000018", "made7100038+body000003", "d03")
    ]
    assert [error_tables.performer_of(shard) for shard in shards] == [
        "cmu02",
        "cmu02",
        "made",
        "d03",
    ]
    table = error_tables.grouped_table(
        [scored(shard, {"raw": 0.1}) for shard in shards], "performer", error_tables.by_performer
    )
    assert dict(zip(table["performer"], table["clips"], strict=True)) == {
        "cmu02": 2,
        "d03": 1,
        "made": 1,
    }


def test_an_interval_says_how_much_the_choice_of_clips_matters():
    alike = [scored(clip(5, name=f"s{k}"), {"raw": 0.1, "better": 0.05}) for k in range(12)]
    table = error_tables.whole_table(alike)
    low, high = "depth_vs_raw_low_percent", "depth_vs_raw_high_percent"
    assert line(table, row="better")[low] == pytest.approx(-50, abs=1)
    assert line(table, row="better")[high] == pytest.approx(-50, abs=1)
    apart = [
        scored(clip(5, name=f"s{k}"), {"raw": 0.1, "better": 0.02 if k % 2 else 0.08})
        for k in range(12)
    ]
    table = error_tables.whole_table(apart)
    share = line(table, row="better")["depth_vs_raw_percent"]
    assert line(table, row="better")[low] < share - 8
    assert line(table, row="better")[high] > share + 8
    assert line(table, row="raw")[low] == line(table, row="raw")[high] == 0
    few = error_tables.whole_table(apart[:9])
    assert few[[low, high]].isna().all(axis=None)


def test_recordings_stay_apart(clips):
    other = scored(clip(5, detector="mediapipe heavy VIDEO"), {"raw": 0.1, "better": 0.2}, "zoo")
    table = error_tables.whole_table([other, *clips])
    assert list(table["recording"]) == ["zoo", "zoo", "made", "made"]
    assert line(table, recording="zoo", row="better")["depth_vs_raw_percent"] > 80
    detectors = error_tables.grouped_table([other, *clips], "detector", error_tables.by_detector)
    assert set(detectors["detector"]) == {"mediapipe heavy VIDEO", "mediapipe full VIDEO"}
