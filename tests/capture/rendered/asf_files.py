"""CMU's skeleton and motion in Acclaim's format, with angles that the tests choose."""

from __future__ import annotations

# Name, parent, direction, length, axis, degrees of freedom.
Row = tuple[str, str, tuple[float, float, float], float, tuple[float, float, float], str]
DOWN = (0.342, -0.940, 0.0)


def _side(letter: str, s: float) -> list[Row]:
    down = (s * DOWN[0], DOWN[1], 0.0)
    return [
        (f"{letter}hipjoint", "root", (s * 0.6, -0.7, 0.4), 2.5, (0, 0, 0), ""),
        (f"{letter}femur", f"{letter}hipjoint", down, 7.4, (0, 0, s * 20), "rx ry rz"),
        (f"{letter}tibia", f"{letter}femur", down, 7.5, (0, 0, s * 20), "rx"),
        (f"{letter}foot", f"{letter}tibia", (0, -0.3, 0.95), 2.2, (-90, 0, s * 20), "rx rz"),
        (f"{letter}toes", f"{letter}foot", (0, 0, 1), 1.1, (-90, 0, s * 20), "rx"),
        (f"{letter}clavicle", "thorax", (s * 0.9, 0.4, 0), 3.6, (0, 0, 0), "ry rz"),
        (f"{letter}humerus", f"{letter}clavicle", (s, 0, 0), 5.0, (180, 30, s * 90), "rx ry rz"),
        (f"{letter}radius", f"{letter}humerus", (s, 0, 0), 3.3, (180, 30, s * 90), "rx"),
        (f"{letter}wrist", f"{letter}radius", (s, 0, 0), 1.7, (180, 30, s * 90), "ry"),
        (f"{letter}hand", f"{letter}wrist", (s, 0, 0), 0.8, (180, 30, s * 90), "rx rz"),
    ]


BONES: list[Row] = [
    *_side("l", 1.0),
    *_side("r", -1.0),
    ("lowerback", "root", (0, 1, 0), 2.0, (0, 0, 0), "rx ry rz"),
    ("upperback", "lowerback", (0, 1, 0), 2.0, (0, 0, 0), "rx ry rz"),
    ("thorax", "upperback", (0, 1, 0), 2.0, (0, 0, 0), "rx ry rz"),
    ("lowerneck", "thorax", (0, 1, 0), 1.7, (0, 0, 0), "rx ry rz"),
    ("upperneck", "lowerneck", (0, 1, 0), 1.7, (0, 0, 0), "rx ry rz"),
    ("head", "upperneck", (0, 1, 0), 1.7, (0, 0, 0), "rx ry rz"),
]
Angles = dict[str, tuple[float, ...]]


def asf_text() -> str:
    text = "# made for a test\n:version 1.10\n:name VICON\n:units\n mass 1.0\n length 0.45\n"
    text += " angle deg\n:documentation\n made\n:root\n order TX TY TZ RX RY RZ\n axis XYZ\n"
    text += " position 0 0 0\n orientation 0 0 0\n:bonedata\n"
    for number, (name, _, direction, length, axis, dof) in enumerate(BONES, 1):
        text += f" begin\n id {number}\n name {name}\n direction {' '.join(map(str, direction))}\n"
        text += f" length {length}\n axis {' '.join(map(str, axis))} XYZ\n"
        text += f" dof {dof}\n" if dof else ""
        text += " end\n"
    text += ":hierarchy\n begin\n"
    parents = dict.fromkeys(parent for _, parent, *_ in BONES)
    for parent in parents:
        text += f" {parent} {' '.join(name for name, p, *_ in BONES if p == parent)}\n"
    return text + " end\n"


def amc_text(frames: list[Angles]) -> str:
    text = ":FULLY-SPECIFIED\n:DEGREES\n"
    for number, angles in enumerate(frames, 1):
        text += (
            f"{number}\nroot {number} 17.0 0 {' '.join(map(str, angles.get('root', (0, 0, 0))))}\n"
        )
        for name, _, _, _, _, dof in BONES:
            if dof:
                values = angles.get(name, (0.0,) * len(dof.split()))
                text += f"{name} {' '.join(map(str, values))}\n"
    return text
