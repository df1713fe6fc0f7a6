from __future__ import annotations

import numpy as np
import pytest

from gonio.models.windows import FRAMES_AT_ONCE, cut_windows
from gonio.signals import stride_of


@pytest.mark.parametrize("count", [1, 5, 8, 9, 40, 61])
@pytest.mark.parametrize("stride", [1, 3, 6])
def test_every_frame_is_seen_and_put_back(count: int, stride: int) -> None:
    windows = cut_windows(count, stride, 8)
    answers = windows.frames[..., None].astype(float)
    np.testing.assert_allclose(windows.together(answers, count)[:, 0], np.arange(count))


def test_frames_of_a_window_lie_a_step_apart() -> None:
    windows = cut_windows(30, 3, 8)
    for row in windows.frames:
        inside = row[row >= 0]
        assert (np.diff(inside) == 3).all()


@pytest.mark.parametrize(("overlap", "windows"), [(0.0, 3), (1 / 3, 4), (0.5, 5)])
def test_windows_overlap_as_much_as_is_asked_for(overlap: float, windows: int) -> None:
    table = cut_windows(36, 1, 12, overlap)
    assert len(table) == windows
    assert set(np.diff(table.frames[:, 0])) == {round(12 * (1 - overlap))}


def test_where_windows_overlap_the_middle_counts_most() -> None:
    windows = cut_windows(12, 1, 8)
    answers = np.repeat(np.arange(len(windows), dtype=float)[:, None, None], 8, axis=1)
    together = windows.together(answers, 12)[:, 0]
    assert (np.diff(together) >= 0).all()
    assert together[0] == 0
    assert together[-1] == len(windows) - 1


@pytest.mark.parametrize("window", [8, 96, 500])
def test_the_parts_that_are_seen_together_hold_few_frames(window: int) -> None:
    windows = cut_windows(4000, 2, window)
    parts = list(windows.parts())
    np.testing.assert_array_equal(np.concatenate(parts), windows.frames)
    assert all(len(part) == 1 or part.size <= FRAMES_AT_ONCE for part in parts)


def test_no_frames_give_nothing() -> None:
    windows = cut_windows(0, 3, 8)
    assert [part.shape for part in windows.parts()] == [(0, 8)]
    assert len(windows) == 0
    assert windows.together(np.zeros((0, 8, 2)), 0).shape == (0, 2)


@pytest.mark.parametrize(
    ("rate", "stride"), [(30.0, 3), (60.0, 6), (25.0, 2), (5.0, 1), (np.nan, 1)]
)
def test_frames_in_a_step(rate: float, stride: int) -> None:
    assert stride_of(rate, 0.1) == stride
