"""Running tasks on a process pool or a Dask cluster; one that fails does not stop the others."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from gonio.capture.store import ConversionPlan, Outcome
from gonio.capture.tasks import LeftOutError, Source, Task
from gonio.errors import GonioError, InputError

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

ExecutorName = Literal["pool", "dask", "inline"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExecutorOptions:
    """Where tasks run.

    Attributes:
        executor: `pool` (processes of this machine), `dask` (a cluster) or `inline` (this process,
            one task after the other).
        workers: processes of the pool, 1 or more.
        scheduler: address of the Dask scheduler, e.g. `tcp://host:8786`.

    Raises:
        InputError: no workers, or Dask without an address.
    """

    executor: ExecutorName = "pool"
    workers: int = 1
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InputError(f"workers is {self.workers}; allowed are 1 or more")
        if self.executor == "dask" and not self.scheduler:
            raise InputError(
                "executor=dask needs the address of a scheduler, e.g. scheduler=tcp://host:8786"
            )


def run_tasks(
    plan: ConversionPlan, tasks: Sequence[Task], options: ExecutorOptions
) -> Iterator[Outcome]:
    """Convert tasks and give each outcome as soon as it is there, in any order.

    Args:
        plan: gives the source and the parameter hash.
        tasks: those of the plan that are to be done.
        options: where to run.

    Yields:
        One outcome for each task; an error in a task is a failed outcome.

    Raises:
        InputError: Dask is not installed or its scheduler does not answer.
    """
    if options.executor == "dask":
        yield from _on_dask(plan, tasks, str(options.scheduler))
        return
    if options.executor == "inline":
        for task in tasks:
            yield _here(plan, task)
        return
    yield from _on_pool(plan, tasks, options.workers)


def convert_one(source: Source, task: Task, parameter_hash: str) -> Outcome:
    """Convert one task in this process; what Gonio foresees becomes an outcome."""
    start = time.perf_counter()
    try:
        converted = source.convert(task)
    except LeftOutError as error:
        return Outcome(
            task, parameter_hash, "left_out", str(error), seconds=time.perf_counter() - start
        )
    except GonioError as error:
        return Outcome(
            task, parameter_hash, "failed", str(error), seconds=time.perf_counter() - start
        )
    return Outcome(
        task,
        parameter_hash,
        "done",
        converted=converted,
        seconds=time.perf_counter() - start,
    )


class _Trap:
    """Keeps an error of the block instead of raising it, as a future does."""

    error: BaseException | None = None

    def __enter__(self) -> _Trap:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self.error = error
        return isinstance(error, Exception)  # Ctrl-C goes through


def _here(plan: ConversionPlan, task: Task) -> Outcome:
    """Convert in this thread: an OpenGL context belongs to the thread that made it."""
    with _Trap() as trap:
        return convert_one(plan.source, task, plan.parameter_hash)
    return _unforeseen(plan, task, trap.error)


def _on_pool(plan: ConversionPlan, tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Processes are spawned; a task whose worker dies is tried once more, alone."""
    with _one_thread_each():
        yield from _spawned(plan, deque(tasks), workers)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers that start now calculate with one thread each, unless the user has said otherwise.

    There is a process for each core already; with more threads than cores they wait for each other
    (measured on two cores: projected motion at 250 frames/s instead of 1,070).
    """
    added = [name for name in _THREAD_VARIABLES if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _spawned(plan: ConversionPlan, queue: deque[Task], workers: int) -> Iterator[Outcome]:
    while queue:
        with _pool(workers) as pool:
            suspects = yield from _drain(plan, queue, pool, 2 * workers)
        for task in suspects:
            with _pool(1) as pool:
                killed = yield from _drain(plan, deque([task]), pool, 1)
            if killed:
                yield Outcome(
                    task,
                    plan.parameter_hash,
                    "failed",
                    "its worker process died twice: killed, out of memory, or a crash in a "
                    "library. Try with fewer workers.",
                )


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_die_with_parent)


def _die_with_parent() -> None:
    """End this worker when the main process is killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _drain(
    plan: ConversionPlan, queue: deque[Task], executor: Executor, at_once: int
) -> Generator[Outcome, None, list[Task]]:
    """Work through the queue; returns the tasks that were under way when a worker died."""
    running: dict[Future[Outcome], Task] = {}
    try:
        while queue or running:
            while queue and len(running) < at_once:
                future = executor.submit(convert_one, plan.source, queue[0], plan.parameter_hash)
                running[future] = queue.popleft()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    return list(running.values())
                task = running.pop(future)
                yield future.result() if error is None else _unforeseen(plan, task, error)
    except BrokenProcessPool:  # raised by submit
        return list(running.values())
    finally:
        for future in running:
            future.cancel()
    return []


def _unforeseen(plan: ConversionPlan, task: Task, error: BaseException | None) -> Outcome:
    """A failed outcome; where the error happened is logged, for its text alone may not say."""
    logger.error("%s %s failed", task.source, task.key, exc_info=error)
    reason = f"{type(error).__name__}: {error}"
    return Outcome(task, plan.parameter_hash, "failed", reason)


def _on_dask(plan: ConversionPlan, tasks: Sequence[Task], scheduler: str) -> Iterator[Outcome]:
    """The same function on a cluster; the results come back and are written here."""
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise InputError(
            "executor=dask needs the packages dask and distributed: pip install 'gonio[cluster]'"
        ) from error
    try:
        client: Any = Client(scheduler, timeout="10s")
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {scheduler}: {error}. Start one with `dask scheduler` "
            "and `dask worker`, with Gonio installed on every machine."
        ) from error
    with client:
        waiting = deque(tasks)
        task_of: dict[Any, Task] = {}
        finished = as_completed()
        at_once = 2 * max(1, sum(client.nthreads().values()))

        def submit() -> None:
            task = waiting.popleft()
            future = client.submit(convert_one, plan.source, task, plan.parameter_hash, pure=False)
            task_of[future.key] = task
            finished.add(future)

        while waiting and len(task_of) < at_once:
            submit()
        for future in finished:
            task = task_of.pop(future.key)
            trouble = future.exception()
            yield future.result() if trouble is None else _unforeseen(plan, task, trouble)
            if waiting:
                submit()
