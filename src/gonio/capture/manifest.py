"""What was converted, from what, with which parameters, and how it went.

A shard folder is laid out as `<root>/<source>/<parameter hash>/`: `manifest.jsonl` (a line for
each task that ended, the last line of a task counts), `parameters.json` with the tasks of the last
plan, and a shard for each task that is done. Other parameters make another folder, and shards of
tasks that the last plan has not do not count, so old and new shards never mix.
`<root>/current.json` names the folder of each source that was converted last; training reads it
through `ShardStore`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args

from gonio.capture.tasks import SPLITS, Split, Status, Task
from gonio.errors import InputError

MANIFEST_FILE = "manifest.jsonl"
MOVED_BODIES = ("rendered", "projected")
"""Sources whose bodies move as the performers of one motion folder."""


@dataclass(frozen=True)
class Record:
    """How one task ended.

    Attributes:
        key: of the task.
        source, sequence, camera, subject, split, source_hash, expected_frames: as in `Task`.
        parameter_hash: of the parameters it was converted with.
        status: `done`, `failed` or `left_out`.
        reason: why it is not done, or what is to be said about it.
        written_frames: rows of the shard; 0 where there is none.
        detected_frames: rows in which MediaPipe found the person.
        paired_frames: rows that also have a truth for every joint.
        view_error: see `Converted`; None where unknown.
        file: name of the shard beside the manifest; empty where there is none.
        bytes: its size.
        seconds: how long the conversion took; 0 where it was left out without being tried.
    """

    key: str
    source: str
    sequence: str
    camera: str
    subject: str
    split: Split
    source_hash: str
    parameter_hash: str
    status: Status
    reason: str = ""
    expected_frames: int = 0
    written_frames: int = 0
    detected_frames: int = 0
    paired_frames: int = 0
    view_error: float | None = None
    file: str = ""
    bytes: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, task: Task, parameter_hash: str, status: Status, **values: Any) -> Record:
        """A record with what the task says."""
        shared = ("key", "source", "sequence", "camera", "subject", "split", "source_hash")
        return cls(
            **{name: getattr(task, name) for name in shared},
            parameter_hash=parameter_hash,
            status=status,
            expected_frames=task.expected_frames,
            **values,
        )

    @property
    def tried(self) -> bool:
        """Whether the conversion was begun: what a list leaves out takes no time."""
        return self.seconds > 0

    def line(self) -> str:
        """The record as one line of the manifest."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False) + "\n"


_TYPES = {field.name: field.type for field in fields(Record)}
_ALLOWED: dict[str, tuple[str, ...]] = {"Split": SPLITS, "Status": get_args(Status)}


def _record(line: str) -> Record:
    """The record of a line.

    Raises:
        ValueError, TypeError, OverflowError, RecursionError: it is none; the message says why.
    """
    values = json.loads(line)
    if not isinstance(values, Mapping):
        raise TypeError(f"it is {line.strip()[:40]}; allowed is a group of fields")
    record = Record(**{name: value for name, value in values.items() if name in _TYPES})
    for name, kind in _TYPES.items():
        if problem := _problem(getattr(record, name), str(kind)):
            raise TypeError(f"{name} is {getattr(record, name)!r}; allowed is {problem}")
    if not record.key:
        raise ValueError("key is empty; allowed is the name of a task")
    if record.status == "done" and Path(record.file).name != (record.file or None):
        raise ValueError(f"file is {record.file!r}; allowed is the name of a file beside it")
    return record


def _problem(value: Any, kind: str) -> str:
    """What a field of this type may be, where the value is not that; else empty."""
    if kind in _ALLOWED:
        return "" if value in _ALLOWED[kind] else " or ".join(_ALLOWED[kind])
    if kind == "str":
        return "" if isinstance(value, str) else "a text"
    if value is None and kind.endswith("None"):
        return ""
    if kind == "int":
        whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if whole and value >= 0 else "a whole number of 0 or more"
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "" if number and math.isfinite(value) and value >= 0 else "a number of 0 or more"


def parse_records(lines: Iterable[str], origin: str) -> list[Record]:
    """Read manifest lines; the last line of a task counts.

    Raises:
        InputError: a line that is not a record, other than an unfinished last one.
    """
    rows = list(lines)
    latest: dict[str, Record] = {}
    for number, line in enumerate(rows, 1):
        if not line.endswith("\n"):  # the run was killed in the middle of this line
            break
        try:
            record = _record(line)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise InputError(
                f"{origin}, line {number} is not a record ({error}); delete the line to convert "
                "its task again"
            ) from error
        latest[record.key] = record
    return [latest[key] for key in sorted(latest)]


@dataclass(frozen=True)
class Manifest:
    """The records of one or more conversions and the folders of their shards.

    Attributes:
        records: one for each task, sorted by source and key.
        folders: folder of the shards of each source.
        planned: number of tasks of each source, ended or not.
    """

    records: tuple[Record, ...]
    folders: dict[str, Path]
    planned: dict[str, int]

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def with_status(self, status: Status) -> tuple[Record, ...]:
        """The records that ended so."""
        return tuple(record for record in self.records if record.status == status)

    def path_of(self, record: Record) -> Path:
        """Path of the shard of a record that is done."""
        return self.folders[record.source] / record.file

    def shards(self, split: Split | None = None) -> list[Path]:
        """Paths of all shards, or of those of one split."""
        done = self.with_status("done")
        return [self.path_of(r) for r in done if split is None or r.split == split]

    def check_splits(self, across: bool = False) -> None:
        """Make sure that no subject, nor a part of one (performer, body), stands in two splits.

        Args:
            across: compare sources that move bodies by recorded motion with each other too: they
                have their performers in common.

        Raises:
            InputError: naming the subjects that do, and where.
        """
        splits: dict[tuple[str, str], dict[str, str]] = {}
        for record in self.records:
            people = MOVED_BODIES if across and record.source in MOVED_BODIES else (record.source,)
            for identity in record.subject.split("+"):
                found = splits.setdefault((" and ".join(people), identity), {})
                found[record.split] = record.source
        torn = {who: where for who, where in splits.items() if len(where) > 1}
        if torn:
            named = "; ".join(
                f"{subject} of {source} in {' and '.join(sorted(where))}"
                for (source, subject), where in sorted(torn.items())
            )
            again = " and ".join(sorted({s for where in torn.values() for s in where.values()}))
            motion = ", with the same motion folder" if across else ""
            raise InputError(
                f"a subject may stand in one split only: {named}. Convert {again} again{motion} "
                "and into an empty folder."
            )

    def select(self, sources: Iterable[str]) -> Manifest:
        """The part of some sources.

        Raises:
            InputError: a source that was not converted.
        """
        wanted = list(sources)
        missing = sorted(set(wanted) - set(self.folders))
        if missing:
            raise InputError(
                f"there are no shards of {', '.join(missing)}; converted so far: "
                f"{', '.join(sorted(self.folders)) or 'nothing'}. Run the data_conversion pipeline "
                "with source=" + missing[0]
            )
        return replace(
            self,
            records=tuple(r for r in self.records if r.source in wanted),
            folders={s: self.folders[s] for s in wanted},
            planned={s: self.planned.get(s, 0) for s in wanted},
        )
