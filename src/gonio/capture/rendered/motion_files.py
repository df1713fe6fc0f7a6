"""Folders of motion: clips in NPZ files and a table of who did what.

A folder holds one NPZ per group of clips with `<clip>/orientations` (T, 23, 4), `<clip>/root`
(T, 3), `fps` and `joint_names` (23,), and beside them a `subjects.csv` with one row a clip.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gonio.capture.rendered.motion import BONES, UNKNOWN_PERFORMER, USUAL_LEG_M, Motion
from gonio.errors import InputError, MissingFileError
from gonio.files import replacing, write_text

TABLE_NAME = "subjects.csv"
COLUMNS = (
    "clip",
    "file",
    "source_repo",
    "original_path",
    "action",
    "cmu_trial",
    "frames",
    "seconds",
    "leg_m",
)


@dataclass(frozen=True)
class ClipInfo:
    """One clip in a folder, without its data."""

    file: str
    clip: str
    performer: str
    action: str
    frames: int
    leg_m: float


def list_clips(folder: str | Path, only: str | None = None) -> tuple[ClipInfo, ...]:
    """The clips of a motion folder, in the order of file and clip names.

    Args:
        folder: with NPZ files and, for performers, actions and leg lengths, a `subjects.csv`.
            Without that table the performer is unknown and the file's name is the action.
        only: name of the one NPZ file to look at; all if not given.

    Raises:
        MissingFileError: there is no such folder, or no NPZ file in it.
        InputError: a file that is not in the format, named in the message.
    """
    path = Path(folder)
    if not path.is_dir():
        raise MissingFileError(f"there is no motion folder {path}; leave it out for made motion")
    files = [file for file in sorted(path.glob("*.npz")) if only in (None, file.name)]
    if not files:
        raise MissingFileError(
            f"the motion folder {path} has no .npz file; import clips into it "
            "(gonio.capture.rendered.import_folder), or leave it out for made motion"
        )
    table = _read_table(path / TABLE_NAME)
    clips: list[ClipInfo] = []
    for file in files:
        for clip, frames in _frames_of(file).items():
            row = table.get((file.name, clip), {})
            clips.append(
                ClipInfo(
                    file=file.name,
                    clip=clip,
                    performer=_performer(row.get("cmu_trial", "")),
                    action=row.get("action") or file.stem.removeprefix("cmu_"),
                    frames=frames,
                    leg_m=_leg(row.get("leg_m", ""), file),
                )
            )
    return tuple(clips)


def read_clip(folder: str | Path, info: ClipInfo) -> Motion:
    """The data of one clip.

    Raises:
        MissingFileError: the file is gone.
        InputError: the file has no such clip or is not in the format.
    """
    path = Path(folder) / info.file
    arrays = _load(str(path))
    if f"{info.clip}/root" not in arrays:
        raise InputError(f"{path} has no clip {info.clip}; it has {', '.join(_clips_in(arrays))}")
    return Motion(
        name=info.clip,
        performer=info.performer,
        action=info.action,
        fps=float(arrays["fps"]),
        orientations=arrays[f"{info.clip}/orientations"],
        root=arrays[f"{info.clip}/root"],
        leg_m=info.leg_m,
    )


def write_motions(folder: str | Path, file: str, motions: Iterable[Motion]) -> Path:
    """Write clips into a motion folder: one NPZ, and their rows in its `subjects.csv`.

    Args:
        folder: made where it is absent; rows of other files in its table stay.
        file: name of the NPZ, e.g. `cmu_walking.npz`; a file of that name is replaced.
        motions: clips with distinct names and one frame rate.

    Returns:
        The path of the NPZ.

    Raises:
        InputError: no clip, a name twice, or frame rates that differ.
        OutputError: the folder is not writable or the disk is full.
    """
    clips = list(motions)
    names = [motion.name for motion in clips]
    if not clips or len(set(names)) < len(names) or len({motion.fps for motion in clips}) > 1:
        raise InputError(
            f"clips {names} with rates {[motion.fps for motion in clips]} for {file}; needed are "
            "one or more, names not twice, and one frame rate"
        )
    arrays: dict[str, Any] = {
        "fps": np.float32(clips[0].fps),
        "joint_names": np.array(BONES),
    }
    for motion in clips:
        arrays[f"{motion.name}/orientations"] = motion.orientations.astype(np.float16)
        arrays[f"{motion.name}/root"] = motion.root.astype(np.float32)
    path = Path(folder) / file
    with replacing(path) as scratch, scratch.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    _write_table(Path(folder) / TABLE_NAME, file, clips)
    _load.cache_clear()
    return path


def _performer(trial: str) -> str:
    subject = trial.strip().split("_")[0]
    return f"cmu{subject}" if subject.isdigit() else subject or UNKNOWN_PERFORMER


def _leg(text: str, file: Path) -> float:
    try:
        return float(text) if text else USUAL_LEG_M
    except ValueError as error:
        raise InputError(
            f"{file.parent / TABLE_NAME}: leg_m is {text!r}; allowed are metres"
        ) from error


def _read_table(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    if rows and not {"clip", "file"} <= set(rows[0]):
        raise InputError(f"{path} has columns {list(rows[0])}; needed are at least clip and file")
    return {(row["file"], row["clip"]): row for row in rows}


def _write_table(path: Path, file: str, clips: list[Motion]) -> None:
    kept = [row for (name, _), row in _read_table(path).items() if name != file]
    for motion in clips:
        kept.append(
            {
                "clip": motion.name,
                "file": file,
                "action": motion.action,
                "cmu_trial": "" if motion.performer == UNKNOWN_PERFORMER else motion.performer,
                "frames": str(len(motion)),
                "seconds": f"{len(motion) / motion.fps:.2f}",
                "leg_m": f"{motion.leg_m:.3f}",
            }
        )
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(kept)
    write_text(path, text.getvalue())


@lru_cache(maxsize=4)
def _load(path: str) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {key: data[key] for key in data.files}
    except FileNotFoundError as error:
        raise MissingFileError(f"there is no motion file {path}") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a motion file (NPZ without pickles): {error}") from error
    if tuple(map(str, arrays.get("joint_names", ()))) != BONES or "fps" not in arrays:
        raise InputError(
            f"{path} is not a motion file: it needs fps and joint_names with the {len(BONES)} "
            "bones in their order"
        )
    return arrays


def _clips_in(arrays: dict[str, Any]) -> list[str]:
    return sorted(key.removesuffix("/root") for key in arrays if key.endswith("/root"))


def _frames_of(file: Path) -> dict[str, int]:
    arrays = _load(str(file))
    return {clip: len(arrays[f"{clip}/root"]) for clip in _clips_in(arrays)}
