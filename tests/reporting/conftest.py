"""Small bodies, angles and videos for the tests of the reporting."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from gonio.skeleton import ALL_MARKERS, JOINTS
from gonio.types import LandmarkSequence, MarkerTrajectories


def _angles(frames: int = 120, rate_hz: float = 60.0) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    time_s = np.arange(frames) / rate_hz
    columns = {"time_s": time_s}
    for joint in JOINTS:
        for column in joint.columns:
            amplitude, phase = rng.uniform(5, 40), rng.uniform(0, 6)
            columns[column] = amplitude * np.sin(2 * np.pi * 0.8 * time_s + phase)
    return pd.DataFrame(columns)


def _markers(frames: int = 120, rate_hz: float = 60.0) -> MarkerTrajectories:
    rng = np.random.default_rng(3)
    body = rng.uniform([-0.4, 0.0, -0.4], [0.4, 1.8, 0.4], (len(ALL_MARKERS), 3))
    sway = 0.1 * np.sin(np.arange(frames) / rate_hz * 4)[:, None, None] * np.array([1.0, 0.0, 0.5])
    estimated = np.zeros((frames, len(ALL_MARKERS)), dtype=bool)
    return MarkerTrajectories(ALL_MARKERS, body + sway, rate_hz, estimated)


@pytest.fixture
def angles() -> pd.DataFrame:
    return _angles()


@pytest.fixture
def markers() -> MarkerTrajectories:
    return _markers()


@pytest.fixture
def make_angles() -> Callable[..., pd.DataFrame]:
    return _angles


@pytest.fixture
def make_markers() -> Callable[..., MarkerTrajectories]:
    return _markers


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Write a grey video whose frames stand at the given times."""

    def make(
        times_s: np.ndarray, size: tuple[int, int] = (320, 240), name: str = "clip.mp4"
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, 90_000)
            for time_s in times_s:
                image = np.full((size[1], size[0], 3), 128, dtype=np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = round(time_s * 90_000), Fraction(1, 90_000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


@pytest.fixture
def make_landmarks() -> Callable[..., LandmarkSequence]:
    """Landmarks that spread over the middle of the image and do not move."""

    def make(times_s: np.ndarray, size: tuple[int, int] = (320, 240)) -> LandmarkSequence:
        image = np.random.default_rng(1).uniform(0.25, 0.75, (33, 2))
        count = len(times_s)
        return LandmarkSequence(
            times_s,
            np.zeros((count, 33, 3)),
            np.repeat(image[None], count, axis=0),
            np.ones((count, 33)),
            size,
        )

    return make
