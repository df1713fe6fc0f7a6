"""AIST++: dance seen by nine cameras, with triangulated 3D joints (Li et al., ICCV 2021).

The folder holds the official release: `annotations/` with `keypoints3d/`, `cameras/`,
`ignore_list.txt` and, if they were downloaded, `splits/`; and `videos/` with the videos of the AIST
Dance Video Database. Lengths are in centimetres, the world's y axis points up, and frame k of a
video is frame k of the annotations, 60 to the second.

Splits are by dancer. The official `pose_test.txt` holds out the dancers whose number is divisible
by 3; where the file is absent that rule is used. The official `pose_val.txt` draws sequences of
dancers who are in `pose_train.txt` too, and the `crossmodal` lists split by music, so neither can
serve here: whole dancers are held out for validation instead (`validation_dancers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from gonio.capture.aistpp_files import (
    annotated_frames,
    dancer_of,
    read_camera,
    read_keypoints3d,
    read_list,
    read_mapping,
)
from gonio.capture.observation import ObservationOptions, observe
from gonio.capture.pairs import Truth
from gonio.capture.tasks import Converted, Split, Task, fingerprint
from gonio.errors import InputError, MissingFileError
from gonio.landmarks.video import VideoFrame, read_frames
from gonio.options import Options

FPS = 60.0
WORLD_UP = (0.0, 1.0, 0.0)
CAMERAS: tuple[str, ...] = tuple(f"c{number:02d}" for number in range(1, 10))


class AistppOptions(Options):
    """What to take from AIST++."""

    keypoints: Literal["keypoints3d_optim", "keypoints3d"] = Field(
        "keypoints3d_optim", description="optimised joints without gaps, or triangulated with gaps"
    )
    cameras: tuple[str, ...] = Field(CAMERAS, description="cameras to convert")
    validation_dancers: tuple[str, ...] = Field(
        ("d02", "d08", "d14", "d20", "d26"), description="dancers held out for validation"
    )


@dataclass(frozen=True)
class AistppSource:
    """Tasks and shards of an AIST++ folder.

    Attributes:
        root: the folder with `annotations` and `videos`.
        options: what to take.
        observation: how the videos are looked at.
    """

    root: Path
    options: AistppOptions = field(default_factory=AistppOptions)
    observation: ObservationOptions = field(default_factory=ObservationOptions)

    @property
    def name(self) -> str:
        """`aistpp`."""
        return "aistpp"

    @property
    def annotations(self) -> Path:
        """The folder of the annotations."""
        return self.root / "annotations"

    def parameters(self) -> dict[str, Any]:
        """What the shards depend on besides the files."""
        return self.options.model_dump(mode="json")

    def list_tasks(self) -> list[Task]:
        """One task for each annotated sequence and camera, sorted by name.

        Ignored sequences and cameras without a video are listed as left out.

        Raises:
            MissingFileError: the annotations are not there.
            InputError: the lists of the release contradict each other.
        """
        folder = self.annotations / "keypoints3d"
        if not folder.is_dir():
            raise MissingFileError(
                f"there is no folder {folder}; unpack the AIST++ annotations there (see docs/data)"
            )
        settings = read_mapping(self.annotations / "cameras" / "mapping.txt")
        ignored = read_list(self.annotations / "ignore_list.txt")
        test = self._test_dancers()
        tasks = []
        for path in sorted(folder.glob("*.pkl")):
            split = self._split(dancer_of(path.stem), test)
            setting = settings.get(path.stem)
            for camera in self.options.cameras:
                tasks.append(self._task(path, camera, setting, split, path.stem in ignored))
        return tasks

    def _task(
        self, keypoints: Path, camera: str, setting: str | None, split: Split, ignored: bool
    ) -> Task:
        sequence = keypoints.stem
        video = self.root / "videos" / f"{sequence.replace('cAll', camera)}.mp4"
        reason = ""
        if ignored:
            reason = "the authors of AIST++ ask to ignore this sequence (ignore_list.txt)"
        elif not video.is_file():
            reason = f"there is no video {video.name}"
        cameras = self.annotations / "cameras" / f"{setting}.json"
        return Task(
            source=self.name,
            sequence=sequence,
            camera=camera,
            subject=dancer_of(sequence),
            split=split,
            source_hash=fingerprint([video, keypoints, cameras]),
            expected_frames=0 if reason else annotated_frames(keypoints, self.options.keypoints),
            left_out=reason,
            details={"setting": setting},
        )

    def _test_dancers(self) -> frozenset[str] | None:
        """Dancers of the official test list; None where there is no list."""
        path = self.annotations / "splits" / "pose_test.txt"
        if not path.is_file():
            return None
        test = frozenset(dancer_of(sequence) for sequence in read_list(path))
        train_path = path.with_name("pose_train.txt")
        train = {dancer_of(s) for s in read_list(train_path)} if train_path.is_file() else set()
        both = sorted(test & train)
        if both:
            raise InputError(
                f"{path.name} and {train_path.name} share the dancers {', '.join(both)}; use the "
                "official lists, which do not"
            )
        return test

    def _split(self, dancer: str, test: frozenset[str] | None) -> Split:
        held_out = dancer in test if test is not None else int(dancer[1:]) % 3 == 0
        if held_out:
            return "test"
        return "validation" if dancer in self.options.validation_dancers else "train"

    def convert(self, task: Task) -> Converted:
        """Make the shard of one sequence and camera.

        Raises:
            MissingFileError: the video, the annotation or the camera is not there.
            LeftOutError: the view does not fit the truth.
            InputError: a file is damaged, or has no truth.
        """
        truth = self.truth(task.sequence, task.camera, task.details["setting"])
        video = self.root / "videos" / f"{task.sequence.replace('cAll', task.camera)}.mp4"
        return observe(task, _timed_by_index(video), truth, FPS, self.observation)

    def truth(self, sequence: str, camera: str, setting: str | None) -> Truth:
        """What is true in the frame of one camera.

        Raises:
            MissingFileError: the annotation or the camera is not there.
            InputError: no joint is known in any frame, or a file is damaged.
        """
        if setting is None:
            raise InputError(
                f"cameras/mapping.txt does not say which cameras filmed {sequence}; use the "
                "official file"
            )
        intrinsics, placement = read_camera(
            self.annotations / "cameras" / f"{setting}.json", camera
        )
        path = self.annotations / "keypoints3d" / f"{sequence}.pkl"
        world = read_keypoints3d(path, self.options.keypoints)
        if not np.isfinite(world).any():
            raise InputError(f"{path.name} holds no joint in any frame (all NaN)")
        return Truth(
            joints=placement.camera_from_world(world),
            up=placement.rotation @ np.array(WORLD_UP),
            camera=intrinsics,
        )


def _timed_by_index(video: Path) -> Iterator[VideoFrame]:
    for number, frame in enumerate(read_frames(video)):
        yield VideoFrame(number / FPS, frame.rgb)
