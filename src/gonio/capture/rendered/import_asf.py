"""ASF skeletons and AMC motion of CMU's motion capture (Acclaim's format, as CMU offers it).

A bone's rotation in the file is given in its own axes: `global = parent @ C @ M @ C^-1`, with C
from the bone's `axis` and M from the frame's angles, both about fixed axes in the order of the
file (Acclaim: Lander 1998, "Working with Motion Capture File Formats", Game Developer 5:30-37).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from gonio.capture.rendered.joint_tree import Recording
from gonio.errors import InputError, MissingFileError
from gonio.types import FloatArray

AMC_FPS = 120.0
"""CMU's recordings; AMC itself does not say."""
INCH_M = 0.0254
TURNS: tuple[str, ...] = ("rx", "ry", "rz")
"""Degrees of freedom of a bone. Acclaim also knows shifts and lengths; CMU has none."""


def _joints() -> dict[str, str]:
    joints = {
        "Hips": "root",
        "LowerBack": "lowerback",
        "Spine": "upperback",
        "Spine1": "thorax",
        "Neck": "lowerneck",
        "Neck1": "upperneck",
        "Head": "head",
    }
    parts = {
        "Shoulder": "clavicle",
        "Arm": "humerus",
        "ForeArm": "wrist",  # the forearm with its twist; `radius` only bends the elbow
        "Hand": "hand",
        "UpLeg": "femur",
        "Leg": "tibia",
        "Foot": "foot",
        "ToeBase": "toes",
    }
    for side in ("Left", "Right"):
        joints |= {side + bone: side[0].lower() + part for bone, part in parts.items()}
    return joints


JOINTS: dict[str, str] = _joints()
"""The bone of the file that stands for each bone of a motion."""


@dataclass
class _Bone:
    name: str
    direction: FloatArray
    length: float = 0.0
    axes: FloatArray = field(default_factory=lambda: np.eye(3))
    dof: tuple[str, ...] = ()


@dataclass
class _Skeleton:
    bones: dict[str, _Bone]
    parents: dict[str, str]
    metres_per_unit: float
    root_order: tuple[str, ...]


def read_amc(path: str | Path, skeleton: str | Path | None = None) -> Recording:
    """Read an AMC file with its ASF skeleton.

    Args:
        path: of the AMC file, e.g. `02_01.amc`.
        skeleton: of the ASF file; where not given, `02.asf` or the only ASF file beside it.

    Raises:
        MissingFileError: there is no skeleton.
        InputError: a file that is not in the format, cut off, or does not fit the other.
    """
    file = Path(path)
    asf = Path(skeleton) if skeleton is not None else _skeleton_of(file)
    tree = _read_asf(asf)
    names = _in_order(tree)
    rows = list(_read_amc_frames(file, tree))
    rotations, root = _pose(tree, names, rows)
    # A bone's joint lies at the end of its parent's bone.
    parents = tuple(names.index(tree.parents[name]) if name != "root" else -1 for name in names)
    offsets = np.array(
        [
            tree.bones[names[p]].length * tree.bones[names[p]].direction if p >= 0 else np.zeros(3)
            for p in parents
        ]
    )
    return Recording(
        path=file,
        names=names,
        parents=parents,
        offsets=offsets,
        directions=np.array([tree.bones[name].direction for name in names]),
        rotations=rotations,
        root=root,
        fps=AMC_FPS,
        metres_per_unit=tree.metres_per_unit,
    )


def _skeleton_of(file: Path) -> Path:
    own = file.with_name(file.stem.split("_")[0] + ".asf")
    if own.is_file():
        return own
    others = sorted(file.parent.glob("*.asf"))
    if len(others) == 1:
        return others[0]
    raise MissingFileError(
        f"{file} needs its skeleton {own.name} beside it; there are "
        f"{', '.join(other.name for other in others) or 'no .asf files'}"
    )


def _sections(file: Path) -> dict[str, list[list[str]]]:
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split("#")[0].split()
        if words and words[0].startswith(":"):
            current = sections.setdefault(words[0][1:].lower(), [])
            if len(words) > 1:
                current.append(words[1:])
        elif words:
            current.append(words)
    return sections


def _read_asf(file: Path) -> _Skeleton:
    sections = _sections(file)
    missing = [name for name in ("units", "root", "bonedata", "hierarchy") if name not in sections]
    if missing:
        raise InputError(f"{file} is not an ASF skeleton: it lacks {', '.join(missing)}")
    try:
        units = {row[0]: row[1] for row in sections["units"]}
        root = {row[0]: row[1:] for row in sections["root"]}
        bones = _read_bones(sections["bonedata"])
        parents = _read_parents(sections["hierarchy"])
        order = _root_order(root.get("order", []))
        (length,) = _numbers([units.get("length", "1.0")], 1)
        if length <= 0:
            raise ValueError(f"its unit of length is {length:g}; allowed is a number above 0")
    except (IndexError, ValueError) as error:
        raise InputError(f"{file} is not a whole ASF skeleton: {error}") from error
    if units.get("angle", "deg").lower() != "deg":
        raise InputError(f"{file} has angles in {units['angle']}; only deg is understood")
    bones["root"] = _Bone("root", np.zeros(3))
    tree = _Skeleton(bones, parents, INCH_M / length, order)
    _check_hierarchy(tree, file)
    return tree


def _numbers(words: list[str], count: int) -> FloatArray:
    """So many finite numbers.

    Raises:
        ValueError: they are not.
    """
    values = np.array([float(word) for word in words])
    if len(values) != count or not np.isfinite(values).all():
        raise ValueError(f"{' '.join(words)!r} stands where {count} finite numbers are needed")
    return values


def _root_order(words: list[str]) -> tuple[str, ...]:
    """The channels of the root: its place, and rotations about one axis or more.

    Raises:
        ValueError: they are not.
    """
    order = tuple(word.lower() for word in words)
    turns = set(order) & set(TURNS)
    if len(set(order)) < len(order) or not turns or set(order) - turns != {"tx", "ty", "tz"}:
        raise ValueError(
            f"the order of its root is {' '.join(words)!r}; allowed are TX, TY, TZ and rotations "
            "RX, RY, RZ, each once"
        )
    return order


def _check_hierarchy(tree: _Skeleton, file: Path) -> None:
    """See that each bone hangs from the root, by bones that there are.

    Raises:
        InputError: one does not.
    """
    orphans = sorted(set(tree.bones) - set(tree.parents) - {"root"})
    if orphans:
        raise InputError(f"{file}: {', '.join(orphans)} are not in its hierarchy")
    unknown = sorted({*tree.parents, *tree.parents.values()} - set(tree.bones))
    if unknown:
        raise InputError(f"{file}: its hierarchy names {', '.join(unknown)}, which are no bones")
    loose = sorted(set(tree.bones) - set(_in_order(tree))) if "root" not in tree.parents else []
    if loose or "root" in tree.parents:
        raise InputError(f"{file}: {', '.join(loose or ['root'])} hang from themselves")


def _read_bones(rows: list[list[str]]) -> dict[str, _Bone]:
    """The bones by name.

    Raises:
        IndexError, ValueError: one is not whole, or two bear one name.
    """
    bones: dict[str, _Bone] = {}
    for block in _blocks(rows):
        bone = _bone({row[0].lower(): row[1:] for row in block})
        if bone.name in {*bones, "root"}:
            raise ValueError(f"two bones bear the name {bone.name}")
        bones[bone.name] = bone
    return bones


def _bone(values: dict[str, list[str]]) -> _Bone:
    name = values.get("name", ["without name"])[0]
    missing = [key for key in ("name", "direction", "length", "axis") if not values.get(key)]
    if missing:
        raise ValueError(f"bone {name} has no {', '.join(missing)}")
    direction, (length,) = _numbers(values["direction"], 3), _numbers(values["length"], 1)
    if length < 0 or not direction.any():
        raise ValueError(f"bone {name} has length {length:g} and direction {direction.tolist()}")
    angles = _numbers(values["axis"][:3], 3)
    order = values["axis"][3].lower() if len(values["axis"]) > 3 else "xyz"
    dof = tuple(word.lower() for word in values.get("dof", []))
    if sorted(order) != ["x", "y", "z"] or len(set(dof)) < len(dof) or set(dof) - set(TURNS):
        raise ValueError(
            f"bone {name} has axes {order} and dof {' '.join(dof)!r}; allowed are X, Y, Z and "
            f"some of {', '.join(TURNS)}, each once"
        )
    return _Bone(name, direction, float(length), _fixed(order, angles[None])[0], dof)


def _blocks(rows: list[list[str]]) -> Iterator[list[list[str]]]:
    block: list[list[str]] = []
    for row in rows:
        if row[0] == "end":
            yield block
        if row[0] in ("begin", "end"):
            block = []
        else:
            block.append(row)


def _read_parents(rows: list[list[str]]) -> dict[str, str]:
    """The parent of each bone.

    Raises:
        ValueError: a bone has two.
    """
    parents: dict[str, str] = {}
    for row in rows:
        if row[0] in ("begin", "end"):
            continue
        for child in row[1:]:
            if child in parents:
                raise ValueError(f"{child} hangs from {parents[child]} and from {row[0]}")
            parents[child] = row[0]
    return parents


def _in_order(tree: _Skeleton) -> tuple[str, ...]:
    names = ["root"]
    for name in names:
        names += [child for child, parent in tree.parents.items() if parent == name]
    return tuple(names)


def _fixed(order: str, degrees: FloatArray) -> FloatArray:
    """(T, 3, 3) rotations about fixed axes, in the order of the letters."""
    return np.asarray(Rotation.from_euler(order.lower(), degrees, degrees=True).as_matrix())


def _read_amc_frames(file: Path, tree: _Skeleton) -> Iterator[dict[str, list[float]]]:
    frame: dict[str, list[float]] | None = None
    number = 0
    for place, line in enumerate(
        file.read_text(encoding="utf-8", errors="replace").splitlines(), 1
    ):
        words = line.split("#")[0].split()
        if not words or words[0].startswith(":"):
            continue
        if len(words) == 1 and words[0].isdecimal():
            if frame is not None:
                yield _whole(frame, tree, file, number)
            frame, number = {}, int(words[0])
        elif frame is None:
            raise InputError(f"{file} is not an AMC file: line {place} stands before frame 1")
        elif words[0] in frame:
            raise InputError(f"{file}, line {place}: {words[0]} stands twice in frame {number}")
        else:
            try:
                frame[words[0]] = _numbers(words[1:], len(words) - 1).tolist()
            except ValueError as error:
                raise InputError(f"{file}, line {place}: {error}") from error
    if frame is None:
        raise InputError(f"{file} has no frames; it is empty or not an AMC file")
    yield _whole(frame, tree, file, number)


def _whole(
    frame: dict[str, list[float]], tree: _Skeleton, file: Path, number: int
) -> dict[str, list[float]]:
    for name, bone in tree.bones.items():
        wanted = len(tree.root_order) if name == "root" else len(bone.dof)
        have = len(frame.get(name, []))
        if have != wanted:
            raise InputError(
                f"{file}, frame {number}: bone {name} has {have} values and its skeleton says "
                f"{wanted}; the file is cut off or belongs to another skeleton"
            )
    return frame


def _pose(
    tree: _Skeleton, names: tuple[str, ...], rows: list[dict[str, list[float]]]
) -> tuple[FloatArray, FloatArray]:
    rotations = np.tile(np.eye(3), (len(rows), len(names), 1, 1))
    values = {name: np.array([row[name] for row in rows]) for name in names if rows[0].get(name)}
    columns = {word: i for i, word in enumerate(tree.root_order)}
    root = values["root"][:, [columns["tx"], columns["ty"], columns["tz"]]]
    turns = [word for word in tree.root_order if word.startswith("r")]
    order = "".join(word[1] for word in turns)
    rotations[:, 0] = _fixed(order, values["root"][:, [columns[word] for word in turns]])
    for joint, name in enumerate(names[1:], 1):
        parent = rotations[:, names.index(tree.parents[name])]
        bone = tree.bones[name]
        own = np.eye(3)
        if bone.dof:
            order = "".join(word[1] for word in bone.dof)
            own = bone.axes @ _fixed(order, values[name]) @ bone.axes.T
        rotations[:, joint] = parent @ own
    return rotations, root
