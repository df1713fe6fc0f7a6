import numpy as np
import pytest

from gonio.errors import InputError
from gonio.types import LandmarkSequence, MarkerTrajectories, RefinedPose, Subject


def _sequence(n=4, **changes):
    arrays = {
        "time_s": np.arange(n) / 30,
        "world": np.zeros((n, 33, 3)),
        "image": np.zeros((n, 33, 2)),
        "visibility": np.ones((n, 33)),
        "image_size": (640, 480),
    }
    return LandmarkSequence(**(arrays | changes))


@pytest.mark.parametrize(
    ("height", "says"), [(178, "1.78"), (-1, "0.4 to 2.8"), (0.1, "0.4 to 2.8"), (3, "0.4 to 2.8")]
)
def test_a_height_that_nobody_has_is_refused(height, says):
    with pytest.raises(InputError, match=says):
        Subject(height)


def test_mass_is_checked_and_both_are_optional():
    assert Subject() == Subject(None, None)
    with pytest.raises(InputError, match="kilograms"):
        Subject(1.7, 7000)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"world": np.zeros((4, 17, 3))}, r"world has shape \(4, 17, 3\); allowed is \(4, 33, 3\)"),
        ({"time_s": np.array([0, 1, 1, 2.0])}, "increase"),
        ({"image_size": (0, 480)}, "image_size"),
        ({"image_size": (np.nan, 5)}, r"image_size is \(nan, 5\); allowed are width and height"),
        ({"image_size": (np.inf, 5)}, r"image_size is \(inf, 5\); allowed are width and height"),
        ({"image_size": (640,)}, r"image_size is \(640,\); allowed are width and height"),
        ({"image_size": None}, "image_size is None; allowed are width and height"),
        ({"visibility": np.full((4, 33), np.inf)}, "infinite"),
    ],
)
def test_a_sequence_says_what_is_wrong(changes, says):
    with pytest.raises(InputError, match=says):
        _sequence(**changes)


def test_rate_and_detection():
    world = np.zeros((4, 33, 3))
    world[2] = np.nan
    sequence = _sequence(world=world)
    assert sequence.rate_hz == pytest.approx(30)
    assert sequence.detected.tolist() == [True, True, False, True]
    assert np.isnan(_sequence(n=1).rate_hz)


def test_a_pose_needs_arrays_that_agree():
    with pytest.raises(InputError, match="up has shape"):
        RefinedPose(
            np.zeros((3, 17, 3)), np.zeros((3, 17, 3)), np.zeros((2, 3)), np.zeros(3), np.zeros(3)
        )


def test_markers_by_name():
    markers = MarkerTrajectories(("A", "B"), np.arange(12).reshape(2, 2, 3), 50, start_s=1.0)
    assert markers["B"].tolist() == [[3, 4, 5], [9, 10, 11]]
    assert markers.time_s.tolist() == [1.0, 1.02]
    assert not markers.estimated.any()
    with pytest.raises(InputError, match=r"no marker 'C'; there are A, B"):
        markers["C"]


@pytest.mark.parametrize(
    ("names", "rate", "says"), [(("A", "A"), 50, "more than once"), (("A", "B"), 0, "above 0")]
)
def test_markers_are_checked(names, rate, says):
    with pytest.raises(InputError, match=says):
        MarkerTrajectories(names, np.zeros((2, 2, 3)), rate)
