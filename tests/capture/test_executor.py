"""Tasks run on a pool, a cluster or here; what fails is told and the rest goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gonio.capture.conversion import conversion_events
from gonio.capture.executor import ExecutorOptions, run_tasks
from gonio.capture.manifest import Manifest
from gonio.capture.store import ShardStore
from gonio.errors import InputError
from tests.capture.fakes import FakeSource, plan_of

PROJECT = Path(__file__).parents[2]
TROUBLE = (
    ("walk01", "fail"),
    ("walk02", "surprise"),
    ("walk03", "leave_out"),
    ("walk05", "listed"),
)


def run(root: Path, source: FakeSource, options: ExecutorOptions) -> Manifest:
    store = ShardStore(root)
    for event in conversion_events(plan_of(source), store, options):
        store.save(event)
    return store.manifest()


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.npz")}


@pytest.mark.parametrize("options", [ExecutorOptions("inline"), ExecutorOptions("pool", 2)])
def test_trouble_is_recorded_and_the_rest_converted(
    tmp_path: Path, options: ExecutorOptions, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = run(tmp_path, FakeSource(7, behaviour=TROUBLE), options)
    said = {r.sequence: (r.status, r.reason) for r in manifest}
    assert said == {
        "walk00": ("done", ""),
        "walk01": ("failed", "the video is broken"),
        "walk02": ("failed", "ZeroDivisionError: nobody thought of this"),
        "walk03": ("left_out", "the view is mirrored"),
        "walk04": ("done", ""),
        "walk05": ("left_out", "it is on a list"),
        "walk06": ("done", ""),
    }
    assert len(contents(tmp_path)) == 3
    assert "fakes.py" in caplog.text  # where the error that nobody thought of happened
    assert "the video is broken" not in caplog.text


def test_a_worker_that_dies_takes_only_its_task_with_it(tmp_path: Path) -> None:
    source = FakeSource(6, behaviour=(("walk02", "die"),))
    manifest = run(tmp_path, source, ExecutorOptions("pool", 2))
    failed = manifest.with_status("failed")
    assert [r.sequence for r in failed] == ["walk02"]
    assert "worker process died" in failed[0].reason
    assert len(manifest.with_status("done")) == 5


def _start(root: Path, log: Path, tasks: int) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "tests.capture.run_fake"]
    command = [*program, str(root), str(log), str(tasks), "0.15"]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=PROJECT)


def _wait_for_shards(root: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(root.rglob("walk*.npz"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_killed_twice_gives_the_same_shards(tmp_path: Path) -> None:
    whole, torn, log = tmp_path / "whole", tmp_path / "torn", tmp_path / "log"
    log.mkdir()
    run(whole, FakeSource(10), ExecutorOptions("inline"))
    for count in (2, 6):
        process = _start(torn, log, 10)
        _wait_for_shards(torn, count)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 6 <= len(contents(torn)) < 10
    assert _start(torn, log, 10).wait() == 0
    assert contents(torn) == contents(whole)
    assert len(ShardStore(torn).manifest().with_status("done")) == 10
    conversions = len(list(log.iterdir()))
    assert conversions <= 10 + 2 * 5  # at most the five under way at each kill are done again


def test_workers_end_when_the_main_process_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    process = _start(tmp_path / "out", log, 40)
    deadline = time.monotonic() + 60
    while len(workers := {int(path.name.split("-")[-2]) for path in log.iterdir()}) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline, "the second worker never began"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 10
    while any(_is_alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "the workers of a killed run live on"
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="needs gonio[cluster]")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    source = FakeSource(7, behaviour=TROUBLE)
    pool = run(tmp_path / "pool", source, ExecutorOptions("pool", 2))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        address = ExecutorOptions("dask", scheduler=cluster.scheduler_address)
        dask = run(tmp_path / "dask", source, address)
    assert contents(tmp_path / "dask") == contents(tmp_path / "pool")
    assert {r.key: (r.status, r.reason) for r in dask} == {
        r.key: (r.status, r.reason) for r in pool
    }


def test_options_that_cannot_work_are_refused() -> None:
    with pytest.raises(InputError, match="workers is 0"):
        ExecutorOptions("pool", 0)
    with pytest.raises(InputError, match="scheduler=tcp"):
        ExecutorOptions("dask")


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_is_named() -> None:
    pytest.importorskip("distributed", reason="needs gonio[cluster]")
    plan = plan_of(FakeSource(1))
    options = ExecutorOptions("dask", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        list(run_tasks(plan, plan.tasks, options))
