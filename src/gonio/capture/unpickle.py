"""Reading pickles of arrays without running what is in them.

A pickle is a program. This reader knows arrays of numbers or text, and Python's own containers and
numbers; anything else that a pickle asks for is refused. NumPy's own unpickling code, which trusts
its input, is not used either: an array is rebuilt from its bytes here.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gonio.errors import InputError, MissingFileError

PLAIN_KINDS = "biufcSU"
"""Kinds of array that hold no Python objects: booleans, numbers, text."""
MAX_DEPTH = 100


def read_pickle(path: str | Path) -> Any:
    """Read a pickle that holds nothing but arrays, dicts, lists, tuples, text and numbers.

    Args:
        path: of the pickle, any protocol, as written by Python 2 or 3.

    Returns:
        The same containers with NumPy arrays in them.

    Raises:
        MissingFileError: there is no such file.
        InputError: it is not a pickle, is cut short, or asks for anything else, e.g. a function.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"there is no file {source}")
    try:
        with source.open("rb") as stream:
            return _resolved(_PlainUnpickler(stream, encoding="latin1").load(), 0)
    except InputError as error:
        raise InputError(f"{source} is refused: {error}") from error
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        ImportError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        raise InputError(
            f"{source} cannot be read as a pickle ({error}); is it complete?"
        ) from error


class _DType:
    """Stands for `numpy.dtype` while a pickle is read."""

    def __init__(self, spec: Any, *_: Any) -> None:
        self.spec = spec.decode("ascii") if isinstance(spec, bytes) else str(spec)
        self.order = "="

    def __setstate__(self, state: Any) -> None:
        if any(part is not None for part in state[2:5]):
            raise InputError("an array with named fields; allowed are arrays of numbers or text")
        order = state[1]
        self.order = order.decode("ascii") if isinstance(order, bytes) else str(order)

    def real(self) -> np.dtype[Any]:
        """The type itself, if it holds no objects."""
        kind = self.spec.lstrip("<>=|")[:1]
        if kind not in PLAIN_KINDS or not kind:
            raise InputError(
                f"an array of type {self.spec!r}; allowed are arrays of numbers or text, because "
                "an array of objects can run code when it is read"
            )
        dtype = np.dtype(self.spec)
        return np.dtype(self.order + dtype.str[1:]) if self.order in ("<", ">") else dtype


class _Array:
    """Stands for `numpy.ndarray` while a pickle is read."""

    def __init__(self) -> None:
        self.value: NDArray[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        self.value = _array_from(data, dtype, shape, "F" if fortran else "C")


def _array_from(data: Any, dtype: Any, shape: Any, order: Any = "C") -> NDArray[Any]:
    if not isinstance(dtype, _DType):
        raise InputError("an array without a plain type; allowed are arrays of numbers or text")
    real = dtype.real()
    content = data.encode("latin1") if isinstance(data, str) else bytes(data)
    sides = tuple(int(side) for side in shape)
    if math.prod(sides) * real.itemsize != len(content):
        raise InputError(
            f"an array of shape {sides} and type {real} with {len(content)} bytes; it is damaged"
        )
    flat = np.frombuffer(content, dtype=real)
    return flat.reshape(sides, order="F" if order == "F" else "C").copy()


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _scalar(dtype: Any, data: Any = b"") -> Any:
    return _array_from(data, dtype, ())[()]


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """What Python 3 writes for bytes in the old protocols."""
    if encoding not in ("latin1", "latin-1"):
        raise InputError(f"bytes in the encoding {encoding!r}; allowed is latin1")
    return str(text).encode("latin1")


def _no_bytes(*arguments: Any) -> bytes:
    """What Python 3 writes for empty bytes in the old protocols."""
    if arguments:
        raise InputError("a call of bytes(...); allowed are bytes written out")
    return b""


def _no_array(*_: Any) -> None:
    raise InputError("a call of numpy.ndarray(...); allowed are arrays written out")


class _StandIn:
    """What a pickle gets for a name: it can be called, and nothing on it can be changed."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise InputError("it changes a function; allowed are arrays of numbers or text")


_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_BUFFER_MODULES = ("numpy.core.numeric", "numpy._core.numeric")
_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "dtype"): _DType,
    ("numpy", "ndarray"): _no_array,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
    ("builtins", "bytes"): _no_bytes,
    **{(module, "_reconstruct"): _reconstruct for module in _ARRAY_MODULES},
    **{(module, "scalar"): _scalar for module in _ARRAY_MODULES},
    **{(module, "_frombuffer"): _array_from for module in _BUFFER_MODULES},
}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Give the stand-in for what may be asked for."""
        try:
            return _StandIn(_ALLOWED[module, name])
        except KeyError:
            raise InputError(
                f"it asks for {module}.{name}, which is not part of an array of numbers. A pickle "
                "can run any program: read this file with nothing else either, unless you trust "
                "who made it."
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        """Refuse references to the outside."""
        raise InputError(f"it refers to {pid!r} outside of itself; allowed are whole files")


def _resolved(value: Any, depth: int) -> Any:
    """Put the arrays where their stand-ins are."""
    if depth > MAX_DEPTH:
        raise InputError(f"containers nested deeper than {MAX_DEPTH}, or in themselves")
    if isinstance(value, _Array):
        if value.value is None:
            raise InputError("an array without content; it is damaged")
        return value.value
    if isinstance(value, dict):
        return {_resolved(k, depth + 1): _resolved(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolved(item, depth + 1) for item in value]
    if isinstance(value, tuple):
        return tuple(_resolved(item, depth + 1) for item in value)
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        return value
    if isinstance(value, np.ndarray):
        return value
    raise InputError(
        f"it holds a {type(value).__name__}; allowed are arrays, dicts, lists, text and numbers"
    )
