"""How the markers of one table are turned against those of another: a constant for each segment.

Pose2Sim's augmenter puts its markers where the laboratories did whose data it learned from; markers
on a rendered body stand where its own table has them. Both name the same anatomy, and the segment
frames differ by a constant turn, which a calibration on true poses shows: the true joints go
through the augmenter, and its frames are compared with those of the markers on the body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from gonio.errors import InputError
from gonio.kinematics.segments import segment_frames
from gonio.types import FloatArray, MarkerTrajectories

WARM_UP_S = 1.0
"""Frames at the beginning that are not compared: the augmenter's networks look back in time."""
_MIRROR = np.diag([1.0, 1.0, -1.0])
"""Z is to the right in every segment frame: a left limb mirrors a right one so."""


@dataclass(frozen=True)
class Convention:
    """Constant turns of segment frames, the same (mirrored) on both sides.

    Attributes:
        turns: segment -> (3, 3) body from augmenter: `rotation_body @ turn` has the augmenter's
            convention.
    """

    turns: Mapping[str, FloatArray]

    def described(self) -> dict[str, list[float]]:
        """Each turn as a rotation vector in the segment's axes (X, Y, Z), degrees, rounded."""
        return {
            name: np.degrees(Rotation.from_matrix(turn).as_rotvec()).round(2).tolist()
            for name, turn in self.turns.items()
        }


def convention_of(clips: Iterable[tuple[MarkerTrajectories, MarkerTrajectories]]) -> Convention:
    """The mean turn of each segment over clips, symmetric.

    Args:
        clips: the 65 markers of a true pose, on the body and augmented, the same frames, lab frame.

    Raises:
        InputError: a segment is in no frame of both; there are no clips.
    """
    found: dict[str, list[FloatArray]] = {}
    for body, augmented in clips:
        first = min(round(WARM_UP_S * body.rate_hz), len(body) // 2)
        others = segment_frames(augmented)
        for name, frame in segment_frames(body).items():
            turn = np.swapaxes(frame.rotation, 1, 2) @ others[name].rotation
            turn = turn[first:]
            turn = turn[np.isfinite(turn).all(axis=(1, 2))]
            right = name.removesuffix("_L") + "_R" if name.endswith("_L") else name
            mirrored = _MIRROR @ turn @ _MIRROR
            found.setdefault(right, []).append(mirrored if name.endswith("_L") else turn)
            if not name.endswith(("_R", "_L")):
                found[right].append(mirrored)
    turns: dict[str, FloatArray] = {}
    for name, parts in found.items():
        turn = _mean(name, np.concatenate(parts))
        turns[name] = turn
        if name.endswith("_R"):
            turns[name.removesuffix("_R") + "_L"] = _MIRROR @ turn @ _MIRROR
    if not turns:
        raise InputError(
            "there is no training shard with markers on the body to compare conventions on; "
            "choose angles.true_markers=body or augmented"
        )
    return Convention(turns)


def _mean(name: str, turns: FloatArray) -> FloatArray:
    if len(turns) == 0:
        raise InputError(f"no frame shows the segment {name} by markers of both conventions")
    return np.asarray(Rotation.from_matrix(turns).mean().as_matrix())
