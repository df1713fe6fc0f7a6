"""The folder of shards: written as the conversion goes, safe to kill at any point."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from gonio.capture.manifest import MANIFEST_FILE, Manifest, Record, parse_records
from gonio.capture.shards import Shard, write_shard
from gonio.capture.tasks import Converted, Source, Status, Task
from gonio.errors import InputError, OutputError
from gonio.files import replacing, write_text

CURRENT_FILE = "current.json"
PARAMETERS_FILE = "parameters.json"


@dataclass(frozen=True)
class ConversionPlan:
    """All tasks of one source with one set of parameters.

    Attributes:
        source: makes the shards.
        parameters: everything that the shards depend on; JSON values only.
        parameter_hash: of `parameters`.
        tasks: in a fixed order.
    """

    source: Source
    parameters: dict[str, Any]
    parameter_hash: str
    tasks: tuple[Task, ...]

    def __post_init__(self) -> None:
        keys = [task.key for task in self.tasks]
        twice = sorted({key for key in keys if keys.count(key) > 1}) if _repeated(keys) else []
        if twice:
            raise InputError(
                f"{len(twice)} tasks of {self.source.name} have the same name, e.g. {twice[0]}; "
                "each sequence and camera needs its own"
            )


def _repeated(keys: list[str]) -> bool:
    return len(set(keys)) < len(keys)


@dataclass(frozen=True)
class Outcome:
    """How one task ended, with what came of it.

    Attributes:
        task: the task.
        parameter_hash: of the plan.
        status: `done`, `failed` or `left_out`.
        reason: why it is not done.
        converted: the shard and its previews, where it is done.
        seconds: how long it took; 0 where it was left out without being tried.
    """

    task: Task
    parameter_hash: str
    status: Status
    reason: str = ""
    converted: Converted | None = None
    seconds: float = field(default=0.0, compare=False)


class ShardStore:
    """Reads and writes a shard folder.

    Args:
        root: the folder; it need not exist yet.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def folder(self, source: str, parameter_hash: str) -> Path:
        """Where the shards of a source with these parameters lie."""
        return self.root / source / parameter_hash

    def save(self, event: ConversionPlan | Outcome) -> None:
        """Take in what a conversion gives out: first its plan, then each outcome.

        Raises:
            OutputError: the manifest cannot be written. A shard that cannot be written is a failed
                task instead.
        """
        if isinstance(event, ConversionPlan):
            self.open(event)
        else:
            self.add(event)

    def open(self, plan: ConversionPlan) -> None:
        """Prepare the folder of a plan and make it the current one of its source.

        What counts from now on are the tasks of this plan; shards of an earlier one that it has
        not stay where they are, for a plan that has them again.
        Leftovers of a run that was killed are removed: half-written files and a torn last line.
        """
        folder = self.folder(plan.source.name, plan.parameter_hash)
        keys = [task.key for task in plan.tasks]
        described = {"parameters": plan.parameters, "tasks": len(keys), "keys": keys}
        write_text(folder / PARAMETERS_FILE, json.dumps(described, indent=1, default=str))
        for scratch in [*folder.glob(".*-*"), *(folder / "previews").glob(".*-*")]:
            scratch.unlink(missing_ok=True)
        _mend(folder / MANIFEST_FILE)
        current = self._current()
        if current.get(plan.source.name) != plan.parameter_hash:
            current[plan.source.name] = plan.parameter_hash
            write_text(self.root / CURRENT_FILE, json.dumps(current, indent=1, sort_keys=True))

    def add(self, outcome: Outcome) -> Record:
        """Write an outcome: the shard first, then its line in the manifest.

        Returns:
            The record; `failed` where the shard could not be written.

        Raises:
            OutputError: the manifest cannot be written.
        """
        folder = self.folder(outcome.task.source, outcome.parameter_hash)
        record = self._written(outcome, folder)
        _append(folder / MANIFEST_FILE, record.line())
        return record

    def _written(self, outcome: Outcome, folder: Path) -> Record:
        task, converted = outcome.task, outcome.converted
        seconds = _seconds(outcome)
        if converted is None:
            return Record.of(
                task,
                outcome.parameter_hash,
                outcome.status,
                reason=outcome.reason,
                seconds=seconds,
            )
        name = f"{task.key}.npz"
        try:
            size = write_shard(folder / name, converted.shard)
            for number, image in enumerate(converted.previews):
                _write_preview(folder / "previews" / f"{task.key}_{number}.jpg", image)
        except OutputError as error:
            (folder / name).unlink(missing_ok=True)
            return Record.of(
                task, outcome.parameter_hash, "failed", reason=str(error), seconds=seconds
            )
        return _done_record(outcome, converted, name, size)

    def manifest(self) -> Manifest:
        """What the last plan of each source has given so far.

        Shards of an earlier plan with the same parameters that the last one has not, as after a
        conversion of more frames, are not among them. A folder in which no plan has named its tasks
        gives all that it has.

        Raises:
            InputError: a manifest that is damaged, or a subject in two splits.
        """
        records: list[Record] = []
        folders: dict[str, Path] = {}
        planned: dict[str, int] = {}
        for source, parameter_hash in sorted(self._current().items()):
            folder = self.folder(source, parameter_hash)
            folders[source] = folder
            described = _described(folder)
            planned[source] = described.tasks
            records += filter(described.has, self.records(source, parameter_hash))
        manifest = Manifest(tuple(records), folders, planned)
        manifest.check_splits()
        return manifest

    def records(self, source: str, parameter_hash: str) -> list[Record]:
        """The records of a source with these parameters, of all plans, sorted by key."""
        path = self.folder(source, parameter_hash) / MANIFEST_FILE
        if not path.is_file():
            return []
        # Bytes that are no UTF-8 become escapes that no JSON has: the line is told to be damaged.
        with path.open(encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            return parse_records(stream, str(path))

    def parameters(self, source: str) -> dict[str, Any]:
        """What the current shards of a source depend on; nothing where there are none.

        Raises:
            InputError: the file is damaged.
        """
        current = self._current().get(source)
        if current is None:
            return {}
        return _described(self.folder(source, current)).parameters

    def still_to_do(self, plan: ConversionPlan) -> list[Task]:
        """The tasks of a plan that have not ended well, or whose files have changed or gone.

        What was left out is to do again once it would not be left out for the same reason.
        """
        records = {r.key: r for r in self.records(plan.source.name, plan.parameter_hash)}
        folder = self.folder(plan.source.name, plan.parameter_hash)
        return [t for t in plan.tasks if not _is_settled(t, records.get(t.key), folder)]

    def not_asked_for(self, plan: ConversionPlan) -> int:
        """How many shards there are of earlier plans with the same parameters, beside this one."""
        keys = {task.key for task in plan.tasks}
        records = self.records(plan.source.name, plan.parameter_hash)
        return sum(r.status == "done" and r.key not in keys for r in records)

    def previews(self, source: str, seed: int = 0, count: int = 64) -> list[NDArray[np.uint8]]:
        """Random previews of the current shards of a source, (H, W, 3) uint8 each.

        Raises:
            InputError: a preview that is damaged.
        """
        current = self._current().get(source)
        if current is None:
            return []
        folder = self.folder(source, current)
        records = filter(_described(folder).has, self.records(source, current))
        done = {r.key for r in records if r.status == "done"}
        names = sorted((folder / "previews").glob("*.jpg"))
        paths = [path for path in names if path.stem.rpartition("_")[0] in done]
        order = np.random.default_rng(seed).permutation(len(paths))[:count]
        return [_read_preview(paths[k]) for k in sorted(order)]

    def _current(self) -> dict[str, str]:
        path = self.root / CURRENT_FILE
        current = _read_json(path)
        for source, folder in current.items():
            if not isinstance(folder, str) or Path(folder).name != folder:
                raise _damaged(path, f"{source} is {folder!r}; allowed is the name of a folder")
        return current


@dataclass(frozen=True)
class _Described:
    """What the last plan of a folder says.

    Attributes:
        parameters: what the shards depend on.
        tasks: number of its tasks.
        keys: of its tasks; None where it was written before plans named them.
    """

    parameters: dict[str, Any]
    tasks: int
    keys: frozenset[str] | None

    def has(self, record: Record) -> bool:
        """Whether a record is of one of its tasks."""
        return self.keys is None or record.key in self.keys


def _described(folder: Path) -> _Described:
    """What the last plan of a folder has written; nothing where there is none.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / PARAMETERS_FILE
    content = _read_json(path)
    parameters, tasks = content.get("parameters", {}), content.get("tasks", 0)
    if not isinstance(parameters, dict):
        raise _damaged(path, f"parameters is {parameters!r}; allowed is a group")
    if not isinstance(tasks, int) or tasks < 0:
        raise _damaged(path, f"tasks is {tasks!r}; allowed is a whole number of 0 or more")
    keys = content.get("keys")
    if keys is None:
        return _Described(parameters, tasks, None)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise _damaged(path, "keys are not names of tasks; allowed is a list of texts")
    return _Described(parameters, tasks, frozenset(keys))


def _is_settled(task: Task, record: Record | None, folder: Path) -> bool:
    if record is None or record.source_hash != task.source_hash or record.status == "failed":
        return False
    if (record.split, record.subject) != (task.split, task.subject):
        return False
    if record.status == "left_out":  # for the same reason again: the task's, or what trying it gave
        return record.reason == task.left_out if task.left_out else record.tried
    path = folder / record.file
    return not task.left_out and path.is_file() and path.stat().st_size == record.bytes


def _seconds(outcome: Outcome) -> float:
    """Rounded to milliseconds, but 0 only where nothing was tried (`Record.tried`)."""
    return max(round(outcome.seconds, 3), 0.001) if outcome.seconds > 0 else 0.0


def _done_record(outcome: Outcome, converted: Converted, name: str, size: int) -> Record:
    shard: Shard = converted.shard
    known = np.isfinite(converted.view_error)
    return Record.of(
        outcome.task,
        outcome.parameter_hash,
        "done",
        reason=converted.note,
        written_frames=len(shard),
        detected_frames=int(shard.detected.sum()),
        paired_frames=int(shard.paired.sum()),
        view_error=round(float(converted.view_error), 6) if known else None,
        file=name,
        bytes=size,
        seconds=_seconds(outcome),
    )


def _write_preview(path: Path, image: NDArray[np.uint8]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=85)
    with replacing(path) as scratch:
        scratch.write_bytes(buffer.getvalue())


def _read_preview(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"), dtype=np.uint8)
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"{path} is damaged ({error}); delete it") from error


def _append(path: Path, line: str) -> None:
    try:
        with path.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}. Make room or choose another folder; "
            "the run goes on from here when it is started again."
        ) from error


def _mend(path: Path) -> None:
    """Drop an unfinished last line."""
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with replacing(path) as scratch:
            scratch.write_bytes(whole)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # no UTF-8, or no JSON
        raise _damaged(path, str(error)) from error
    if not isinstance(content, dict):
        raise _damaged(path, f"it holds {content!r}; allowed is a group")
    return content


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path} is damaged ({why}); delete it and convert again")
