from __future__ import annotations

import threading
import time

import pytest

from gonio.landmarks.ahead import ahead


def test_the_same_values_come_in_the_same_order() -> None:
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []
    assert list(ahead([None, None])) == [None, None]


def test_values_are_made_while_one_is_worked_on() -> None:
    made: list[int] = []

    def making():
        for k in range(20):
            made.append(k)
            yield k

    values = ahead(making(), waiting=3)
    assert next(values) == 0
    deadline = time.monotonic() + 10
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert len(made) == 5  # one in use, three waiting, one in hand: no more, however long it lasts
    assert list(values) == list(range(1, 20))


def test_an_error_comes_in_its_place() -> None:
    def broken():
        yield 1
        raise ValueError("the file is cut off")

    values = ahead(broken())
    assert next(values) == 1
    with pytest.raises(ValueError, match="cut off"):
        next(values)


def test_who_stops_early_leaves_no_thread_and_an_iterator_that_is_closed() -> None:
    closed = []

    def making():
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    before = threading.active_count()
    values = ahead(making(), waiting=2)
    assert next(values) == 0
    values.close()
    assert closed == ["ahead"]
    assert threading.active_count() == before
