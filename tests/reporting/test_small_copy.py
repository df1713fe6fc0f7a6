"""The small copy never keeps anybody waiting, whatever happens to its encoder.

In a process of its own, which can be ended where it hangs, and whose files can be limited.
"""

from __future__ import annotations

import subprocess
import sys

import av
import numpy as np
import pytest

from gonio.landmarks.video import VideoFrame
from gonio.reporting.small_copy import SmallCopy

SCRIPT = """
import resource, sys
from pathlib import Path
import numpy as np
from gonio.landmarks.video import VideoFrame
from gonio.reporting.small_copy import SmallCopy

noise = np.random.default_rng(0).integers(0, 255, (60, 320, 240, 3), np.uint8)
{frames}
for limit in {limits}:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for count in (5, 60):
        try:
            with SmallCopy(Path(sys.argv[1]), 320) as small:
                for k, rgb in enumerate(noise[:count] if frames is None else frames):
                    small.add(VideoFrame(k / 30, rgb))
        except Exception as error:
            print(type(error).__name__, error)
        else:
            print("written")
"""


def _said(tmp_path, frames: str, limits: tuple[int, ...]) -> list[str]:
    script = SCRIPT.format(frames=f"frames = {frames}", limits=limits)
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "small.mp4")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return run.stdout.splitlines()


def test_a_full_disk_is_told_wherever_the_encoder_meets_it(tmp_path):
    """At the first frame, later on, or when the file is closed: then all frames are taken."""
    said = _said(tmp_path, "None", (1_000, 8_000, 60_000, 200_000))
    full = "OutputError cannot write the small copy of the video: File too large. "
    assert all(line.startswith(full) for line in said)
    assert len(said) == 8


def test_an_error_of_another_kind_is_raised_where_the_frames_end(tmp_path):
    said = _said(tmp_path, "[noise[0], *[np.zeros(3)] * 30]", (10_000_000,))
    assert len(said) == 2
    assert all(line.startswith("ValueError") for line in said)


def test_frames_become_small_and_rare_and_keep_their_times(tmp_path):
    with SmallCopy(tmp_path / "small.mp4", 160, max_rate_hz=30.0) as small:
        for k in range(24):
            small.add(VideoFrame(k / 60, np.full((320, 240, 3), 90, np.uint8)))
    with av.open(str(tmp_path / "small.mp4")) as container:
        frames = [(frame.time, frame.height, frame.width) for frame in container.decode(video=0)]
    np.testing.assert_allclose([frame[0] for frame in frames], np.arange(12) / 30, atol=1e-3)
    assert {frame[1:] for frame in frames} == {(160, 120)}


def _add_and_fail(path):
    with SmallCopy(path, 160) as small:
        small.add(VideoFrame(0.0, np.zeros((64, 48, 3), np.uint8)))
        raise ZeroDivisionError


def test_an_error_of_who_adds_frames_passes_once_the_file_is_closed(tmp_path):
    with pytest.raises(ZeroDivisionError):
        _add_and_fail(tmp_path / "small.mp4")
    with av.open(str(tmp_path / "small.mp4")) as container:
        assert len(list(container.decode(video=0))) == 1
