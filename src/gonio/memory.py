"""How the C library hands out memory to the threads of a run, and takes it back.

Of glibc only; other C libraries are left as they are.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

ARENAS = 2
ARENAS_VARIABLE = "MALLOC_ARENA_MAX"
"""With it a user says how many; so it stays."""
_M_ARENA_MAX = -8
"""The option's number in glibc's malloc.h."""


def share_arenas() -> None:
    """Have threads share their heaps, so that what one gives back another can use.

    glibc makes up to eight heaps a core, each of which keeps what was once allocated in it (mallopt
    in the Linux manual, section 3); a run on a long video then holds nearly half as much again. It
    is for the process that makes the run, before its threads are there.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None and ARENAS_VARIABLE not in os.environ:
        mallopt(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Give memory that is free to the system, from all heaps (malloc_trim, Linux manual 3)."""
    malloc_trim = _of_glibc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


def _of_glibc(name: str) -> Any:
    """A function of the C library of this process; None where it has none of that name."""
    return getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None
