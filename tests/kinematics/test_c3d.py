from __future__ import annotations

import ezc3d
import numpy as np
import pytest

from gonio.datasets.opensim import C3dDataset
from gonio.errors import InputError
from gonio.kinematics.c3d import write_c3d
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
