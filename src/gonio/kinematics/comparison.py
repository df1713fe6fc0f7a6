"""OpenSim's coordinates under the names of our columns, to be put beside our angles."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.transform import Rotation

from gonio.kinematics.angles import HEADING_COLUMN
from gonio.skeleton import Side

SPINE = ("L5_S1", "L4_L5", "L3_L4", "L2_L3", "L1_L2", "L1_T12")
"""Joints of the spine, as far as a model has them; our trunk is compared with their sum."""
PELVIS = ("pelvis_tilt", "pelvis_list", "pelvis_rotation")


def _limb(side: Side) -> dict[str, tuple[tuple[str, ...], int]]:
    s = side.lower()
    names = {
        f"hip_{side}_flexion_deg": f"hip_flexion_{s}",
        f"hip_{side}_adduction_deg": f"hip_adduction_{s}",
        f"hip_{side}_rotation_deg": f"hip_rotation_{s}",
        f"knee_{side}_flexion_deg": f"knee_angle_{s}",
        f"ankle_{side}_flexion_deg": f"ankle_angle_{s}",
        f"ankle_{side}_adduction_deg": f"subtalar_angle_{s}",
        f"elbow_{side}_flexion_deg": f"elbow_flex_{s}",
        f"elbow_{side}_pronation_deg": f"pro_sup_{s}",
    }
    return {column: ((name,), 1) for column, name in names.items()}


COORDINATES_OF_COLUMN: dict[str, tuple[tuple[str, ...], int]] = {
    **_limb("R"),
    **_limb("L"),
    "trunk_flexion_deg": (tuple(f"{joint}_Flex_Ext" for joint in SPINE), -1),
    "trunk_adduction_deg": (tuple(f"{joint}_Lat_Bending" for joint in SPINE), 1),
    "trunk_rotation_deg": (tuple(f"{joint}_axial_rotation" for joint in SPINE), 1),
}
"""Our column: the coordinates of the model whose sum it is compared with, and the sign."""


def columns_from_model(motion: pd.DataFrame) -> pd.DataFrame:
    """Our columns from a model's coordinates, as far as the two mean the same.

    The pelvis is turned from the model's sequence (tilt, list, rotation) into ours (rotation,
    list, tilt). The shoulder is left out: the model's is a plane of elevation.

    Args:
        motion: `time` and coordinates of a Pose2Sim model, degrees.

    Returns:
        `time_s` and the columns that the motion has coordinates for, degrees.
    """
    columns = {"time_s": motion["time"].to_numpy(dtype=float)}
    if set(PELVIS) <= set(motion.columns):
        columns |= _pelvis(motion)
    for column, (names, sign) in COORDINATES_OF_COLUMN.items():
        present = [name for name in names if name in motion]
        if present:
            columns[column] = sign * motion[present].sum(axis=1, skipna=False).to_numpy()
    return pd.DataFrame(columns)


def with_heading_beside(theirs: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """A model's angles, their heading by so many full turns that it lies beside ours.

    Both headings are continuous, but where somebody faces away one may begin at 180 degrees and
    the other at -180.

    Args:
        theirs: `time_s` and columns as `columns_from_model` gives them, degrees.
        ours: `time_s` and the 36 columns, degrees.

    Returns:
        `theirs`; changed in the column of the heading alone, where both have one.
    """
    if HEADING_COLUMN not in theirs:
        return theirs
    frames = pd.Series(ours[HEADING_COLUMN].to_numpy(), index=ours["time_s"].to_numpy())
    at = frames.reindex(theirs["time_s"].to_numpy(), method="nearest").to_numpy()
    apart = np.asarray(theirs[HEADING_COLUMN] - at)
    if not np.isfinite(apart).any():
        return theirs
    turns = np.round(np.nanmedian(apart) / 360.0)
    return theirs.assign(**{HEADING_COLUMN: theirs[HEADING_COLUMN] - 360.0 * turns})


def _pelvis(motion: pd.DataFrame) -> dict[str, np.ndarray]:
    euler = motion[list(PELVIS)].to_numpy(dtype=float)
    known = np.isfinite(euler).all(axis=1)
    ours = np.full_like(euler, np.nan)
    if known.any():
        turns = Rotation.from_euler("ZXY", euler[known], degrees=True)
        rotation, list_, tilt = turns.as_euler("YXZ", degrees=True).T
        heading = np.degrees(np.unwrap(np.radians(rotation)))
        ours[known] = np.stack([tilt, list_, heading], axis=1)
    return {f"{name}_deg": ours[:, i] for i, name in enumerate(PELVIS)}
