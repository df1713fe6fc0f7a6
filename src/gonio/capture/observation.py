"""From frames and truth to a shard: the part of a conversion that all sources share.

MediaPipe sees the frames in VIDEO mode, the view is checked against the projected truth, the pair
is built, and a few frames are kept as previews.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gonio.capture.contact_sheet import draw_tile
from gonio.capture.pairs import Truth, build_shard
from gonio.capture.shards import ShardLabels
from gonio.capture.tasks import Converted, LeftOutError, Task
from gonio.errors import InputError
from gonio.landmarks.detector import detect_frames
from gonio.landmarks.video import VideoFrame
from gonio.skeleton import COCO_FROM_MEDIAPIPE, COCO_MIRROR
from gonio.types import FloatArray, LandmarkSequence

LARGEST_SHIFT = 30
"""Frames by which a video is shifted, at most, to see whether it fits better."""
SMALLEST_SHIFT = 3
"""A better fit at fewer frames than this is not held against a view."""
CLEARLY_BETTER = 0.6
"""A mirrored or shifted view whose error is below this share of the real one's is the right one."""
GOOD_ANYWAY = 0.015
"""A view with an error below this (of the person's size) is not suspected."""


@dataclass(frozen=True)
class ObservationOptions:
    """How frames are looked at.

    Attributes:
        model: MediaPipe's pose model: lite, full, heavy or a path.
        model_folder: where lite and heavy lie.
        max_view_error: a view whose median 2D error is above this is left out, in units of the
            person's size on the image; infinite for no check.
        previews: frames of each task to keep for the contact sheet.
        seed: of the choice of these frames.
    """

    model: str = "full"
    model_folder: Path | None = None
    max_view_error: float = 0.08
    previews: int = 1
    seed: int = 0


@dataclass(frozen=True)
class ViewFit:
    """How well MediaPipe's 2D lies on the projected truth.

    Attributes:
        error: median distance over joints and frames, in units of the person's size.
        mirrored: the same with the image and the sides of the body mirrored.
        shift: frames by which the truth would have to move to fit best.
        shifted: the error at that shift.
        frames: number of frames compared.
    """

    error: float
    mirrored: float
    shift: int
    shifted: float
    frames: int

    def objection(self, allowed: float) -> str:
        """Why the view must be left out; empty where it fits."""
        if self.frames == 0:
            return "MediaPipe found the person in none of the frames that have a truth"
        if not np.isfinite(allowed):
            return ""
        figures = (
            f"median 2D error {self.error:.3f} of the person's size (allowed {allowed:g}; "
            f"mirrored {self.mirrored:.3f}; {self.shifted:.3f} at a shift of {self.shift} frames; "
            f"{self.frames} frames)"
        )
        suspected = self.error > GOOD_ANYWAY
        better = min(allowed, CLEARLY_BETTER * self.error)
        if suspected and self.mirrored < min(better, CLEARLY_BETTER * self.shifted):
            return f"the view is mirrored: {figures}"
        if suspected and abs(self.shift) >= SMALLEST_SHIFT and self.shifted < better:
            return f"the view is out of step with the truth: {figures}"
        if self.error > allowed:
            return f"the view does not fit the truth: {figures}"
        return ""


def check_view(landmarks: LandmarkSequence, truth: Truth) -> ViewFit:
    """Compare MediaPipe's 2D with the projected truth, as it is, mirrored, and shifted in time.

    The person's size is the longer side of the box around the projected joints, its median over
    the clip.

    Args:
        landmarks: N frames.
        truth: the same N frames.
    """
    width, height = landmarks.image_size
    seen = landmarks.image[:, list(COCO_FROM_MEDIAPIPE)] * [width, height]
    true = truth.camera.project(truth.joints)
    whole = np.isfinite(true).all(axis=(1, 2))
    if not (whole & np.isfinite(seen).all(axis=(1, 2))).any():
        return ViewFit(float("nan"), float("nan"), 0, float("nan"), 0)
    size = float(np.median(np.ptp(true[whole], axis=1).max(axis=1)))
    mirrored = (seen * [-1, 1] + [width, 0])[:, list(COCO_MIRROR)]
    error, frames = _median_distance(seen, true)
    shifts = [k for k in range(-LARGEST_SHIFT, LARGEST_SHIFT + 1) if abs(k) < len(seen) // 2]
    by_shift = {k: _median_distance(*_shifted(seen, true, k))[0] for k in shifts}
    best = min(by_shift, key=lambda k: (np.nan_to_num(by_shift[k], nan=np.inf), abs(k)))
    return ViewFit(
        error=error / size,
        mirrored=_median_distance(mirrored, true)[0] / size,
        shift=best,
        shifted=by_shift[best] / size,
        frames=frames,
    )


def _median_distance(seen: FloatArray, true: FloatArray) -> tuple[float, int]:
    distance = np.linalg.norm(seen - true, axis=2)
    known = np.isfinite(distance)
    if not known.any():
        return float("nan"), 0
    return float(np.median(distance[known])), int(known.any(axis=1).sum())


def _shifted(seen: FloatArray, true: FloatArray, shift: int) -> tuple[FloatArray, FloatArray]:
    """Put `seen[t + shift]` beside `true[t]`."""
    n = len(seen)
    return seen[max(0, shift) : n + min(0, shift)], true[max(0, -shift) : n - max(0, shift)]


def observe(
    task: Task,
    frames: Iterable[VideoFrame],
    truth: Truth,
    fps: float,
    options: ObservationOptions,
    *,
    frame_index: NDArray[np.int64] | None = None,
) -> Converted:
    """See the frames with MediaPipe and pair them with the truth.

    Args:
        task: says what the shard is called.
        frames: upright RGB frames with their times, in order; at most as many as the truth has are
            read. Where there are fewer, the truth is cut and the note says so.
        truth: N frames, camera frame.
        fps: frames a second of the video.
        options: how to look at them.
        frame_index: (N,) position of each frame in the video; 0, 1, 2 ... if not given.

    Raises:
        LeftOutError: nobody was found, or the view does not fit the truth.
        InputError: there are no frames, or they do not agree with the truth.
    """
    keep = _frames_to_keep(task.key, len(truth), options)
    kept: dict[int, NDArray[np.uint8]] = {}
    landmarks = detect_frames(
        _watched(frames, len(truth), truth.camera.image_size, keep, kept),
        truth.camera.image_size,
        model=options.model,
        model_folder=options.model_folder,
    )
    index = np.arange(len(truth)) if frame_index is None else frame_index
    cut = truth.first(len(landmarks))
    fit = check_view(landmarks, cut)
    objection = fit.objection(options.max_view_error)
    if objection:
        raise LeftOutError(objection)
    labels = ShardLabels(
        source=task.source,
        sequence=task.sequence,
        camera=task.camera,
        subject=task.subject,
        fps=fps,
        detector=f"mediapipe {Path(options.model).stem} VIDEO",
    )
    missing = len(truth) - len(landmarks)
    return Converted(
        shard=build_shard(landmarks, cut, labels, index[: len(landmarks)]),
        view_error=fit.error,
        previews=_previews(landmarks, cut, kept),
        note=f"the video ends {missing} frames before the truth" if missing else "",
    )


def _frames_to_keep(key: str, frames: int, options: ObservationOptions) -> set[int]:
    random = np.random.default_rng([options.seed, zlib.crc32(key.encode())])
    count = min(options.previews, frames)
    return {int(i) for i in random.choice(frames, size=count, replace=False)}


def _watched(
    frames: Iterable[VideoFrame],
    count: int,
    image_size: tuple[int, int],
    keep: set[int],
    kept: dict[int, NDArray[np.uint8]],
) -> Iterator[VideoFrame]:
    for number, frame in zip(range(count), frames, strict=False):
        height, width = frame.rgb.shape[:2]
        if (width, height) != image_size:
            raise InputError(
                f"frame {number} is {width} x {height} pixels and its camera was calibrated for "
                f"{image_size[0]} x {image_size[1]}; use the video as it was released"
            )
        if number in keep:
            kept[number] = frame.rgb.copy()
        yield frame


def _previews(
    landmarks: LandmarkSequence, truth: Truth, kept: dict[int, NDArray[np.uint8]]
) -> tuple[NDArray[np.uint8], ...]:
    pixels = landmarks.image * np.asarray(landmarks.image_size, dtype=float)
    true = truth.camera.project(truth.joints)
    return tuple(draw_tile(kept[i], pixels[i], true[i]) for i in sorted(kept))
