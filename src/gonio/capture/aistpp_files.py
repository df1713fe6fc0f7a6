"""Reading the annotation files of AIST++, in metres."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from gonio.capture.cameras import Camera, Placement
from gonio.capture.unpickle import read_pickle
from gonio.errors import InputError, MissingFileError
from gonio.skeleton import COCO_JOINTS
from gonio.types import FloatArray

METRES_PER_UNIT = 0.01
_DANCER = re.compile(r"_(d\d\d)_")


def dancer_of(sequence: str) -> str:
    """The dancer in a sequence's name, e.g. `d04`.

    Raises:
        InputError: the name has none.
    """
    found = _DANCER.search(sequence)
    if found is None:
        raise InputError(
            f"the sequence {sequence!r} names no dancer (_dNN_); use the names of the release"
        )
    return found.group(1)


def read_list(path: Path) -> frozenset[str]:
    """The names in a list of the release, one a line.

    Raises:
        MissingFileError: there is no such file.
    """
    if not path.is_file():
        raise MissingFileError(f"there is no file {path}; unpack the AIST++ annotations there")
    return frozenset(line.strip() for line in path.read_text().splitlines() if line.strip())


def read_mapping(path: Path) -> dict[str, str]:
    """Which camera setting filmed each sequence.

    Raises:
        MissingFileError: there is no such file.
        InputError: a line that is not `<sequence> <setting>`.
    """
    pairs = [line.split() for line in sorted(read_list(path))]
    odd = next((pair for pair in pairs if len(pair) != 2), None)
    if odd is not None:
        raise InputError(f"{path} has the line {' '.join(odd)!r}; allowed is `sequence setting`")
    return dict(pairs)


def read_camera(path: Path, camera: str) -> tuple[Camera, Placement]:
    """One camera of a setting; its position in metres.

    Raises:
        MissingFileError: there is no such file.
        InputError: the setting does not have the camera, or the file is damaged.
    """
    if not path.is_file():
        raise MissingFileError(f"there is no camera file {path}")
    try:
        cameras: dict[str, dict[str, Any]] = {
            str(entry["name"]): entry for entry in json.loads(path.read_text())
        }
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a camera file of AIST++ ({error!r})") from error
    if camera not in cameras:
        raise InputError(f"{path.name} has no camera {camera}; it has {', '.join(cameras)}")
    try:
        entry = cameras[camera]
        width, height = entry["size"]
        intrinsics = Camera(
            np.array(entry["matrix"]), (width, height), np.array(entry["distortions"])
        )
        rotation = Rotation.from_rotvec(np.array(entry["rotation"], dtype=float)).as_matrix()
        position = METRES_PER_UNIT * np.array(entry["translation"], dtype=float)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path.name}, camera {camera}: {error}") from error
    return intrinsics, Placement(rotation, position)


@lru_cache(maxsize=16)
def annotated_frames(path: Path, key: str) -> int:
    """Number of annotated frames; 0 where the annotation cannot be read."""
    try:
        return len(read_keypoints3d(path, key))
    except InputError:
        return 0  # the conversion will say what is wrong with it


def read_keypoints3d(path: Path, key: str = "keypoints3d_optim") -> FloatArray:
    """The annotated joints of a sequence.

    Args:
        path: of the pickle.
        key: `keypoints3d_optim`, or `keypoints3d`, which has gaps.

    Returns:
        (N, 17, 3) COCO joints, metres, world frame (y up); NaN where missing.

    Raises:
        MissingFileError: there is no such file.
        InputError: it is not an annotation of AIST++, has no frame, or is not a plain pickle.
    """
    return METRES_PER_UNIT * _annotation(path, key, (None, len(COCO_JOINTS), 3))


def _annotation(path: Path, key: str, shape: tuple[int | None, ...]) -> FloatArray:
    content = read_pickle(path)
    if not isinstance(content, dict) or key not in content:
        raise InputError(f"{path} has no {key}; it is not an annotation of AIST++")
    array = np.asarray(content[key], dtype=float)
    fits = array.ndim == len(shape) and all(
        want in (None, have) for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits or 0 in array.shape:
        wanted = ", ".join("N" if want is None else str(want) for want in shape)
        raise InputError(f"{path.name}: {key} has shape {array.shape}; allowed is ({wanted})")
    return np.where(np.isfinite(array), array, np.nan)
