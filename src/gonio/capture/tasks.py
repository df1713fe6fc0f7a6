"""What is to be converted: one task for each sequence and camera, and the protocol of a source."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gonio.capture.shards import Shard
from gonio.errors import GonioError, InputError

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
Status = Literal["done", "failed", "left_out"]

_ENDS_READ = 1 << 16


class LeftOutError(GonioError):
    """A view that can be read but must not be learned from; the text says why."""


@dataclass(frozen=True)
class Task:
    """One sequence seen by one camera.

    Attributes:
        source: name of the source.
        sequence: name of the movement.
        camera: name of the camera.
        subject: who is seen; where several identities make one (a performer and a body), they are
            joined by `+`.
        split: train, validation or test; the same for all tasks of a subject.
        source_hash: changes when the files (or numbers) that the task is made from change.
        expected_frames: frames that the source promises.
        left_out: why the task is not to be converted; empty where it is.
        details: what the source needs to find the task again; it must pickle.

    Raises:
        InputError: an unknown split, or a part of the key that is empty.
    """

    source: str
    sequence: str
    camera: str
    subject: str
    split: Split
    source_hash: str
    expected_frames: int
    left_out: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise InputError(f"Task.split is {self.split!r}; allowed are {', '.join(SPLITS)}")
        for name in ("source", "sequence", "camera", "subject"):
            if not getattr(self, name):
                raise InputError(f"Task.{name} is empty; a task needs it to be told from others")

    @property
    def key(self) -> str:
        """Name of the task and of its file: sequence and camera, safe for any file system."""
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{self.sequence}__{self.camera}")


@dataclass(frozen=True)
class Converted:
    """What comes of a task that went well.

    Attributes:
        shard: the pairs.
        view_error: median distance of MediaPipe's 2D from the projected truth, in units of the
            person's size on the image.
        previews: small images (H, W, 3) uint8 with both sets of points drawn.
        note: anything that the report should say about it.
    """

    shard: Shard
    view_error: float = float("nan")
    previews: tuple[NDArray[np.uint8], ...] = ()
    note: str = ""


class Source(Protocol):
    """Where pairs come from. It travels to the workers, so it must pickle and be small."""

    @property
    def name(self) -> str:
        """Name of the source, e.g. `aistpp`."""

    def list_tasks(self) -> list[Task]:
        """All tasks of the source in a fixed order.

        Raises:
            MissingFileError: the source's folder or one of its tables is not there.
        """

    def convert(self, task: Task) -> Converted:
        """Make one shard.

        Raises:
            LeftOutError: the view must not be learned from.
            GonioError: it cannot be converted; the text says why.
        """


def digest(value: Any) -> str:
    """Hash of JSON-like content; dictionaries in any order give the same."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprint(files: Sequence[str | Path], extra: Any = None) -> str:
    """Hash of files by name, size, beginning and end; a missing file is part of it.

    Reading whole videos only to see whether they are the same would cost as much as decoding them.
    Moving or copying the files changes nothing.
    """
    parts: list[Any] = [extra]
    for name in files:
        path = Path(name)
        if not path.is_file():
            parts.append([path.name, None])
            continue
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(_ENDS_READ)
            stream.seek(max(0, size - _ENDS_READ))
            tail = stream.read(_ENDS_READ)
        parts.append([path.name, size, hashlib.sha256(head + tail).hexdigest()])
    return digest(parts)
