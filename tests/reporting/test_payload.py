from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gonio.reporting.payload import (
    ANIMATION_FRAMES,
    CURVE_POINTS,
    curve_payload,
    decoded,
    row_payload,
    skeleton_payload,
    span_payload,
)
from gonio.skeleton import ANGLE_COLUMNS, MARKER_EDGES


def _positions(payload):
    steps = decoded(payload["positions"], "<i2").astype(float)
    steps[steps == payload["missing"]] = np.nan
    shape = (payload["frames"], len(payload["names"]), 3)
    return np.array(payload["origin_m"]) + steps.reshape(shape) * payload["unit_m"]


def test_markers_come_back_to_the_millimetre_with_gaps_and_flags(make_markers):
    markers = make_markers(rate_hz=30.0)
    positions, estimated = markers.positions.copy(), markers.estimated.copy()
    positions[5, 7] = np.nan
    estimated[9, 3] = True
    payload = skeleton_payload(replace(markers, positions=positions, estimated=estimated))
    np.testing.assert_allclose(_positions(payload), positions, atol=0.000501)
    flags = decoded(payload["estimated"], "u1").reshape(estimated.shape)
    np.testing.assert_array_equal(flags.astype(bool), estimated)


def test_a_walk_of_a_hundred_metres_is_stored_more_coarsely_but_not_wrapped(make_markers):
    markers = make_markers(rate_hz=30.0)
    far = markers.positions + np.linspace(0, 100, len(markers))[:, None, None] * [1.0, 0, 0]
    payload = skeleton_payload(replace(markers, positions=far))
    np.testing.assert_allclose(_positions(payload), far, atol=0.51 * payload["unit_m"])
    assert payload["unit_m"] < 0.002


def test_the_animation_is_thinned_in_rate_and_length(make_markers):
    fast = make_markers(frames=480, rate_hz=240.0)
    payload = skeleton_payload(fast)
    assert payload["frames"] == 60
    assert payload["step_s"] == pytest.approx(1 / 30)
    np.testing.assert_allclose(_positions(payload), fast.positions[::8], atol=0.000501)
    long = skeleton_payload(make_markers(frames=ANIMATION_FRAMES + 1, rate_hz=30.0))
    assert long["frames"] <= ANIMATION_FRAMES
    assert long["step_s"] == pytest.approx(2 / 30)


def test_edges_sides_and_kinds_follow_the_names(markers):
    payload = skeleton_payload(markers)
    names = payload["names"]
    assert [(names[a], names[b]) for a, b in payload["edges"]] == list(MARKER_EDGES)
    sides = dict(zip(names, payload["sides"], strict=True))
    assert (sides["RKnee"], sides["r_knee_study"], sides["L.ASIS_study"]) == ("R", "R", "L")
    assert (sides["Neck"], sides["C7_study"]) == ("M", "M")
    assert sum(payload["augmented"]) == 43


def test_nothing_but_gaps_can_be_packed(markers):
    payload = skeleton_payload(replace(markers, positions=np.full_like(markers.positions, np.nan)))
    assert np.isnan(_positions(payload)).all()


def test_curves_come_back_with_their_gaps(angles):
    angles.loc[10:20, "knee_L_flexion_deg"] = np.nan
    time_s = angles["time_s"].to_numpy()
    curves = curve_payload(time_s, angles)
    assert set(curves) == set(ANGLE_COLUMNS)
    for column, packed in curves.items():
        np.testing.assert_allclose(decoded(packed["t"], "<f4"), time_s, atol=1e-6)
        np.testing.assert_allclose(decoded(packed["y"], "<f4"), angles[column], atol=1e-4)


def test_long_curves_are_thinned_and_keep_their_peak(make_angles):
    long = make_angles(frames=20_000)
    long.loc[12_345, "hip_L_rotation_deg"] = 88.0
    curve = curve_payload(long["time_s"].to_numpy(), long)["hip_L_rotation_deg"]
    values, times = decoded(curve["y"], "<f4"), decoded(curve["t"], "<f4")
    assert len(values) == len(times) <= CURVE_POINTS
    assert times[np.argmax(values)] == pytest.approx(12_345 / 60, abs=1e-4)


def test_a_table_may_have_fewer_columns_and_a_spread(angles):
    some = angles[["time_s", "hip_R_flexion_deg", "hip_R_rotation_deg"]]
    curves = curve_payload(angles["time_s"].to_numpy(), some, sigma=some * 0 + 2.5)
    assert set(curves) == {"hip_R_flexion_deg", "hip_R_rotation_deg"}
    assert set(decoded(curves["hip_R_flexion_deg"]["s"], "<f4")) == {2.5}


def test_spans_name_flagged_joints_only(angles):
    flags = angles[["knee_R_flexion_deg"]] > 1e9
    assert span_payload(flags, angles["time_s"].to_numpy()) == {}
    flags.iloc[12:18] = True
    spans = span_payload(flags, angles["time_s"].to_numpy())
    assert spans == {
        "knee_R": [[pytest.approx(11.5 / 60, abs=1e-4), pytest.approx(17.5 / 60, abs=1e-4)]]
    }


def test_rows_lead_to_every_column(angles):
    columns = [
        c for row in row_payload(angles) for joint in row["joints"] for c in joint["columns"]
    ]
    assert sorted(columns) == sorted(ANGLE_COLUMNS)
