"""How long the depth refiner takes, alone and in a batch.

Run with `pytest benchmarks/test_depth_refiner.py --benchmark-enable -s`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.capture.fakes import seen_by_mediapipe, walking_truth

from gonio.models.depth_network import Batch
from gonio.models.depth_refiner import SHIPPED_CHECKPOINT, DepthRefiner
from gonio.types import LandmarkSequence

LONGEST_MS, FEWEST_FRAMES_A_SECOND = 4.0, 1000.0
"""A frame alone, and many at once, on two cores."""
REPEATS = 50


@pytest.fixture(scope="module")
def refiner() -> DepthRefiner:
    if not SHIPPED_CHECKPOINT.is_file():
        pytest.skip("no checkpoint is shipped")
    return DepthRefiner.load()


def seconds_of(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median of several runs."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def frames_of(count: int) -> LandmarkSequence:
    return seen_by_mediapipe(walking_truth(count))


def test_one_frame_alone(refiner: DepthRefiner) -> None:
    window = refiner.network.config.window
    one = Batch(
        landmarks=torch.randn(1, 1, 33, 6),
        frame=torch.randn(1, 1, 18),
        there=torch.ones(1, 1, 33, dtype=torch.bool),
        time=torch.zeros(1, 1),
        clip=torch.zeros(1, 1, dtype=torch.long),
    )
    full = Batch(*(part.repeat(1, window, *[1] * (part.dim() - 2)) for part in one))

    def all_of(batch: Batch) -> None:
        for network in refiner.networks:
            network(batch)

    with torch.inference_mode():
        alone = 1000 * seconds_of(lambda: all_of(one))
        whole = 1000 * seconds_of(lambda: all_of(full))
    print(f"\nnetworks: {alone:.2f} ms for a frame, {whole:.2f} ms for a window of {window}")
    assert alone < LONGEST_MS


@pytest.mark.parametrize("count", [300, 3000])
def test_many_frames(refiner: DepthRefiner, count: int) -> None:
    landmarks = frames_of(count)
    seconds = seconds_of(lambda: refiner.refine(landmarks), repeats=3)
    rate, each = count / seconds, 1000 * seconds / count
    print(f"\nrefine: {rate:.0f} frames/s of {count}, {each:.2f} ms each")
    assert count / seconds > FEWEST_FRAMES_A_SECOND
