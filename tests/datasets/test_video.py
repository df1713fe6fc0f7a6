"""The overlay is written beside the steps that follow it."""

from __future__ import annotations

from pathlib import Path
from threading import Event, current_thread, main_thread

import numpy as np
import pytest

from gonio.datasets import video
from gonio.datasets.video import VideoDataset
from gonio.errors import MissingFileError, OutputError
from gonio.landmarks.video import VideoFrame
from gonio.reporting.encoding import encode_frames
from gonio.reporting.overlay import OverlayVideo
from tests.markers.bodies import standing


@pytest.fixture
def overlay(tmp_path: Path) -> OverlayVideo:
    """Of a film of eight frames."""
    source = tmp_path / "film.mp4"
    grey = np.full((64, 48, 3), 90, np.uint8)
    encode_frames(source, (VideoFrame(k / 30, grey) for k in range(8)), 30.0)
    return OverlayVideo(source, standing(n=8)[0])


def test_saving_goes_on_in_a_thread_of_its_own(tmp_path, overlay, monkeypatch):
    go, threads = Event(), []

    def slowly(path, data):
        threads.append(current_thread())
        assert go.wait(30)
        write(path, data)

    write = video.write_overlay
    monkeypatch.setattr(video, "write_overlay", slowly)
    dataset = VideoDataset(str(tmp_path / "overlay.mp4"))
    dataset.save(overlay)
    assert not dataset.path.exists()
    assert dataset.exists()
    go.set()
    dataset.finish()
    assert dataset.path.is_file()
    assert threads[0] is not main_thread()


def test_loading_waits_until_it_is_written(tmp_path, overlay):
    dataset = VideoDataset(str(tmp_path / "overlay.mp4"))
    dataset.save(overlay)
    assert dataset.load().frames == 8


def test_a_video_is_looked_over_at_the_rate_that_it_was_filmed_at(overlay):
    path = str(overlay.source)
    assert VideoDataset(path).load().rate_hz == pytest.approx(30)
    assert VideoDataset(path, capture_rate_hz=240).load().rate_hz == 240


def test_an_error_in_writing_is_raised_where_the_run_waits(tmp_path, overlay):
    there = tmp_path / "overlay.mp4"
    there.mkdir()
    dataset = VideoDataset(str(there))
    dataset.save(overlay)
    with pytest.raises(OutputError, match=r"overlay\.mp4"):
        dataset.finish()
    dataset.finish()  # said once
    overlay.source.unlink()
    dataset = VideoDataset(str(tmp_path / "other.mp4"))
    dataset.save(overlay)
    with pytest.raises(MissingFileError):
        dataset.finish()
    assert not dataset.path.exists()
