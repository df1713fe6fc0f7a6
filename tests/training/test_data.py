from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gonio.options import RepairOptions
from gonio.training.augmentation import AugmentationOptions
from gonio.training.clips import ClipList
from gonio.training.data import ClipData, ClipRows, Pair, packed, rows_needed, stacked, thinned
from gonio.training.prepare import PreparedSequence, prepare_shard
from tests.capture.fakes import small_shard
from tests.training.clips import fake_clips


@pytest.fixture
def clips(tmp_path: Path) -> ClipList[PreparedSequence]:
    return fake_clips(tmp_path, tasks=12)


def rows_of(
    clips: ClipList[PreparedSequence], epoch: int = 0, seed: int = 0, plain: bool = False
) -> list[Pair]:
    augmentation = None if plain else AugmentationOptions()
    rows = ClipRows(clips.store, clips.clips["train"], 24, 0.1, augmentation, seed)
    rows.epoch = epoch
    return list(rows)


def clip_of(frames: int, seed: int = 0) -> PreparedSequence:
    return prepare_shard(small_shard(frames, seed), RepairOptions())


def test_a_clip_is_thinned_to_the_time_step() -> None:
    clip = clip_of(30)
    for phase in range(3):
        thin = thinned(clip, 0.1, phase)
        np.testing.assert_array_equal(thin.time, clip.time[phase::3])
        np.testing.assert_array_equal(thin.pose, clip.pose[phase::3])


def test_several_clips_share_a_row_and_are_told_apart() -> None:
    batch, target = packed([clip_of(5), clip_of(4, 1)], 12)
    assert batch.clip.tolist() == [0] * 5 + [1] * 4 + [-1] * 3
    assert target.weight.tolist() == [1.0] * 9 + [0.0] * 3
    assert not batch.there[9:].any()
    with pytest.raises(ValueError, match="do not fit"):
        packed([clip_of(13)], 12)


def test_rows_are_counted_as_they_are_packed(clips: ClipList[PreparedSequence]) -> None:
    lengths = [-(-frames // 3) for _, frames in clips.clips["train"]]
    for window in (10, 12, 24):
        rows = ClipRows(clips.store, clips.clips["train"], window, 0.1, None)
        assert rows_needed(lengths, window) == len(list(rows))
    assert rows_needed([20] * 10, 24) == 10  # a second clip of 20 frames does not fit
    assert rows_needed([12, 12, 24, 5], 24) == 3


def test_every_clip_is_taken_once_an_epoch(clips: ClipList[PreparedSequence]) -> None:
    batch, target = stacked(rows_of(clips, plain=True))
    assert int(target.weight.sum()) == 6 * 10
    assert int((batch.clip >= 0).sum()) == 6 * 10


def test_an_epoch_is_the_same_when_it_is_run_again(clips: ClipList[PreparedSequence]) -> None:
    once, again = stacked(rows_of(clips, epoch=3)), stacked(rows_of(clips, epoch=3))
    for a, b in zip([*once[0], *once[1]], [*again[0], *again[1]], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    other = stacked(rows_of(clips, epoch=4))
    assert other[0].landmarks.shape != once[0].landmarks.shape or not torch.equal(
        other[0].landmarks, once[0].landmarks
    )


def test_ranks_share_the_clips(clips: ClipList[PreparedSequence]) -> None:
    frames = 0
    for rank in range(2):
        rows = ClipRows(clips.store, clips.clips["train"], 24, 0.1, None, 0)
        rows.rank, rows.world = rank, 2
        frames += sum(int((batch.clip >= 0).sum()) for batch, _ in rows)
    assert frames == 6 * 10


def test_no_more_than_the_buffer_is_held(
    clips: ClipList[PreparedSequence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clips are read as rows are asked for, not all at the start."""
    monkeypatch.setattr("gonio.training.data.SHUFFLED_ROWS", 1)
    read: list[str] = []
    load = clips.store.load
    monkeypatch.setattr(
        type(clips.store), "load", lambda self, key: (read.append(key), load(key))[1]
    )
    rows = iter(ClipRows(clips.store, clips.clips["train"], 8, 0.1, AugmentationOptions(), 0))
    next(rows)
    assert len(read) < 6


def test_a_process_without_a_clip_gives_no_row(clips: ClipList[PreparedSequence]) -> None:
    train = clips.clips["train"][:4]
    rows = ClipRows(clips.store, train, 24, 0.1, AugmentationOptions())
    rows.rank, rows.world = 5, 8
    assert list(rows) == []


def test_workers_share_the_clips_of_their_process(clips: ClipList[PreparedSequence]) -> None:
    """Two workers of one process see each clip once, and no worker is left without one."""
    data = ClipData(clips, 24, 0.1, 1, AugmentationOptions(), seed=0, workers=2)
    rows = data.rows_of("validation", None)
    alone = sum(int((target.weight > 0).sum()) for _, target in rows)
    loader = data._loader(rows)
    assert loader.num_workers == min(2, len(clips.clips["validation"]))
    shared = sum(int((target.weight > 0).sum()) for _, target in loader)
    assert shared == alone
    few = ClipData(clips, 24, 0.1, 1, AugmentationOptions(), seed=0, workers=50)
    assert few._loader(rows).num_workers == len(clips.clips["validation"])


def test_a_long_clip_is_validated_to_its_end_and_trained_in_parts(tmp_path: Path) -> None:
    long = fake_clips(tmp_path, frames=90)  # 30 frames, 0.1 s apart
    some = long.clips["train"][:1]
    plain = list(ClipRows(long.store, some, 24, 0.1, None))
    assert [int((batch.clip >= 0).sum()) for batch, _ in plain] == [24, 6]
    ((batch, _),) = ClipRows(long.store, some, 24, 0.1, AugmentationOptions())
    assert int((batch.clip >= 0).sum()) == 24


def test_a_clip_shorter_than_a_step_gives_a_frame_at_every_phase(tmp_path: Path) -> None:
    short = fake_clips(tmp_path, frames=2)  # 0.07 s
    change = AugmentationOptions(world_errors=1.0)
    for epoch in range(8):
        rows = ClipRows(short.store, short.clips["train"], 24, 0.1, change)
        rows.epoch = epoch
        frames = sum(int((batch.clip >= 0).sum()) for batch, _ in rows)
        assert frames == len(short.clips["train"])


def test_inputs_are_normalised_by_clips_from_everywhere(
    clips: ClipList[PreparedSequence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first clips may all be of one source."""
    read: set[str] = set()
    load = clips.store.load
    monkeypatch.setattr(type(clips.store), "load", lambda self, key: (read.add(key), load(key))[1])
    train = [key for key, _ in clips.clips["train"]]
    for seed in range(6):
        ClipData(clips, 10, 0.1, 1, AugmentationOptions(), seed, workers=0).sample(1)
    assert len(read & set(train)) > 2
