"""How long and how much memory the angles of a long recording take.

Run with `pytest benchmarks/test_kinematics.py --benchmark-enable -s`.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import pandas as pd
import pytest
from tests.kinematics.body import body

from gonio.kinematics import joint_angles, model_coordinates
from gonio.skeleton import ANGLE_COLUMNS
from gonio.types import MarkerTrajectories

FRAMES = 100_000
LONGEST_S, MOST_MEMORY_GB = 10.0, 2.0


def recording(frames: int) -> MarkerTrajectories:
    """All 36 angles move, all 65 markers have a millimetre of noise and gaps of a second."""
    drawn = np.random.default_rng(0)
    time_s = np.arange(frames) / 60
    angles = {
        column: 20 * np.sin(2 * np.pi * drawn.uniform(0.2, 1.5) * time_s + drawn.uniform(0, 6))
        for column in ANGLE_COLUMNS
    }
    markers = body(angles, count=frames)
    positions = markers.positions + drawn.normal(0, 0.001, markers.positions.shape)
    for start in range(5_000, frames, 10_000):
        positions[start : start + 60, drawn.integers(len(markers.names))] = np.nan
    return MarkerTrajectories(markers.names, positions, 60.0)


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def test_100_000_frames_of_angles() -> None:
    markers = recording(FRAMES)
    before = peak_gb()
    start = time.perf_counter()
    angles = joint_angles(markers)
    seconds = time.perf_counter() - start
    print(
        f"\n{FRAMES} frames: {seconds:.1f} s, peak memory {peak_gb():.2f} GB ({before:.2f} before)"
    )
    assert isinstance(angles, pd.DataFrame)
    assert len(angles) == FRAMES
    assert seconds < LONGEST_S
    assert peak_gb() < MOST_MEMORY_GB


@pytest.mark.parametrize("frames", [1_000, 10_000])
def test_model_coordinates(frames: int) -> None:
    markers = recording(frames)
    start = time.perf_counter()
    coordinates = model_coordinates(markers)
    seconds = time.perf_counter() - start
    assert len(coordinates) == frames
    print(f"\n{frames} frames of a MOT: {seconds:.1f} s, {1e3 * seconds / frames:.2f} ms a frame")


def test_angles_grow_linearly_with_length() -> None:
    times = []
    for frames in (5_000, 50_000):
        markers = recording(frames)
        start = time.perf_counter()
        joint_angles(markers)
        times.append(time.perf_counter() - start)
    print(f"\nten times the frames: {times[1] / times[0]:.1f} times as long")
    assert times[1] / times[0] < 25
