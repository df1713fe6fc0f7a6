from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gonio.errors import InputError
from gonio.reporting.flags import flags_of, spans_of
from gonio.skeleton import JOINTS

_HIP_R, _HIP_L = (next(j for j in JOINTS if j.name == name) for name in ("hip_R", "hip_L"))


@pytest.mark.parametrize("column", ["hip_R", "hip_R_near_singularity", "hip_R_flexion_deg"])
def test_flags_are_found_by_the_name_of_the_joint(column):
    flags = pd.DataFrame({column: [False, True, True]})
    assert flags_of(flags, _HIP_R, 3).tolist() == [False, True, True]
    assert not flags_of(flags, _HIP_L, 3).any()
    assert not flags_of(None, _HIP_R, 3).any()


def test_flags_of_another_length_are_refused():
    with pytest.raises(InputError, match="2 rows"):
        flags_of(pd.DataFrame({"hip_R": [True, False]}), _HIP_R, 3)


def test_spans_reach_half_a_step_beyond_the_samples_and_end_with_the_clip():
    time_s = np.arange(6) / 10
    flagged = np.array([True, False, False, True, True, True])
    assert spans_of(flagged, time_s) == [
        (0.0, pytest.approx(0.05)),
        (pytest.approx(0.25), pytest.approx(0.5)),
    ]
    assert spans_of(np.zeros(6, bool), time_s) == []


def test_flickering_flags_become_few_spans():
    time_s = np.arange(100_000) / 60
    assert len(spans_of(np.arange(100_000) % 2 == 0, time_s)) == 1
