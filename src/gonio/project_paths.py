"""Which video a run means, and how its results are named."""

from __future__ import annotations

import os.path
import re
from pathlib import Path

from gonio.capture.demo import DEMO_CAMERAS, demo_video
from gonio.errors import InputError
from gonio.options import NAME_PATTERN

DEMO = "demo"
"""The name of the demo video that comes with the installed Pose2Sim package."""
VIDEO_FOLDER = "01_raw"
"""Where videos lie in the folder of the data."""
REPORT_FOLDERS = ("angles", "conversion", "evaluation", "training")
"""Reports of other pipelines, beside the folders that are named after videos."""


def video_path(video: object, data: str) -> str:
    """Path of the video, or the folder of videos, that a parameter names.

    Args:
        video: `demo`, `demo/cam02` for another of its four cameras, a name in the video folder,
            or an absolute path.
        data: the folder of the project's data, `globals.data`.

    Returns:
        The path; nothing is opened here.

    Raises:
        InputError: no name at all, one with braces, a relative path that leads out of the video
            folder, or a camera that the demo does not have.
    """
    if not isinstance(video, str | int | float | None):  # what Kedro makes of `video.x=1`
        raise InputError(
            f"video is {video}; give the name of one video in {Path(data) / VIDEO_FOLDER}, an "
            f"absolute path, or {DEMO}"
        )
    name = "" if video is None else str(video)  # what Kedro makes of `video=`
    if not name.strip():
        raise InputError(
            f"video is empty; give the name of a video in {Path(data) / VIDEO_FOLDER}, an absolute "
            f"path, or {DEMO}"
        )
    check_no_braces(name)
    if name == DEMO:
        return str(demo_video())
    camera = name.removeprefix(f"{DEMO}/")
    if name.startswith(f"{DEMO}/") and camera in DEMO_CAMERAS:
        return str(demo_video(camera))
    if os.path.isabs(name):
        return os.path.normpath(name)
    folder = Path(data) / VIDEO_FOLDER
    inside = os.path.normpath(name)
    if inside == ".." or inside.startswith(f"..{os.sep}") or "\0" in name:
        raise InputError(
            f"video is {name!r}, which lies outside the folder {folder}; put the video into that "
            "folder and give its name, or give an absolute path"
        )
    if name.startswith(f"{DEMO}/") and not (folder / inside).exists():
        raise InputError(
            f"video is {name!r}; the demo has the cameras {', '.join(DEMO_CAMERAS)}, and there is "
            f"no {folder / inside}"
        )
    return str(folder / inside)


def check_no_braces(video: str) -> None:
    """Refuse a path that Kedro would take for a pattern of names, or OmegaConf for a reference.

    Raises:
        InputError: it holds { or }.
    """
    if "{" in video or "}" in video:
        raise InputError(
            f"video is {video!r}, which holds braces; they have a meaning of their own in the "
            "catalog: rename the file or the folder, or give a link to it"
        )


def stem_of(video: str) -> str:
    """Name of a video without its ending: the folder that its results go into.

    Args:
        video: its path, as `video_path` gives it.

    Raises:
        InputError: a name that makes no folder.
    """
    stem = Path(video).stem
    if stem in ("", ".", ".."):
        raise InputError(f"video is {video!r}, which is no name of a file; give one like joey.mp4")
    return stem


def check_own_folder(video: Path) -> None:
    """Refuse a video whose results would lie among the reports of another pipeline.

    Raises:
        InputError: it has the name of their folder, in small or large letters.
    """
    if stem_of(str(video)).casefold() in REPORT_FOLDERS:
        raise InputError(
            f"the results of {video} would lie in a folder {video.stem}, among the reports of "
            f"another pipeline; rename the video: {', '.join(REPORT_FOLDERS)} are taken"
        )


def plain_name(name: str, parameter: str) -> str:
    """A name from a parameter that becomes the name of files.

    Args:
        name: its value.
        parameter: its name, for the message.

    Raises:
        InputError: it could lead to another folder.
    """
    if not re.fullmatch(NAME_PATTERN, str(name)):
        raise InputError(
            f"{parameter} is {name!r}; allowed are up to 60 letters, digits, _ and -, because "
            "files are named after it"
        )
    return str(name)
