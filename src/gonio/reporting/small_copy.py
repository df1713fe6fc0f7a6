"""A small copy of a video, made beside the detection, from which the overlay is drawn.

Detection keeps one core busy and has every frame decoded already. Scaling and encoding them on
another core at the same time costs nothing, and saves decoding the large video a second time.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import Queue
from types import TracebackType

import av
import cv2

from gonio.errors import GonioError, OutputError
from gonio.landmarks.video import RateLimit, VideoFrame
from gonio.reporting.encoding import encode_frames

_WAITING = 8  # frames that may wait for the encoder: memory stays bounded


class SmallCopy:
    """Writes a small copy of frames that are added one by one, in a thread of its own.

    Whatever goes wrong in that thread is raised at the end of the `with` block; until then the
    frames go on being taken, so that who adds them never waits for an encoder that has stopped.

    Args:
        path: the MP4 file to write.
        max_side: longer side of the copy, pixels; smaller frames keep their size.
        max_rate_hz: frames of a faster video are left out, the others keep their times.
    """

    def __init__(self, path: Path, max_side: int, max_rate_hz: float = 30.0) -> None:
        self._path, self._max_side, self._rate_hz = path, max_side, max_rate_hz
        self._limit = RateLimit(max_rate_hz)
        self._queue: Queue[VideoFrame | None] = Queue(_WAITING)
        self._writing: Future[None]

    def __enter__(self) -> SmallCopy:
        writer = ThreadPoolExecutor(1, thread_name_prefix="small copy")
        self._writing = writer.submit(self._write)
        writer.shutdown(wait=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        if error is None:
            self._writing.result()
        else:
            wait([self._writing])

    def add(self, frame: VideoFrame) -> None:
        """Take a frame, unless it comes sooner than the rate allows."""
        if self._limit.takes(frame.time_s):
            self._queue.put(frame)

    def _write(self) -> None:
        frames = iter(self._queue.get, None)  # it ends once, and knows whether it has
        try:
            encode_frames(self._path, map(self._small, frames), self._rate_hz)
        except GonioError:
            raise
        except (av.FFmpegError, OSError) as error:
            raise OutputError(
                f"cannot write the small copy of the video: {error.strerror}. Check that the disk "
                "has room."
            ) from error
        finally:
            deque(frames, maxlen=0)  # nobody may wait for a place in the queue

    def _small(self, frame: VideoFrame) -> VideoFrame:
        height, width = frame.rgb.shape[:2]
        share = min(1.0, self._max_side / max(height, width))
        size = tuple(max(2, round(side * share) // 2 * 2) for side in (width, height))
        return VideoFrame(frame.time_s, cv2.resize(frame.rgb, size))
