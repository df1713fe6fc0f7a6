"""How long a node took, as one more output of it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any


def timed(function: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """The same node with its seconds as last output."""

    @functools.wraps(function)
    def with_seconds(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
        start = time.perf_counter()
        outputs = function(*args, **kwargs)
        seconds = time.perf_counter() - start
        return (*outputs, seconds) if isinstance(outputs, tuple) else (outputs, seconds)

    # Kedro reads the annotations of what a node returns; these are the wrapped function's.
    with_seconds.__annotations__ = {
        key: value for key, value in function.__annotations__.items() if key != "return"
    }
    return with_seconds
