"""The contact sheet shows both sets of points where they are."""

import numpy as np

from gonio.capture.contact_sheet import (
    MEDIAPIPE_COLOUR,
    TILE_PX,
    TRUTH_COLOUR,
    Sample,
    contact_sheet,
    draw_tile,
)
from tests.capture.fakes import seen_by_mediapipe, walking_truth


def sample(shift_px: float = 0.0) -> Sample:
    truth = walking_truth(2)
    size = np.array(truth.camera.image_size)
    rgb = np.full((size[1], size[0], 3), 128, np.uint8)
    seen = seen_by_mediapipe(truth).image[0] * size + shift_px
    return rgb, seen, truth.camera.project(truth.joints[0])


def amount(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((image == colour).all(axis=2).sum())


def test_a_tile_shows_red_and_green_points() -> None:
    tile = draw_tile(*sample(30.0))
    assert tile.shape == (TILE_PX, TILE_PX, 3)
    assert amount(tile, MEDIAPIPE_COLOUR) > 100
    assert amount(tile, TRUTH_COLOUR) > 100


def test_missing_points_are_not_drawn() -> None:
    rgb, seen, true = sample()
    tile = draw_tile(rgb, np.full_like(seen, np.nan), true)
    assert amount(tile, MEDIAPIPE_COLOUR) == 0
    assert amount(tile, TRUTH_COLOUR) > 100
    nothing = draw_tile(rgb, np.full_like(seen, np.nan), np.full_like(true, np.nan))
    assert amount(nothing, TRUTH_COLOUR) == 0


def test_points_far_outside_do_not_shrink_the_person_away() -> None:
    rgb, seen, true = sample()
    far = seen.copy()
    far[20] = 1e6
    assert amount(draw_tile(rgb, far, true), TRUTH_COLOUR) > 30


def test_the_sheet_has_a_place_for_every_frame() -> None:
    sheet = contact_sheet([sample()] * 10, columns=4)
    assert sheet.shape == (3 * TILE_PX, 4 * TILE_PX, 3)
    assert sheet.dtype == np.uint8
    np.testing.assert_array_equal(sheet[:TILE_PX, :TILE_PX], draw_tile(*sample()))
    assert contact_sheet([]).shape == (TILE_PX, TILE_PX, 3)
