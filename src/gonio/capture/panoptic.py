"""The two layouts in which recordings of CMU's Panoptic Studio are released.

* The a4 release of Monocular Total Capture (Xiang, Joo and Sheikh, CVPR 2019): `annotation.pkl`
  (`training_data` and `testing_data`, a list of one dict for each person and frame with `seqName`,
  `frame_str`, `id` and `body`, whose `landmarks` are 19 x 3 numbers and whose `2D` has an entry for
  each camera that sees the person), `camera_data.pkl` (`K`, `R`, `t`, `distCoef` by sequence and
  camera number), and `hdImgs/<sequence>/<frame>/00_<camera>_<frame>.jpg`.
* The Panoptic Studio toolbox (Joo et al., PAMI 2017): a folder for each sequence with
  `calibration_<sequence>.json`, `hdPose3d_stage1_coco19/body3DScene_<frame>.json` and
  `hdImgs/00_<camera>/00_<camera>_<frame>.jpg` or `hdVideos/hd_00_<camera>.mp4`.

Lengths are in centimetres and the world's y axis points down. The 19 joints are the same in both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gonio.capture.cameras import Camera, Placement
from gonio.capture.unpickle import read_pickle
from gonio.errors import InputError, MissingFileError
from gonio.skeleton import COCO_JOINTS
from gonio.types import FloatArray

FPS = 30000 / 1001
METRES_PER_UNIT = 0.01
WORLD_UP = (0.0, -1.0, 0.0)
HD_SIZE = (1920, 1080)
POSE_FOLDER = "hdPose3d_stage1_coco19"

COCO19_JOINTS: tuple[str, ...] = (
    "neck",
    "nose",
    "mid_hip",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_eye",
    "left_ear",
    "right_eye",
    "right_ear",
)
"""The 19 joints of Panoptic, in its order."""
COCO_FROM_COCO19: tuple[int, ...] = tuple(COCO19_JOINTS.index(name) for name in COCO_JOINTS)
"""Index into Panoptic's 19 joints for each COCO joint."""


@dataclass(frozen=True)
class Recording:
    """One sequence with all its cameras.

    Attributes:
        name: of the sequence.
        layout: `a4` or `toolbox`.
        frames: (N,) numbers of the annotated frames, increasing.
        joints: (N, 17, 3) COCO joints, metres, world frame; NaN where a joint is missing and in
            frames that do not show exactly one person.
        cameras: intrinsics and position of each camera, by name (`00_05`).
        held_out: whether the release calls it test data.
        files: the annotation files that it comes from.
    """

    name: str
    layout: str
    frames: NDArray[np.int64]
    joints: FloatArray
    cameras: dict[str, tuple[Camera, Placement]]
    held_out: bool
    files: tuple[Path, ...]


def camera_name(number: int) -> str:
    """Name of an HD camera; all of them are in panel 0."""
    return f"00_{number:02d}"


def coco_from_coco19(joints: FloatArray) -> FloatArray:
    """(..., 17, 3) COCO joints of (..., 19, 3) Panoptic joints."""
    return np.asarray(joints[..., list(COCO_FROM_COCO19), :])


def find_a4(root: Path) -> Path | None:
    """The folder with `annotation.pkl`: the root or one of its usual subfolders."""
    places = (root, root / "a4_release", root / "annotation", root / "a4_release" / "annotation")
    return next((place for place in places if (place / "annotation.pkl").is_file()), None)


def toolbox_sequences(root: Path) -> list[str]:
    """Names of the sequences in the toolbox's layout, sorted."""
    found = root.glob("*/calibration_*.json")
    return sorted(p.parent.name for p in found if p.name == f"calibration_{p.parent.name}.json")


@lru_cache(maxsize=2)
def read_a4(folder: Path) -> dict[str, Recording]:
    """All recordings of the a4 release.

    Args:
        folder: with `annotation.pkl` and `camera_data.pkl`.

    Raises:
        MissingFileError: one of the two is not there.
        InputError: one of the two is damaged or not in the format of the release.
    """
    paths = (folder / "annotation.pkl", folder / "camera_data.pkl")
    annotation, calibration = (read_pickle(path) for path in paths)
    recordings = {}
    try:
        for part in ("training_data", "testing_data"):
            people = _people_by_frame(annotation[part])
            for name, by_frame in people.items():
                cameras = {
                    camera_name(int(number)): _camera(entry)
                    for number, entry in sorted(calibration[name].items())
                }
                frames, joints = _single_person(by_frame)
                recordings[name] = Recording(
                    name, "a4", frames, joints, cameras, part == "testing_data", paths
                )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{folder} does not hold the a4 release as expected ({error!r})"
        ) from error
    return dict(sorted(recordings.items()))


def _people_by_frame(samples: Iterable[Any]) -> dict[str, dict[int, list[FloatArray]]]:
    found: dict[str, dict[int, list[FloatArray]]] = {}
    for sample in samples:
        landmarks = np.asarray(sample["body"]["landmarks"], dtype=float)
        joints = landmarks.reshape(len(COCO19_JOINTS), 3)
        frames = found.setdefault(str(sample["seqName"]), {})
        frames.setdefault(int(sample["frame_str"]), []).append(joints)
    return found


def _single_person(by_frame: dict[int, list[FloatArray]]) -> tuple[NDArray[np.int64], FloatArray]:
    """Frame numbers and joints in metres; NaN where there is not exactly one person."""
    frames = np.array(sorted(by_frame), dtype=np.int64)
    nobody = np.full((len(COCO19_JOINTS), 3), np.nan)
    rows = [by_frame[int(k)][0] if len(by_frame[int(k)]) == 1 else nobody for k in frames]
    return frames, METRES_PER_UNIT * coco_from_coco19(np.stack(rows))


def _camera(entry: Any) -> tuple[Camera, Placement]:
    width, height = entry.get("resolution", HD_SIZE)
    camera = Camera(
        np.asarray(entry["K"], dtype=float),
        (int(width), int(height)),
        np.asarray(entry["distCoef"], dtype=float).reshape(-1)[:5],
    )
    position = METRES_PER_UNIT * np.asarray(entry["t"], dtype=float).reshape(-1)
    return camera, Placement(np.asarray(entry["R"], dtype=float), position)


@lru_cache(maxsize=2)
def read_toolbox(folder: Path, min_confidence: float) -> Recording:
    """One recording in the toolbox's layout.

    Args:
        folder: of the sequence.
        min_confidence: joints at or below it are missing; the toolbox draws those above 0.1.

    Raises:
        MissingFileError: there is no calibration or no pose.
        InputError: one of the files is damaged.
    """
    calibration = folder / f"calibration_{folder.name}.json"
    poses = sorted((folder / POSE_FOLDER).rglob("body3DScene_*.json"))
    if not calibration.is_file() or not poses:
        missing = calibration if not calibration.is_file() else folder / POSE_FOLDER
        raise MissingFileError(f"there is no {missing}; get and unpack it with Panoptic's toolbox")
    by_frame = {int(path.stem.rpartition("_")[2]): _bodies(path, min_confidence) for path in poses}
    frames, joints = _single_person(by_frame)
    try:
        cameras = {
            camera_name(int(entry["node"])): _camera(entry)
            for entry in _json(calibration)["cameras"]
            if int(entry["panel"]) == 0
        }
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{calibration} is not a calibration of Panoptic ({error!r})") from error
    files = (calibration, poses[0], poses[-1])
    return Recording(folder.name, "toolbox", frames, joints, cameras, False, files)


def _bodies(path: Path, min_confidence: float) -> list[FloatArray]:
    try:
        found = [np.asarray(body["joints19"], dtype=float) for body in _json(path)["bodies"]]
        rows = [body.reshape(len(COCO19_JOINTS), 4) for body in found]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a pose of Panoptic ({error!r})") from error
    return [np.where(row[:, 3:] > min_confidence, row[:, :3], np.nan) for row in rows]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is damaged ({error}); unpack it again") from error
