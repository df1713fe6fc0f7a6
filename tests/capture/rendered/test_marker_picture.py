"""This draws: `slow`, since the body model must be built and the machine needs EGL."""

from __future__ import annotations

import numpy as np
import pytest

from gonio.capture.rendered.body import Body
from gonio.capture.rendered.marker_picture import PANEL, VIEWS, draw_markers

pytestmark = pytest.mark.slow
pytest.importorskip("moderngl", reason="the optional renderer moderngl is not installed")


def test_the_picture_shows_four_sides_with_visible_markers(body: Body) -> None:
    picture = draw_markers(body)
    assert picture.shape == (PANEL[1], PANEL[0] * len(VIEWS), 3)
    red = (picture[..., 0] > 180) & (picture[..., 1] < 30)
    for k in range(len(VIEWS)):
        dots = red[:, k * PANEL[0] : (k + 1) * PANEL[0]].sum()
        assert dots > 6 * 40  # at least six dots of 40 pixels in every view
    assert not np.array_equal(picture[:, : PANEL[0]], picture[:, 2 * PANEL[0] : 3 * PANEL[0]])
