"""Bodies rendered in motion as a source of pairs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gonio.capture.observation import ObservationOptions, observe
from gonio.capture.rendered.anny_model import load_anny
from gonio.capture.rendered.body import SEGMENTS
from gonio.capture.rendered.sequence import RenderedSequence
from gonio.capture.rendered.tasks import MADE_WEIGHTS, RenderedOptions, RenderedTask, list_tasks
from gonio.capture.tasks import Converted, Split, Task, digest, fingerprint
from gonio.landmarks.model_files import find_pose_model, model_fingerprint

__all__ = ["RenderedOptions", "RenderedSource"]

logger = logging.getLogger(__name__)

CAMERA = "virtual"
_SPLITS: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class RenderedSource:
    """Tasks and shards of rendered bodies.

    The truth is exact, so views are not checked against it: what MediaPipe gets wrong on them is
    what there is to learn.

    Attributes:
        motion_folder: clips of recorded motion; where it has none, motion is made.
        options: what to render.
        observation: how the frames are looked at.
        made_kinds: how likely each kind of made motion is.
        motion_needed: whether the motion folder must have clips, as one that the user has named.
    """

    motion_folder: Path
    options: RenderedOptions = field(default_factory=RenderedOptions)
    observation: ObservationOptions = field(default_factory=ObservationOptions)
    made_kinds: Mapping[str, float] = field(default_factory=lambda: MADE_WEIGHTS)
    motion_needed: bool = False

    @property
    def name(self) -> str:
        """`rendered`."""
        return "rendered"

    def parameters(self) -> dict[str, Any]:
        """What the shards depend on; more frames only make more tasks."""
        kept = self.options.model_dump(exclude={"frames", "detectors"})
        folder = self.observation.model_folder
        detectors = [model_fingerprint(name, folder) for name in self.options.detectors]
        return {**kept, "detectors": detectors, "motion": self._motion(), "segments": SEGMENTS}

    def _clips(self) -> list[Path]:
        return sorted(self.motion_folder.glob("*.npz")) if self.motion_folder.is_dir() else []

    def _motion(self) -> str:
        return fingerprint(self._clips(), extra=_versions())

    def list_tasks(self) -> list[Task]:
        """The sequences to render, in a fixed order; a longer list begins with the shorter one.

        The body model is built here if it is not in its cache yet, which takes minutes once.

        Raises:
            GonioError: Anny is not installed.
            MissingFileError: the motion folder must have clips and has none.
            InputError: a motion file is not in the format.
        """
        recorded = bool(self._clips()) or self.motion_needed
        if not recorded:
            logger.info("no motion clips in %s: all motion is made", self.motion_folder)
        folder = self.motion_folder if recorded else None
        tasks = list_tasks(self.options, self.made_kinds, motion_folder=folder)
        load_anny()
        motion = self._motion()
        return [self._task(task, motion) for task in tasks]

    def _task(self, task: RenderedTask, motion: str) -> Task:
        content: dict[str, Any] = asdict(replace(task, motion_folder=None))
        return Task(
            source=self.name,
            sequence=task.task_id,
            camera=CAMERA,
            subject=task.subject.replace("_body", "+body"),
            split=_SPLITS[task.split],
            source_hash=digest([content, motion if task.clip else _versions()]),
            expected_frames=task.n_frames,
            details={"rendered": task},
        )

    def convert(self, task: Task) -> Converted:
        """Render one sequence and let MediaPipe see it.

        Raises:
            GonioError: Anny or moderngl is not installed, or the machine has no EGL.
            LeftOutError: MediaPipe found nobody.
        """
        rendered: RenderedTask = task.details["rendered"]
        sequence = RenderedSequence(rendered)
        unchecked = replace(self.observation, max_view_error=float("inf"))
        if rendered.detector:
            model = find_pose_model(rendered.detector, unchecked.model_folder)
            unchecked = replace(unchecked, model=str(model))
        return observe(task, sequence.frames(), sequence.truth, rendered.fps, unchecked)


def _versions() -> dict[str, str]:
    found = {}
    for package in ("anny", "moderngl"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found
