"""CMU Panoptic Studio (Monocular Total Capture): people seen by 31 HD cameras, with 3D joints.

`gonio.capture.panoptic` reads the two layouts. A shard is one sequence seen by one camera. The ids
in the annotations do not follow a person reliably ("the same person may have multiple ids", says
the toolbox), so the sequence stands for the subject: it is never in two splits. Frames that show
more than one person, or too little of the person, have no truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pydantic import Field

from gonio.capture.cameras import Camera
from gonio.capture.observation import ObservationOptions, observe
from gonio.capture.pairs import Truth
from gonio.capture.panoptic import (
    FPS,
    WORLD_UP,
    Recording,
    find_a4,
    read_a4,
    read_toolbox,
    toolbox_sequences,
)
from gonio.capture.tasks import Converted, Split, Task, fingerprint
from gonio.errors import InputError, MissingFileError
from gonio.landmarks.video import VideoFrame, read_frames
from gonio.options import Options
from gonio.types import FloatArray

IMAGE_SUFFIXES = (".jpg", ".png")


class MtcOptions(Options):
    """What to take from CMU MTC and Panoptic."""

    cameras: tuple[str, ...] = Field((), description="cameras to convert (00_05); none for all")
    test_sequences: tuple[str, ...] = Field(
        ("171204_pose5", "171204_pose6"),
        description="sequences held out for the test, with those that the release holds out",
    )
    validation_sequences: tuple[str, ...] = Field(
        ("171026_pose3",), description="sequences held out for validation"
    )
    min_confidence: float = Field(
        0.1, ge=0, le=1, description="joints of the toolbox's layout at or below it are missing"
    )
    min_inside: float = Field(
        0.75, ge=0, le=1, description="share of the joints that must be on the image"
    )


@dataclass(frozen=True)
class MtcSource:
    """Tasks and shards of a folder in one or both layouts.

    Attributes:
        root: the folder.
        options: what to take.
        observation: how the images are looked at.
    """

    root: Path
    options: MtcOptions = field(default_factory=MtcOptions)
    observation: ObservationOptions = field(default_factory=ObservationOptions)

    @property
    def name(self) -> str:
        """`mtc`."""
        return "mtc"

    def parameters(self) -> dict[str, Any]:
        """What the shards depend on besides the files."""
        return self.options.model_dump(mode="json")

    def list_tasks(self) -> list[Task]:
        """One task for each sequence and camera, sorted by name.

        Raises:
            MissingFileError: the folder holds neither layout.
            InputError: an annotation is damaged.
        """
        a4 = find_a4(self.root)
        recordings = dict(read_a4(a4)) if a4 else {}
        for name in toolbox_sequences(self.root):
            if name not in recordings:
                recordings[name] = read_toolbox(self.root / name, self.options.min_confidence)
        if not recordings:
            raise MissingFileError(
                f"{self.root} holds neither annotation.pkl and camera_data.pkl (a4 release of MTC) "
                "nor a sequence with its calibration_<sequence>.json (Panoptic's toolbox); see "
                "docs/data"
            )
        tasks = []
        for name in sorted(recordings):
            wanted = self.options.cameras or tuple(sorted(recordings[name].cameras))
            tasks += [self._task(recordings[name], camera) for camera in wanted]
        return tasks

    def _task(self, recording: Recording, camera: str) -> Task:
        images = self._images(recording, camera)
        video = self._video(recording.name, camera)
        seen = [images[k] for k in sorted(images)]
        files = seen[:1] + seen[-1:] or [video]
        nothing = not seen and not video.is_file()
        return Task(
            source=self.name,
            sequence=recording.name,
            camera=camera,
            subject=recording.name,
            split=self._split(recording),
            source_hash=fingerprint([*recording.files, *files], extra=len(seen)),
            expected_frames=0 if nothing else len(seen) or len(recording.frames),
            left_out=f"there is no image of camera {camera}" if nothing else "",
            details={"layout": recording.layout},
        )

    def _split(self, recording: Recording) -> Split:
        if recording.held_out or recording.name in self.options.test_sequences:
            return "test"
        return "validation" if recording.name in self.options.validation_sequences else "train"

    def _images(self, recording: Recording, camera: str) -> dict[int, Path]:
        """The images of the annotated frames, by frame number."""
        found = {}
        for frame in recording.frames.tolist():
            stem = self._image_stem(recording, camera, frame)
            paths = (stem.with_name(stem.name + suffix) for suffix in IMAGE_SUFFIXES)
            path = next((p for p in paths if p.is_file()), None)
            if path is not None:
                found[frame] = path
        return found

    def _image_stem(self, recording: Recording, camera: str, frame: int) -> Path:
        name = f"{camera}_{frame:08d}"
        if recording.layout == "a4":
            a4 = find_a4(self.root) or self.root
            base = a4 if (a4 / "hdImgs").is_dir() else a4.parent
            return base / "hdImgs" / recording.name / f"{frame:08d}" / name
        return self.root / recording.name / "hdImgs" / camera / name

    def _video(self, sequence: str, camera: str) -> Path:
        return self.root / sequence / "hdVideos" / f"hd_{camera}.mp4"

    def _recording(self, task: Task) -> Recording:
        if task.details["layout"] == "toolbox":
            return read_toolbox(self.root / task.sequence, self.options.min_confidence)
        return read_a4(find_a4(self.root) or self.root)[task.sequence]

    def convert(self, task: Task) -> Converted:
        """Make the shard of one sequence and camera.

        Raises:
            MissingFileError: annotations, images or the camera are not there.
            LeftOutError: the view does not fit the truth.
            InputError: a file is damaged, or no frame shows one whole person.
        """
        recording = self._recording(task)
        if task.camera not in recording.cameras:
            raise InputError(
                f"{recording.name} has no calibration of camera {task.camera}; it has "
                f"{', '.join(sorted(recording.cameras))}"
            )
        images = self._images(recording, task.camera)
        video = self._video(recording.name, task.camera)
        if not images and not video.is_file():
            raise MissingFileError(f"there is no image of camera {task.camera}")
        there = np.array([not images or k in images for k in recording.frames.tolist()], dtype=bool)
        frames = recording.frames[there]
        truth = self._truth(recording, task.camera, there)
        shown = _from_images(images, frames) if images else _from_video(video, frames)
        return observe(task, shown, truth, FPS, self.observation, frame_index=frames)

    def _truth(self, recording: Recording, camera: str, there: NDArray[np.bool_]) -> Truth:
        intrinsics, placement = recording.cameras[camera]
        joints = placement.camera_from_world(recording.joints[there])
        joints = _only_on_image(joints, intrinsics, self.options.min_inside)
        if not np.isfinite(joints).any():
            raise InputError(
                f"none of the {len(joints)} frames of {recording.name} shows exactly one person "
                f"with {self.options.min_inside:.0%} of the joints on the image of camera {camera}"
            )
        return Truth(joints, placement.rotation @ np.array(WORLD_UP), intrinsics)


def _only_on_image(joints: FloatArray, camera: Camera, min_inside: float) -> FloatArray:
    """Forget the truth of frames in which too few joints are on the image."""
    inside = camera.contains(camera.project(joints)).mean(axis=1)
    return np.where((inside >= min_inside)[:, None, None], joints, np.nan)


def _from_images(images: dict[int, Path], frames: NDArray[np.int64]) -> Iterator[VideoFrame]:
    for frame in frames.tolist():
        try:
            with Image.open(images[frame]) as image:
                rgb = np.asarray(image.convert("RGB"), dtype=np.uint8)
        except (UnidentifiedImageError, OSError) as error:
            raise InputError(f"{images[frame].name} cannot be read: {error}") from error
        yield VideoFrame((frame - int(frames[0])) / FPS, rgb)


def _from_video(video: Path, frames: NDArray[np.int64]) -> Iterator[VideoFrame]:
    wanted = set(frames.tolist())
    for number, frame in enumerate(read_frames(video)):
        if number in wanted:
            yield VideoFrame((number - int(frames[0])) / FPS, frame.rgb)
