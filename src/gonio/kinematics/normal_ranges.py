"""Normal ranges of motion: between which angles healthy adults can move a joint.

They are for comparison in pictures and counts, and limit nothing: an unusual movement is often
what a reader looks for. A range is measured in one plane with the other angles at zero, so that
what is combined (an arm overhead) may lie outside of it without being abnormal.
"""

from __future__ import annotations

from dataclasses import dataclass

from gonio.skeleton import JOINTS

AAOS = (
    "American Academy of Orthopaedic Surgeons, Joint Motion: Method of Measuring and Recording, "
    "1965; in Norkin & White, Measurement of Joint Motion, 5th ed. 2016, appendix"
)
HOPPENFELD = "Hoppenfeld, Physical Examination of the Spine and Extremities, 1976"


@dataclass(frozen=True)
class NormalRange:
    """Where an angle lies in healthy adults.

    Attributes:
        low: degrees, with the sign of our column.
        high: degrees.
        source: where the two come from.
    """

    low: float
    high: float
    source: str = AAOS


_BY_ANGLE: dict[tuple[str, str], NormalRange] = {
    ("hip", "flexion"): NormalRange(-30, 120),
    ("hip", "adduction"): NormalRange(-45, 30),
    ("hip", "rotation"): NormalRange(-45, 45),
    ("knee", "flexion"): NormalRange(-10, 135),
    ("ankle", "flexion"): NormalRange(-50, 20),
    ("ankle", "adduction"): NormalRange(-15, 35),
    ("trunk", "flexion"): NormalRange(-25, 80),
    ("trunk", "adduction"): NormalRange(-35, 35),
    ("trunk", "rotation"): NormalRange(-45, 45),
    ("shoulder", "flexion"): NormalRange(-60, 180),
    ("shoulder", "adduction"): NormalRange(-180, 45, f"abduction: {AAOS}; adduction: {HOPPENFELD}"),
    ("shoulder", "rotation"): NormalRange(-90, 70),
    ("elbow", "flexion"): NormalRange(0, 150),
    # 80 degrees either way from the thumb pointing up, which is 90 from the palm forward.
    ("elbow", "pronation"): NormalRange(10, 170),
}
"""By joint without side and angle. The pelvis in the room can have any angle; adduction and
rotation of the knee, rotation of the foot and deviation of the elbow have no range in these
tables: what is measured there is mostly build (tibial torsion, the carrying angle)."""

NORMAL_RANGES: dict[str, NormalRange] = {
    column: _BY_ANGLE[joint.title, angle]
    for joint in JOINTS
    for column, angle in zip(joint.columns, joint.angles, strict=True)
    if (joint.title, angle) in _BY_ANGLE
}
"""By column of joint angles; columns without a range are not in it."""
