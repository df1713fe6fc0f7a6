"""Taking from an iterator ahead of its use, in a thread of its own: decoding beside detection."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
_LOOK_S = 0.05
"""How often a full queue is looked at again, to notice that nobody wants more."""


def ahead(values: Iterable[T], waiting: int = 4) -> Generator[T, None, None]:
    """The same values in the same order; a thread takes the next ones while one is worked on.

    Args:
        values: used by that thread alone; an error in it is raised here, in its place.
        waiting: values that may wait, which bounds the memory.
    """
    queue: Queue[tuple[T] | BaseException | None] = Queue(waiting)
    unwanted = Event()

    def put(item: tuple[T] | BaseException | None) -> None:
        while not unwanted.is_set():
            try:
                return queue.put(item, timeout=_LOOK_S)
            except Full:
                continue

    def work() -> None:
        source = iter(values)
        try:
            for value in source:
                put((value,))
                if unwanted.is_set():
                    break
            put(None)
        except BaseException as error:
            put(error)
        finally:
            if isinstance(source, Generator):
                source.close()

    thread = Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]
    finally:  # the values are closed by their own thread, before anybody goes on
        unwanted.set()
        while thread.is_alive():
            try:
                queue.get_nowait()
            except Empty:
                thread.join(_LOOK_S)
