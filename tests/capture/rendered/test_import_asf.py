from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.capture.rendered.import_motion import import_motion
from gonio.capture.rendered.motion import BONE
from gonio.errors import InputError, MissingFileError
from tests.capture.rendered.asf_files import DOWN, Angles, amc_text, asf_text
from tests.capture.rendered.damages import times_refused


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    angles: Angles = {
        "root": (10, 40, 5),
        "lfemur": (-30, 8, 5),
        "ltibia": (65,),
        "rhumerus": (20, -15, 40),
        "rradius": (50,),
        "rwrist": (25,),
    }
    (tmp_path / "02.asf").write_text(asf_text())
    path = tmp_path / "02_03.amc"
    path.write_text(amc_text([{}, angles]))
    return path


def _fixed(*degrees: float) -> Rotation:
    return Rotation.from_euler("xyz", degrees, degrees=True)


def test_known_rotations_come_back(recording: Path) -> None:
    motion = import_motion(recording, fps=120.0)
    root = _fixed(10, 40, 5)
    np.testing.assert_allclose(motion.matrices[1, BONE["Hips"]], root.as_matrix(), atol=1e-6)

    leg_axes = _fixed(0, 0, 20)
    thigh = root * leg_axes * _fixed(-30, 8, 5) * leg_axes.inv()
    shank = thigh * leg_axes * _fixed(65, 0, 0) * leg_axes.inv()
    down = np.array(DOWN) / np.linalg.norm(DOWN)
    np.testing.assert_allclose(
        motion.matrices[1, BONE["LeftLeg"]] @ [0, -1, 0], shank.apply(down), atol=1e-6
    )
    arm_axes = _fixed(180, 30, -90)
    arm = root * arm_axes * _fixed(20, -15, 40) * arm_axes.inv()
    fore_arm = arm * arm_axes * _fixed(50, 25, 0) * arm_axes.inv()
    np.testing.assert_allclose(motion.matrices[1, BONE["RightArm"]], arm.as_matrix(), atol=1e-6)
    bent_then_twisted = (
        arm * (arm_axes * _fixed(50, 0, 0) * arm_axes.inv()) * arm_axes * _fixed(0, 25, 0)
    ) * arm_axes.inv()
    np.testing.assert_allclose(
        motion.matrices[1, BONE["RightForeArm"]], bent_then_twisted.as_matrix(), atol=1e-6
    )
    assert not np.allclose(fore_arm.as_matrix(), bent_then_twisted.as_matrix())


def test_path_and_leg_are_in_metres(recording: Path) -> None:
    motion = import_motion(recording, fps=120.0)
    unit = 0.0254 / 0.45
    assert motion.leg_m == pytest.approx(unit * (7.4 + 7.5) * np.linalg.norm(DOWN), rel=1e-6)
    np.testing.assert_allclose(
        motion.root[0], unit * np.array([1.0, 17 - 2.5 * 0.7, 2.5 * 0.4]), atol=1e-6
    )
    assert motion.performer == "cmu02"
    assert import_motion(recording, fps=30.0).fps == 30.0


def test_without_its_skeleton_the_error_says_what_is_needed(recording: Path) -> None:
    (recording.parent / "02.asf").unlink()
    with pytest.raises(MissingFileError, match=r"02\.asf beside it"):
        import_motion(recording)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("02_03.amc", "ltibia 65\n", "ltibia\n", "frame 2: bone ltibia has 0 values"),
        ("02_03.amc", "ltibia 65\n", "ltibia much\n", "could not convert"),
        ("02_03.amc", "1\nroot", "root", "stands before frame 1"),
        ("02.asf", ":hierarchy", ":tree", "lacks hierarchy"),
        ("02.asf", "length 7.4", "length long", "not a whole ASF"),
        ("02.asf", "angle deg", "angle rad", "only deg"),
        ("02.asf", " name ltoes", " name lclaw", "lclaw are not in its hierarchy"),
        ("02.asf", " order TX TY TZ RX RY RZ\n", "", "order of its root is ''"),
        ("02.asf", "order TX TY TZ RX RY RZ", "order RX RY RZ", "order of its root"),
        ("02.asf", "TX TY TZ RX RY RZ", "TX TY TZ RX RX RZ", "order of its root"),
        ("02.asf", "length 0.45", "length 0", "unit of length is 0"),
        ("02.asf", "length 7.4", "length nan", "'nan' stands where 1 finite"),
        ("02.asf", "length 7.4", "length -7.4", "bone lfemur has length -7.4"),
        ("02.asf", "direction 0 1 0", "direction 0 1", "3 finite numbers"),
        ("02.asf", "direction 0 1 0", "direction 0 0 0", "bone lowerback has length 2 and direct"),
        ("02.asf", "axis 0 0 20.0 XYZ", "axis 0 0 20.0 XXZ", "axes xxz"),
        ("02.asf", "dof rx ry rz", "dof rx rx rz", "dof 'rx rx rz'"),
        ("02.asf", "dof rx ry rz", "dof rx ry rq", "dof 'rx ry rq'"),
        ("02.asf", " name ltoes", " name lfoot", "two bones bear the name lfoot"),
        ("02.asf", " ltibia lfoot", " ltibia lfoot claw", "names claw, which are no bones"),
        ("02.asf", " ltibia lfoot", " ltibia lfoot root", "root hang from themselves"),
        ("02.asf", " ltibia lfoot", " ltibia lfoot ltibia", "ltibia hangs from"),
        ("02_03.amc", "ltibia 65\n", "ltibia nan\n", "'nan' stands where 1 finite"),
        ("02_03.amc", "\n2\n", "\n\u00b2\n", "root stands twice in frame 1"),
    ],
)
def test_malformed_files_are_named_with_the_reason(
    recording: Path, name: str, old: str, new: str, message: str
) -> None:
    path = recording.parent / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        import_motion(recording)


@pytest.mark.parametrize("suffix", [".asf", ".amc"])
def test_one_damaged_line_is_no_surprise(recording: Path, suffix: str) -> None:
    """What is refused is refused by Gonio: a folder's other files are still imported."""
    path = recording.parent / f"{'02' if suffix == '.asf' else '02_03'}{suffix}"
    assert times_refused(path, 150, lambda: import_motion(recording)) > 50


def test_an_empty_file_is_refused(recording: Path) -> None:
    recording.write_text(":DEGREES\n")
    with pytest.raises(InputError, match="no frames"):
        import_motion(recording)
