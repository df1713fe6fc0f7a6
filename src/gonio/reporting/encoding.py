"""Encoding frames to MP4 with PyAV."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2

from gonio.errors import OutputError
from gonio.landmarks.video import VideoFrame

_log = logging.getLogger(__name__)

ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"preset": "ultrafast", "crf": "23"}),
    ("libopenh264", {}),
    ("mpeg4", {}),
)
"""Encoders in order of preference, with their options; the first that PyAV has is used."""
_SMALL_PIXELS = 1_000_000  # a frame; more threads of the encoder then cost more than they bring
_BITS_A_PIXEL = 0.15  # for encoders that know no constant quality
_TICKS_A_SECOND = 60_000  # 24, 25, 29.97, 30 and 60 Hz are exact; MPEG-4 allows at most 65,535


def encode_frames(path: Path, frames: Iterable[VideoFrame], rate_hz: float) -> int:
    """Encode frames as they come, with their own times.

    Args:
        path: the MP4 file; it is written in place, so give a temporary one.
        frames: of one size, even in width and height, times increasing.
        rate_hz: frames a second, about; for encoders that want to know.

    Returns:
        How many frames there were; with none, no file is made.

    Raises:
        OutputError: PyAV has no encoder for MP4.
        av.FFmpegError: the file cannot be written.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        return 0
    count = 0
    name, options = _encoder()
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = _stream(container, name, options, first, rate_hz)
        for frame in itertools.chain([first], frames):
            count += 1
            # OpenCV converts six times as fast as FFmpeg, whose way from RGB knows no SIMD.
            planes = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2YUV_I420)
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            picture.pts = round(frame.time_s * _TICKS_A_SECOND)
            picture.time_base = Fraction(1, _TICKS_A_SECOND)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return count


def _encoder() -> tuple[str, dict[str, str]]:
    for name, options in ENCODERS:
        try:
            av.codec.Codec(name, "w")
        except av.codec.codec.UnknownCodecError:
            continue
        if name != ENCODERS[0][0]:
            _log.warning(
                "this PyAV has no %s encoder; the overlay video is made with %s",
                ENCODERS[0][0],
                name,
            )
        return name, options
    raise OutputError(
        "the overlay video cannot be made: PyAV has none of the encoders "
        f"{', '.join(name for name, _ in ENCODERS)}; install PyAV's own wheel"
    )


def _stream(
    container: Any, name: str, options: dict[str, str], first: VideoFrame, rate_hz: float
) -> Any:
    stream = container.add_stream(name, rate=Fraction(rate_hz).limit_denominator(1001))
    stream.height, stream.width = first.rgb.shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.options = options
    if not options:
        stream.bit_rate = int(stream.width * stream.height * rate_hz * _BITS_A_PIXEL)
    stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS_A_SECOND)
    stream.codec_context.thread_type = "AUTO"
    if stream.width * stream.height <= _SMALL_PIXELS:
        stream.codec_context.thread_count = 1
    return stream
