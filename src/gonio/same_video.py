"""Which file results are of, so that those of another video of the same name are not lost.

A path of the machine stands in no result: of it only the start of its hash is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gonio.errors import InputError
from gonio.models.checkpoint_io import file_digest

Record = Mapping[str, Any]
KEPT = {"name", "size_bytes", "sha256", "path_sha256"}
"""What stands in a record."""


def video_record(video: Path) -> dict[str, Any]:
    """What a video is known by: its name, its content and its place.

    Args:
        video: the file.

    Returns:
        `name`, `size_bytes`, `sha256` of the content and `path_sha256`, the starts of the hashes.

    Raises:
        InputError: the file cannot be read.
    """
    return {
        "name": video.name,
        "size_bytes": video.stat().st_size,
        "sha256": _content(video),
        "path_sha256": _place(video),
    }


def check_same_video(
    video: Path, found: Mapping[Path, Record], *, overwrite: bool, detects: bool
) -> None:
    """Refuse to replace results of another video, or to go on from them.

    Another video is another content at another place. The same place with another content is a
    video that was cut or exported again; its results are replaced, as is every run of one video.

    Args:
        video: the file that is run.
        found: folder -> record of the video whose results lie there, as `video_record` gives it;
            empty where none is known, as of results of earlier versions. These are replaced.
        overwrite: whether results of another video may be replaced.
        detects: whether the run begins with the detection; else it goes on from what lies there,
            which must then be of the same content.

    Raises:
        InputError: names the folder and both videos.
    """
    place = _place(video)
    kept = {
        folder: old
        for folder, old in found.items()
        if set(old) >= KEPT and not (detects and (overwrite or old["path_sha256"] == place))
    }
    if not kept:  # a long video takes its time to be hashed
        return
    own = video_record(video)
    other = _told(own | {"name": video})
    for folder, old in kept.items():
        if old["sha256"] == own["sha256"]:
            continue
        if detects:
            raise InputError(
                f"{folder} holds the results of a video {_told(old)}, which those of another one, "
                f"{other}, would replace: rename {video.name}, or say overwrite=true"
            )
        raise InputError(
            f"{folder} holds the results of a video {_told(old)}, and {other} is another one: a "
            "run cannot go on from them; run all steps, without --from-nodes or --nodes"
        )


def _told(record: Record) -> str:
    return f"{record['name']} ({record['size_bytes']:,} bytes, SHA-256 {record['sha256']})"


def _content(video: Path) -> str:
    try:
        return file_digest(video)
    except OSError as error:
        raise InputError(
            f"{video} cannot be read: {error.strerror}; check its permissions"
        ) from error


def _place(video: Path) -> str:
    return hashlib.sha256(str(video.resolve()).encode()).hexdigest()[:12]
