"""The whole pipeline against detection alone, on the same video, in one go; memory on a long one.

make benchmark          or
.venv/bin/python -m pytest benchmarks/test_inference.py -s -m "slow or not slow"
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from gonio.capture.demo import demo_video
from gonio.landmarks.detector import detect_landmarks

PROJECT = Path(__file__).resolve().parents[1]


def repeated(path: Path, times: int, rate: int) -> Path:
    """The demo's cam03 (1088 x 1920, H.264) over and over, its packets copied, at a given rate."""
    with av.open(str(path), "w") as out:
        target = None
        for lap in range(times):
            with av.open(str(demo_video("cam03"))) as source:
                stream = source.streams.video[0]
                if target is None:
                    target = out.add_stream_from_template(stream)
                step = int(1 / (60 * stream.time_base))
                for packet in source.demux(stream):
                    if packet.dts is None:
                        continue
                    packet.pts = (packet.pts + lap * stream.frames * step) * 60 // rate
                    packet.dts = (packet.dts + lap * stream.frames * step) * 60 // rate
                    packet.stream = target
                    out.mux(packet)
    return path


def run_kedro(video: Path) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--params", f"video={video},subject.height=1.72"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        env=dict(os.environ),
    )
    return time.perf_counter() - start


@pytest.mark.slow
@pytest.mark.parametrize("rate", [60, 30])
def test_the_whole_takes_little_more_than_detection(tmp_path, rate):
    video = repeated(tmp_path / f"benchmark_{rate}.mp4", 15, rate)
    start = time.perf_counter()
    detect_landmarks(video)
    alone = time.perf_counter() - start
    whole = run_kedro(video)
    print(
        f"\n1500 frames at {rate}/s: detection {alone:.1f} s ({1500 / alone:.1f} frames/s), "
        f"whole {whole:.1f} s, ratio {whole / alone:.2f}, "
        f"after 10 s of start-up {(whole - 10) / alone:.2f}"
    )
    assert whole <= 1.2 * alone + 10


@pytest.mark.slow
def test_memory_on_ten_minutes_of_1080p(tmp_path):
    video = repeated(tmp_path / "benchmark_long.mp4", 180, 30)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    took = run_kedro(video)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"\n18,000 frames, 10 minutes: {took:.0f} s, peak memory {peak:.2f} GB (before {before})")
    assert peak < 1.5
