"""Prepared clips as batches: streamed, shuffled, augmented, the same for the same seed and epoch.

Clips of different rates and lengths are thinned to the network's time step and packed into rows of
one length, several short clips to a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.random import Generator
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from gonio.models.depth_network import Batch
from gonio.signals import stride_of
from gonio.training.clips import Clip, ClipList, ClipStore
from gonio.training.targets import Target

C = TypeVar("C", bound=Clip)
P = TypeVar("P", bound=Sized)
Pair = tuple[Any, Any]
"""What a network sees and what it is to say: two named tuples of tensors."""
Kinds = tuple[type[Any], type[Any]]
"""The two named tuples of a pair; their fields are arrays of the clips, and `clip`."""
Change = Callable[[C, Generator], C]
"""Changes a clip at random, so that it is seen in another way every epoch."""
DEPTH_KINDS: Kinds = (Batch, Target)
_SHORTEST_PART = 4
SHUFFLED_ROWS = 256
"""Rows that are held to be mixed: what bounds the memory of training."""


def thinned(clip: C, step_s: float, phase: int) -> C:
    """Every k-th frame of a clip from `phase` on, k frames being nearest to `step_s`."""
    stride = stride_of(clip.rate_hz, step_s)
    return clip.at(slice(phase % stride, None, stride))


def packed(parts: Sequence[Clip], window: int, kinds: Kinds = DEPTH_KINDS) -> Pair:
    """One row (T = window) of several clips after each other, padded at its end.

    Raises:
        ValueError: they do not fit.
    """
    names = type(parts[0]).SHAPES
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    spare = window - len(joined["time"])
    if spare < 0:
        raise ValueError(f"{len(joined['time'])} frames do not fit into a window of {window}")
    clip = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    tensors = {
        name: torch.from_numpy(np.pad(values, [(0, spare), *[(0, 0)] * (values.ndim - 1)]))
        for name, values in joined.items()
    }
    tensors["clip"] = torch.from_numpy(np.pad(clip, (0, spare), constant_values=-1))
    batch, target = (kind(**{name: tensors[name] for name in kind._fields}) for kind in kinds)
    return batch, target


def stacked(pairs: Sequence[Pair]) -> Pair:
    """Rows as one batch."""
    batches, targets = zip(*pairs, strict=True)
    return _stacked(batches), _stacked(targets)


def _stacked(rows: Sequence[Any]) -> Any:
    return type(rows[0])(*(torch.stack(values) for values in zip(*rows, strict=True)))


def rows_needed(lengths: Sequence[int], window: int) -> int:
    """Rows that clips of these lengths fill, packed in this order as `ClipRows` packs them."""
    return sum(1 for _ in _in_rows(map(range, lengths), window))


def _in_rows(parts: Iterable[P], window: int) -> Iterator[tuple[list[P], int, P | None]]:
    """Rows of parts in their order, the room that is left in each, and the part that is next."""
    row: list[P] = []
    room = window
    for part in parts:
        if row and len(part) > room:
            yield row, room, part
            row, room = [], window
        row.append(part)
        room -= len(part)
    if row:
        yield row, room, None


class ClipRows(IterableDataset[Pair], Generic[C]):
    """Rows of packed clips.

    Every clip is taken once an epoch, at one of its phases and, where it is longer than a row, in
    one part; without augmentation in all of its parts. Which, in which order and how it is
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
        kinds: what the network sees and what it is to say.
    """

    def __init__(
        self,
        store: ClipStore[C],
        clips: Sequence[tuple[str, int]],
        window: int,
        step_s: float,
        augmentation: Change[C] | None = None,
        seed: int = 0,
        kinds: Kinds = DEPTH_KINDS,
    ) -> None:
        self.store, self.clips, self.kinds = store, list(clips), kinds
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
        if not len(mine):  # there are fewer clips than processes and workers
            return
        if self.augmentation is None:
            yield from self._packed(mine)
            return
        while True:
            yield from self._mixed(self._packed(mine), share)
            if shares == 1:  # several processes each give as many batches as they are asked for
                return

    def _packed(self, order: Sequence[int] | np.ndarray) -> Iterator[Pair]:
        parts = (part for index in order for part in self._parts(int(index)))
        for row, room, following in _in_rows(parts, self.window):
            fills = self.augmentation is not None and room >= _SHORTEST_PART
            if fills and following is not None:
                row.append(following.at(slice(0, room)))
            yield packed(row, self.window, self.kinds)

    def _parts(self, index: int) -> Iterator[C]:
        """One clip, thinned and changed, in parts of at most a window: one of them, or all."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        clip = self.store.load(self.clips[index][0])
        if self.augmentation is None:
            clip = thinned(clip, self.step_s, 0)
            for start in range(0, len(clip), self.window):
                yield clip.at(slice(start, start + self.window))
            return
        phases = min(stride_of(clip.rate_hz, self.step_s), len(clip))
        clip = thinned(clip, self.step_s, int(rng.integers(phases)))
        start = int(rng.integers(max(len(clip) - self.window, 0) + 1))
        yield self.augmentation(clip.at(slice(start, start + self.window)), rng)

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


class ClipData(pl.LightningDataModule, Generic[C]):
    """The clips of a training.

    Args:
        clips: of each split.
        window: frames a row.
        step_s: time step of the network, seconds.
        rows: rows a batch.
        augmentation: of the training clips.
        seed: of the training.
        workers: processes that read ahead; 0 reads in the training process.
        kinds: what the network sees and what it is to say.
    """

    def __init__(
        self,
        clips: ClipList[C],
        window: int,
        step_s: float,
        rows: int,
        augmentation: Change[C],
        seed: int,
        workers: int,
        kinds: Kinds = DEPTH_KINDS,
    ) -> None:
        super().__init__()
        self.clips, self.window, self.step_s = clips, window, step_s
        self.rows, self.augmentation, self.seed, self.workers = rows, augmentation, seed, workers
        self.kinds = kinds

    def rows_of(self, split: str, augmentation: Change[C] | None) -> ClipRows[C]:
        """The rows of one split."""
        chosen = next(clips for name, clips in self.clips.clips.items() if name == split)
        store = self.clips.store
        return ClipRows(
            store, chosen, self.window, self.step_s, augmentation, self.seed, self.kinds
        )

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

    def sample(self, count: int) -> Any:
        """So many rows of training clips as they are, from all over them, as one batch.

        The inputs are normalised by it.
        """
        rows = self.rows_of("train", None)
        order = np.random.default_rng(self.seed).permutation(len(rows.clips))
        rows.clips = [rows.clips[index] for index in order]
        return stacked([row for row, _ in zip(rows, range(count), strict=False)])[0]

    def _loader(self, rows: ClipRows[C]) -> DataLoader[Pair]:
        """With as many workers as asked for, but none without a clip.

        Its generator is its own: from the common one it would draw in some epochs before and in
        others after the network's random numbers are seeded, and a resumed run would differ.
        """
        workers = min(self.workers, len(rows.clips) // rows.world)
        return DataLoader(
            rows,
            batch_size=self.rows,
            num_workers=workers,
            collate_fn=stacked,
            generator=torch.Generator(),
        )
