"""The shard folder: nothing half-written counts, and old parameters never mix with new ones."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gonio.capture.store as store_module
from gonio.capture.executor import convert_one
from gonio.capture.shards import write_shard
from gonio.capture.store import ConversionPlan, Outcome, ShardStore
from gonio.errors import InputError, OutputError
from tests.capture.fakes import FakeSource, plan_of


def run(store: ShardStore, plan: ConversionPlan) -> None:
    store.save(plan)
    for task in store.still_to_do(plan):
        store.save(convert_one(plan.source, task, plan.parameter_hash))


def test_an_empty_folder_is_an_empty_manifest(tmp_path: Path) -> None:
    manifest = ShardStore(tmp_path / "none").manifest()
    assert len(manifest) == 0
    assert manifest.shards() == []


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    store, plan = ShardStore(tmp_path), plan_of(FakeSource(4))
    run(store, plan)
    assert store.still_to_do(plan) == []
    manifest = store.manifest()
    assert len(manifest.with_status("done")) == manifest.planned["fake"] == 4
    assert all(path.is_file() for path in manifest.shards())
    assert {r.paired_frames for r in manifest} == {20}
    assert len(list((tmp_path / "fake" / "p1" / "previews").glob("*.jpg"))) == 4


@pytest.mark.parametrize("damage", ["gone", "cut", "source changed", "not recorded"])
def test_what_is_not_as_recorded_is_done_again(tmp_path: Path, damage: str) -> None:
    store, plan = ShardStore(tmp_path), plan_of(FakeSource(3))
    run(store, plan)
    task, path = plan.tasks[1], store.manifest().shards()[1]
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "source changed":
        task = replace(task, source_hash="other")
        plan = replace(plan, tasks=(plan.tasks[0], task, plan.tasks[2]))
    else:
        manifest = path.with_name("manifest.jsonl")
        lines = manifest.read_text().splitlines(keepends=True)
        manifest.write_text("".join(lines[:1] + lines[2:]))
    assert store.still_to_do(plan) == [task]


def test_failed_tasks_are_tried_again_and_left_out_ones_are_not(tmp_path: Path) -> None:
    store = ShardStore(tmp_path)
    bad = FakeSource(3, behaviour=(("walk00", "fail"), ("walk01", "leave_out")))
    run(store, plan_of(bad))
    assert [r.status for r in store.manifest()] == ["failed", "left_out", "done"]
    assert [t.sequence for t in store.still_to_do(plan_of(FakeSource(3)))] == ["walk00"]


def test_what_is_off_the_list_again_is_converted(tmp_path: Path) -> None:
    store = ShardStore(tmp_path)
    listed = plan_of(FakeSource(3, behaviour=(("walk01", "listed"),)))
    store.save(listed)
    for task in store.still_to_do(listed):
        if task.left_out:
            store.save(Outcome(task, "p1", "left_out", task.left_out))
        else:
            store.save(convert_one(listed.source, task, "p1"))
    assert store.still_to_do(listed) == []
    other = replace(listed.tasks[1], left_out="there is no video")
    changed = replace(listed, tasks=(listed.tasks[0], other, listed.tasks[2]))
    assert store.still_to_do(changed) == [other]
    free = plan_of(FakeSource(3))
    assert [task.sequence for task in store.still_to_do(free)] == ["walk01"]
    run(store, free)
    assert [record.status for record in store.manifest()] == ["done"] * 3


def test_other_parameters_go_to_another_folder(tmp_path: Path) -> None:
    store = ShardStore(tmp_path)
    run(store, plan_of(FakeSource(3), "p1"))
    old = store.manifest().shards()
    run(store, plan_of(FakeSource(2, frames=30), "p2"))
    new = store.manifest()
    assert {path.parent.name for path in new.shards()} == {"p2"}
    assert len(new) == 2
    assert all(path.is_file() for path in old)  # still there, no longer current


def test_what_the_last_plan_does_not_ask_for_stays_and_is_not_used(tmp_path: Path) -> None:
    store = ShardStore(tmp_path)
    run(store, plan_of(FakeSource(6)))
    all_of_it = store.manifest()
    few = plan_of(FakeSource(2))
    assert store.not_asked_for(few) == 4
    run(store, few)
    manifest = store.manifest()
    assert [r.sequence for r in manifest] == ["walk00", "walk01"]
    assert manifest.planned == {"fake": 2}
    assert len(store.previews("fake")) == 2
    assert len(list((tmp_path / "fake" / "p1").glob("*.npz"))) == 6
    more = plan_of(FakeSource(6))
    assert store.still_to_do(more) == []  # nothing is done twice
    store.open(more)
    assert store.manifest() == all_of_it
    assert store.not_asked_for(more) == 0


def test_what_a_killed_run_has_done_counts_with_its_own_plan(tmp_path: Path) -> None:
    store, plan = ShardStore(tmp_path), plan_of(FakeSource(6))
    run(store, plan_of(FakeSource(1)))
    store.save(plan)
    for task in store.still_to_do(plan)[:2]:  # then it was killed
        store.save(convert_one(plan.source, task, plan.parameter_hash))
    manifest = ShardStore(tmp_path).manifest()
    assert [r.sequence for r in manifest] == ["walk00", "walk01", "walk02"]
    assert manifest.planned == {"fake": 6}


def test_a_folder_of_before_plans_named_their_tasks_gives_all(tmp_path: Path) -> None:
    store = ShardStore(tmp_path)
    run(store, plan_of(FakeSource(4)))
    path = tmp_path / "fake" / "p1" / "parameters.json"
    path.write_text('{"parameters": {"hash": "p1"}, "tasks": 2}')
    assert len(store.manifest()) == 4
    assert len(store.previews("fake")) == 4
    run(store, plan_of(FakeSource(2)))
    assert len(store.manifest()) == 2


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    store, plan = ShardStore(tmp_path), plan_of(FakeSource(2))
    run(store, plan)
    folder = tmp_path / "fake" / "p1"
    (folder / ".walk05__c01-abc123.npz").write_bytes(b"half")
    with (folder / "manifest.jsonl").open("a") as stream:
        stream.write('{"key": "walk05')
    store.open(plan)
    assert not list(folder.glob(".walk*"))
    assert len(store.manifest()) == 2
    run(store, plan_of(FakeSource(3)))
    assert len(store.manifest()) == 3


def test_a_full_disk_is_one_failed_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, plan = ShardStore(tmp_path), plan_of(FakeSource(3))
    write = write_shard

    def full_for_one(path: Path, shard: Any) -> int:
        if shard.sequence == "walk01":
            raise OutputError("cannot write walk01: No space left on device")
        return write(path, shard)

    monkeypatch.setattr(store_module, "write_shard", full_for_one)
    run(store, plan)
    manifest = store.manifest()
    assert [r.status for r in manifest] == ["done", "failed", "done"]
    assert "No space left" in manifest.with_status("failed")[0].reason
    assert len(manifest.shards()) == len(list(manifest.folders["fake"].glob("*.npz"))) == 2
    monkeypatch.undo()
    run(store, plan)
    assert len(store.manifest().shards()) == 3


def test_a_full_disk_under_the_preview_leaves_no_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OutputError("No space left on device")

    monkeypatch.setattr(store_module, "_write_preview", full)
    store = ShardStore(tmp_path)
    run(store, plan_of(FakeSource(1)))
    assert store.manifest().with_status("failed")
    assert not list(tmp_path.rglob("*.npz"))


def test_a_manifest_that_cannot_be_written_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, plan = ShardStore(tmp_path), plan_of(FakeSource(1))
    store.save(plan)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    left_out = Outcome(plan.tasks[0], "p1", "left_out", "mirrored")
    with pytest.raises(OutputError, match="No space left"):
        store.save(left_out)


def test_two_tasks_of_one_name_are_refused() -> None:
    task = FakeSource(1).list_tasks()[0]
    with pytest.raises(InputError, match="same name"):
        ConversionPlan(FakeSource(1), {}, "p1", (task, task))


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"[]",
        b"7",
        b"null",
        b"\xff{}",
        b'{"fake": 5}',
        b'{"fake": "../p1"}',
        b"[" * 99999,
    ],
)
def test_a_damaged_index_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "current.json").write_bytes(content)
    with pytest.raises(InputError, match=r"current\.json is damaged"):
        ShardStore(tmp_path).manifest()


@pytest.mark.parametrize(
    "content",
    [
        b"[1]",
        b"7",
        b"null",
        b"\xff",
        b'{"tasks": "x"}',
        b'{"tasks": -1}',
        b'{"parameters": []}',
        b'{"keys": 5}',
        b'{"keys": [5]}',
    ],
)
def test_damaged_parameters_are_named(tmp_path: Path, content: bytes) -> None:
    store = ShardStore(tmp_path)
    run(store, plan_of(FakeSource(1)))
    (tmp_path / "fake" / "p1" / "parameters.json").write_bytes(content)
    for read in (store.manifest, lambda: store.parameters("fake")):
        with pytest.raises(InputError, match=r"parameters\.json is damaged"):
            read()


def test_a_manifest_that_is_no_text_is_named(tmp_path: Path) -> None:
    store, plan = ShardStore(tmp_path), plan_of(FakeSource(2))
    run(store, plan)
    path = tmp_path / "fake" / "p1" / "manifest.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first.replace(b"walk00", b"walk\xff0") + second)
    with pytest.raises(InputError, match=r"manifest\.jsonl, line 1 is not a record"):
        store.manifest()
    path.write_bytes(first + second[:40] + b"\xff")  # killed within a letter
    store.open(plan)
    assert [r.key for r in store.manifest()] == ["walk00__c01"]
