"""Turning records (nested dictionaries, tables) into words and cells that a person reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import pandas as pd

_UNITS = {
    "s": "s",
    "ms": "ms",
    "hz": "Hz",
    "m": "m",
    "cm": "cm",
    "mm": "mm",
    "deg": "°",
    "px": "px",
    "kg": "kg",
    "percent": "%",
}
_WORDS = {
    "cv": "CV",
    "rms": "RMS",
    "rom": "ROM",
    "id": "ID",
    "gpu": "GPU",
    "cpu": "CPU",
    "isb": "ISB",
    "opensim": "OpenSim",
    "mediapipe": "MediaPipe",
    "pose2sim": "Pose2Sim",
    "2d": "2D",
    "3d": "3D",
    "lstm": "LSTM",
    "sha256": "SHA-256",
}
_MOST_ITEMS = 12
NOTHING = "–"


@dataclass(frozen=True)
class Entry:
    """One line of a record: a label with a text, a table or further entries.

    Attributes:
        label: what it is.
        text: its value, None where `rows` or `children` hold it.
        header: of `rows`.
        rows: cells of a table.
        children: entries below this one.
    """

    label: str
    text: str | None = None
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    children: tuple[Entry, ...] = field(default=())


def entries_of(record: Mapping[Any, Any], digits: int = 4, unit: str = "") -> tuple[Entry, ...]:
    """A record as entries, plain values first.

    Args:
        record: nested; a dictionary of like dictionaries becomes a table, as does a list of them.
        digits: significant digits of numbers.
        unit: of values whose key names none.
    """
    entries = [_entry(str(key), value, digits, unit) for key, value in record.items()]
    return tuple(sorted(entries, key=lambda entry: entry.text is None))


def _entry(key: str, value: Any, digits: int, unit_of_record: str) -> Entry:
    label, own_unit = label_and_unit(key)
    unit = own_unit or unit_of_record
    if isinstance(value, Mapping) and value:
        children = list(value.values())
        if _alike(children):
            named = [{"": label_of(str(name)), **row} for name, row in value.items()]
            return _table(heading_of(key), named, digits)
        return Entry(label, children=entries_of(value, digits, unit))
    if isinstance(value, pd.DataFrame):
        return Entry(label, header=header_of(value), rows=rows_of(value))
    if _is_list(value) and len(value) and _alike(list(value)):
        return _table(heading_of(key), list(value), digits)
    return Entry(label, text=_with_unit(value, unit, digits))


def _alike(items: list[Any]) -> bool:
    if len(items) < 2 or not all(isinstance(item, Mapping) and item for item in items):
        return False
    keys = set(items[0])
    plain = (
        not isinstance(value, Mapping | pd.DataFrame) and not _is_list(value)
        for item in items
        for value in item.values()
    )
    return all(set(item) == keys for item in items) and all(plain)


def _table(label: str, items: Sequence[Mapping[Any, Any]], digits: int) -> Entry:
    keys = list(items[0])
    header = tuple(heading_of(str(key)) if key else "" for key in keys)
    rows = tuple(
        tuple(value_text(_in_percent(str(key), item[key]), digits) for key in keys)
        for item in items
    )
    return Entry(label, header=header, rows=rows)


def _in_percent(key: str, value: Any) -> Any:
    share = label_and_unit(key)[1] == "share" and _is_number(value)
    return 100 * float(value) if share else value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _with_unit(value: Any, unit: str, digits: int) -> str:
    if unit == "%" and _is_number(value):
        return f"{value_text(value, digits)} %"
    if unit == "share" and _is_number(value):
        return f"{value_text(100 * float(value), min(digits, 3))} %"
    text = value_text(value, digits)
    if not unit or unit == "share" or text == NOTHING or not (_is_number(value) or _is_list(value)):
        return text
    return f"{text}{'' if unit == '°' else ' '}{unit}"


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(float(value))


def value_text(value: Any, digits: int = 4) -> str:
    """One value in words: yes and no, a dash for nothing, numbers to `digits` digits.

    >>> value_text(0.123456), value_text(True), value_text(None), value_text([1, 2.5])
    ('0.1235', 'yes', '–', '1, 2.5')
    """
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        value = item()
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Real) and not isinstance(value, Integral):
        return f"{float(value):.{digits}g}"
    if _is_list(value):
        return _list_text(value, digits)
    if isinstance(value, Mapping):
        pairs = (f"{label_of(str(k))}: {value_text(v, digits)}" for k, v in value.items())
        return ", ".join(pairs) or "none"
    return str(value)


def _list_text(values: Sequence[Any], digits: int) -> str:
    shown = ", ".join(value_text(part, digits) for part in values[:_MOST_ITEMS])
    more = len(values) - _MOST_ITEMS
    return (f"{shown} and {more} more" if more > 0 else shown) or "none"


def label_and_unit(key: str) -> tuple[str, str]:
    """A key in words, and the unit that its ending names (`share` for a part of 1).

    >>> label_and_unit("duration_s"), label_and_unit("bone_length_cv_percent")
    (('Duration', 's'), ('Bone length CV', '%'))
    """
    words = [word for word in key.split("_") if word]
    unit = ""
    if len(words) > 1 and (words[-1] in _UNITS or words[-1] == "share"):
        unit = _UNITS.get(words[-1], "share")
        words = words[:-1]
    if not unit and (key == "detection_rate" or "cv" in words):
        unit = "share"
    text = " ".join(_WORDS.get(word, word) for word in words) or key
    return text[:1].upper() + text[1:], unit


def label_of(key: str) -> str:
    """A key in words, without its unit."""
    return label_and_unit(key)[0]


def heading_of(key: str) -> str:
    """A key as the head of a column: words, with the unit in brackets."""
    label, unit = label_and_unit(key)
    return f"{label} ({'%' if unit == 'share' else unit})" if unit else label


def header_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The heads of a table's columns; a named or non-trivial index leads."""
    heads = tuple(heading_of(str(column)) for column in table.columns)
    return (
        heads if isinstance(table.index, pd.RangeIndex) else (label_of(_index_name(table)), *heads)
    )


def _index_name(table: pd.DataFrame) -> str:
    return "" if table.index.name is None else str(table.index.name)


def rows_of(table: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    """The cells of a table: one decimal, two where a whole column lies within ±2."""
    columns = [
        _cells([_in_percent(str(column), value) for value in table[column]])
        for column in table.columns
    ]
    if not isinstance(table.index, pd.RangeIndex):
        columns.insert(0, [str(value) for value in table.index])
    return tuple(zip(*columns, strict=True)) if columns else ()


def _cells(column: list[Any]) -> list[str]:
    numbers = [float(value) for value in column if _is_number(value)]
    small = bool(numbers) and max(abs(number) for number in numbers) <= 2
    whole = all(isinstance(value, Integral) for value in column)
    cells = []
    for value in column:
        if _is_number(value) and not whole:
            text = f"{float(value):.{2 if small else 1}f}"
            cells.append("0" + text[2:] if text in {"-0.0", "-0.00"} else text)
        else:
            cells.append(value_text(value))
    return cells


def numeric_columns(rows: Sequence[Sequence[str]]) -> tuple[bool, ...]:
    """Which columns of a table hold numbers, and nothing else but dashes: they stand right."""
    return tuple(
        any(cell != NOTHING for cell in column)
        and all(cell == NOTHING or cell.lstrip("-")[:1].isdigit() for cell in column)
        for column in zip(*rows, strict=True)
    )
