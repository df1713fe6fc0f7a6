from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.capture.rendered.import_motion import import_motion
from gonio.capture.rendered.motion import BONE
from gonio.errors import InputError
from tests.capture.rendered.damages import times_refused

# Name, parent, offset: CMU's skeleton with splayed legs, as its BVH files have it.
SKELETON: list[tuple[str, str, tuple[float, float, float]]] = [
    ("Hips", "", (0, 0, 0)),
    ("LHipJoint", "Hips", (0, 0, 0)),
    ("LeftUpLeg", "LHipJoint", (1.4, -1.8, 0.8)),
    ("LeftLeg", "LeftUpLeg", (2.5, -6.9, 0)),
    ("LeftFoot", "LeftLeg", (2.6, -7.1, 0)),
    ("LeftToeBase", "LeftFoot", (0.2, -0.5, 2.1)),
    ("RHipJoint", "Hips", (0, 0, 0)),
    ("RightUpLeg", "RHipJoint", (-1.4, -1.8, 0.8)),
    ("RightLeg", "RightUpLeg", (-2.5, -6.9, 0)),
    ("RightFoot", "RightLeg", (-2.6, -7.1, 0)),
    ("RightToeBase", "RightFoot", (-0.2, -0.5, 2.1)),
    ("LowerBack", "Hips", (0, 0, 0)),
    ("Spine", "LowerBack", (0, 2, 0)),
    ("Spine1", "Spine", (0, 2, 0)),
    ("Neck", "Spine1", (0, 0, 0)),
    ("Neck1", "Neck", (0, 1.6, 0)),
    ("Head", "Neck1", (0, 1.6, 0)),
    ("LeftShoulder", "Spine1", (0, 0, 0)),
    ("LeftArm", "LeftShoulder", (3.3, 0.8, 0)),
    ("LeftForeArm", "LeftArm", (5.0, 0, 0)),
    ("LeftHand", "LeftForeArm", (3.4, 0, 0)),
    ("RightShoulder", "Spine1", (0, 0, 0)),
    ("RightArm", "RightShoulder", (-3.3, 0.8, 0)),
    ("RightForeArm", "RightArm", (-5.0, 0, 0)),
    ("RightHand", "RightForeArm", (-3.4, 0, 0)),
]
Angles = dict[str, tuple[float, float, float]]


def _joint(name: str, depth: str = "") -> str:
    offset = next(o for n, _, o in SKELETON if n == name)
    word = "JOINT" if depth else "ROOT"
    channels = "Zrotation Yrotation Xrotation"
    channels = f"3 {channels}" if depth else f"6 Xposition Yposition Zposition {channels}"
    inner = depth + "  "
    children = [_joint(child, inner) for child, parent, _ in SKELETON if parent == name]
    if not children:
        children = [f"{inner}End Site\n{inner}{{\n{inner}OFFSET 0.5 0 0\n{inner}}}\n"]
    return (
        f"{depth}{word} {name}\n{depth}{{\n{inner}OFFSET {offset[0]} {offset[1]} {offset[2]}\n"
        f"{inner}CHANNELS {channels}\n{''.join(children)}{depth}}}\n"
    )


def _order(name: str = "Hips") -> list[str]:
    return [name] + [j for child, parent, _ in SKELETON if parent == name for j in _order(child)]


Writer = Callable[..., Path]


@pytest.fixture
def write_bvh(tmp_path: Path) -> Writer:
    def write(frames: list[Angles], step_s: float = 1 / 30, name: str = "02_01.bvh") -> Path:
        rows = []
        for k, angles in enumerate(frames):
            row = [float(k), 17.0, 0.0]
            for joint in _order():
                row += list(angles.get(joint, (0.0, 0.0, 0.0)))
            rows.append(" ".join(f"{value:.6f}" for value in row))
        head = f"Frames: {len(frames)}\nFrame Time: {step_s:.7f}\n"
        path = tmp_path / name
        path.write_text("HIERARCHY\n" + _joint("Hips") + "MOTION\n" + head + "\n".join(rows))
        return path

    return write


def test_known_rotations_come_back(write_bvh: Writer) -> None:
    angles: Angles = {"Hips": (10, 40, 5), "LeftForeArm": (20, -60, 15), "RightLeg": (0, 0, 70)}
    motion = import_motion(write_bvh([{}, angles]))
    hips = Rotation.from_euler("ZYX", angles["Hips"], degrees=True)
    np.testing.assert_allclose(motion.matrices[1, BONE["Hips"]], hips.as_matrix(), atol=1e-6)
    # The arms rest in the T-pose already: their orientation is the file's own.
    fore_arm = hips * Rotation.from_euler("ZYX", angles["LeftForeArm"], degrees=True)
    np.testing.assert_allclose(
        motion.matrices[1, BONE["LeftForeArm"]], fore_arm.as_matrix(), atol=1e-6
    )


def test_the_shank_points_where_the_file_has_it(write_bvh: Writer) -> None:
    angles: Angles = {"RightUpLeg": (0, 0, -40), "RightLeg": (5, 0, 70)}
    motion = import_motion(write_bvh([{}, angles]))
    thigh = Rotation.from_euler("ZYX", angles["RightUpLeg"], degrees=True)
    shank = thigh * Rotation.from_euler("ZYX", angles["RightLeg"], degrees=True)
    splayed = np.array([-2.6, -7.1, 0]) / np.linalg.norm([2.6, 7.1])
    for frame, turn in ((0, Rotation.identity()), (1, shank)):
        expected = turn.apply(splayed)
        np.testing.assert_allclose(
            motion.matrices[frame, BONE["RightLeg"]] @ [0, -1, 0], expected, atol=1e-6
        )


def test_path_unit_performer_and_rate(write_bvh: Writer) -> None:
    motion = import_motion(write_bvh([{}] * 9, step_s=1 / 120), action="walking")
    unit = 0.0254 / 0.45
    assert motion.fps == pytest.approx(30, abs=1e-3)
    assert motion.performer == "cmu02"
    assert motion.leg_m == pytest.approx(unit * (np.hypot(2.5, 6.9) + np.hypot(2.6, 7.1)), rel=1e-6)
    expected = [[4.0 * k, 17.0 - 1.8, 0.8] for k in range(3)]
    np.testing.assert_allclose(motion.root, unit * np.array(expected), atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("HIERARCHY", "", "not a BVH file"),
        ("MOTION", "", "not a BVH file"),
        ("Frames: 2", "Frames: 3", "says 3 frames"),
        ("Frame Time: 0.0333333", "Frame Time: fast", "Frame Time"),
        ("OFFSET 1.4 -1.8 0.8", "OFFSET 1.4 low 0.8", "should be numbers"),
        ("JOINT LeftLeg", "JOINT Knee", "no joint LeftLeg"),
        ("OFFSET 2.5 -6.9 0", "OFFSET 2.5 -69000 0", "no human leg"),
        ("CHANNELS 6", "CHANNEL 6", "has no place"),
        ("CHANNELS 6", "CHANNELS nan", "finite numbers"),
        ("CHANNELS 6", "CHANNELS 5", "'Xrotation' has no place"),
        ("CHANNELS 6", "CHANNELS 999", "999 channels"),
        ("CHANNELS 6 Xposition", "CHANNELS 6 Wposition", "the channels are wposition"),
        ("CHANNELS 6 Xposition", "CHANNELS 6 Yposition", "each once"),
        ("OFFSET 1.4 -1.8 0.8", "OFFSET 1.4 nan 0.8", "finite numbers"),
        ("Frame Time: 0.0333333", "Frame Time: nan", "a time above 0"),
        ("Frame Time: 0.0333333", "Frame Time: 1e-320", "a time above 0"),
        ("\n1.000000 17.0", "\ninf 17.0", "finite numbers"),
    ],
)
def test_malformed_files_are_named_with_the_reason(
    write_bvh: Writer, old: str, new: str, message: str
) -> None:
    path = write_bvh([{}, {}])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=message):
        import_motion(path)


def test_one_damaged_line_is_no_surprise(write_bvh: Writer) -> None:
    path = write_bvh([{"Hips": (1.5, 2.5, 3.5)}] * 3)
    assert times_refused(path, 300, lambda: import_motion(path)) > 100


def test_a_file_that_was_cut_off_is_refused_wherever_it_was_cut(write_bvh: Writer) -> None:
    path = write_bvh([{"Hips": (1.5, 2.5, 3.5)}] * 3)
    text = path.read_text()
    for share in (0.01, 0.2, 0.5, 0.8, 0.95):
        path.write_text(text[: int(share * len(text))])
        with pytest.raises(InputError, match=r"02_01\.bvh"):
            import_motion(path)
