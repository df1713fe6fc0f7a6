import numpy as np
import pytest

from gonio.markers.augmenter_networks import (
    ROWS_AT_ONCE,
    WARM_UP,
    WINDOW,
    load_network,
    normalisation,
    run_in_windows,
)

LONG = 2 * (WARM_UP + WINDOW) + 77


@pytest.fixture(scope="module")
def features():
    """Standardised inputs that change slowly, as movements do: two clips."""
    mean, _ = normalisation("v0.3_upper")
    time = np.arange(LONG)[None, :, None] / 60
    phase = np.random.default_rng(0).uniform(0, 6, (2, 1, len(mean)))
    return np.sin(2 * time + phase).astype(np.float32)


def test_windows_give_what_the_whole_clip_gives(features):
    network = load_network("v0.3_upper", "cpu")
    whole, cut = network(features), run_in_windows(network, features)
    assert cut.shape == whole.shape
    # Outputs are shares of stature: this is 0.02 mm.
    np.testing.assert_allclose(cut, whole, atol=1e-5)


@pytest.mark.parametrize("frames", [2, WARM_UP + WINDOW, WARM_UP + WINDOW + 1, LONG])
def test_every_frame_comes_out_once_at_its_place(frames):
    seen = []

    def echo(rows):
        seen.append(rows.shape)
        return rows

    clips = np.random.default_rng(0).normal(size=(40, frames, 3)).astype(np.float32)
    np.testing.assert_array_equal(run_in_windows(echo, clips), clips)
    assert max(rows for rows, _, _ in seen) <= ROWS_AT_ONCE
    assert max(length for _, length, _ in seen) <= WARM_UP + WINDOW
