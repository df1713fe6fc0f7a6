"""Videos: read as a source of frames, written from an overlay."""

from __future__ import annotations

import shutil

from gonio.datasets.base import FileDataset
from gonio.files import ScratchFile, replacing
from gonio.landmarks.video import VideoInfo, probe
from gonio.reporting.overlay import OverlayVideo, write_overlay


class VideoDataset(FileDataset[OverlayVideo, VideoInfo]):
    """A video. Loading looks it over and gives its path; frames are read by who needs them."""

    def load(self) -> VideoInfo:
        """What the video says of itself; its `path` leads to the frames."""
        return probe(self.path)

    def save(self, data: OverlayVideo) -> None:
        """Draw and encode the overlay, frame by frame."""
        write_overlay(self.path, data)


class EncodedVideoDataset(FileDataset[ScratchFile, VideoInfo]):
    """A video that comes encoded; loading looks it over, as `VideoDataset` does."""

    def load(self) -> VideoInfo:
        """What the video says of itself."""
        return probe(self.path)

    def save(self, data: ScratchFile) -> None:
        """Copy the video to its place."""
        with replacing(self.path) as scratch:
            shutil.copyfile(data.path, scratch)
