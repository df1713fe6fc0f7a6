"""What `force_complete` fills from anatomy: input markers that nobody saw, hip joint centres.

Lengths are those of `gonio.markers.proportions`. The filled limb hangs straight from the part that
is there, which is a guess and flagged as one.
"""

from __future__ import annotations

import numpy as np

from gonio.frames import normalised
from gonio.markers import proportions
from gonio.markers.hip_centres import hip_centres_from_pelvis
from gonio.skeleton import MARKERS
from gonio.types import FloatArray, MarkerTrajectories, known


def complete_inputs(markers: MarkerTrajectories, height_m: float) -> MarkerTrajectories:
    """Fill missing samples of the 22 markers from the parts that are there.

    Args:
        markers: (T, 22, 3) metres, lab frame.
        height_m: stature, metres.

    Returns:
        The same with gaps filled and flagged. A frame without any marker of the trunk stays NaN.
    """
    made = {name: markers[name].copy() for name in MARKERS}
    _fill_trunk(made, height_m)
    down, ahead, right = _trunk_axes(made)
    for letter, out in (("R", right), ("L", -right)):
        _fill_limb(
            made,
            (f"{letter}Hip", f"{letter}Knee", f"{letter}Ankle"),
            down,
            height_m,
            (proportions.THIGH, proportions.SHANK),
        )
        _fill_limb(
            made,
            (f"{letter}Shoulder", f"{letter}Elbow", f"{letter}Wrist"),
            down,
            height_m,
            (proportions.UPPER_ARM, proportions.FOREARM),
        )
        _fill_foot(made, letter, ahead, out, height_m)
    across = made["RShoulder"] - made["LShoulder"]
    crown, nose = proportions.head_on_trunk(made["Neck"], made["Hip"], across, height_m)
    _fill(made, "Head", crown)
    _fill(made, "Nose", nose)
    positions = np.stack([made[name] for name in MARKERS], axis=1)
    new = ~known(markers.positions) & known(positions)
    return MarkerTrajectories(
        MARKERS, positions, markers.rate_hz, markers.estimated | new, markers.start_s
    )


def complete_hip_centres(markers: MarkerTrajectories) -> MarkerTrajectories:
    """Fill missing hip joint centres by the regression of Harrington et al. 2007.

    Args:
        markers: with the augmented names, metres.

    Returns:
        The same, filled samples flagged; NaN where a marker of the pelvis is missing too.
    """
    pelvis = [markers[f"{side}.{part}_study"] for part in ("ASIS", "PSIS") for side in ("r", "L")]
    positions, estimated = markers.positions.copy(), markers.estimated.copy()
    for name, centre in zip(
        ("RHJC_study", "LHJC_study"), hip_centres_from_pelvis(*pelvis), strict=True
    ):
        column = markers.names.index(name)
        gap = ~known(positions[:, column]) & known(centre)
        positions[gap, column] = centre[gap]
        estimated[gap, column] = True
    return MarkerTrajectories(markers.names, positions, markers.rate_hz, estimated, markers.start_s)


def _fill(made: dict[str, FloatArray], name: str, stand_in: FloatArray) -> None:
    made[name] = np.where(np.isnan(made[name]), stand_in, made[name])


def _fill_trunk(made: dict[str, FloatArray], height_m: float) -> None:
    """Middles from the side that is there, hips below shoulders or shoulders above hips, sides."""
    up = np.broadcast_to([0.0, 1.0, 0.0], made["Hip"].shape)
    right = normalised(made["RHip"] - made["LHip"])
    right = np.where(np.isnan(right), normalised(made["RShoulder"] - made["LShoulder"]), right)
    pairs = (
        ("Hip", "Hip", proportions.HALF_HIPS),
        ("Neck", "Shoulder", proportions.HALF_SHOULDERS),
    )
    for middle, part, half in pairs:
        _fill(made, middle, made["R" + part] - half * height_m * right)
        _fill(made, middle, made["L" + part] + half * height_m * right)
    _fill(made, "Neck", made["Hip"] + proportions.TRUNK * height_m * up)
    _fill(made, "Hip", made["Neck"] - proportions.TRUNK * height_m * up)
    for middle, part, half in pairs:
        _fill(made, "R" + part, made[middle] + half * height_m * right)
        _fill(made, "L" + part, made[middle] - half * height_m * right)


def _trunk_axes(made: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Down the trunk, ahead and right: unit vectors (T, 3)."""
    up = normalised(made["Neck"] - made["Hip"])
    right = normalised(made["RHip"] - made["LHip"])
    ahead = normalised(np.cross(up, right))
    return -up, ahead, np.cross(ahead, up)


def _fill_limb(
    made: dict[str, FloatArray],
    names: tuple[str, str, str],
    down: FloatArray,
    height_m: float,
    shares: tuple[float, float],
) -> None:
    """Middle and end of a limb, straight on from what is there; hanging where nothing is."""
    root, middle, end = names
    _fill(made, middle, made[root] + shares[0] * height_m * down)
    along = normalised(made[middle] - made[root])
    _fill(made, end, made[middle] + shares[1] * height_m * along)


def _fill_foot(
    made: dict[str, FloatArray],
    letter: str,
    ahead: FloatArray,
    outward: FloatArray,
    height_m: float,
) -> None:
    """Heel and toes at a right angle to the shank."""
    ankle = made[letter + "Ankle"]
    sole = normalised(ankle - made[letter + "Knee"])
    forward = normalised(ahead - np.einsum("ti,ti->t", ahead, sole)[:, None] * sole)
    below = ankle + proportions.ANKLE_HEIGHT * height_m * sole
    heel = below - proportions.HEEL_BACK * height_m * forward
    toe = below + proportions.TOE_FORWARD * height_m * forward
    _fill(made, letter + "Heel", heel)
    _fill(made, letter + "BigToe", toe)
    along = heel + proportions.SMALL_TOE_FORWARD * (toe - heel)
    small = along + proportions.SMALL_TOE_OUTWARD * height_m * outward
    _fill(made, letter + "SmallToe", small)
