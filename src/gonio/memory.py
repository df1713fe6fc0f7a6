"""How the C library hands out memory to the threads of a run."""

from __future__ import annotations

import ctypes
import os

ARENAS = 2
ARENAS_VARIABLE = "MALLOC_ARENA_MAX"
"""With it a user says how many; so it stays."""
_M_ARENA_MAX = -8
"""The option's number in glibc's malloc.h."""


def share_arenas() -> None:
    """Have threads share their heaps, so that what one gives back another can use.

    glibc makes up to eight heaps a core, each of which keeps what was once allocated in it (mallopt
    in the Linux manual, section 3); a run on a long video then holds nearly half as much again.
    Other C libraries are left as they are. It is for the process that makes the run, before its
    threads are there.
    """
    if ARENAS_VARIABLE in os.environ or os.name != "posix":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)
