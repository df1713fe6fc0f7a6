"""How long the refiners that correct angles take for ten thousand frames.

Run with `pytest benchmarks/test_refiners.py --benchmark-enable -s`.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.markers.bodies import standing

from gonio.models.registry import checkpoint_of, load_refiners
from gonio.options import CHECKPOINTS_OF, CameraOptions, Refiner
from gonio.skeleton import ANGLE_COLUMNS
from gonio.types import LandmarkSequence

FRAMES, RATE_HZ = 10_000, 30.0
LONGEST_S = 20.0
"""For all frames, on two cores."""
CORES = 2


def _swaying() -> LandmarkSequence:
    """A standing body whose landmarks sway smoothly, each a little in its own way."""
    landmarks, _ = standing(FRAMES, RATE_HZ, facing_deg=30.0)
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 2 * np.pi, (33, 3))
    rate_hz = rng.uniform(0.2, 1.0, (33, 3))
    time_s = landmarks.time_s[:, None, None]
    sway = 0.04 * np.sin(2 * np.pi * rate_hz * time_s + phase)
    return LandmarkSequence(
        landmarks.time_s,
        landmarks.world + sway,
        landmarks.image + 0.1 * sway[..., :2],
        landmarks.visibility,
        landmarks.image_size,
    )


def _angles() -> pd.DataFrame:
    """Angles that change smoothly around 10 degrees."""
    rng = np.random.default_rng(1)
    time_s = np.arange(FRAMES) / RATE_HZ
    rate_hz, phase = rng.uniform(0.2, 1.0, 36), rng.uniform(0, 2 * np.pi, 36)
    degrees = 10 + 20 * np.sin(2 * np.pi * rate_hz * time_s[:, None] + phase)
    table = pd.DataFrame(degrees, columns=list(ANGLE_COLUMNS))
    table.insert(0, "time_s", time_s)
    return table


@pytest.mark.parametrize("choice", ["main", "both"])
def test_ten_thousand_frames(choice: Refiner) -> None:
    own = {name: Path("nowhere", name) for name in CHECKPOINTS_OF[choice]}
    missing = [name for name, path in own.items() if checkpoint_of(name, path) is None]
    if missing:
        pytest.skip(f"no checkpoint of {', '.join(missing)} is shipped")
    refiners = load_refiners(choice, own)
    landmarks, angles = _swaying(), _angles()
    threads = torch.get_num_threads()
    torch.set_num_threads(CORES)
    try:
        start = time.perf_counter()
        pose = refiners.pose(landmarks, CameraOptions())
        between = time.perf_counter()
        refined = refiners.angles(angles, landmarks, CameraOptions())
        end = time.perf_counter()
    finally:
        torch.set_num_threads(threads)
    assert len(pose.positions) == len(refined) == FRAMES
    print(
        f"\n{choice}: {FRAMES / (end - start):.0f} frames/s of {FRAMES}; "
        f"pose {between - start:.1f} s, angles {end - between:.1f} s"
    )
    assert end - start < LONGEST_S
