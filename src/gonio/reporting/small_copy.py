"""A small copy of a video, made beside the detection, from which the overlay is drawn.

Detection keeps one core busy and has every frame decoded already. Scaling and encoding them on
another core at the same time costs nothing, and saves decoding the large video a second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread
from types import TracebackType

import av
import cv2

from gonio.errors import GonioError, OutputError
from gonio.landmarks.video import RateLimit, VideoFrame
from gonio.reporting.encoding import encode_frames

_WAITING = 8  # frames that may wait for the encoder: memory stays bounded


class SmallCopy:
    """Writes a small copy of frames that are added one by one, in a thread of its own.

    Args:
        path: the MP4 file to write.
        max_side: longer side of the copy, pixels; smaller frames keep their size.
        max_rate_hz: frames of a faster video are left out, the others keep their times.
    """

    def __init__(self, path: Path, max_side: int, max_rate_hz: float = 30.0) -> None:
        self._path, self._max_side, self._rate_hz = path, max_side, max_rate_hz
        self._limit = RateLimit(max_rate_hz)
        self._queue: Queue[VideoFrame | None] = Queue(_WAITING)
        self._error: Exception | None = None
        self._thread = Thread(target=self._work, name="small copy", daemon=True)

    def __enter__(self) -> SmallCopy:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def add(self, frame: VideoFrame) -> None:
        """Take a frame, unless it comes sooner than the rate allows."""
        if self._limit.takes(frame.time_s):
            self._queue.put(frame)

    def _work(self) -> None:
        try:
            encode_frames(self._path, self._small_frames(), self._rate_hz)
        except GonioError as error:
            self._error = error
        except (av.FFmpegError, OSError) as error:
            self._error = OutputError(
                f"cannot write the small copy of the video: {error.strerror}. Check that the disk "
                "has room."
            )
        finally:
            while self._error is not None and self._queue.get() is not None:
                pass  # nobody may wait for a place in the queue

    def _small_frames(self) -> Iterator[VideoFrame]:
        while (frame := self._queue.get()) is not None:
            height, width = frame.rgb.shape[:2]
            share = min(1.0, self._max_side / max(height, width))
            size = tuple(max(2, round(side * share) // 2 * 2) for side in (width, height))
            yield VideoFrame(frame.time_s, cv2.resize(frame.rgb, size))
