"""Make the tables of kinematics.md from the code and from the reference trial.

Run `python docs/make_kinematics_tables.py` after a change of segments, joints or angles. The
comparison needs the folder `shared` beside the project; without it that table is left as it is.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from gonio.kinematics import joint_angles, model_coordinates, read_mot
from gonio.kinematics.comparison import COORDINATES_OF_COLUMN, PELVIS, SPINE
from gonio.kinematics.segments import SEGMENTS
from gonio.skeleton import COLUMN_AXES, JOINTS
from gonio.trc import read_trc

PAGE = Path(__file__).with_name("kinematics.md")
TRIAL = Path(__file__).resolve().parents[2] / "shared" / "balancing_trial"

WHY = {
    "pelvis_tilt_deg": "Other sequence: OpenSim's pelvis is Z-X-Y (tilt first, in the lab's axes), "
    "ours Y-X-Z (heading first). This subject faces +Z, a quarter turn from the lab's X, so that "
    "what is tilt of the body is list in OpenSim. Our MOT is in OpenSim's sequence.",
    "pelvis_list_deg": "As for tilt.",
    "pelvis_rotation_deg": "Alike: heading dominates both sequences.",
    "hip_adduction": "Alike.",
    "hip_rotation": "The model's knee has one axis. What the shank does beside it (our knee "
    "adduction and rotation) goes into the model's hip rotation; ours is turned by the epicondyles "
    "alone. The MOT, fitted with the same knee, agrees.",
    "ankle_adduction": "The model's subtalar joint has one oblique axis and stops at 20 degrees, "
    "which it reaches here: inversion, foot adduction and some flexion are one number there, three "
    "here. The MOT, fitted with the same joint, agrees.",
    "trunk_flexion_deg": "A task in the model's set-up holds its lumbar flexion at 0: it hardly "
    "moves.",
    "trunk_adduction_deg": "The model bends about six joints from L5 to T12 to bring its shoulders "
    "to the markers; ours is the line from L5/S1 to the shoulders.",
    "trunk_rotation_deg": "As for trunk adduction.",
    "elbow_flexion": "The reference stands at the limit of its pronation (90 degrees), and its "
    "elbow makes up for that. Against OpenSim's inverse kinematics on the simple model, where "
    "pronation is free, our flexion has r 0.97 to 0.99 and 3.1 to 3.4 degrees RMS.",
    "elbow_pronation": "At its limit throughout in the reference: nothing to compare.",
    "flexion": "Alike.",
}


def segment_table() -> str:
    """One row a segment: markers, axes, stand-ins, source."""
    rows = ["| segment | markers | origin | axes | stand-ins | source |", "|---|" + "---|" * 5]
    for d in SEGMENTS:
        markers = ", ".join(f"`{m.format(r='r', R='R')}`" for m in d.markers)
        name = f"{d.name} (R, L)" if d.sided else d.name
        stand_ins = d.stand_ins.format(r="r", R="R")
        rows.append(f"| {name} | {markers} | {d.origin} | {d.axes} | {stand_ins} | {d.source} |")
    return "\n".join(rows)


def joint_table() -> str:
    """One row a joint: parent, child, sequence, and the axis and sign of each column."""
    rows = [
        "| joint | from | to | sequence | first column | second | third |",
        "|---|" + "---|" * 6,
    ]
    for joint in JOINTS:
        columns = [
            f"{angle} ({'+' if sign > 0 else '-'}{axis})"
            for angle, sign, axis in zip(joint.angles, joint.signs, COLUMN_AXES, strict=True)
        ]
        sequence = "-".join(joint.sequence)
        rows.append(
            f"| {joint.name} | {joint.parent} | {joint.child} | {sequence} | "
            + " | ".join(columns)
            + " |"
        )
    return "\n".join(rows)


def reference_coordinates(motion: pd.DataFrame) -> dict[str, tuple[str, pd.Series]]:
    """Our column -> (name of the reference, its values with our sign)."""
    pairs: dict[str, tuple[str, pd.Series]] = {f"{n}_deg": (n, motion[n]) for n in PELVIS}
    for column, (names, sign) in COORDINATES_OF_COLUMN.items():
        label = names[0] if len(names) == 1 else f"sum of *{names[0].removeprefix(SPINE[0])}"
        total = sign * motion[[name for name in names if name in motion]].sum(axis=1)
        pairs[column] = (f"-{label}" if sign < 0 else label, total)
    return pairs


def _why(column: str) -> str:
    plain = column.removesuffix("_deg").replace("_R_", "_").replace("_L_", "_")
    return next(WHY[key] for key in (column, plain, plain.split("_")[-1]) if key in WHY)


def _agreement(ours: pd.Series, theirs: pd.Series) -> str:
    if theirs.std() < 1e-3 or ours.std() < 1e-3:
        return "- | -"
    return f"{np.corrcoef(ours, theirs)[0, 1]:.3f} | {np.std(ours - theirs):.1f}"


def comparison_table() -> str:
    """Our angles, and the model coordinates that we write, beside OpenSim's."""
    markers = read_trc(TRIAL / "balancing_LSTM.trc")
    motion = read_mot(TRIAL / "balancing_LSTM.mot")
    angles, coordinates = joint_angles(markers), model_coordinates(markers)
    rows = [
        "| our angle | OpenSim | r | RMS deg | offset deg | MOT r | MOT RMS deg | why |",
        "|---|" + "---|" * 7,
    ]
    for column, (name, theirs) in reference_coordinates(motion).items():
        ours = angles[column]
        own = _agreement(coordinates[name], theirs) if name in coordinates else "- | -"
        offset = ours.mean() - theirs.mean()
        rows.append(
            f"| {column} | {name} | {_agreement(ours, theirs)} | {offset:+.1f} | {own} | "
            f"{_why(column)} |"
        )
    return "\n".join(rows)


def filled(page: str, name: str, table: str) -> str:
    """The page with a table put between its two comments.

    Raises:
        ValueError: the page has no such place.
    """
    pattern = rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)"
    page, count = re.subn(pattern, lambda m: f"{m[1]}{table}\n{m[2]}", page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{PAGE.name} has no place for the table {name!r}")
    return page


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    page = filled(page, "segments", segment_table())
    page = filled(page, "joints", joint_table())
    if TRIAL.is_dir():
        page = filled(page, "comparison", comparison_table())
    else:
        print(f"{TRIAL} is absent: the comparison is left as it is")
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
