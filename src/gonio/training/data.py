"""Prepared clips as batches: streamed, shuffled, augmented, the same for the same seed and epoch.

Clips of different rates and lengths are thinned to the network's time step and packed into rows of
one length, several short clips to a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from gonio.models.depth_refiner import Batch
from gonio.signals import stride_of
from gonio.training.augmentation import AugmentationOptions, augmented
from gonio.training.prepare import ClipList, PreparedSequence, PreparedStore
from gonio.training.targets import Target

Pair = tuple[Batch, Target]
_SHORTEST_PART = 4
SHUFFLED_ROWS = 256
"""Rows that are held to be mixed: what bounds the memory of training."""


def thinned(clip: PreparedSequence, step_s: float, phase: int) -> PreparedSequence:
    """Every k-th frame of a clip from `phase` on, k frames being nearest to `step_s`."""
    stride = stride_of(clip.rate_hz, step_s)
    return _rows(clip, slice(phase % stride, None, stride))


def _rows(clip: PreparedSequence, rows: slice) -> PreparedSequence:
    return replace(clip, **{f.name: getattr(clip, f.name)[rows] for f in fields(clip)})


def packed(parts: Sequence[PreparedSequence], window: int) -> Pair:
    """One row (T = window) of several clips after each other, padded at its end.

    Raises:
        ValueError: they do not fit.
    """
    joined = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])
        for f in fields(PreparedSequence)
    }
    spare = window - len(joined["time"])
    if spare < 0:
        raise ValueError(f"{len(joined['time'])} frames do not fit into a window of {window}")
    clip = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    tensors = {
        name: torch.from_numpy(np.pad(values, [(0, spare), *[(0, 0)] * (values.ndim - 1)]))
        for name, values in joined.items()
    }
    tensors["clip"] = torch.from_numpy(np.pad(clip, (0, spare), constant_values=-1))
    batch = Batch(**{name: tensors[name] for name in Batch._fields})
    return batch, Target(**{name: tensors[name] for name in Target._fields})


def stacked(pairs: Sequence[Pair]) -> Pair:
    """Rows as one batch."""
    batches, targets = zip(*pairs, strict=True)
    return (
        Batch(*(torch.stack(values) for values in zip(*batches, strict=True))),
        Target(*(torch.stack(values) for values in zip(*targets, strict=True))),
    )


class ClipRows(IterableDataset[Pair]):
    """Rows of packed clips.

    Every clip is taken once an epoch, at one of its phases. Which, in which order and how it is
    changed depends on seed and epoch alone, so that a run that goes on after a kill sees what it
    would have seen. Where several processes share the clips, each begins again at its end, so that
    all can give the same number of batches.

    Args:
        store: of the prepared clips.
        clips: (key, frames).
        window: frames a row.
        step_s: time step, seconds.
        augmentation: None for clips as they are, in their order, phase 0.
        seed: of the training.
    """

    def __init__(
        self,
        store: PreparedStore,
        clips: Sequence[tuple[str, int]],
        window: int,
        step_s: float,
        augmentation: AugmentationOptions | None = None,
        seed: int = 0,
    ) -> None:
        self.store, self.clips = store, list(clips)
        self.window, self.step_s = window, step_s
        self.augmentation, self.seed = augmentation, seed
        self.epoch, self.rank, self.world = 0, 0, 1

    def __iter__(self) -> Iterator[Pair]:
        """The rows of this process and worker."""
        worker = get_worker_info()
        share = self.rank * (worker.num_workers if worker else 1) + (worker.id if worker else 0)
        shares = self.world * (worker.num_workers if worker else 1)
        rng = np.random.default_rng([self.seed, self.epoch, 0xDA7A])
        order = np.arange(len(self.clips))
        if self.augmentation is not None:
            order = rng.permutation(order)
        mine = order[share::shares]
        if self.augmentation is None:
            yield from self._packed(mine)
            return
        while True:
            yield from self._mixed(self._packed(mine), share)
            if shares == 1:  # several processes each give as many batches as they are asked for
                return

    def _packed(self, order: Sequence[int] | np.ndarray) -> Iterator[Pair]:
        waiting: list[PreparedSequence] = []
        room = self.window
        for index in order:
            part = self._part(int(index))
            if len(part) > room and waiting:
                if room >= _SHORTEST_PART and self.augmentation is not None:
                    waiting.append(_rows(part, slice(0, room)))
                yield packed(waiting, self.window)
                waiting, room = [], self.window
            waiting.append(part)
            room -= len(part)
        if waiting:
            yield packed(waiting, self.window)

    def _part(self, index: int) -> PreparedSequence:
        """One clip, thinned, changed, cut to at most a window."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        clip = self.store.load(self.clips[index][0])
        if self.augmentation is None:
            return _rows(thinned(clip, self.step_s, 0), slice(0, self.window))
        clip = thinned(clip, self.step_s, int(rng.integers(stride_of(clip.rate_hz, self.step_s))))
        start = int(rng.integers(max(len(clip) - self.window, 0) + 1))
        return augmented(_rows(clip, slice(start, start + self.window)), self.augmentation, rng)

    def _mixed(self, rows: Iterator[Pair], share: int) -> Iterator[Pair]:
        """Rows in a random order within a buffer."""
        rng = np.random.default_rng([self.seed, self.epoch, share, 0x0DD])
        held: list[Pair] = []
        for row in rows:
            if len(held) < SHUFFLED_ROWS:
                held.append(row)
                continue
            place = int(rng.integers(SHUFFLED_ROWS))
            yield held[place]
            held[place] = row
        for place in rng.permutation(len(held)):
            yield held[place]


class ClipData(pl.LightningDataModule):
    """The clips of a training.

    Args:
        clips: of each split.
        window: frames a row.
        step_s: time step of the network, seconds.
        rows: rows a batch.
        augmentation: of the training clips.
        seed: of the training.
        workers: processes that read ahead; 0 reads in the training process.
    """

    def __init__(
        self,
        clips: ClipList,
        window: int,
        step_s: float,
        rows: int,
        augmentation: AugmentationOptions,
        seed: int,
        workers: int,
    ) -> None:
        super().__init__()
        self.clips, self.window, self.step_s = clips, window, step_s
        self.rows, self.augmentation, self.seed, self.workers = rows, augmentation, seed, workers

    def rows_of(self, split: str, augmentation: AugmentationOptions | None) -> ClipRows:
        """The rows of one split."""
        chosen = next(clips for name, clips in self.clips.clips.items() if name == split)
        store = self.clips.store
        return ClipRows(store, chosen, self.window, self.step_s, augmentation, self.seed)

    def train_dataloader(self) -> DataLoader[Pair]:
        """Augmented, shuffled; made anew every epoch."""
        rows = self.rows_of("train", self.augmentation)
        if self.trainer is not None:
            rows.epoch = self.trainer.current_epoch
            rows.rank, rows.world = self.trainer.global_rank, self.trainer.world_size
        return self._loader(rows)

    def val_dataloader(self) -> DataLoader[Pair]:
        """The validation clips as they are."""
        rows = self.rows_of("validation", None)
        if self.trainer is not None:
            rows.rank, rows.world = self.trainer.global_rank, self.trainer.world_size
        return self._loader(rows)

    def _loader(self, rows: ClipRows) -> DataLoader[Pair]:
        return DataLoader(rows, batch_size=self.rows, num_workers=self.workers, collate_fn=stacked)


def sample_of(rows: ClipRows, count: int) -> Batch:
    """The first rows as one batch: what the inputs are normalised by."""
    chosen = [row for row, _ in zip(rows, range(count), strict=False)]
    return stacked(chosen)[0]
