"""BVH files of CMU's motion capture (Biovision hierarchy, as converted by B. Hahne, cgspeed)."""

from __future__ import annotations

from math import inf, isfinite
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from gonio.capture.rendered.joint_tree import Recording
from gonio.capture.rendered.motion import BONES
from gonio.errors import InputError
from gonio.types import FloatArray

JOINTS: dict[str, str] = {bone: bone for bone in BONES}
"""The bones bear the same names."""
CHANNELS: tuple[str, ...] = tuple(
    f"{axis}{kind}" for kind in ("position", "rotation") for axis in "xyz"
)
"""Columns that a joint may have."""
SHORTEST_STEP_S = 1e-5
"""Frames nearer to each other are no recording."""


class _Hierarchy:
    """The joints of a BVH file, read word by word."""

    def __init__(self, words: list[str], file: Path):
        self._words, self._at, self._file = words, 0, file
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float]] = []
        self.channels: list[list[str]] = []
        self.ends: dict[int, list[float]] = {}
        if self._next() != "ROOT":
            raise InputError(f"{file}: its hierarchy must begin with ROOT")
        self._joint(-1)
        if self._at < len(words):
            raise InputError(f"{file}: {words[self._at]!r} stands after the end of the hierarchy")

    def _next(self) -> str:
        if self._at >= len(self._words):
            raise InputError(f"{self._file}: its hierarchy is cut off")
        self._at += 1
        return self._words[self._at - 1]

    def _numbers(self, count: int) -> list[float]:
        words = [self._next() for _ in range(count)]
        try:
            values = [float(word) for word in words]
        except ValueError as error:
            raise InputError(f"{self._file}: {words} should be numbers") from error
        if not np.isfinite(values).all():
            raise InputError(f"{self._file}: {words} should be finite numbers")
        return values

    def _channels(self) -> list[str]:
        """Names of the columns of a joint, small letters."""
        (count,) = self._numbers(1)
        if count not in range(len(CHANNELS) + 1):
            raise InputError(
                f"{self._file}: a joint has {count:g} channels; allowed are 0 to {len(CHANNELS)}"
            )
        names = [self._next().lower() for _ in range(int(count))]
        if set(names) - set(CHANNELS) or len(set(names)) < len(names):
            raise InputError(
                f"{self._file}: the channels are {' '.join(names)}; allowed are "
                f"{', '.join(CHANNELS)}, each once"
            )
        return names

    def _expect(self, word: str) -> None:
        if (found := self._next()) != word:
            raise InputError(f"{self._file}: {found!r} stands where {word!r} is needed")

    def _joint(self, parent: int) -> None:
        index = len(self.names)
        self.names.append(self._next())
        self.parents.append(parent)
        self.offsets.append([0.0, 0.0, 0.0])
        self.channels.append([])
        self._expect("{")
        while (word := self._next()) != "}":
            if word == "OFFSET":
                self.offsets[index] = self._numbers(3)
            elif word == "CHANNELS":
                self.channels[index] = self._channels()
            elif word == "JOINT":
                self._joint(index)
            elif word == "End":
                self._end(index)
            else:
                raise InputError(f"{self._file}: {word!r} has no place in a BVH hierarchy")

    def _end(self, index: int) -> None:
        for word in ("Site", "{", "OFFSET"):
            self._expect(word)
        self.ends[index] = self._numbers(3)
        self._expect("}")


def read_bvh(path: str | Path, metres_per_unit: float | None = None) -> Recording:
    """Read a BVH file.

    Args:
        path: of the file.
        metres_per_unit: length of its unit; guessed from the length of the leg where not given.

    Raises:
        InputError: the file is not BVH, cut off, or holds something other than numbers.
    """
    file = Path(path)
    text = file.read_text(encoding="utf-8", errors="replace")
    head, mark, tail = text.partition("MOTION")
    if "HIERARCHY" not in head or not mark:
        raise InputError(f"{file} is not a BVH file: it needs HIERARCHY and then MOTION")
    tree = _Hierarchy(head.split("HIERARCHY", 1)[1].split(), file)
    frames, fps = _read_frames(tail, sum(map(len, tree.channels)), file)
    local, root = _local_rotations(tree, frames)
    rotations = local.copy()
    for joint, parent in enumerate(tree.parents):
        if parent >= 0:
            rotations[:, joint] = rotations[:, parent] @ local[:, joint]
    return Recording(
        path=file,
        names=tuple(tree.names),
        parents=tuple(tree.parents),
        offsets=np.array(tree.offsets),
        directions=_directions(tree),
        rotations=rotations,
        root=root,
        fps=fps,
        metres_per_unit=metres_per_unit,
    )


def _read_frames(text: str, columns: int, file: Path) -> tuple[FloatArray, float]:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    try:
        count = int(lines[0].split(":")[1])
        step_s = float(lines[1].split(":")[1])
        rows = [[float(word) for word in line.split()] for line in lines[2:]]
        if not SHORTEST_STEP_S <= step_s < inf or not all(
            isfinite(value) for row in rows for value in row
        ):
            raise ValueError("a time above 0 and finite numbers are needed")
    except (IndexError, ValueError) as error:
        raise InputError(
            f"{file}: MOTION needs `Frames: n`, `Frame Time: s` and rows of numbers; {error}"
        ) from error
    wrong = next((i for i, row in enumerate(rows) if len(row) != columns), None)
    if wrong is not None or len(rows) != count or count == 0:
        where = "" if wrong is None else f"; row {wrong} has {len(rows[wrong])} values"
        raise InputError(
            f"{file} says {count} frames of {columns} values, {step_s:g} s apart, and has "
            f"{len(rows)} rows{where}; it is cut off or was edited"
        )
    return np.array(rows), 1.0 / step_s


def _local_rotations(tree: _Hierarchy, frames: FloatArray) -> tuple[FloatArray, FloatArray]:
    local = np.tile(np.eye(3), (len(frames), len(tree.names), 1, 1))
    root = np.zeros((len(frames), 3))
    column = 0
    for joint, channels in enumerate(tree.channels):
        axes, angles = "", []
        for channel in channels:
            values = frames[:, column]
            column += 1
            if channel.endswith("rotation"):
                axes += channel[0].upper()
                angles.append(values)
            elif tree.parents[joint] < 0:
                root[:, "xyz".index(channel[0])] = values
        if axes:
            stacked = np.column_stack(angles)
            local[:, joint] = Rotation.from_euler(axes, stacked, degrees=True).as_matrix()
    return local, root


def _directions(tree: _Hierarchy) -> FloatArray:
    """(J, 3) from each joint to its first child, or to its end; zeros where it has neither."""
    directions = np.zeros((len(tree.names), 3))
    for joint in range(len(tree.names)):
        children = [c for c, parent in enumerate(tree.parents) if parent == joint]
        lengths = [offset for c in children if np.linalg.norm(offset := tree.offsets[c]) > 1e-9]
        if lengths:
            directions[joint] = lengths[0]
        elif joint in tree.ends:
            directions[joint] = tree.ends[joint]
    return directions
