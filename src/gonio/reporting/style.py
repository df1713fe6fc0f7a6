"""What every picture shares: the colours of the sides and the order of the rows.

The two side colours are those of Okabe and Ito (Color Universal Design, 2008), which people with
any form of colour blindness tell apart, also in grey print.
"""

from __future__ import annotations

from gonio.skeleton import JOINTS, Joint, Side

RIGHT_COLOUR = "#D55E00"
"""Vermillion: the subject's right."""
LEFT_COLOUR = "#0072B2"
"""Blue: the subject's left."""
MIDDLE_COLOUR = "#444B54"
"""Slate: the mid-line."""
MARKED_COLOUR = "#F0B400"
"""Amber: a sample that was repaired or filled."""
SINGULAR_COLOUR = "#F8E7B4"
"""Pale amber: angles near a singularity of their sequence."""
ESTIMATED_COLOUR = "#DEE1E6"
"""Pale grey: angles that rest on estimated markers."""

SIDE_COLOUR: dict[Side | None, str] = {
    "R": RIGHT_COLOUR,
    "L": LEFT_COLOUR,
    None: MIDDLE_COLOUR,
}
SIDE_NAME: dict[Side | None, str] = {"R": "Right", "L": "Left", None: "Mid-line"}

ROW_TITLES: tuple[str, ...] = ("pelvis", "trunk", "hip", "knee", "ankle", "shoulder", "elbow")
"""The joints without their sides, from the middle of the body outwards."""


def joints_of_row(title: str) -> tuple[Joint, ...]:
    """The joints of one row: one on the mid-line, else right then left.

    >>> [joint.name for joint in joints_of_row("knee")]
    ['knee_R', 'knee_L']
    """
    return tuple(joint for joint in JOINTS if joint.title == title)


def rgb_of(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of `#RRGGBB`, 0..255."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


POSITIVE: dict[tuple[str, str], str] = {
    ("pelvis", "tilt"): "backward tilt",
    ("pelvis", "list"): "right side down",
    ("pelvis", "rotation"): "turn to the left",
    ("trunk", "flexion"): "forward",
    ("trunk", "adduction"): "bend to the right",
    ("trunk", "rotation"): "turn to the left",
    ("hip", "flexion"): "flexion",
    ("hip", "adduction"): "adduction",
    ("hip", "rotation"): "internal",
    ("knee", "flexion"): "flexion",
    ("knee", "adduction"): "adduction",
    ("knee", "rotation"): "internal",
    ("ankle", "flexion"): "dorsiflexion",
    ("ankle", "adduction"): "inversion",
    ("ankle", "rotation"): "internal",
    ("shoulder", "flexion"): "flexion",
    ("shoulder", "adduction"): "adduction",
    ("shoulder", "rotation"): "internal",
    ("shoulder", "plane_of_elevation"): "forward",
    ("shoulder", "elevation"): "upward",
    ("shoulder", "axial_rotation"): "internal",
    ("elbow", "flexion"): "flexion",
    ("elbow", "deviation"): "deviation (varus)",
    ("elbow", "pronation"): "pronation",
}
"""In which direction (joint without side, angle) grows; the same on both sides of the body. The
shoulder has two sets, one for each of its sequences."""
