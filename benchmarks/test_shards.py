"""How fast training pairs come back from the disk: `pytest benchmarks/test_shards.py -s`."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.capture.fakes import small_shard

from gonio.capture.schema import SCHEMA
from gonio.capture.shards import load_arrays, read_shard, write_shard

SHARDS, FRAMES = 667, 90
NEEDED = ("corrupted", "ground_truth", "visibility", "pose_2d", "camera_relative", "up")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60,000 pairs with feet and markers, as the rendered source makes them."""
    root = tmp_path_factory.mktemp("shards")
    shard = small_shard(FRAMES)
    random = np.random.default_rng(0)
    full = replace(
        shard,
        feet_truth=random.normal(size=shard.feet_truth.shape),
        markers_truth=random.normal(size=shard.markers_truth.shape),
    )
    for k in range(SHARDS):
        write_shard(root / f"{k:04d}.npz", full)
    return root


def rate(seconds: float) -> float:
    return SHARDS * FRAMES / seconds


def test_loading_is_fast_enough_for_training(folder: Path) -> None:
    """At least 100,000 pairs a second; the files are in the system's cache, as in training."""
    paths = sorted(folder.iterdir())
    size = sum(path.stat().st_size for path in paths) / (SHARDS * FRAMES)
    load_arrays(paths, NEEDED)
    start = time.perf_counter()
    load_arrays(paths, NEEDED)
    needed = rate(time.perf_counter() - start)
    start = time.perf_counter()
    load_arrays(paths, [field.name for field in SCHEMA if not field.optional])
    everything = rate(time.perf_counter() - start)
    start = time.perf_counter()
    for path in paths:
        read_shard(path)
    checked = rate(time.perf_counter() - start)
    print(
        f"\n{SHARDS} shards of {FRAMES} pairs, {size:.0f} bytes a pair: "
        f"{needed:,.0f} pairs/s ({', '.join(NEEDED)}), {everything:,.0f} pairs/s (all arrays), "
        f"{checked:,.0f} pairs/s (whole shards, checked); load {os.getloadavg()[0]:.1f}"
    )
    assert min(needed, everything, checked) >= 100_000
