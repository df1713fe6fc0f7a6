"""Anatomical landmarks from named markers: recognising names, hip and shoulder joint centres.

Marker names are recognised with or without `_study`, with `R`, `r`, `L` or `l` before `_` or `.`,
and with a subject's name before a colon, so that laboratory recordings whose markers are named
like Pose2Sim's augmented ones can be read as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from gonio.errors import InputError
from gonio.markers.hip_centres import hip_centre_offset
from gonio.skeleton import AUGMENTED_MARKERS, MARKERS, Side
from gonio.types import FloatArray, MarkerTrajectories

SIDES: tuple[Side, ...] = ("R", "L")

SMALLEST_BODY_M = 0.3
LARGEST_BODY_M = 4.0
"""Allowed extent of all markers of one person: arms overhead, a tall adult stays below."""
FEWEST_MARKERS = 8
"""Fewer markers do not show how tall the body is."""

_SIDED = re.compile(r"^([rl])([._ ]?)(.+)$")
_WITHOUT_SEPARATOR = frozenset({"asis", "psis", "hjc"})


def _key(name: str) -> str:
    """What is equal in all accepted spellings of one augmented marker."""
    bare = name.rsplit(":", 1)[-1].strip().lower().removesuffix("_study")
    match = _SIDED.match(bare)
    if match and (match[2] or match[3] in _WITHOUT_SEPARATOR):
        return f"{match[1]} {match[3]}"
    return bare


_AUGMENTED_BY_KEY = {_key(name): name for name in AUGMENTED_MARKERS}


def recognised_name(name: str) -> str | None:
    """The project's name of a marker, None where it is none of the 65.

    >>> recognised_name("R_Knee"), recognised_name("l.ASIS"), recognised_name("RKnee")
    ('r_knee_study', 'L.ASIS_study', 'RKnee')
    """
    bare = name.rsplit(":", 1)[-1].strip()
    return bare if bare in MARKERS else _AUGMENTED_BY_KEY.get(_key(name))


def recognised_paths(markers: MarkerTrajectories) -> dict[str, FloatArray]:
    """Paths of the markers that Gonio knows, under the names of `skeleton.ALL_MARKERS`.

    Args:
        markers: (T, M, 3) metres.

    Returns:
        (T, 3) metres for each recognised marker that has a sample at all.

    Raises:
        InputError: no marker is recognised, or two names stand for one marker.
    """
    names: dict[str, str] = {}
    for name in markers.names:
        known = recognised_name(name)
        if known is None:
            continue
        if known in names:
            raise InputError(
                f"markers {names[known]!r} and {name!r} both stand for {known}; keep one of them"
            )
        names[known] = name
    if not names:
        raise InputError(
            f"none of the {len(markers.names)} markers is known ({', '.join(markers.names[:8])}); "
            "name them like Pose2Sim's augmented markers, e.g. r_knee or r_knee_study, r.ASIS, C7"
        )
    return {known: markers[name] for known, name in names.items()}


def check_body_size(markers: MarkerTrajectories) -> None:
    """Refuse markers that are not in metres.

    Raises:
        InputError: the median extent of the recognised markers is not that of a human body.
    """
    body = np.stack(list(recognised_paths(markers).values()), axis=1)  # (T, M, 3)
    if body.shape[1] < FEWEST_MARKERS:
        return
    body = body[:: max(1, len(body) // 1000)]
    body = body[np.isfinite(body).all(axis=2).sum(axis=1) >= 0.5 * body.shape[1]]
    if len(body) == 0:
        return
    size = np.nanmax(body, axis=1) - np.nanmin(body, axis=1)
    extent = float(np.median(np.linalg.norm(size, axis=1)))
    if SMALLEST_BODY_M <= extent <= LARGEST_BODY_M:
        return
    guess = next(
        (
            unit
            for unit, m in (("centimetres", 100), ("millimetres", 1000), ("decimetres", 10))
            if 0.8 <= extent / m <= 3.0
        ),
        None,
    )
    hint = f" Are they in {guess}? Then say so in the file's header." if guess else ""
    raise InputError(
        f"the markers span {extent:.3g} m; allowed are {SMALLEST_BODY_M} to {LARGEST_BODY_M:g} m "
        f"for one body.{hint}"
    )


def path_or_nan(paths: Mapping[str, FloatArray], name: str) -> FloatArray:
    """Path of a marker, (T, 3) metres; all NaN where the recording has none."""
    if name in paths:
        return paths[name]
    return np.full_like(next(iter(paths.values())), np.nan)


def has_samples(paths: Mapping[str, FloatArray], name: str) -> bool:
    """Whether a marker has a sample in any frame."""
    return name in paths and bool(np.isfinite(paths[name]).all(axis=1).any())


def hip_joint_centre(
    pelvis: FloatArray, mid_asis: FloatArray, width_m: float, depth_m: float, side: Side
) -> FloatArray:
    """Hip joint centre by regression from the pelvis markers.

    See `gonio.markers.hip_centres.hip_centre_offset` (Harrington et al. 2007).

    Args:
        pelvis: (T, 3, 3) lab from pelvis.
        mid_asis: (T, 3) metres, lab.
        width_m: PW, distance between the ASIS.
        depth_m: PD, distance between the midpoints of the ASIS and of the PSIS.
        side: R or L.

    Returns:
        (T, 3) metres, lab.
    """
    offset = hip_centre_offset(width_m, depth_m, side)
    return np.asarray(mid_asis + pelvis @ offset)


def shoulder_joint_centre(
    trunk: FloatArray, acromion: FloatArray, acromion_distance: FloatArray
) -> FloatArray:
    """Glenohumeral joint centre below the acromion marker.

    Rab, Petuskey and Bagley, Gait & Posture 15, 2002, 113-119: 17 % of the distance between the
    two acromion markers, straight down in the trunk.

    Args:
        trunk: (T, 3, 3) lab from trunk.
        acromion: (T, 3) metres, lab.
        acromion_distance: () or (T, 1) metres.

    Returns:
        (T, 3) metres, lab.
    """
    return np.asarray(acromion - 0.17 * acromion_distance * trunk[:, :, 1])
