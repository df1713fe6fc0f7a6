"""The manifest says what is there, survives a torn line, and keeps subjects on one side."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gonio.capture.manifest import Manifest, Record, parse_records
from gonio.capture.tasks import Status, Task, fingerprint
from gonio.errors import InputError
from tests.capture.fakes import FakeSource

TASK = FakeSource(1).list_tasks()[0]


def record(task: Task = TASK, status: Status = "done", **values: Any) -> Record:
    return Record.of(task, "p1", status, **({"file": f"{task.key}.npz"} | values))


def test_the_last_line_of_a_task_counts() -> None:
    lines = [record(status="failed", reason="broken").line(), record(bytes=7).line()]
    assert parse_records(lines, "m") == [record(bytes=7)]


def test_an_unfinished_last_line_is_as_if_it_were_not_there() -> None:
    whole = record().line()
    for cut in (1, 20, len(whole) - 1):
        assert parse_records([whole, record(status="failed").line()[:cut]], "m") == [record()]


def test_a_broken_line_in_the_middle_is_named() -> None:
    with pytest.raises(InputError, match="m, line 2"):
        parse_records([record().line(), "{half\n", record().line()], "m")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": None}, "subject is None; allowed is a text"),
        ({"split": None}, "split is None; allowed is train or validation or test"),
        ({"split": ["train"]}, "split is"),
        ({"status": "foo"}, "status is 'foo'; allowed is done or failed or left_out"),
        ({"file": None}, "file is None"),
        ({"file": ""}, "file is ''; allowed is the name of a file"),
        ({"file": "../x.npz"}, "file is '../x.npz'"),
        ({"key": 5}, "key is 5"),
        ({"key": ""}, "key is empty"),
        ({"written_frames": "x"}, "written_frames is 'x'; allowed is a whole number"),
        ({"written_frames": True}, "written_frames is True"),
        ({"bytes": -1}, "bytes is -1"),
        ({"view_error": "x"}, "view_error is 'x'; allowed is a number"),
        ({"view_error": float("nan")}, "view_error is nan"),
        ({"seconds": None}, "seconds is None"),
        ({"seconds": 10**400}, "too large"),
    ],
)
def test_a_field_of_another_kind_is_named(change: dict[str, Any], message: str) -> None:
    line = json.dumps({**json.loads(record().line()), **change}) + "\n"
    with pytest.raises(InputError, match=f"m, line 1 is not a record .*{message}"):
        parse_records([line], "m")


@pytest.mark.parametrize("line", ["[]", "5", "null", '"done"', "{}", "[" * 99999])
def test_a_line_that_is_no_group_is_named(line: str) -> None:
    with pytest.raises(InputError, match="m, line 1 is not a record"):
        parse_records([line + "\n"], "m")


def test_a_record_is_one_line_of_json() -> None:
    line = record(reason="zwei\nZeilen").line()
    assert line.count("\n") == 1
    assert json.loads(line)["reason"] == "zwei\nZeilen"


def test_a_subject_in_two_splits_is_an_error() -> None:
    other = replace(TASK, sequence="run", split="test")
    torn = Manifest((record(), record(other)), {"fake": Path("x")}, {"fake": 2})
    with pytest.raises(InputError, match="s0 of fake in test and train"):
        torn.check_splits()
    fine = Manifest((record(), record(replace(other, subject="s9"))), {}, {})
    fine.check_splits()


def test_shards_of_a_split_and_a_source() -> None:
    other = replace(TASK, sequence="run", split="test", subject="s9")
    bad = replace(TASK, sequence="jump")
    manifest = Manifest(
        (record(), record(other), record(bad, status="failed")), {"fake": Path("x")}, {"fake": 3}
    )
    assert manifest.shards("train") == [Path("x/walk00__c01.npz")]
    assert manifest.shards("test") == [Path("x/run__c01.npz")]
    assert len(manifest.shards()) == 2
    assert manifest.select(["fake"]) == manifest
    with pytest.raises(InputError, match="source=mtc"):
        manifest.select(["mtc"])


def test_names_are_safe_for_a_file_system() -> None:
    task = replace(TASK, sequence="../a b/ç", camera="c:1")
    assert task.key == "..-a-b-__c-1"
    with pytest.raises(InputError, match=r"Task\.subject is empty"):
        replace(TASK, subject="")
    with pytest.raises(InputError, match="allowed are train, validation, test"):
        Task(**({**vars(TASK), "split": "dev"}))


def test_a_fingerprint_follows_the_content(tmp_path: Path) -> None:
    path, copy = tmp_path / "a" / "v.mp4", tmp_path / "b" / "v.mp4"
    for p in (path, copy):
        p.parent.mkdir()
        p.write_bytes(bytes(300_000))
    same = fingerprint([path])
    assert fingerprint([copy]) == same
    assert fingerprint([path], extra=1) != same
    path.write_bytes(bytes(299_999) + b"x")
    assert fingerprint([path]) != same
    path.unlink()
    assert fingerprint([path]) != same


def test_somebody_who_is_held_out_of_one_source_trains_in_no_other_of_moved_bodies() -> None:
    tasks = [
        replace(TASK, source="rendered", subject="cmu02+body1", split="test"),
        replace(TASK, source="projected", subject="cmu02+body2", split="train"),
        replace(TASK, source="mtc", subject="cmu02", split="validation"),
    ]
    folders = {task.source: Path("x") for task in tasks}
    manifest = Manifest(tuple(map(record, tasks)), folders, {})
    manifest.check_splits()  # a source by itself may always be read, to convert another
    manifest.select(["rendered", "mtc"]).check_splits(across=True)
    both = manifest.select(["rendered", "projected"])  # to tell of both, as a report does
    with pytest.raises(InputError, match="cmu02 of rendered and projected in test and train"):
        both.check_splits(across=True)
