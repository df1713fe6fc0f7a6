"""The table of what a shard holds; the checks, the files and the docs are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gonio.skeleton import AUGMENTED_MARKERS, COCO_JOINTS, JOINTS, MEDIAPIPE_LANDMARKS

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning; a reader refuses any other version."""

SourceName = Literal["aistpp", "mtc", "rendered", "projected"]
"""Where pairs come from."""

_J, _L, _M = len(COCO_JOINTS), len(MEDIAPIPE_LANDMARKS), len(AUGMENTED_MARKERS)


@dataclass(frozen=True)
class ArrayField:
    """One array of a shard: name, shape after the N frames, storage, unit and meaning."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    unit: str
    what: str
    optional: bool = False


SCHEMA: tuple[ArrayField, ...] = (
    ArrayField("corrupted", (_J, 3), "<f4", "m", "MediaPipe's world joints, mid-hip origin"),
    ArrayField("ground_truth", (_J, 3), "<f4", "m", "true joints, mid-hip origin, ray frame"),
    ArrayField("visibility", (_J,), "<f4", "0..1", "MediaPipe's visibility of the joints"),
    ArrayField(
        "pose_2d",
        (_J, 2),
        "<f4",
        "half image heights",
        "MediaPipe's joints on the image as recorded (lens included), origin at the image's "
        "centre, x right, y down",
    ),
    ArrayField(
        "azimuth",
        (),
        "<f4",
        "degrees",
        "true direction of the camera seen from the pelvis, about gravity, [0, 360); 0 in front, "
        "90 at the subject's right",
    ),
    ArrayField(
        "elevation", (), "<f4", "degrees", "true height of the camera above the pelvis, [-90, 90]"
    ),
    ArrayField(
        "camera_relative", (3,), "<f4", "m", "true camera position from the pelvis, lab axes"
    ),
    ArrayField("up", (3,), "<f4", "unit vector", "true direction against gravity, ray frame"),
    ArrayField("landmarks_world", (_L, 3), "<f4", "m", "MediaPipe's 33 landmarks, mid-hip origin"),
    ArrayField(
        "landmarks_2d", (_L, 2), "<f4", "half image heights", "all 33 landmarks, as `pose_2d`"
    ),
    ArrayField("landmarks_visibility", (_L,), "<f4", "0..1", "visibility of the 33 landmarks"),
    ArrayField(
        "feet_truth",
        (6, 3),
        "<f4",
        "m",
        "true heel, big toe, small toe of R, then L; mid-hip origin, ray frame; NaN where the "
        "source has none",
    ),
    ArrayField(
        "markers_truth",
        (_M, 3),
        "<f4",
        "m",
        "true augmented markers; mid-hip origin, ray frame; NaN where the source has no body "
        "surface",
    ),
    ArrayField("frame_index", (), "<i8", "frames", "position in the video, from 0"),
    ArrayField("time_s", (), "<f8", "s", "time in the video"),
    ArrayField(
        "corrupted_angles",
        (len(JOINTS), 3),
        "<f4",
        "degrees",
        "joint angles of `corrupted`, added by `joint_angle_generation`",
        optional=True,
    ),
    ArrayField(
        "ground_truth_angles",
        (len(JOINTS), 3),
        "<f4",
        "degrees",
        "joint angles of the truth, added by `joint_angle_generation`",
        optional=True,
    ),
)
"""Every array of a shard. The first axis is time: N frames."""

SCALARS: dict[str, tuple[type, str]] = {
    "schema_version": (int, "version of this table"),
    "source": (str, "aistpp, mtc, rendered or projected"),
    "sequence": (str, "name of the movement in its source"),
    "camera": (str, "name of the camera"),
    "subject": (str, "who is seen; never in two splits"),
    "fps": (float, "frames a second of the video"),
    "image_width": (int, "pixels"),
    "image_height": (int, "pixels"),
    "stature_m": (float, "true stature in metres, NaN where unknown"),
    "detector": (str, "model and mode of the detector, e.g. `mediapipe full VIDEO`"),
}
"""Every scalar of a shard."""

ARRAYS = {field.name: field for field in SCHEMA}
"""The same, by name."""


def schema_table() -> str:
    """The two tables of the docs, as Markdown."""
    rows = ["| array | shape | stored as | unit | what |", "|---|---|---|---|---|"]
    for field in SCHEMA:
        shape = ", ".join(["N", *map(str, field.shape)]) + ("" if field.shape else ",")
        rows.append(
            f"| {field.name} | ({shape}) | {np.dtype(field.dtype).name} | {field.unit} "
            f"| {field.what} |"
        )
    rows += ["", "| scalar | type | what |", "|---|---|---|"]
    rows += [f"| {name} | {kind.__name__} | {what} |" for name, (kind, what) in SCALARS.items()]
    return "\n".join(rows) + "\n"
