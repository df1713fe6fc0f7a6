"""Human motion as bone orientations over time.

Axes of motion: Y up, X to the subject's left and Z forward in the T-pose; right-handed; metres.
Orientations are global, relative to the T-pose (arms straight out sideways, palms down, legs
straight down, feet flat and forward), so that the T-pose is the identity everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from gonio.errors import InputError
from gonio.types import FloatArray

BONES: tuple[str, ...] = (
    "Hips",
    "LowerBack",
    "Spine",
    "Spine1",
    "Neck",
    "Neck1",
    "Head",
    "LeftShoulder",
    "LeftArm",
    "LeftForeArm",
    "LeftHand",
    "RightShoulder",
    "RightArm",
    "RightForeArm",
    "RightHand",
    "LeftUpLeg",
    "LeftLeg",
    "LeftFoot",
    "LeftToeBase",
    "RightUpLeg",
    "RightLeg",
    "RightFoot",
    "RightToeBase",
)
"""The 23 bones of a motion, parents before children."""
BONE: dict[str, int] = {name: i for i, name in enumerate(BONES)}
PARENTS: tuple[int, ...] = (
    -1,
    0,
    1,
    2,
    3,
    4,
    5,
    3,
    7,
    8,
    9,
    3,
    11,
    12,
    13,
    0,
    15,
    16,
    17,
    0,
    19,
    20,
    21,
)
"""Index of each bone's parent; -1 for the root."""
UNKNOWN_PERFORMER = "unknown"
"""Performer of clips whose performer nobody knows: it may be anybody, so splits keep it whole."""
USUAL_LEG_M = 0.82
"""Length of thigh and shank where a clip does not say, metres."""


@dataclass(frozen=True)
class Motion:
    """One clip.

    Attributes:
        name: of the clip.
        performer: who moved; clips of one performer stay on one side of a split.
        action: what is done, e.g. `walking`.
        fps: frames a second.
        orientations: (T, 23, 4) global unit quaternions (x, y, z, w) relative to the T-pose.
        root: (T, 3) midpoint of the hip joint centres, metres, Y up.
        leg_m: length of thigh and shank that goes with `root`, metres.

    Raises:
        InputError: shapes that do not agree, values that are not finite, no frame.
    """

    name: str
    performer: str
    action: str
    fps: float
    orientations: FloatArray
    root: FloatArray
    leg_m: float = USUAL_LEG_M

    def __post_init__(self) -> None:
        quaternions = np.asarray(self.orientations, dtype=float)
        root = np.asarray(self.root, dtype=float)
        n = len(root)
        if quaternions.shape != (n, len(BONES), 4) or root.shape != (n, 3) or n == 0:
            raise InputError(
                f"motion {self.name}: orientations {quaternions.shape} and root {root.shape}; "
                f"allowed are (T, {len(BONES)}, 4) and (T, 3) with T of 1 or more"
            )
        norm = np.linalg.norm(quaternions, axis=2, keepdims=True)
        if not (np.isfinite(root).all() and np.isfinite(norm).all() and (norm > 0.5).all()):
            raise InputError(
                f"motion {self.name} holds values that are not finite or quaternions that are "
                "not unit; leave those frames out"
            )
        if not (0.2 <= self.leg_m <= 1.5 and 1 <= self.fps <= 1000):
            raise InputError(
                f"motion {self.name}: leg_m {self.leg_m:g} and fps {self.fps:g}; allowed are 0.2 "
                "to 1.5 metres and 1 to 1000 frames a second"
            )
        object.__setattr__(self, "orientations", quaternions / norm)
        object.__setattr__(self, "root", root)

    def __len__(self) -> int:
        return len(self.root)

    @property
    def matrices(self) -> FloatArray:
        """(T, 23, 3, 3) global rotations relative to the T-pose."""
        flat = Rotation.from_quat(self.orientations.reshape(-1, 4)).as_matrix()
        return np.asarray(flat.reshape(len(self), len(BONES), 3, 3))


def quaternions_from_matrices(matrices: FloatArray) -> FloatArray:
    """(T, J, 4) unit quaternions (x, y, z, w), continuous in sign over time, of (T, J, 3, 3)."""
    shape = matrices.shape[:2]
    quaternions = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_quat().reshape(*shape, 4)
    turned = np.sum(quaternions[1:] * quaternions[:-1], axis=2) < 0
    sign = np.cumprod(np.where(turned, -1.0, 1.0), axis=0)
    quaternions[1:] *= sign[..., None]
    return np.asarray(quaternions)
