"""What is taken of a body where it is not known: lengths as shares of stature, mass, the head.

Heights of joints above the floor are after Drillis and Contini (1966), in Winter, Biomechanics and
Motor Control of Human Movement, 4th ed. 2009, figure 4.1; so is what no other source is named for.
"""

from __future__ import annotations

import numpy as np

from gonio.frames import normalised
from gonio.types import FloatArray

DEFAULT_MASS_KG = 70.0
"""Where the mass is not known; it hardly matters to the networks, and kinematics does not depend on
it."""

SHOULDER_HEIGHT, HIP_HEIGHT, KNEE_HEIGHT, ANKLE_HEIGHT = 0.818, 0.530, 0.285, 0.039
THIGH = HIP_HEIGHT - KNEE_HEIGHT
SHANK = KNEE_HEIGHT - ANKLE_HEIGHT
LEG = THIGH + SHANK
TRUNK = SHOULDER_HEIGHT - HIP_HEIGHT
"""Mid-hip to mid-shoulder."""
UPPER_ARM = 0.186
FOREARM = 0.146
HALF_SHOULDERS = 0.129
HALF_HIPS = 0.0955 / 2
"""Half of 0.191 / 2: the trochanters are 0.191 apart, the joint centres about half of that."""

HEEL_BACK = 0.03
TOE_FORWARD = 0.12
"""Heel and toe lie before and behind the ankle such that the foot is about 0.152 long."""
SMALL_TOE_FORWARD = 0.8
"""Place of the fifth toe along the line from heel to big toe; no share of stature."""
SMALL_TOE_OUTWARD = 0.6 * 0.055
"""Distance of the fifth toe from that line: forefoot breadth is 0.055 less half a toe on either
side."""

CROWN_ABOVE_EARS = 0.0746
"""Tragion to top of head: 131 mm of 1756 mm, men, ANSUR II (Gordon et al. 2014, Anthropometric
Survey of U.S. Army Personnel, NATICK/TR-15/007)."""
CROWN_ABOVE_NECK = 0.17
"""Crown above mid-shoulder (1 - 0.818, less the slope of the shoulders)."""
NOSE_BEFORE_EARS = 0.06


def head_on_trunk(
    neck: FloatArray, hip: FloatArray, across: FloatArray, height_m: float
) -> tuple[FloatArray, FloatArray]:
    """Crown and nose where the face is not seen: on the axis of the trunk, looking ahead.

    Args:
        neck: (T, 3) mid-shoulder, metres, any axes.
        hip: (T, 3) mid-hip.
        across: (T, 3) from the left to the right shoulder.
        height_m: stature, metres.

    Returns:
        (T, 3) each, metres, the same axes.
    """
    trunk = normalised(neck - hip)
    ahead = normalised(np.cross(trunk, across))
    crown = neck + CROWN_ABOVE_NECK * height_m * trunk
    ears = neck + (CROWN_ABOVE_NECK - CROWN_ABOVE_EARS) * height_m * trunk
    return crown, ears + NOSE_BEFORE_EARS * height_m * ahead
