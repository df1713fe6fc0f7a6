"""The video with the skeleton drawn on it, small enough to send and cheap enough to make always.

Frames are scaled down as they are decoded, drawn on with OpenCV and encoded with PyAV; nothing of
the video stays in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from gonio.errors import InputError, OutputError
from gonio.files import replacing
from gonio.landmarks.video import VideoFrame, read_frames
from gonio.reporting.encoding import encode_frames
from gonio.reporting.style import MARKED_COLOUR, SIDE_COLOUR, rgb_of
from gonio.skeleton import MEDIAPIPE_EDGES, MEDIAPIPE_LANDMARKS, Side
from gonio.types import BoolArray, FloatArray, LandmarkSequence

Image = NDArray[np.uint8]

_SUBPIXEL_BITS = 4
_SCALE = 1 << _SUBPIXEL_BITS


def _side(name: str) -> Side | None:
    if name.startswith("right") or name.endswith("right"):
        return "R"
    return "L" if "left" in name else None


_COLOUR = [rgb_of(SIDE_COLOUR[_side(name)]) for name in MEDIAPIPE_LANDMARKS]
_MARKED = rgb_of(MARKED_COLOUR)
_PALE = (245, 245, 245)
_RIM = (25, 28, 33)
_EDGES = [(MEDIAPIPE_LANDMARKS.index(a), MEDIAPIPE_LANDMARKS.index(b)) for a, b in MEDIAPIPE_EDGES]
_EDGE_COLOUR = [
    _COLOUR[a] if _side(MEDIAPIPE_LANDMARKS[a]) == _side(MEDIAPIPE_LANDMARKS[b]) else _PALE
    for a, b in _EDGES
]
_JOINTS = sorted({index for edge in _EDGES for index in edge})


def draw_skeleton(
    frame_rgb: Image,
    image_points: FloatArray,
    visibility: FloatArray,
    *,
    marked: BoolArray | None = None,
    min_visibility: float = 0.5,
) -> Image:
    """Draw one person: right vermillion, left blue, joints that are hardly visible hollow.

    Args:
        frame_rgb: (H, W, 3) uint8; left as it is.
        image_points: (33, 2) landmarks in pixels of this frame, x right, y down; a landmark that is
            NaN is not drawn.
        visibility: (33,) 0..1.
        marked: (33,) landmarks to ring in amber: repaired or filled.
        min_visibility: below it a joint is hollow and its bones are thin.

    Returns:
        (H, W, 3) a copy with the skeleton.

    Raises:
        InputError: points or visibility of another shape.
    """
    if image_points.shape != (33, 2) or visibility.shape != (33,):
        raise InputError(
            f"points {image_points.shape} and visibility {visibility.shape}; allowed are (33, 2) "
            "and (33,)"
        )
    canvas = frame_rgb.copy()
    size = max(canvas.shape[:2])
    # Points far outside would overflow OpenCV's integers and cannot be seen anyway.
    shown = np.isfinite(image_points).all(axis=1) & (np.abs(image_points) < 4 * size).all(axis=1)
    points = np.where(shown[:, None], image_points, 0.0)
    at = [(int(x), int(y)) for x, y in np.rint(points * _SCALE).astype(int)]
    sure = visibility >= min_visibility
    _draw_bones(canvas, at, shown, sure, width=max(1, round(size / 240)))
    _draw_joints(canvas, at, shown, sure, marked=marked, radius=max(2, round(size / 150)))
    return canvas


def _draw_bones(
    canvas: Image, at: list[tuple[int, int]], shown: BoolArray, sure: BoolArray, width: int
) -> None:
    drawn = [
        (at[a], at[b], colour, width if sure[a] and sure[b] else max(1, width // 2))
        for (a, b), colour in zip(_EDGES, _EDGE_COLOUR, strict=True)
        if shown[a] and shown[b]
    ]
    for start, end, _, thick in drawn:  # a dark rim keeps the lines readable on any background
        cv2.line(canvas, start, end, _RIM, thick + 2, cv2.LINE_AA, _SUBPIXEL_BITS)
    for start, end, colour, thick in drawn:
        cv2.line(canvas, start, end, colour, thick, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_joints(
    canvas: Image,
    at: list[tuple[int, int]],
    shown: BoolArray,
    sure: BoolArray,
    *,
    marked: BoolArray | None,
    radius: int,
) -> None:
    full = radius * _SCALE
    for joint in _JOINTS:
        if not shown[joint]:
            continue
        if marked is not None and marked[joint]:
            _ring(canvas, at[joint], int(full * 1.7), _MARKED, max(1, radius // 2))
        if sure[joint]:
            cv2.circle(canvas, at[joint], full, _COLOUR[joint], -1, cv2.LINE_AA, _SUBPIXEL_BITS)
        else:
            _ring(canvas, at[joint], full, _COLOUR[joint], max(1, radius // 3))


def _ring(
    canvas: Image, centre: tuple[int, int], radius: int, colour: tuple[int, int, int], width: int
) -> None:
    cv2.circle(canvas, centre, radius, colour, width, cv2.LINE_AA, _SUBPIXEL_BITS)


@dataclass(frozen=True)
class OverlayVideo:
    """A video and the landmarks to draw on it.

    Attributes:
        source: the video.
        landmarks: of this video, T frames.
        marked: (T, 33) landmarks to ring in amber (repaired or filled), None for none.
        max_side: longer side of the result, pixels; a smaller video keeps its size.
        max_rate_hz: frames a second of the result; frames of a faster video are left out, the
            others keep their times.
        min_visibility: below it a joint is drawn hollow.
        time_scale: what the video's times are multiplied by to be those of the landmarks; the
            overlay plays as the video does.

    Raises:
        InputError: `marked` of another length, or a size or rate that is not positive.
    """

    source: Path
    landmarks: LandmarkSequence
    marked: BoolArray | None = None
    max_side: int = 720
    max_rate_hz: float = 30.0
    min_visibility: float = 0.5
    time_scale: float = 1.0

    def __post_init__(self) -> None:
        wanted = (len(self.landmarks), len(MEDIAPIPE_LANDMARKS))
        if self.marked is not None and self.marked.shape != wanted:
            raise InputError(f"overlay.marked has shape {self.marked.shape}; allowed is {wanted}")
        if self.max_side < 16 or not self.max_rate_hz > 0:
            raise InputError(
                f"overlay.max_side is {self.max_side} and max_rate_hz {self.max_rate_hz:g}; "
                "allowed are at least 16 pixels and a rate above 0"
            )

    def frames(self) -> Iterator[VideoFrame]:
        """The frames of the result, upright and even in size, one at a time.

        A frame takes the landmarks of its own time; where there are none within half a step, it is
        shown as it is.

        Raises:
            MissingFileError, InputError: as `gonio.landmarks.video.read_frames`.
        """
        for frame in read_frames(self.source, self.max_side, self.max_rate_hz):
            yield VideoFrame(frame.time_s, self._draw(frame))

    def _draw(self, frame: VideoFrame) -> Image:
        height, width = (side - side % 2 for side in frame.rgb.shape[:2])
        image = frame.rgb[:height, :width]
        index = self._index_at(frame.time_s * self.time_scale)
        if index is None:
            return np.ascontiguousarray(image)
        return draw_skeleton(
            image,
            self.landmarks.image[index] * np.array(frame.rgb.shape[1::-1], dtype=float),
            np.nan_to_num(self.landmarks.visibility[index]),
            marked=None if self.marked is None else self.marked[index],
            min_visibility=self.min_visibility,
        )

    def _index_at(self, time_s: float) -> int | None:
        times = self.landmarks.time_s
        if len(times) == 0:
            return None
        after = int(np.searchsorted(times, time_s))
        near = min(
            (max(after - 1, 0), min(after, len(times) - 1)), key=lambda k: abs(times[k] - time_s)
        )
        rate = self.landmarks.rate_hz
        reach = 0.5 / rate if np.isfinite(rate) else np.inf
        return near if abs(times[near] - time_s) <= reach * 1.01 else None


def write_overlay(path: str | Path, overlay: OverlayVideo) -> None:
    """Encode an overlay as MP4 (H.264, yuv420p, index in front), whole or not at all.

    Args:
        path: the MP4 file.
        overlay: what to draw.

    Raises:
        OutputError: the file cannot be written, or PyAV has no encoder for MP4.
        MissingFileError, InputError: the source cannot be read, or holds no frame.
    """
    with replacing(path) as scratch:
        try:
            count = encode_frames(scratch, overlay.frames(), overlay.max_rate_hz)
        except av.FFmpegError as error:
            raise OutputError(
                f"cannot write {path}: {error.strerror}. Check that the folder is writable and "
                "that the disk has room; the file that was there before is unchanged."
            ) from error
        if count == 0:
            raise InputError(f"{overlay.source} holds no frames; there is nothing to draw on")
