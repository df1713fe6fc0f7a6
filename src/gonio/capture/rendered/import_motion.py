"""CMU motion capture, as a user downloads it, turned into folders that `motion_files` reads."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

from gonio.capture.rendered import import_asf, import_bvh
from gonio.capture.rendered.joint_tree import motion_from_recording
from gonio.capture.rendered.motion import UNKNOWN_PERFORMER, Motion
from gonio.capture.rendered.motion_files import list_clips, read_clip, write_motions
from gonio.errors import GonioError, InputError, MissingFileError

SUFFIXES = (".bvh", ".amc")
STORED_FPS = 30.0


def import_motion(
    path: str | Path,
    *,
    action: str = "imported",
    performer: str | None = None,
    fps: float = STORED_FPS,
    metres_per_unit: float | None = None,
) -> Motion:
    """Read one BVH or AMC file.

    Args:
        path: a `.bvh` file, or an `.amc` file with its `.asf` skeleton beside it.
        action: what is done.
        performer: who moved; from CMU's file names (`02_01.amc` is `cmu02`) where not given.
        fps: every so manieth frame is kept, so that the rate comes nearest to this.
        metres_per_unit: for BVH, where the length of its unit cannot be told.

    Raises:
        MissingFileError: the file or its skeleton is not there.
        InputError: another kind of file, or one that is malformed.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingFileError(f"there is no motion file {file}")
    if file.suffix.lower() not in SUFFIXES:
        raise InputError(f"{file} is a {file.suffix or 'nameless'} file; allowed are .bvh and .amc")
    if file.suffix.lower() == ".bvh":
        recording, joints = import_bvh.read_bvh(file, metres_per_unit), import_bvh.JOINTS
    else:
        recording, joints = import_asf.read_amc(file), import_asf.JOINTS
    step = max(1, round(recording.fps / fps))
    recording = replace(
        recording,
        rotations=recording.rotations[::step],
        root=recording.root[::step],
        fps=recording.fps / step,
    )
    who = performer or _performer_of(file.stem)
    return motion_from_recording(recording, joints, file.stem, who, action)


def import_folder(source: str | Path, target: str | Path) -> dict[str, str]:
    """Import every BVH and AMC file below a folder into a motion folder.

    One NPZ a performer is written; the action of a clip is the name of the folder it lies in. Clips
    that are in the motion folder already stay, unless it is the same clip that comes again.

    Args:
        source: looked through with all folders below it.
        target: motion folder, made where it is absent.

    Returns:
        Path -> reason for each file that could not be imported; the others are.

    Raises:
        MissingFileError: no BVH or AMC file is there.
        InputError: none of them could be imported.
        OutputError: the motion folder is not writable.
    """
    files = sorted(file for file in Path(source).rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise MissingFileError(f"there is no .bvh or .amc file in {source}")
    problems: dict[str, str] = {}
    clips: dict[tuple[str, float], dict[str, Motion]] = {}
    there: dict[tuple[str, float], frozenset[str]] = {}  # of clips: in the folder before
    for file in files:
        try:
            motion = import_motion(file, action=file.parent.name)
        except GonioError as error:
            problems[str(file)] = str(error)
            continue
        key = (motion.performer, round(motion.fps, 2))
        if key not in clips:
            clips[key] = _clips_there(Path(target), _file_of(*key))
            there[key] = frozenset(clips[key])
        name = _name_for(motion, clips[key], there[key])
        clips[key][name] = replace(motion, name=name)
        there[key] -= {name}
    if not clips:
        raise InputError(
            f"none of {len(files)} files could be imported; {next(iter(problems.values()))}"
        )
    for (performer, fps), group in clips.items():
        first = next(iter(group.values())).fps
        write_motions(
            target,
            _file_of(performer, fps),
            [replace(motion, fps=first) for motion in group.values()],
        )
    return problems


def _file_of(performer: str, fps: float) -> str:
    return f"{performer}_{fps:g}fps.npz"


def _clips_there(folder: Path, file: str) -> dict[str, Motion]:
    """The clips of a file of a motion folder, by name; none where there is no such file."""
    if not (folder / file).is_file():
        return {}
    return {clip.clip: read_clip(folder, clip) for clip in list_clips(folder, only=file)}


def _name_for(motion: Motion, taken: dict[str, Motion], before: frozenset[str]) -> str:
    """A name that no other clip has: `before` are those of earlier imports, which may be the same.

    A clip that comes again has the name, the action and the length that it had.
    """
    numbers = count(2)
    name = motion.name
    while name in taken:
        other = taken[name]
        if name in before and (other.action, len(other)) == (motion.action, len(motion)):
            break
        name = f"{motion.name}_{next(numbers)}"
    return name


def _performer_of(stem: str) -> str:
    subject, mark, _ = stem.partition("_")
    return f"cmu{subject}" if mark and subject.isdigit() else UNKNOWN_PERFORMER
