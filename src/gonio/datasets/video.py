"""Videos: read as a source of frames, written from an overlay."""

from __future__ import annotations

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from gonio.datasets.base import FileDataset
from gonio.files import ScratchFile, replacing
from gonio.landmarks.video import VideoInfo, probe
from gonio.reporting.overlay import OverlayVideo, write_overlay


class VideoDataset(FileDataset[OverlayVideo, VideoInfo]):
    """A video. Loading looks it over and gives its path; frames are read by who needs them.

    An overlay is drawn and encoded in a thread of its own, beside the steps that follow, which
    leave a core free. A run is over when it is written: see `finish`.

    Args:
        filepath: as in `FileDataset`.
        metadata: as in `FileDataset`.
        capture_rate_hz: frames a second at which the video was filmed, where that is not the rate
            of the file; see `gonio.landmarks.video.probe`.
    """

    def __init__(
        self,
        filepath: str,
        metadata: dict[str, Any] | None = None,
        capture_rate_hz: float | None = None,
    ) -> None:
        super().__init__(filepath, metadata)
        self._capture_rate_hz = capture_rate_hz
        self._writing: Future[None] | None = None

    def load(self) -> VideoInfo:
        """What the video says of itself; its `path` leads to the frames.

        Raises:
            OutputError: it was being written, and could not be.
            MissingFileError, InputError: as `gonio.landmarks.video.probe`.
        """
        self.finish()
        return probe(self.path, self._capture_rate_hz)

    def save(self, data: OverlayVideo) -> None:
        """Begin to draw and encode the overlay, frame by frame."""
        self.finish()
        writer = ThreadPoolExecutor(1, thread_name_prefix="overlay")
        self._writing = writer.submit(write_overlay, self.path, data)
        writer.shutdown(wait=False)

    def finish(self) -> None:
        """Wait until what was saved is written.

        Raises:
            OutputError: it cannot be written; what was there before is unchanged.
            MissingFileError, InputError: the video that is drawn on cannot be read.
        """
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _exists(self) -> bool:
        return self._writing is not None or super()._exists()


class EncodedVideoDataset(FileDataset[ScratchFile, VideoInfo]):
    """A video that comes encoded; loading looks it over, as `VideoDataset` does."""

    def load(self) -> VideoInfo:
        """What the video says of itself."""
        return probe(self.path)

    def save(self, data: ScratchFile) -> None:
        """Copy the video to its place."""
        with replacing(self.path) as scratch:
            shutil.copyfile(data.path, scratch)
