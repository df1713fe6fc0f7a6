"""How many samples of a clip are held in memory together."""

import numpy as np
import pytest

from gonio.kinematics.bands import FRAMES_AT_ONCE, samples_at_once
from gonio.markers.augment import TRAINED_RATE_HZ


@pytest.mark.parametrize("rate_hz", [10.0, 30.0, 60.0, 120.0])
@pytest.mark.parametrize("seconds", [1, 50, 600, 7200])
def test_what_is_held_together_is_bounded_at_the_augmenter_s_rate(seconds, rate_hz):
    together = samples_at_once(round(seconds * rate_hz), rate_hz)
    frames = together * seconds * TRAINED_RATE_HZ
    assert together == 1 or frames <= FRAMES_AT_ONCE
    assert together == 1 or frames + seconds * TRAINED_RATE_HZ > FRAMES_AT_ONCE


def test_a_single_frame_has_no_rate():
    assert samples_at_once(1, np.nan) == FRAMES_AT_ONCE
