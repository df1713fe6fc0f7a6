"""How a node of `inference` ran, as one more output of it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from gonio.options import InferenceOptions
from gonio.steps import step_record


def recorded(function: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """The same node with its record as last output: its seconds and the parameters that it read.

    Args:
        function: whose last input is the parameters.
    """

    @functools.wraps(function)
    def with_record(*inputs: Any) -> tuple[Any, ...]:
        start = time.perf_counter()
        outputs = function(*inputs)
        seconds = time.perf_counter() - start
        options = InferenceOptions.from_parameters(inputs[-1])
        record = step_record(function.__name__, options, seconds)
        return (*outputs, record) if isinstance(outputs, tuple) else (outputs, record)

    # Kedro reads the annotations of what a node returns; these are the wrapped function's.
    with_record.__annotations__ = {
        key: value for key, value in function.__annotations__.items() if key != "return"
    }
    return with_record
