"""Reading a video frame by frame with PyAV: upright, with square pixels and its own times.

Memory does not grow with the length of the video: a frame is given out and forgotten.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from gonio.errors import InputError, MissingFileError
from gonio.options import FASTEST_CAPTURE_HZ
from gonio.signals import evenly_spaced, rate_of

VIDEO_SUFFIXES: tuple[str, ...] = (
    ".mp4",
    ".mov",
    ".m4v",
    ".avi",
    ".mkv",
    ".webm",
    ".mpg",
    ".mpeg",
    ".mts",
    ".wmv",
    ".3gp",
)
"""Endings by which a folder is searched for videos; a single file may have any."""
MOST_BACKWARDS, FARTHEST_BACK_S = 3, 0.25
"""Frames of a video that may be timed before the frame before them, and by how much: FFmpeg works
some times out wrongly in MPEG program streams. Such a frame is left out."""
CAPTURE_RATE_TAG = "com.android.capture.fps"
"""What Android writes into its videos: frames a second at which they were filmed."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video says of itself.

    Attributes:
        path: the file.
        width: of the upright image, square pixels.
        height: of the upright image, square pixels.
        rate_hz: frames a second at which it was filmed: those of the presentation times (see
            `gonio.signals.rate_of`), unless the user knows better.
        frames: number of frames, without those that a trimmed file hides.
        duration_s: from the first frame to the end of the last, seconds as it was filmed.
        rotation: degrees counter-clockwise that the stored image is turned by to be upright.
        variable_rate: whether the presentation times are not those of a constant rate.
        codec: name of the video's codec.
        time_scale: what the file's times are multiplied by to be those of the filmed motion; below
            1 for slow motion, above 1 for a time-lapse.
        tagged_rate_hz: frames a second at which it was filmed, by a tag in the file; None without.
    """

    path: Path
    width: int
    height: int
    rate_hz: float
    frames: int
    duration_s: float
    rotation: int
    variable_rate: bool
    codec: str
    time_scale: float = 1.0
    tagged_rate_hz: float | None = None

    @property
    def played_rate_hz(self) -> float:
        """Frames a second at which the file plays."""
        return round(self.rate_hz * self.time_scale, 6)


@dataclass(frozen=True)
class VideoFrame:
    """One upright frame with square pixels.

    Attributes:
        time_s: presentation time, seconds; the first frame of the video is at 0.
        rgb: (H, W, 3) uint8.
    """

    time_s: float
    rgb: NDArray[np.uint8]


class RateLimit:
    """Which frames of a video to take so that there are at most so many a second.

    Args:
        max_rate_hz: frames a second; None takes every frame.
    """

    def __init__(self, max_rate_hz: float | None) -> None:
        self._step = 1 / max_rate_hz if max_rate_hz else 0.0
        self._due = -np.inf

    def takes(self, time_s: float) -> bool:
        """Whether to take the next frame; times increase from call to call."""
        if time_s < self._due - 0.2 * self._step:
            return False
        # A frame that comes late does not push the next back, unless it is very late.
        late = time_s - self._due > self._step
        self._due = time_s + self._step if late else self._due + self._step
        return True


def probe(path: str | Path, capture_rate_hz: float | None = None) -> VideoInfo:
    """Look a video over without decoding it: every packet is counted, one frame is decoded.

    Args:
        path: the video.
        capture_rate_hz: frames a second at which it was filmed, where the file plays them at
            another rate (slow motion, time-lapse); None where it plays as it was filmed.

    Raises:
        MissingFileError: there is no such file.
        InputError: a folder, not a video, no picture in it, cut off, no frame, or a rate that
            cannot be.
    """
    check_capture_rate(capture_rate_hz)
    source = _existing(path)
    container = _open(source)
    with container:
        stream = _video_stream(source, container)
        declared = stream.frames
        times = _packet_times(source, container, stream)
        codec = stream.codec_context.name
        tagged_rate_hz = _tagged_rate(container)
    if len(times) == 0:
        raise InputError(f"{source} holds no frames; record or export it again")
    enough = declared - max(2, 0.02 * declared)
    if len(times) < enough and (there := _count_frames(source, trimmed=False)) < enough:
        raise InputError(
            f"{source} is cut off: its header names {declared} frames, {there} are there; "
            "copy or export it again"
        )
    first = next(read_frames(source))
    rate_hz = rate_of(times)
    time_scale = 1.0
    if capture_rate_hz is not None and not np.isnan(rate_hz):
        time_scale = rate_hz / capture_rate_hz
        times, rate_hz = times * time_scale, float(capture_rate_hz)
    return VideoInfo(
        path=source,
        width=first.rgb.shape[1],
        height=first.rgb.shape[0],
        rate_hz=round(rate_hz, 6),
        frames=len(times),
        duration_s=float(times[-1] - times[0] + (0.0 if np.isnan(rate_hz) else 1 / rate_hz)),
        rotation=_rotation_of(source),
        variable_rate=not evenly_spaced(times),
        codec=codec,
        time_scale=time_scale,
        tagged_rate_hz=tagged_rate_hz,
    )


def check_capture_rate(capture_rate_hz: float | None) -> None:
    """Refuse a rate at which nobody films.

    Raises:
        InputError: it is not a number above 0 and up to `FASTEST_CAPTURE_HZ`.
    """
    if capture_rate_hz is not None and not 0 < capture_rate_hz <= FASTEST_CAPTURE_HZ:
        raise InputError(
            f"capture_rate_hz is {capture_rate_hz}; allowed are frames a second above 0 and up to "
            f"{FASTEST_CAPTURE_HZ:g}, or none where the video plays as it was filmed"
        )


def read_frames(
    path: str | Path, max_side: int | None = None, max_rate_hz: float | None = None
) -> Iterator[VideoFrame]:
    """Decode a video frame by frame.

    Args:
        path: the video.
        max_side: scale the image down so that its longer side is at most this, pixels.
        max_rate_hz: leave out frames of a faster video; the others keep their times.

    Yields:
        Upright frames in order of presentation, times strictly increasing from 0.

    Raises:
        MissingFileError: there is no such file.
        InputError: it is not a video, a frame cannot be decoded, or its time is missing or before
            that of the frame before it.
    """
    yield from _read(_existing(path), RateLimit(max_rate_hz).takes, max_side)


def _read(
    source: Path, takes: Callable[[float], bool], max_side: int | None = None
) -> Iterator[VideoFrame]:
    """What `read_frames` gives, of the frames that are taken by their time."""
    container = _open(source)
    with container:
        stream = _video_stream(source, container)
        stream.thread_type = "AUTO"
        start: float | None = None
        last, backwards = -np.inf, 0
        picture = _Picture(stream, max_side)
        try:
            for frame in _decoded(container, stream):
                if frame.time is None:
                    raise InputError(
                        f"{source}: a frame carries no presentation time; convert the video to MP4"
                    )
                start = frame.time if start is None else start
                time = frame.time - start
                backwards += time < last
                if last - time > FARTHEST_BACK_S or backwards > MOST_BACKWARDS:
                    raise InputError(
                        f"{source}: its time stamps go backwards after {last:.3f} s, to "
                        f"{time:.3f} s; convert the video to MP4 (ffmpeg -i {source.name} "
                        f"{source.stem}_converted.mp4)"
                    )
                if time <= last:
                    continue  # the same instant again, or one of few with a wrong time
                last = time
                if takes(time):
                    yield VideoFrame(time, picture.rgb(frame))
        except av.FFmpegError as error:
            at = f"after {last:.2f} s" if np.isfinite(last) else "at its beginning"
            raise _damaged(source, at, error) from error


def sample_frames(path: str | Path, count: int) -> list[VideoFrame]:
    """A few frames spread evenly over a video.

    Each is decoded from the key frame before it. Where key frames are too rare for that, the video
    is decoded from its beginning.

    Args:
        path: the video.
        count: how many to take; fewer come back where the video has fewer.

    Returns:
        Upright frames at different times, in their order.

    Raises:
        MissingFileError, InputError: as `read_frames`.
    """
    source = _existing(path)
    sought = _sought(source, count)
    return sought if len(sought) == count else _every_nth(source, count)


def _sought(source: Path, count: int) -> list[VideoFrame]:
    """Frames spread evenly over a video; too few where there is not a key frame for each."""
    found: list[VideoFrame] = []
    container = _open(source)
    with container:
        stream = _video_stream(source, container)
        stream.thread_type = "AUTO"
        start_s = float((stream.start_time or 0) * stream.time_base)
        span_s = (container.duration or 0) / 1e6
        picture = _Picture(stream)
        last_s = -np.inf
        for k in range(count):
            wanted_s = span_s * (k + 0.5) / count
            try:
                container.seek(round((start_s + wanted_s) * 1e6))
                frames = (f for f in _decoded(container, stream) if f.time is not None)
                # MPEG files are sought to any frame: one before a key frame is no whole picture.
                frame = next((f for f in frames if f.key_frame), None)
                if frame is None or frame.time <= last_s:
                    break
                while frame.time < start_s + wanted_s and (later := next(frames, None)) is not None:
                    frame = later
            except av.FFmpegError as error:
                raise _damaged(source, f"near {wanted_s:.2f} s", error) from error
            last_s = frame.time
            found.append(VideoFrame(last_s - start_s, picture.rgb(frame)))
    return found


def _every_nth(source: Path, count: int) -> list[VideoFrame]:
    """Frames spread evenly over a video, which is decoded as far as the last of them."""
    frames = _count_frames(source)
    wanted = {frames * (2 * k + 1) // (2 * count) for k in range(count)}
    numbers = itertools.count()
    found = _read(source, lambda _: next(numbers) in wanted)
    return list(itertools.islice(found, len(wanted)))


def videos_in(folder: str | Path) -> list[Path]:
    """All videos of a folder by their ending, sorted by name: no hidden files, no subfolders.

    Raises:
        InputError: there is none.
    """
    videos = sorted(
        path
        for path in Path(folder).iterdir()
        if path.suffix.lower() in VIDEO_SUFFIXES
        and path.is_file()
        and not path.name.startswith(".")  # macOS keeps notes on a.mp4 in ._a.mp4
    )
    if not videos:
        raise InputError(
            f"the folder {folder} holds no video; known endings are {', '.join(VIDEO_SUFFIXES)}"
        )
    return videos


def _existing(path: str | Path) -> Path:
    source = Path(path)
    if source.is_dir():
        raise InputError(f"{source} is a folder; one video file is wanted here")
    if not source.is_file():
        raise MissingFileError(f"there is no video {source}; check the name and the folder")
    return source


def _open(source: Path, options: dict[str, str] | None = None) -> Any:
    try:
        return av.open(str(source), options=options)
    except av.FFmpegError as error:
        raise InputError(
            f"{source} is not a video that can be read ({error.strerror}); allowed is what FFmpeg "
            "reads, for instance MP4, MOV, AVI, MKV. If it is one, it may be cut off: copy or "
            "export it again."
        ) from error


def _video_stream(source: Path, container: Any) -> Any:
    if not container.streams.video:
        kinds = ", ".join(stream.type for stream in container.streams) or "nothing"
        raise InputError(f"{source} has no picture, only {kinds}; a video of a person is wanted")
    return container.streams.video[0]


def _damaged(source: Path, at: str, error: av.FFmpegError) -> InputError:
    return InputError(
        f"{source} cannot be decoded {at}: {error.strerror}; the file is damaged or cut off: copy "
        "or export it again"
    )


def _timed_as_decoded(container: Any, stream: Any) -> bool:
    """Whether a file times the frames in the order in which they are decoded, not shown.

    AVI does. FFmpeg works out when a frame is shown for most codecs, but not for these.
    """
    return container.format.name == "avi" and stream.codec_context.name in ("h264", "hevc")


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Frames from where the container stands, in order of presentation and with its times."""
    as_decoded = _timed_as_decoded(container, stream)
    waiting: deque[int] = deque()
    for packet in container.demux(stream):
        if as_decoded and packet.dts is not None:
            waiting.append(packet.dts)
        for frame in packet.decode():
            if waiting:
                frame.pts = waiting.popleft()  # the decoder gives frames in order, not their times
            yield frame


def _packet_times(source: Path, container: Any, stream: Any) -> NDArray[np.float64]:
    """(T,) presentation times of the frames that are shown, increasing, seconds."""
    as_decoded = _timed_as_decoded(container, stream)
    try:
        found = [
            packet.dts if as_decoded else packet.pts
            for packet in container.demux(stream)
            if not packet.is_discard  # decoded for the sake of others, in a trimmed file
        ]
    except av.FFmpegError as error:
        raise InputError(
            f"{source} cannot be read to its end: {error.strerror}; copy or export it again"
        ) from error
    stamps = [stamp for stamp in found if stamp is not None]  # the end has none
    return np.unique(np.array(stamps, dtype=float)) * float(stream.time_base)


def _count_frames(source: Path, trimmed: bool = True) -> int:
    """How many frames a file shows; with `trimmed` False how many it holds, as its header says.

    Of the frames that an edit list hides, FFmpeg hands out only those that others need.
    """
    with _open(source, None if trimmed else {"ignore_editlist": "1"}) as container:
        return len(_packet_times(source, container, _video_stream(source, container)))


def _tagged_rate(container: Any) -> float | None:
    """Frames a second at which a video was filmed, by `CAPTURE_RATE_TAG`; None without it."""
    try:
        rate_hz = float(container.metadata.get(CAPTURE_RATE_TAG, "nan"))
    except ValueError:
        return None
    return rate_hz if 0 < rate_hz < np.inf else None


def _rotation_of(source: Path) -> int:
    with _open(source) as container:
        frame = next(container.decode(_video_stream(source, container)), None)
        return 0 if frame is None else int(frame.rotation)


class _Picture:
    """Makes the picture that a viewer sees of decoded frames: square pixels, upright, in RGB.

    Args:
        stream: of the frames; where its pixels are not square, the shorter side is drawn out.
        max_side: longest side of the picture, pixels.
    """

    def __init__(self, stream: Any, max_side: int | None = None) -> None:
        self._pixel_aspect = float(stream.sample_aspect_ratio or 1)  # width to height
        self._max_side = max_side
        self._reformatter = VideoReformatter()  # making one a frame costs a millisecond

    def rgb(self, frame: Any) -> NDArray[np.uint8]:
        """(H, W, 3) uint8."""
        width, height = self._size(frame.width, frame.height)
        scaled = self._reformatter.reformat(
            frame, width=width, height=height, format="rgb24", interpolation="FAST_BILINEAR"
        )
        rgb: NDArray[np.uint8] = np.asarray(scaled.to_ndarray(), dtype=np.uint8)
        turns = round(int(frame.rotation) / 90) % 4
        return np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb

    def _size(self, width: float, height: float) -> tuple[int, int]:
        width *= max(1.0, self._pixel_aspect)
        height /= min(1.0, self._pixel_aspect)
        share = min(1.0, (self._max_side or np.inf) / max(width, height))
        return round(width * share), round(height * share)
