"""MediaPipe's PoseLandmarker in VIDEO mode: frames in, the landmarks of one person out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gonio.errors import InputError
from gonio.landmarks.ahead import ahead
from gonio.landmarks.model_files import find_pose_model
from gonio.landmarks.person import CHOICES, PersonFollower, check_person
from gonio.landmarks.video import VideoFrame, probe, read_frames, sample_frames
from gonio.skeleton import MEDIAPIPE_LANDMARKS
from gonio.types import FloatArray, LandmarkSequence

SCOUT_FRAMES = 6
"""Frames looked at beforehand to see whether there is more than one person."""
LOST_AFTER = 5
"""After so many frames without the person all people are looked at again."""


@dataclass
class _Collected:
    time_s: list[float] = field(default_factory=list)
    rows: list[FloatArray] = field(default_factory=list)


def detect_landmarks(
    video: str | Path,
    model: str = "full",
    *,
    person: str | int = "largest",
    max_people: int = 4,
    model_folder: str | Path | None = None,
    capture_rate_hz: float | None = None,
    progress: bool = False,
    watch: Callable[[VideoFrame], None] | None = None,
) -> LandmarkSequence:
    """Find one person in a video.

    Frames are decoded in a thread of their own, while MediaPipe looks at the ones before. Several
    frames are looked at first. Where they show more than one person, the chosen one is
    picked out in a frame that shows up to `max_people`, and from then on everything outside of
    that person's surroundings is blanked, so that MediaPipe, which tracks one person and smooths
    over time, stays with the same one. When that person is lost, one near to
    where they were last seen, and of about their size, is looked for; nobody farther away than
    their own height is taken for them. Where the frames show one person, whoever appears after a
    while is taken for that person.

    Args:
        video: path of the video.
        model: `lite`, `full`, `heavy` or the path of a `.task` file.
        person: `largest`, `central` or an index from 0, counted from the left of the image in the
            first frame with people.
        max_people: how many people to tell apart; 1 takes whom MediaPipe finds first.
        model_folder: where downloaded models lie.
        capture_rate_hz: frames a second at which the video was filmed, where the file plays them
            at another rate (slow motion, time-lapse): its times become those of the filmed motion.
        progress: whether to show a progress bar.
        watch: is called with every frame before it is looked at, at the file's own time.

    Returns:
        (T, 33, ...) landmarks; frames without a person are NaN.

    Raises:
        MissingFileError: the video or the model is not there.
        InputError: the video cannot be read, shows nobody, or not as many people as `person` says;
            or `capture_rate_hz` cannot be.
    """
    info = probe(video, capture_rate_hz)
    check_person(person, max_people)
    path = find_pose_model(model, model_folder)
    alone = max_people == 1 or (person in ("largest", "central", 0) and _alone(video, path))
    frames = tqdm(
        _watched(ahead(read_frames(video)), watch),
        total=info.frames,
        desc=f"landmarks of {info.path.name}",
        unit="frame",
        disable=not progress,
    )
    follower = PersonFollower(person, (info.width, info.height), alone=alone)
    filmed = _in_time(frames, info.time_scale)
    sequence = _followed(filmed, follower, path, 1 if alone else max_people)
    if not sequence.detected.any():
        if (most := follower.most_people) and not isinstance(person, str):
            raise InputError(
                f"person is {person}, but no frame of {info.path} shows more than {most} "
                f"{'person' if most == 1 else 'people'}; allowed are 0 to {most - 1}, counted from "
                f"the left, and {', '.join(CHOICES)}"
            )
        raise InputError(
            f"no person was found in any of the {len(sequence)} frames of {info.path}; the person "
            "should be whole in the picture, well lit and not too small"
        )
    return sequence


def _watched(
    frames: Iterable[VideoFrame], watch: Callable[[VideoFrame], None] | None
) -> Iterator[VideoFrame]:
    for frame in frames:
        if watch is not None:
            watch(frame)
        yield frame


def _in_time(frames: Iterable[VideoFrame], time_scale: float) -> Iterator[VideoFrame]:
    """The frames at the times of the filmed motion; see `gonio.landmarks.video.VideoInfo`."""
    for frame in frames:
        yield VideoFrame(frame.time_s * time_scale, frame.rgb)


def detect_frames(
    frames: Iterable[VideoFrame],
    image_size: tuple[int, int],
    model: str = "full",
    *,
    person: str | int = "largest",
    max_people: int = 1,
    model_folder: str | Path | None = None,
) -> LandmarkSequence:
    """Run MediaPipe in VIDEO mode over frames that may come from anywhere.

    Args:
        frames: upright RGB frames, times increasing.
        image_size: (width, height) of the frames, pixels.
        model: as in `detect_landmarks`.
        person: as in `detect_landmarks`; matters only where `max_people` is above 1.
        max_people: how many people to tell apart; with 1 MediaPipe takes whom it finds first.
        model_folder: as in `detect_landmarks`.

    Returns:
        (T, 33, ...) landmarks; all NaN where nobody was found.

    Raises:
        MissingFileError: the model is not there.
        InputError: there are no frames, or the model cannot be loaded.
    """
    follower = PersonFollower(person, image_size, alone=max_people == 1)
    return _followed(frames, follower, find_pose_model(model, model_folder), max_people)


def _followed(
    frames: Iterable[VideoFrame], follower: PersonFollower, model: Path, max_people: int
) -> LandmarkSequence:
    """What `detect_frames` gives, of the person whom a follower picks."""
    collected = _Collected()
    with _landmarker(model, 1, "VIDEO") as single, _scout(model, max_people) as scout:
        tracker = _Tracker(single, scout, follower)
        for frame in frames:
            collected.time_s.append(frame.time_s)
            collected.rows.append(tracker.row(frame))
    if not collected.rows:
        raise InputError("there are no frames to look at; the video or the frame list is empty")
    table = np.stack(collected.rows)
    return LandmarkSequence(
        time_s=np.array(collected.time_s),
        world=table[..., 2:5],
        image=table[..., :2],
        visibility=table[..., 5],
        image_size=follower.image_size,
    )


class _Landmarker:
    """MediaPipe's landmarker: an image in, the people in it out."""

    def __init__(self, mediapipe: Any, landmarker: Any) -> None:
        self._mediapipe, self._landmarker = mediapipe, landmarker
        self._last_ms = -1

    def _image(self, rgb: NDArray[np.uint8]) -> Any:
        return self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(rgb)
        )

    def in_image(self, rgb: NDArray[np.uint8]) -> list[FloatArray]:
        """People in a single image (mode IMAGE)."""
        return _people(self._landmarker.detect(self._image(rgb)))

    def in_video(self, rgb: NDArray[np.uint8], time_s: float) -> list[FloatArray]:
        """People in the next frame of a video (mode VIDEO)."""
        self._last_ms = max(self._last_ms + 1, round(time_s * 1000))
        return _people(self._landmarker.detect_for_video(self._image(rgb), self._last_ms))


class _Tracker:
    """Keeps MediaPipe with one person: see `detect_landmarks`."""

    def __init__(
        self, single: _Landmarker, scout: _Landmarker | None, follower: PersonFollower
    ) -> None:
        self._single, self._scout, self._follower = single, scout, follower
        self._missed = LOST_AFTER

    def row(self, frame: VideoFrame) -> FloatArray:
        """(33, 6) row of the person in the next frame; NaN if not seen."""
        if self._scout is None:
            people = self._single.in_video(frame.rgb, frame.time_s)
            return self._follower.choose(people, frame.time_s)
        if self._missed >= LOST_AFTER:
            found = self._follower.choose(self._scout.in_image(frame.rgb), frame.time_s)
            if np.isnan(found).all():
                return found
        masked = self._follower.blanked_elsewhere(frame.rgb)
        people = self._single.in_video(masked, frame.time_s)
        found = self._follower.choose(people, frame.time_s)
        self._missed = self._missed + 1 if np.isnan(found).all() else 0
        return found


@contextmanager
def _landmarker(path: Path, people: int, mode: str) -> Iterator[_Landmarker]:
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(path)),
        running_mode=vision.RunningMode[mode],
        num_poses=people,
    )
    try:
        landmarker = vision.PoseLandmarker.create_from_options(options)
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(
            f"MediaPipe cannot load the pose model {path}: {error}; download it again"
        ) from error
    with landmarker:
        yield _Landmarker(mediapipe, landmarker)


@contextmanager
def _scout(path: Path, max_people: int) -> Iterator[_Landmarker | None]:
    """A landmarker that tells people apart in single images; None where there is one person."""
    if max_people == 1:
        yield None
        return
    with _landmarker(path, max_people, "IMAGE") as landmarker:
        yield landmarker


def _people(result: Any) -> list[FloatArray]:
    """(33, 6) rows of image x, y, world x, y, z, visibility for each person of a result."""
    return [
        np.array(
            [(i.x, i.y, w.x, w.y, w.z, w.visibility) for i, w in zip(image, world, strict=True)],
            dtype=float,
        ).reshape(len(MEDIAPIPE_LANDMARKS), 6)
        for image, world in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True)
    ]


def _alone(video: str | Path, model: Path) -> bool:
    """Whether frames could be looked at and none of them shows more than one person."""
    frames = sample_frames(video, SCOUT_FRAMES)
    with _landmarker(model, 2, "IMAGE") as landmarker:
        return bool(frames) and all(len(landmarker.in_image(frame.rgb)) < 2 for frame in frames)
