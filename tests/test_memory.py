from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from gonio.memory import ARENAS, ARENAS_VARIABLE, give_back

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries have no arenas to share"
)
COUNTED = """
import ctypes, threading
from gonio.memory import share_arenas
{change}
def held(start, end):
    start.wait()
    end.wait()
start, end = threading.Barrier(9), threading.Barrier(9)
threads = [threading.Thread(target=held, args=(start, end)) for _ in range(8)]
[thread.start() for thread in threads]
start.wait()
library = ctypes.CDLL(None)
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
library.fflush(None)
end.wait()
"""


def arenas_with(change: str, environment: dict[str, str] | None = None) -> int:
    """Heaps of a process with eight threads."""
    plain = {k: v for k, v in os.environ.items() if k != ARENAS_VARIABLE}
    told = subprocess.run(
        [sys.executable, "-c", COUNTED.format(change=change)],
        env=plain | (environment or {}),
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.count("<heap nr=")


def test_threads_share_their_heaps() -> None:
    assert arenas_with("") > ARENAS
    assert arenas_with("share_arenas()") == ARENAS


def test_a_number_that_the_user_gives_stays() -> None:
    assert arenas_with("share_arenas()", {ARENAS_VARIABLE: "3"}) == 3


GIVEN_BACK = """
import threading
import gonio.memory
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
kept = []
def fill():
    many = [bytes(1000) for _ in range(200_000)]
    kept.append(many[-1])  # at the end of the heap, which cannot shrink then
thread = threading.Thread(target=fill)
thread.start()
thread.join()
before = resident()
gonio.memory.give_back()
print(before - resident())
"""


def test_free_memory_goes_back_to_the_system() -> None:
    told = subprocess.run(
        [sys.executable, "-c", GIVEN_BACK], capture_output=True, text=True, check=True
    )
    assert int(told.stdout) > 50e6
    give_back()  # as often as one likes
