"""Clips ready for training on disk: one file each, one row a frame, read when they are needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gonio.capture.manifest import Manifest, Record
from gonio.capture.tasks import SPLITS, Split, digest
from gonio.errors import InputError
from gonio.files import replacing

Array = NDArray[np.float32]


class Clip:
    """Arrays of the same T frames; what is missing is 0 and has no weight.

    A kind of clip is a frozen dataclass of arrays with a field `time`, in seconds.
    """

    SHAPES: ClassVar[dict[str, tuple[int, ...]]]
    """Shape of a frame of each array, in the order in which a file holds them."""
    MASKS: ClassVar[tuple[str, ...]]
    """The arrays that are true or false."""
    WEIGHTS: ClassVar[tuple[str, ...]] = ("weight",)
    """The arrays that are above 0 where something counts."""

    time: Array

    def __len__(self) -> int:
        return len(self.time)

    @property
    def counts(self) -> bool:
        """Whether a training can learn from it, or be measured on it: a frame has a weight."""
        return any(bool((getattr(self, name) > 0).any()) for name in self.WEIGHTS)

    @property
    def rate_hz(self) -> float:
        """Frames a second; 1 for a single frame."""
        return float(1 / np.median(np.diff(self.time))) if len(self) > 1 else 1.0

    def at(self, rows: slice | NDArray[np.intp]) -> Self:
        """Some of its frames."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})  # type: ignore[type-var, arg-type]


C = TypeVar("C", bound=Clip)


@dataclass(frozen=True)
class Prepared(Generic[C]):
    """A prepared clip on its way to the disk.

    Attributes:
        key: names its file.
        sequence: the clip.
    """

    key: str
    sequence: C


class ClipStore(Generic[C]):
    """A folder of prepared clips.

    Args:
        root: the folder; it need not exist yet.
        kind: of clip that it holds.
    """

    def __init__(self, root: str | Path, kind: type[C]) -> None:
        self.root, self.kind = Path(root), kind

    def path(self, key: str) -> Path:
        """Place of a clip."""
        return self.root / key[:2] / f"{key}.npy"

    def save(self, prepared: Prepared[C]) -> None:
        """Write a clip, whole or not at all.

        Raises:
            OutputError: the folder is not writable or the disk is full.
        """
        clip = prepared.sequence
        rows = [
            np.asarray(getattr(clip, name)).reshape(len(clip), math.prod(shape))
            for name, shape in self.kind.SHAPES.items()
        ]
        with replacing(self.path(prepared.key)) as scratch, scratch.open("wb") as stream:
            np.save(stream, np.concatenate(rows, axis=1, dtype=np.float32), allow_pickle=False)

    def load(self, key: str) -> C:
        """Read a clip.

        Raises:
            InputError: the file is damaged.
        """
        path, shapes = self.path(key), self.kind.SHAPES
        widths = [math.prod(shape) for shape in shapes.values()]
        try:
            table = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{path} is damaged ({error}); delete it and run again") from error
        if not _is_table(table, sum(widths)):
            raise InputError(
                f"{path} is damaged: it holds {table.dtype} of shape {table.shape}, and finite "
                f"numbers in rows of {sum(widths)} are needed; delete it and run again"
            )
        arrays = {
            name: part.reshape(len(table), *shape)
            for (name, shape), part in zip(
                shapes.items(), np.split(table, np.cumsum(widths)[:-1], axis=1), strict=True
            )
        }
        return self.kind(**arrays | {name: arrays[name] > 0 for name in self.kind.MASKS})


def _is_table(values: NDArray[Any], width: int) -> bool:
    """Whether an array holds one row or more of so many finite numbers."""
    shaped = values.ndim == 2 and values.shape[1] == width and len(values) > 0
    return shaped and values.dtype == np.float32 and bool(np.isfinite(values).all())


@dataclass(frozen=True)
class ClipList(Generic[C]):
    """The prepared clips of each split, and what they were made from.

    Attributes:
        store: where they lie.
        clips: (key, frames) of each clip of each split.
        data_hash: of the manifest records, the way they were prepared and their splits.
        described: sources, pairs and splits, for the checkpoint's header.
    """

    store: ClipStore[C]
    clips: dict[Split, list[tuple[str, int]]]
    data_hash: str
    described: dict[str, Any]


def made_from(record: Record) -> list[Any]:
    """What a prepared clip of a record changes with, beside the way it is prepared."""
    return [record.source, record.parameter_hash, record.key, record.source_hash, record.bytes]


def left_to_prepare(
    manifest: Manifest, store: ClipStore[C], key_of: Callable[[Record], str]
) -> Iterator[tuple[Record, str]]:
    """The records whose clips are not prepared yet, with the names of these.

    Args:
        manifest: of the sources to train on.
        store: says what is there already; it is not written to.
        key_of: names the prepared clip of a record.
    """
    keys = [(record, key_of(record)) for record in manifest.with_status("done")]
    left = [(record, key) for record, key in keys if not store.path(key).is_file()]
    yield from tqdm(left, desc="prepare", unit=" shards", disable=not left)


def list_clips(
    manifest: Manifest,
    store: ClipStore[C],
    key_of: Callable[[Record], str],
    repeats: Mapping[str, int] | None = None,
) -> ClipList[C]:
    """The clips of a manifest.

    Args:
        manifest: of the sources to train on.
        store: of the prepared clips.
        key_of: names the prepared clip of a record.
        repeats: how often the training clips of a source are taken; once where not named.

    Raises:
        InputError: the training or the validation split is empty, or somebody stands in both.
    """
    clips: dict[Split, list[tuple[str, int]]] = {split: [] for split in SPLITS}
    pairs = dict.fromkeys(SPLITS, 0)
    manifest.check_splits(across=True)
    records = manifest.with_status("done")
    for record in records:
        times = (repeats or {}).get(record.source, 1) if record.split == "train" else 1
        clips[record.split] += [(key_of(record), record.written_frames)] * times
        pairs[record.split] += record.paired_frames
    for split in ("train", "validation"):
        if not clips[split]:
            raise InputError(
                f"there are no shards of the split {split}; convert more data "
                "(kedro run --pipeline data_conversion)"
            )
    sources = sorted({record.source for record in records})
    return ClipList(
        store=store,
        clips=clips,
        data_hash=digest([[split, sorted(key for key, _ in clips[split])] for split in SPLITS]),
        described={
            "sources": sources,
            "pairs": pairs,
            "shards": {split: len(clips[split]) for split in SPLITS},
        },
    )
