"""Right-handed segment frames after Wu et al. 2002 and 2005, from the 65 markers.

Every frame has X forward, Y up (from distal to proximal) and Z to the right, on both sides; a left
limb therefore mirrors a right one. `SEGMENTS` says for each segment which markers make it and
what stands in for an ISB landmark that the marker set lacks; the table of the docs is made from
it.

Sources: Wu et al., J Biomech 35, 2002, 543-548 (pelvis, femur, tibia/fibula, foot);
Wu et al., J Biomech 38, 2005, 981-992 (thorax, humerus, forearm).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

from gonio.frames import normalised
from gonio.kinematics.landmarks import (
    SIDES,
    has_samples,
    hip_joint_centre,
    path_or_nan,
    recognised_name,
    recognised_paths,
    shoulder_joint_centre,
)
from gonio.skeleton import Side
from gonio.types import FloatArray, MarkerTrajectories

LUMBAR_HEIGHT = 0.42
"""Height of L5/S1 over the hip joint centres as a share of the distance between the ASIS: mean of
women (0.442) and men (0.404) in Dumas, Chèze and Verriest, J Biomech 40, 2007, 543-553, Table 2
(after Reed et al., SAE 1999-01-0959)."""

SMALLEST_ANGLE_DEG = 3.0
"""Two directions that are closer than this make no plane: the markers lie on one line."""


_STOOD_IN_FOR = ("HJC", "Shoulder")
"""Ends of the names of markers that others stand in for."""
LEVEL_DEG = 60.0
"""A trunk that leans by more than this, up to as much beyond the level, lies."""
NEARLY_ALL = 0.95
"""Share of the frames in which the axes must seem to be others before a word is said."""


class KinematicsWarning(UserWarning):
    """Angles are missing or uncertain for a reason that the user should know."""


_collected: ContextVar[list[str] | None] = ContextVar("kinematics_warnings", default=None)


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """What kinematics warns of within, each sentence once, in place of Python's warnings.

    Each thread collects its own. `warnings.catch_warnings` changes the filters of the whole
    process, and of two threads that enter and leave it one may lose what it waits for.
    """
    said: list[str] = []
    before = _collected.set(said)
    try:
        yield said
    finally:
        _collected.reset(before)


@dataclass(frozen=True)
class SegmentFrame:
    """Pose of a segment in the lab.

    Attributes:
        rotation: (T, 3, 3) lab from segment; its columns are the segment's X, Y and Z axes. NaN
            where a marker is missing or the markers lie on one line.
        origin: (T, 3) metres, lab.
    """

    rotation: FloatArray
    origin: FloatArray


@dataclass(frozen=True)
class SegmentDefinition:
    """How a segment's frame is made; `{r}` and `{R}` stand for the side in marker names.

    Attributes:
        name: of the segment, without its side.
        sided: whether there is one on each side.
        markers: names (without `_study`).
        origin: where the frame begins.
        axes: how the axes are made, in the order in which they are made.
        stand_ins: what stands in for ISB landmarks that the marker set lacks, and what follows.
        source: paper and section.
    """

    name: str
    sided: bool
    markers: tuple[str, ...]
    origin: str
    axes: str
    stand_ins: str
    source: str


SEGMENTS: tuple[SegmentDefinition, ...] = (
    SegmentDefinition(
        "pelvis",
        False,
        ("r.ASIS", "L.ASIS", "r.PSIS", "L.PSIS"),
        "midway between the ASIS",
        "Z from left to right ASIS; X in the plane of the ASIS and the mid-PSIS, forward; "
        "Y = Z x X",
        "None for the axes. ISB puts the origin into the hip joint centre; a rotation does not see "
        "it. The plane of ASIS and PSIS leans forward by some 5 to 15 degrees in standing people: "
        "pelvis tilt is then negative, hip flexion positive and trunk flexion negative by as much.",
        "Wu 2002, hip joint: pelvic frame",
    ),
    SegmentDefinition(
        "trunk",
        False,
        ("r_shoulder", "L_shoulder", "r.ASIS", "L.ASIS", "r.PSIS", "L.PSIS", "RHJC", "LHJC"),
        "midway between the acromion markers",
        "Y from L5/S1 to the origin; Z in the plane of Y and the line from left to right acromion; "
        "X = Y x Z",
        "ISB's thorax needs the jugular notch, the xiphoid process, C7 and T8. Midway between the "
        "acromia stands in for the midpoint of notch and C7, L5/S1 for the midpoint of xiphoid and "
        "T8. L5/S1 is put over the mid-point of the hip joint centres, 0.42 times the distance "
        "between the ASIS up the pelvis (Dumas 2007), so that a plumb posture gives zero. "
        "Shoulders drawn forward or up move this trunk a little.",
        "Wu 2005, thorax",
    ),
    SegmentDefinition(
        "femur",
        True,
        ("{R}HJC", "{r}_knee", "{r}_mknee"),
        "hip joint centre",
        "Y from midway between the epicondyles to the hip joint centre; Z in the plane of Y and "
        "the epicondyles, to the right; X = Y x Z",
        "Where the recording has no hip joint centre: regression from the pelvis markers "
        "(Harrington 2007).",
        "Wu 2002, hip joint: femoral frame",
    ),
    SegmentDefinition(
        "shank",
        True,
        ("{r}_knee", "{r}_mknee", "{r}_ankle", "{r}_mankle"),
        "midway between the malleoli",
        "Y from midway between the malleoli to midway between the epicondyles; Z in the plane of "
        "Y and the malleoli, to the right; X = Y x Z",
        "The femoral epicondyles stand in for the tibial condyles. As in ISB the malleoli give the "
        "sideways axis: tibial torsion (about 20 degrees outward in adults) shows as a constant "
        "external rotation of the knee and internal rotation of the foot. ISB makes Z first; here, "
        "as Grood and Suntay do, Y is the long axis and Z is turned square to it.",
        "Wu 2002, ankle: tibia and fibula; Grood & Suntay 1983",
    ),
    SegmentDefinition(
        "foot",
        True,
        ("{r}_calc", "{r}_toe", "{r}_5meta"),
        "heel marker",
        "X from the heel to the toe marker; Y square to the plane of heel, toe and fifth "
        "metatarsal, up; Z = X x Y",
        "ISB takes the shank's axis in the neutral pose, which needs a static trial. The plane "
        "of the three foot markers stands in: zero is a sole parallel to this plane, so markers at "
        "unequal heights give an offset (a heel marker 2 cm above the toe's: about -6 degrees).",
        "Wu 2002, ankle: calcaneus",
    ),
    SegmentDefinition(
        "humerus",
        True,
        ("{r}_shoulder", "{r}_lelbow", "{r}_melbow", "{R}Shoulder"),
        "glenohumeral joint centre",
        "Y from midway between the epicondyles to the glenohumeral centre; Z in the plane of Y "
        "and the epicondyles, to the right; X = Y x Z",
        "The video marker {R}Shoulder stands in for the glenohumeral centre; where the recording "
        "has none, the acromion marker lowered by 17 % of the distance between the acromia (Rab "
        "2002).",
        "Wu 2005, humerus, 1st option",
    ),
    SegmentDefinition(
        "forearm",
        True,
        ("{r}_lelbow", "{r}_melbow", "{r}_lwrist", "{r}_mwrist"),
        "midway between the styloids",
        "Y from midway between the styloids to midway between the epicondyles; Z in the plane of "
        "Y and the styloids, from ulnar to radial on the right; X = Y x Z",
        "ISB begins Y at the ulnar styloid; the middle of the wrist (Rab 2002) stands in, because "
        "it halves the noise of the wrist markers. It moves with pronation, so elbow deviation "
        "does too. Zero pronation is the anatomical position (palm forward).",
        "Wu 2005, forearm; Rab 2002",
    ),
)


def segment_frames(markers: MarkerTrajectories) -> dict[str, SegmentFrame]:
    """Frames of the 12 segments, as `SEGMENTS` says.

    Args:
        markers: (T, M, 3) metres, lab; names as in `landmarks.recognised_name`.

    Returns:
        `pelvis`, `trunk`, `femur_R`, ... `forearm_L`. A frame is NaN where a marker that makes it
        is missing, or where its markers lie on one line. A `KinematicsWarning`, or a sentence in
        `collected_warnings`, says the latter, and which segments the recording has no markers of.

    Raises:
        InputError: no marker is recognised, or two names stand for one marker.
    """
    paths = recognised_paths(markers)
    pelvis = _pelvis(paths)
    hips = {side: _hip_centre(paths, pelvis, side) for side in SIDES}
    trunk = _trunk(paths, pelvis, hips)
    frames = {"pelvis": pelvis, "trunk": trunk}
    makers: dict[str, Callable[[Side], SegmentFrame]] = {
        "femur": lambda side: _femur(paths, hips[side], side),
        "shank": lambda side: _shank(paths, side),
        "foot": lambda side: _foot(paths, side),
        "humerus": lambda side: _humerus(paths, _shoulder_centre(paths, trunk, side), side),
        "forearm": lambda side: _forearm(paths, side),
    }
    for name, make in makers.items():
        for side in SIDES:
            frames[f"{name}_{side}"] = make(side)
    _say_what_is_absent(paths, frames)
    return frames


def _say_what_is_absent(
    paths: Mapping[str, FloatArray], frames: Mapping[str, SegmentFrame]
) -> None:
    """Warn of segments without a frame of which the recording has not all markers."""
    lacking: dict[str, list[str]] = {}
    for definition in SEGMENTS:
        for side in SIDES if definition.sided else ("R",):
            segment = f"{definition.name}_{side}" if definition.sided else definition.name
            names = [m.format(r="r" if side == "R" else "L", R=side) for m in definition.markers]
            key = {name: recognised_name(name) or name for name in names}
            absent = [name for name in names if key[name] not in paths]
            if any(key[name] in paths and not has_samples(paths, key[name]) for name in names):
                # what stands in for a joint centre would do
                absent = [name for name in absent if not name.endswith(_STOOD_IN_FOR)]
            if absent and not np.isfinite(frames[segment].rotation).any():
                lacking[segment] = absent
    if lacking:
        first, absent = next(iter(lacking.items()))
        _say(
            f"the recording lacks markers of {', '.join(lacking)} ({first}: {', '.join(absent)}): "
            "the joints that need them have no angles. gonio.augment_markers adds the anatomical "
            "markers to the 22 of a pose"
        )


def warn_of_other_axes(frames: Mapping[str, SegmentFrame]) -> None:
    """Warn of a recording whose body seems to be in other axes than Gonio's lab.

    Args:
        frames: as `segment_frames` gives them.
    """
    trunk, pelvis = frames["trunk"].rotation[:, :, 1], frames["pelvis"].rotation[:, :, 1]
    known = np.isfinite(trunk).all(axis=1)
    if not known.any():
        return
    mirrored = np.einsum("ti,ti->t", trunk, pelvis)[known] < 0
    if mirrored.mean() >= NEARLY_ALL:
        _say(
            "the pelvis stands on its head below the trunk: right and left are exchanged, or the "
            "recording's axes are left-handed; Gonio's are right-handed"
        )
    hanging = trunk[known, 1] < -np.cos(np.radians(LEVEL_DEG))
    if hanging.mean() >= NEARLY_ALL:
        _say(
            f"the head is below the hips in {hanging.mean():.0%} of the frames: if nobody hangs or "
            "stands on the hands there, the recording has Y down; Gonio takes Y for up"
        )
    level = np.abs(trunk[known, 1]) < np.cos(np.radians(LEVEL_DEG))
    if level.mean() >= NEARLY_ALL:
        _say(
            f"the trunk leans by more than {LEVEL_DEG:g} degrees in {level.mean():.0%} of the "
            "frames: if nobody lies there, the recording has another axis up than Y, which Gonio "
            "takes for up"
        )


def _say(sentence: str) -> None:
    """Collect a warning where somebody does, else give it as Python does."""
    said = _collected.get()
    if said is None:
        warnings.warn(sentence, KinematicsWarning, stacklevel=3)
    elif sentence not in said:
        said.append(sentence)


def _cross_or_nan(first: FloatArray, second: FloatArray, segment: str) -> FloatArray:
    """Unit vectors square to two directions; NaN, with a warning, where these are parallel."""
    cross = np.cross(normalised(first), normalised(second))
    parallel = np.linalg.norm(cross, axis=1) < np.sin(np.radians(SMALLEST_ANGLE_DEG))
    known = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    flat = known & ~(np.linalg.norm(cross, axis=1) >= np.sin(np.radians(SMALLEST_ANGLE_DEG)))
    if flat.any():
        _say(
            f"the markers of the {segment} lie on one line in {flat.sum()} of {len(flat)} frames; "
            "the joints that need it are missing there"
        )
    cross[parallel] = np.nan
    return normalised(cross)


def _long_axis_frame(
    y: FloatArray, rightward: FloatArray, origin: FloatArray, segment: str
) -> SegmentFrame:
    """Frame with Y along `y` and Z in the plane of `y` and `rightward`."""
    x = _cross_or_nan(y, rightward, segment)
    y = np.where(np.isfinite(x), normalised(y), np.nan)
    return SegmentFrame(np.stack([x, y, np.cross(x, y)], axis=-1), origin)


def _pelvis(paths: Mapping[str, FloatArray]) -> SegmentFrame:
    right, left = path_or_nan(paths, "r.ASIS_study"), path_or_nan(paths, "L.ASIS_study")
    back = (path_or_nan(paths, "r.PSIS_study") + path_or_nan(paths, "L.PSIS_study")) / 2
    origin = (right + left) / 2
    y = _cross_or_nan(right - left, origin - back, "pelvis")
    z = np.where(np.isfinite(y), normalised(right - left), np.nan)
    return SegmentFrame(np.stack([np.cross(y, z), y, z], axis=-1), origin)


def _pelvis_size(paths: Mapping[str, FloatArray]) -> tuple[float, float]:
    """Median distance between the ASIS and between mid-ASIS and mid-PSIS, metres."""
    right, left = path_or_nan(paths, "r.ASIS_study"), path_or_nan(paths, "L.ASIS_study")
    back = (path_or_nan(paths, "r.PSIS_study") + path_or_nan(paths, "L.PSIS_study")) / 2
    width, depth = right - left, (right + left) / 2 - back
    sizes = [np.linalg.norm(v, axis=1) for v in (width, depth)]
    known = [size[np.isfinite(size)] for size in sizes]
    first, second = (float(np.median(size)) if len(size) else float("nan") for size in known)
    return first, second


def _hip_centre(paths: Mapping[str, FloatArray], pelvis: SegmentFrame, side: Side) -> FloatArray:
    if has_samples(paths, f"{side}HJC_study"):
        return paths[f"{side}HJC_study"]
    width, depth = _pelvis_size(paths)
    return hip_joint_centre(pelvis.rotation, pelvis.origin, width, depth, side)


def _trunk(
    paths: Mapping[str, FloatArray], pelvis: SegmentFrame, hips: Mapping[Side, FloatArray]
) -> SegmentFrame:
    width, _ = _pelvis_size(paths)
    lumbar = (hips["R"] + hips["L"]) / 2 + LUMBAR_HEIGHT * width * pelvis.rotation[:, :, 1]
    right, left = path_or_nan(paths, "r_shoulder_study"), path_or_nan(paths, "L_shoulder_study")
    origin = (right + left) / 2
    return _long_axis_frame(origin - lumbar, right - left, origin, "trunk")


def _shoulder_centre(
    paths: Mapping[str, FloatArray], trunk: SegmentFrame, side: Side
) -> FloatArray:
    if has_samples(paths, f"{side}Shoulder"):
        return paths[f"{side}Shoulder"]
    right, left = path_or_nan(paths, "r_shoulder_study"), path_or_nan(paths, "L_shoulder_study")
    distance = np.linalg.norm(right - left, axis=1, keepdims=True)
    return shoulder_joint_centre(trunk.rotation, right if side == "R" else left, distance)


def _pair(
    paths: Mapping[str, FloatArray], lateral: str, medial: str, side: Side
) -> tuple[FloatArray, FloatArray]:
    """Midpoint of a lateral and a medial marker, and the direction to the right between them."""
    prefix = "r" if side == "R" else "L"
    outer = path_or_nan(paths, f"{prefix}_{lateral}_study")
    inner = path_or_nan(paths, f"{prefix}_{medial}_study")
    return (outer + inner) / 2, outer - inner if side == "R" else inner - outer


def _femur(paths: Mapping[str, FloatArray], hip: FloatArray, side: Side) -> SegmentFrame:
    knee, rightward = _pair(paths, "knee", "mknee", side)
    return _long_axis_frame(hip - knee, rightward, hip, f"femur_{side}")


def _shank(paths: Mapping[str, FloatArray], side: Side) -> SegmentFrame:
    knee, _ = _pair(paths, "knee", "mknee", side)
    ankle, rightward = _pair(paths, "ankle", "mankle", side)
    return _long_axis_frame(knee - ankle, rightward, ankle, f"shank_{side}")


def _foot(paths: Mapping[str, FloatArray], side: Side) -> SegmentFrame:
    prefix = "r" if side == "R" else "L"
    heel, toe, fifth = (
        path_or_nan(paths, f"{prefix}_{name}_study") for name in ("calc", "toe", "5meta")
    )
    outward = fifth - heel
    # Right: fifth metatarsal to the right of the toe, so (outward x forward) points up.
    pair = (outward, toe - heel) if side == "R" else (toe - heel, outward)
    y = _cross_or_nan(*pair, f"foot_{side}")
    x = np.where(np.isfinite(y), normalised(toe - heel), np.nan)
    return SegmentFrame(np.stack([x, y, np.cross(x, y)], axis=-1), heel)


def _humerus(paths: Mapping[str, FloatArray], shoulder: FloatArray, side: Side) -> SegmentFrame:
    elbow, rightward = _pair(paths, "lelbow", "melbow", side)
    return _long_axis_frame(shoulder - elbow, rightward, shoulder, f"humerus_{side}")


def _forearm(paths: Mapping[str, FloatArray], side: Side) -> SegmentFrame:
    elbow, _ = _pair(paths, "lelbow", "melbow", side)
    wrist, rightward = _pair(paths, "lwrist", "mwrist", side)
    return _long_axis_frame(elbow - wrist, rightward, wrist, f"forearm_{side}")
