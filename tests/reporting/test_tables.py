from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gonio.reporting.tables import (
    entries_of,
    header_of,
    label_and_unit,
    numeric_columns,
    rows_of,
    value_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (True, "yes"),
        (np.bool_(False), "no"),
        (28, "28"),
        (np.int64(100_000), "100000"),
        (0.123456, "0.1235"),
        (np.float32(2.5), "2.5"),
        ("cpu", "cpu"),
        ([], "none"),
        ({}, "none"),
        ([1, 2.5, None], "1, 2.5, –"),
        (list(range(15)), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more"),
    ],
)
def test_values_in_words(value, text):
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("key", "label", "unit"),
    [
        ("duration_s", "Duration", "s"),
        ("rate_hz", "Rate", "Hz"),
        ("detected_share", "Detected", "share"),
        ("bone_length_cv_before", "Bone length CV before", "share"),
        ("opensim", "OpenSim", ""),
        ("s", "S", ""),
    ],
)
def test_keys_in_words(key, label, unit):
    assert label_and_unit(key) == (label, unit)


def test_units_and_shares_are_written_out():
    entries = entries_of({"duration_s": 1.667, "detection_rate": 0.987, "height_m": None})
    assert [(e.label, e.text) for e in entries] == [
        ("Duration", "1.667 s"),
        ("Detection rate", "98.7 %"),
        ("Height", "–"),
    ]


def test_a_nested_record_keeps_everything():
    record = {
        "timing": {"landmarks_s": 4.4, "deep": {"a": 1}},
        "frames": 100,
        "bones": {"thigh_L": {"before": 4.3, "after": 2.0}, "thigh_R": {"before": 4, "after": 2}},
        "steps": [{"name": "a", "n": 1}, {"name": "b", "n": 2}],
    }
    frames, timing, bones, steps = entries_of(record)
    assert (frames.label, frames.text) == ("Frames", "100")
    assert [(c.label, c.text) for c in timing.children] == [("Landmarks", "4.4 s"), ("Deep", None)]
    assert timing.children[1].children[0].text == "1"
    assert bones.header == ("", "Before", "After")
    assert bones.rows == (("Thigh L", "4.3", "2"), ("Thigh R", "4", "2"))
    assert steps.rows == (("a", "1"), ("b", "2"))


def test_a_unit_holds_for_the_whole_record_below_it():
    (timing,) = entries_of({"timing_s": {"repair": 0.5, "share_of_all_share": 0.25}})
    assert [(c.label, c.text) for c in timing.children] == [
        ("Repair", "0.5 s"),
        ("Share of all", "25 %"),
    ]


def test_a_table_has_one_decimal_two_where_small_and_no_minus_zero():
    table = pd.DataFrame(
        {"joint": ["hip", "knee"], "rom_deg": [41.26, -0.01], "r": [0.987, 0.5], "n": [3, 4]},
    )
    assert header_of(table) == ("Joint", "ROM (°)", "R", "N")
    assert rows_of(table) == (("hip", "41.3", "0.99", "3"), ("knee", "0.0", "0.50", "4"))


def test_an_index_with_names_leads_and_gaps_are_dashes():
    table = pd.DataFrame({"peak_deg": [12.0, np.nan]}, index=pd.Index(["R", "L"], name="side"))
    assert header_of(table) == ("Side", "Peak (°)")
    assert rows_of(table) == (("R", "12.0"), ("L", "–"))


def test_columns_of_numbers_are_told_from_columns_of_words():
    rows = (("hip", "1.5", "–", "–"), ("knee", "-2.0", "R", "–"))
    assert numeric_columns(rows) == (False, True, False, False)
    assert numeric_columns(()) == ()
