from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gonio.errors import InputError
from gonio.reporting.series import angle_of, columns_of, envelope, times_of
from gonio.skeleton import JOINTS

_VALUES = arrays(
    float,
    st.integers(1, 400),
    elements=st.one_of(st.just(np.nan), st.floats(-720, 720, allow_nan=False)),
)


@given(_VALUES, st.integers(2, 100))
def test_an_envelope_is_short_ordered_and_keeps_both_extremes(values, most):
    keep = envelope(values, most)
    assert len(keep) <= max(most, 1)
    assert (np.diff(keep) > 0).all()
    if np.isfinite(values).any():
        assert np.nanmax(values[keep]) == np.nanmax(values)
        assert np.nanmin(values[keep]) == np.nanmin(values)
    else:
        assert np.isnan(values[keep]).all()


def test_a_long_gap_stays_open_in_an_envelope():
    values = np.sin(np.arange(1000) / 20)
    values[300:500] = np.nan
    keep = envelope(values, 100)
    inside = keep[(keep >= 310) & (keep < 490)]
    assert len(inside) > 0
    assert np.isnan(values[inside]).all()


def test_few_samples_are_all_kept():
    np.testing.assert_array_equal(envelope(np.zeros(10), 10), np.arange(10))


def test_columns_are_found_by_either_name(angles):
    elbow = JOINTS[-1]
    assert columns_of(elbow, angles) == elbow.columns
    other = angles.rename(columns={"elbow_L_flexion_deg": "elbow_L_bend_deg"})
    assert [angle_of(c, elbow) for c in columns_of(elbow, other)] == [
        "bend",
        "deviation",
        "pronation",
    ]
    assert columns_of(elbow, angles.drop(columns="elbow_L_flexion_deg")) == ()


def test_times_must_increase(angles):
    angles.loc[5, "time_s"] = 0.0
    with pytest.raises(InputError, match="increase"):
        times_of(angles)
    with pytest.raises(InputError, match="time_s"):
        times_of(angles.drop(columns="time_s"))
