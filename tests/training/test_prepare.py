from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from gonio.capture.reference_body import REFERENCE_BONES_M, reference_scale
from gonio.errors import InputError
from gonio.landmarks.repair import repair_landmarks
from gonio.options import RepairOptions
from gonio.skeleton import COCO_FROM_MEDIAPIPE
from gonio.training.prepare import PreparedStore, clip_list, prepare, prepare_shard
from tests.capture.fakes import small_shard
from tests.training.clips import fake_clips, fake_shards


def test_inputs_are_repaired_as_in_use() -> None:
    shard = small_shard(30)
    clip = prepare_shard(shard, RepairOptions())
    repaired = repair_landmarks(shard.landmark_sequence, RepairOptions()).sequence
    hips = repaired.world[:, [23, 24]].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(clip.landmarks[..., :3], repaired.world - hips, atol=1e-5)
    raw = prepare_shard(shard, RepairOptions(filter=False, swaps=False, fill_gaps=False))
    coco = list(COCO_FROM_MEDIAPIPE)
    np.testing.assert_allclose(raw.landmarks[:, coco, :3], shard.corrupted, atol=1e-5)


def test_the_truth_is_scaled_to_the_reference_body() -> None:
    shard = small_shard(10)
    clip = prepare_shard(shard, RepairOptions())
    assert reference_scale(clip.pose) == pytest.approx(1.0, abs=1e-4)
    scale = reference_scale(shard.ground_truth)
    np.testing.assert_allclose(clip.pose, shard.ground_truth * scale, atol=1e-5)
    distance = np.linalg.norm(shard.camera_relative, axis=1) * scale
    np.testing.assert_allclose(np.linalg.norm(clip.camera, axis=1), distance, rtol=1e-4)
    assert REFERENCE_BONES_M > 3


def test_the_camera_lies_where_azimuth_and_elevation_say() -> None:
    shard = small_shard(10)
    forward, up, right = prepare_shard(shard, RepairOptions()).camera.T
    azimuth = np.degrees(np.arctan2(right, forward)) % 360
    np.testing.assert_allclose(azimuth, shard.azimuth, atol=1e-2)
    level = np.hypot(forward, right)
    np.testing.assert_allclose(np.degrees(np.arctan2(up, level)), shard.elevation, atol=1e-2)


def test_a_clip_is_prepared_once(tmp_path: Path) -> None:
    manifest = fake_shards(tmp_path / "shards").manifest()
    store = PreparedStore(tmp_path / "prepared")
    first = list(prepare(manifest, store, RepairOptions()))
    assert len(first) == 8
    store.save(first[0])
    assert len(list(prepare(manifest, store, RepairOptions()))) == 7
    assert len(list(prepare(manifest, store, RepairOptions(cutoff_hz=5.0)))) == 8
    loaded = store.load(first[0].key)
    np.testing.assert_array_equal(loaded.landmarks, first[0].sequence.landmarks)
    np.testing.assert_array_equal(loaded.there, first[0].sequence.there)


def test_splits_are_kept_apart(tmp_path: Path) -> None:
    clips = fake_clips(tmp_path)
    assert [len(clips.clips[s]) for s in ("train", "validation", "test")] == [4, 2, 2]
    keys = [key for split in clips.clips.values() for key, _ in split]
    assert len(set(keys)) == 8
    assert clips.described["pairs"]["train"] == 120


def test_a_source_may_be_taken_more_often_in_training_only(tmp_path: Path) -> None:
    manifest = fake_shards(tmp_path).manifest()
    repeated = clip_list(manifest, PreparedStore(tmp_path), RepairOptions(), {"fake": 3})
    assert [len(repeated.clips[s]) for s in ("train", "validation", "test")] == [12, 2, 2]
    assert repeated.described["pairs"]["train"] == 120


def test_a_damaged_clip_and_an_empty_split_are_named(tmp_path: Path) -> None:
    clips = fake_clips(tmp_path)
    key, _ = clips.clips["train"][0]
    whole = clips.store.path(key).read_bytes()
    for torn in (b"torn", b"", whole[: len(whole) // 2]):
        clips.store.path(key).write_bytes(torn)
        with pytest.raises(InputError, match=rf"{key}.*damaged"):
            clips.store.load(key)
    table = np.load(io.BytesIO(whole))
    for odd in (table[:0], table[:, :-1], table[0], table.astype(str), table * np.nan):
        np.save(clips.store.path(key), odd)
        with pytest.raises(InputError, match=rf"{key}.*damaged: it holds .* finite numbers"):
            clips.store.load(key)
    manifest = fake_shards(tmp_path / "few", tasks=2).manifest()
    with pytest.raises(InputError, match="no shards of the split validation"):
        clip_list(manifest, clips.store, RepairOptions())
