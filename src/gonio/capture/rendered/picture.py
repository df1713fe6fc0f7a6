"""What camera and file do to a picture: blur, contrast, noise and lossy compression."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from gonio.capture.rendered.scene import Picture
from gonio.errors import GonioError

Image = NDArray[np.uint8]
X264_PARAMS = "threads=1:mbtree=0:rc-lookahead=0:weightp=0"
"""With its look-ahead, x264 gives other bytes for the same pictures from run to run."""


class Lens:
    """Blur, tone and noise of one camera, frame by frame.

    Args:
        picture: how strong they are.
        seed: of the noise.
    """

    def __init__(self, picture: Picture, seed: int):
        self._picture = picture
        self._rng = np.random.default_rng([0x401E, seed])
        grey = np.arange(256) / 255.0
        tone = (grey**picture.gamma - 0.5) * picture.contrast + 0.5 + picture.brightness
        self._curve = np.clip(tone * 255.0, 0, 255).astype(np.uint8)

    def expose(self, pictures: list[Image]) -> Image:
        """One frame from the pictures drawn while the shutter was open, (H, W, 3)."""
        image = pictures[0]
        if len(pictures) > 1:
            image = np.mean(pictures, axis=0).astype(np.uint8)
        if self._picture.defocus_px > 0:
            image = cv2.GaussianBlur(image, (0, 0), self._picture.defocus_px)
        image = cv2.LUT(image, self._curve)
        if self._picture.noise > 0.002:
            noise = self._rng.standard_normal(image.shape[:2], dtype=np.float32)
            scale = 255.0 * self._picture.noise
            grain = (noise * scale)[..., None].astype(np.int16)
            image = np.clip(image.astype(np.int16) + grain, 0, 255).astype(np.uint8)
        return np.asarray(image, dtype=np.uint8)


def compressed(frames: list[Image], picture: Picture, fps: float) -> Iterator[Image]:
    """The frames as they come back from a file.

    Args:
        frames: (H, W, 3) each, sides even.
        picture: codec and quality.
        fps: frames a second.

    Raises:
        GonioError: the video codec gave another number of frames than it got.
    """
    if picture.codec == "jpeg":
        for frame in frames:
            _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, picture.quality])
            yield np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    elif picture.codec == "h264":
        yield from _through_video(frames, picture.quality, fps)
    else:
        yield from frames


def _through_video(frames: list[Image], crf: int, fps: float) -> Iterator[Image]:
    height, width = frames[0].shape[:2]
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"crf": str(crf), "preset": "veryfast", "x264-params": X264_PARAMS}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    memory.seek(0)
    count = 0
    with av.open(memory) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for decoded in container.decode(video=0):
            count += 1
            yield np.asarray(decoded.to_ndarray(format="rgb24"), dtype=np.uint8)
    if count != len(frames):
        raise GonioError(f"the h264 codec returned {count} of {len(frames)} frames")
