"""A sheet of random frames with MediaPipe's points and the truth drawn on: look at it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from gonio.skeleton import COCO, COCO_LIMBS, MEDIAPIPE, MEDIAPIPE_EDGES
from gonio.types import FloatArray

TILE_PX = 240
TRUTH_COLOUR = (40, 200, 60)
MEDIAPIPE_COLOUR = (235, 60, 45)
GAP_COLOUR = (32, 32, 32)

Sample = tuple[NDArray[np.uint8], FloatArray, FloatArray]


def contact_sheet(samples: Sequence[Sample], columns: int = 8) -> NDArray[np.uint8]:
    """One image of many frames.

    Args:
        samples: frames (H, W, 3) uint8, MediaPipe's points (33, 2) and the true joints (17, 2),
            both in pixels of that frame; missing points are NaN.
        columns: tiles in a row.

    Returns:
        (H, W, 3) uint8; MediaPipe is red, the truth green.
    """
    return tile_sheet([draw_tile(*sample) for sample in samples], columns)


def tile_sheet(tiles: Sequence[NDArray[np.uint8]], columns: int = 8) -> NDArray[np.uint8]:
    """Put tiles side by side; the last row may be short. No tile gives one empty place."""
    rows, width = max(1, -(-len(tiles) // columns)), max(1, min(columns, len(tiles)))
    sheet = np.full((rows * TILE_PX, width * TILE_PX, 3), GAP_COLOUR, np.uint8)
    for number, tile in enumerate(tiles):
        y, x = (TILE_PX * part for part in divmod(number, columns))
        fitted = np.asarray(Image.fromarray(tile).resize((TILE_PX, TILE_PX)))
        sheet[y : y + TILE_PX, x : x + TILE_PX] = fitted
    return sheet


def draw_tile(
    rgb: NDArray[np.uint8], mediapipe_px: ArrayLike, truth_px: ArrayLike
) -> NDArray[np.uint8]:
    """The surroundings of the person with both sets of points.

    Args:
        rgb: (H, W, 3) uint8.
        mediapipe_px: (33, 2) pixels.
        truth_px: (17, 2) pixels.

    Returns:
        (TILE_PX, TILE_PX, 3) uint8.
    """
    seen, true = np.asarray(mediapipe_px, dtype=float), np.asarray(truth_px, dtype=float)
    known = true if np.isfinite(true).all(axis=1).any() else seen
    centre, side = _square(rgb.shape[:2], known)
    corner = centre - side / 2
    box = tuple(float(value) for value in (*corner, *(corner + side)))
    size = (TILE_PX, TILE_PX)
    image = Image.fromarray(rgb).transform(
        size, Image.Transform.EXTENT, box, Image.Resampling.BILINEAR, fillcolor=GAP_COLOUR
    )
    draw = ImageDraw.Draw(image)
    scale = TILE_PX / side
    _draw(draw, (true - corner) * scale, COCO_LIMBS, COCO, TRUTH_COLOUR)
    _draw(draw, (seen - corner) * scale, MEDIAPIPE_EDGES, MEDIAPIPE, MEDIAPIPE_COLOUR)
    return np.asarray(image, dtype=np.uint8)


def _square(shape: tuple[int, ...], points: FloatArray) -> tuple[FloatArray, float]:
    """Centre and side of a square around the points, or around the image."""
    height, width = shape
    known = points[np.isfinite(points).all(axis=1)]
    image = np.array([width, height], dtype=float)
    if len(known) == 0:
        return image / 2, float(image.max())
    known = np.clip(known, -0.2 * image, 1.2 * image)
    low, high = known.min(axis=0), known.max(axis=0)
    return (low + high) / 2, float(max(1.5 * (high - low).max(), 40.0))


def _draw(
    draw: ImageDraw.ImageDraw,
    points: FloatArray,
    edges: tuple[tuple[str, str], ...],
    index: dict[str, int],
    colour: tuple[int, int, int],
) -> None:
    known = np.asarray(np.isfinite(points).all(axis=1))
    for first, second in edges:
        a, b = index[first], index[second]
        if known[a] and known[b]:
            draw.line([*points[a], *points[b]], fill=colour, width=1)
    for x, y in points[known]:
        draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=colour)
