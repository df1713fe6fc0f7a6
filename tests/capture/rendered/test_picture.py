from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gonio.capture.rendered.picture import Lens, compressed
from gonio.capture.rendered.scene import Picture

CLEAR = Picture(0.0, 1, 0.0, 1.0, 0.0, 1.0, 0.0, "none", 0)


@pytest.fixture
def pictures() -> list[np.ndarray]:
    """Ten pictures of a bright square that moves over a slope of grey."""
    frames = []
    for k in range(10):
        frame = np.tile(np.linspace(40, 200, 96).astype(np.uint8)[None, :, None], (64, 1, 3))
        frame[20:40, 10 + 4 * k : 30 + 4 * k] = (250, 60, 60)
        frames.append(frame)
    return frames


def test_a_clear_lens_changes_nothing(pictures: list[np.ndarray]) -> None:
    exposed = Lens(CLEAR, 0).expose(pictures[:1]).astype(int)
    assert np.abs(exposed - pictures[0]).max() <= 1


def test_low_contrast_draws_to_grey_and_noise_is_seeded(pictures: list[np.ndarray]) -> None:
    flat = Lens(replace(CLEAR, contrast=0.3), 0).expose(pictures[:1])
    assert flat.std() < 0.35 * pictures[0].std()
    noisy = replace(CLEAR, noise=0.03)
    first, again, other = (Lens(noisy, seed).expose(pictures[:1]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert 4 < (first.astype(float) - pictures[0]).std() < 11


def test_several_exposures_blur_what_moves_only(pictures: list[np.ndarray]) -> None:
    blurred = Lens(CLEAR, 0).expose(pictures[:3])
    assert np.abs(blurred[:10].astype(int) - pictures[0][:10]).max() <= 1
    edge = blurred[30, 30:38, 0].astype(int)
    assert ((edge > 80) & (edge < 240)).any()


@pytest.mark.parametrize(("codec", "quality"), [("none", 0), ("jpeg", 60), ("h264", 26)])
def test_compressed_frames_come_back_in_order(
    pictures: list[np.ndarray], codec: str, quality: int
) -> None:
    picture = replace(CLEAR, codec=codec, quality=quality)
    back = list(compressed(pictures, picture, 30.0))
    assert len(back) == len(pictures)
    for k, frame in enumerate(back):
        errors = [np.abs(frame.astype(int) - other).mean() for other in pictures]
        assert int(np.argmin(errors)) == k
        assert errors[k] < 12
    again = list(compressed(pictures, picture, 30.0))
    np.testing.assert_array_equal(np.stack(back), np.stack(again))


def test_lower_quality_loses_more(pictures: list[np.ndarray]) -> None:
    def loss(quality: int) -> float:
        back = list(compressed(pictures, replace(CLEAR, codec="h264", quality=quality), 30.0))
        return float(np.abs(np.stack(back).astype(int) - np.stack(pictures)).mean())

    assert loss(45) > loss(20)
