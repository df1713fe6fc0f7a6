"""Pose2Sim's four-camera demo as a recording with truth: calibration, joints, shards.

The calibration comes with the installed Pose2Sim package; the truth (a TRC of markers triangulated
from all four cameras) does not, and is given by the caller.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from gonio.capture.cameras import Camera, PlacedCamera, Placement
from gonio.capture.pairs import Truth, build_shard
from gonio.capture.shards import Shard, ShardLabels
from gonio.errors import InputError, MissingFileError
from gonio.signals import rows_at
from gonio.skeleton import COCO, COCO_JOINTS
from gonio.types import FloatArray, LandmarkSequence, MarkerTrajectories

DEMO_CAMERAS: tuple[str, ...] = ("cam01", "cam02", "cam03", "cam04")

_MARKER_OF_JOINT = {"nose": "Nose"} | {
    f"{side}_{part}": f"{side[0].upper()}{part.capitalize()}"
    for side in ("left", "right")
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
}


def demo_folder() -> Path:
    """Folder of the single-person demo in the installed Pose2Sim package.

    Raises:
        MissingFileError: Pose2Sim is not installed or comes without its demo.
    """
    spec = find_spec("Pose2Sim")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0]) / "Demo_SinglePerson"
        if folder.is_dir():
            return folder
    raise MissingFileError(
        "the demo of Pose2Sim is not installed; install the package pose2sim 0.10.49"
    )


def demo_video(camera: str = "cam01") -> Path:
    """One of the four demo videos.

    Raises:
        InputError: no such camera.
        MissingFileError: the demo is not installed.
    """
    if camera not in DEMO_CAMERAS:
        raise InputError(f"there is no demo camera {camera!r}; there are {', '.join(DEMO_CAMERAS)}")
    return demo_folder() / "videos" / f"{camera}.mp4"


def read_qualisys_calibration(path: str | Path) -> dict[str, PlacedCamera]:
    """Cameras of a Qualisys calibration (`.qca.txt`), without their lenses' distortion.

    Distortion is below a pixel in the demo. Intrinsics are in 1/64 of a pixel, positions in
    millimetres; the file's rotation looks along -z with y up, which is turned by 180 degrees about
    x into OpenCV's camera frame.

    Raises:
        MissingFileError: there is no such file.
        InputError: it is no calibration, or a camera in it lacks a number.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"there is no calibration {source}; check the path")
    try:
        tags = list(ElementTree.parse(source).getroot().iter("camera"))
        cameras = {camera.name: camera for camera in map(_camera, tags)}
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{source} is no Qualisys calibration: {error}") from error
    if not cameras:
        raise InputError(f"{source} is no Qualisys calibration: it has no <camera>")
    return cameras


def _camera(tag: ElementTree.Element) -> PlacedCamera:
    """A camera of the file.

    Raises:
        ValueError: it lacks a number, or has something else in its place.
    """

    def numbers(name: str, *keys: str) -> FloatArray:
        element = tag.find(name)
        if element is None or any(key not in element.attrib for key in keys):
            raise ValueError(f"camera {tag.get('serial')} has no <{name}> with {', '.join(keys)}")
        values = np.array([float(element.attrib[key]) for key in keys])
        if not np.isfinite(values).all():
            raise ValueError(f"camera {tag.get('serial')} has <{name}> {values.tolist()}")
        return values

    fu, fv, cu, cv = (
        numbers("intrinsic", "focalLengthU", "focalLengthV", "centerPointU", "centerPointV") / 64
    )
    left, right, top, bottom = numbers("fov_video", "left", "right", "top", "bottom")
    rows = [f"r{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3)]
    rotation = np.diag([1.0, -1.0, -1.0]) @ numbers("transform", *rows).reshape(3, 3)
    position = numbers("transform", "x", "y", "z") / 1000
    return PlacedCamera(
        name=str(tag.get("serial")),
        inside=Camera(
            matrix=np.array([[fu, 0, cu - left], [0, fv, cv - top], [0, 0, 1]]),
            image_size=(int(right - left + 1), int(bottom - top + 1)),
        ),
        placement=Placement(rotation, -rotation @ position),
    )


def coco_truth_world(truth: MarkerTrajectories, time_s: FloatArray) -> FloatArray:
    """COCO joints in the calibration's world axes (Z up) from the demo's TRC (Y up).

    The file's times count and not its rows: its first row is told at 1/60 s, and that is the
    video's second frame. Landmarks that MediaPipe finds in single pictures, unsmoothed, move 16 ms
    behind the markers where the first row is taken for the first frame.

    Args:
        truth: the triangulated markers; the TRC holds the world's (y, z, x).
        time_s: (T,) of the frames of the video, from its first one on, seconds.

    Returns:
        (T, 17, 3) metres; eyes and ears are NaN, the markers do not have them, and so is every
        frame of which the file has no row.
    """
    joints = np.full((len(truth), len(COCO_JOINTS), 3), np.nan)
    for joint, marker in _MARKER_OF_JOINT.items():
        joints[:, COCO[joint]] = truth[marker][:, [2, 0, 1]]
    return rows_at(joints, truth.time_s, time_s)


def demo_shard(
    landmarks: LandmarkSequence, joints_world: FloatArray, camera: PlacedCamera, detector: str
) -> Shard:
    """One camera of the demo as a shard: the same conversions as every other source.

    Args:
        landmarks: T frames as MediaPipe saw them in this camera.
        joints_world: (T, 17, 3) true joints, metres, world axes with Z up; NaN where unknown.
        camera: the calibrated camera.
        detector: model and mode of the detector.

    Raises:
        InputError: the lengths do not agree, or no frame has truth.
    """
    # Two of the four videos are 8 pixels narrower than their calibration says.
    inside = replace(camera.inside, image_size=landmarks.image_size)
    up = camera.placement.rotation @ [0.0, 0.0, 1.0]
    truth = Truth(camera.placement.camera_from_world(joints_world), up, inside)
    labels = ShardLabels(
        source="demo",
        sequence="balancing",
        camera=camera.name,
        subject="demo",
        fps=landmarks.rate_hz,
        detector=detector,
    )
    return build_shard(landmarks, truth, labels)
