from __future__ import annotations

from dataclasses import replace

import ezc3d
import numpy as np
import pytest

from gonio.datasets.opensim import C3dDataset
from gonio.errors import InputError, MissingFileError
from gonio.kinematics.angles import joint_angles
from gonio.kinematics.c3d import read_c3d, write_c3d
from gonio.types import MarkerTrajectories
from tests.kinematics.body import body


def test_round_trip_in_millimetres_with_gaps(tmp_path):
    markers = body({"knee_R_flexion_deg": np.linspace(0, 40, 7)}, count=7, rate_hz=59.94)
    markers.positions[2:4, 5] = np.nan
    write_c3d(tmp_path / "a.c3d", markers)
    file = ezc3d.c3d(str(tmp_path / "a.c3d"))
    point = file["parameters"]["POINT"]
    assert point["LABELS"]["value"] == list(markers.names)
    assert point["UNITS"]["value"] == ["mm"]
    assert point["RATE"]["value"][0] == pytest.approx(59.94, abs=1e-4)
    read = file["data"]["points"][:3].transpose(2, 1, 0) / 1000
    assert np.allclose(read, markers.positions, atol=1e-5, equal_nan=True)
    assert (file["data"]["meta_points"]["residuals"][0, 5] == [0, 0, -1, -1, 0, 0, 0]).all()


def test_a_c3d_without_frames_is_refused(tmp_path):
    empty = MarkerTrajectories(("C7",), np.zeros((0, 1, 3)), 60.0)
    with pytest.raises(InputError, match="at least one frame"):
        write_c3d(tmp_path / "a.c3d", empty)
    assert list(tmp_path.iterdir()) == []


def _clip(frames):
    x = np.arange(frames, dtype=float)[:, None, None]
    return MarkerTrajectories(("C7",), np.broadcast_to(x, (frames, 1, 3)), 60.0)


def test_the_longest_clip_comes_back_whole_and_a_longer_one_is_refused(tmp_path):
    write_c3d(tmp_path / "a.c3d", _clip(65_535))
    read = ezc3d.c3d(str(tmp_path / "a.c3d"))["data"]["points"]
    assert read.shape == (4, 1, 65_535)
    assert read[0, 0, -1] == 65_534_000
    with pytest.raises(InputError, match=r"65536 frames; a C3D file counts up to 65535"):
        write_c3d(tmp_path / "b.c3d", _clip(65_536))


def test_a_clip_that_is_too_long_leaves_no_file_and_says_so(tmp_path, caplog):
    dataset = C3dDataset(str(tmp_path / "a.c3d"))
    dataset.save(_clip(5))
    dataset.save(_clip(65_536))
    assert list(tmp_path.iterdir()) == []
    assert "There is no C3D file: the clip has 65536 frames" in caplog.text


def _changed(source, target, **point):
    """The same file with other values of POINT."""
    file = ezc3d.c3d(str(source))
    for name, value in point.items():
        file.add_parameter("POINT", name, value)
    file.write(str(target))
    return target


@pytest.fixture
def written(tmp_path):
    markers = body({"knee_R_flexion_deg": np.linspace(0, 40, 30)}, count=30, rate_hz=100.0)
    markers.positions[2:4, 5] = np.nan
    write_c3d(tmp_path / "a.c3d", markers)
    return tmp_path / "a.c3d", markers


def test_what_is_written_is_read_again(written):
    path, markers = written
    read = read_c3d(path)
    assert read.names == markers.names
    assert read.rate_hz == pytest.approx(100.0)
    np.testing.assert_allclose(read.positions, markers.positions, atol=1e-5)
    assert np.isnan(read.positions[2:4, 5]).all()


@pytest.mark.parametrize("start_s", [0.0, 2.5])
def test_a_clip_begins_when_it_began(tmp_path, start_s):
    markers = body(count=30, rate_hz=100.0)
    write_c3d(tmp_path / "a.c3d", replace(markers, start_s=start_s))
    assert read_c3d(tmp_path / "a.c3d").start_s == pytest.approx(start_s)


def test_a_residual_below_zero_is_a_gap_whatever_the_place(written, tmp_path):
    path, _ = written
    file = ezc3d.c3d(str(path))
    file["data"]["points"][:3, 7, 4] = 0.0
    file["data"]["meta_points"]["residuals"][0, 7, 4] = -1.0
    file.write(str(tmp_path / "b.c3d"))
    assert np.isnan(read_c3d(tmp_path / "b.c3d").positions[4, 7]).all()


def test_more_frames_than_can_be_read_are_told(tmp_path):
    write_c3d(tmp_path / "a.c3d", _clip(65_535))
    longer = _changed(tmp_path / "a.c3d", tmp_path / "b.c3d", LONG_FRAMES=[70_000.0])
    assert len(read_c3d(tmp_path / "a.c3d")) == 65_535
    with pytest.raises(InputError, match=r"b\.c3d says that it has 70000 frames, of which 65535"):
        read_c3d(longer)


@pytest.mark.parametrize("up", ["z", "+Z", "", 1])
def test_an_axis_that_is_none_is_refused(written, up):
    with pytest.raises(InputError, match="allowed are 'X', 'Y' and 'Z'"):
        read_c3d(written[0], up=up)


@pytest.mark.parametrize(
    ("turn", "up"),
    [
        ([[1, 0, 0], [0, 0, -1], [0, 1, 0]], "Z"),
        ([[0, 0, 1], [1, 0, 0], [0, 1, 0]], "Z"),
        ([[0, 1, 0], [0, 0, 1], [1, 0, 0]], "X"),
    ],
)
def test_a_body_in_other_axes_has_the_same_angles(tmp_path, turn, up):
    """The axes of the file are a turn of Gonio's, with its Y along `up`."""
    markers = body({"knee_R_flexion_deg": np.linspace(0, 40, 30)}, count=30, rate_hz=100.0)
    turn = np.array(turn, dtype=float)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert turn["XYZ".index(up), 1] == 1
    other = MarkerTrajectories(markers.names, markers.positions @ turn.T, 100.0)
    write_c3d(tmp_path / "a.c3d", other)
    for read in (
        read_c3d(tmp_path / "a.c3d", up=up),
        read_c3d(_changed(tmp_path / "a.c3d", tmp_path / "b.c3d", Y_SCREEN=["+" + up])),
    ):
        angles, expected = joint_angles(read), joint_angles(markers)
        for column in ("knee_R_flexion_deg", "pelvis_tilt_deg", "shoulder_L_flexion_deg"):
            np.testing.assert_allclose(angles[column], expected[column], atol=0.01)


def test_only_labelled_markers_are_read(written, tmp_path):
    path, markers = written
    names = list(markers.names)
    names[0], names[1] = "*1", "LKneeAngles"
    read = read_c3d(_changed(path, tmp_path / "b.c3d", LABELS=names, ANGLES=["LKneeAngles"]))
    assert read.names == markers.names[2:]
    np.testing.assert_allclose(read.positions, markers.positions[:, 2:], atol=1e-5)


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({"UNITS": ["furlong"]}, r"b\.c3d: POINT:UNITS is 'furlong'; allowed are m, cm, mm"),
        ({"Y_SCREEN": ["-Z"]}, r"b\.c3d: POINT:Y_SCREEN is '-Z'.* say up='Z'"),
        ({"LABELS": ["C7"] * 65}, r"b\.c3d: .*C7"),
        ({"LABELS": ["*"] * 65}, r"b\.c3d holds no frame of a labelled marker"),
    ],
)
def test_files_that_do_not_say_enough_are_refused(written, tmp_path, point, said):
    path, _ = written
    with pytest.raises(InputError, match=said):
        read_c3d(_changed(path, tmp_path / "b.c3d", **point))


def test_what_is_no_c3d_is_refused(written, tmp_path):
    path, _ = written
    with pytest.raises(MissingFileError, match="there is no C3D file"):
        read_c3d(tmp_path / "none.c3d")
    whole = path.read_bytes()
    for content in (b"", b"hello\n" * 200, whole[:700], whole[:4096], whole[: len(whole) - 600]):
        (tmp_path / "b.c3d").write_bytes(content)
        with pytest.raises(InputError, match=r"b\.c3d is (not a C3D file|cut off)"):
            read_c3d(tmp_path / "b.c3d")
