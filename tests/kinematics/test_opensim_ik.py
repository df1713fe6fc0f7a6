from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from gonio.errors import InputError, OutputError
from gonio.kinematics import opensim_ik
from gonio.kinematics.comparison import columns_from_model
from gonio.kinematics.coordinates import model_coordinates
from gonio.kinematics.mot import read_mot
from gonio.kinematics.opensim_ik import OpenSimError, scale_and_solve
from gonio.trc import read_trc
from gonio.types import MarkerTrajectories, Subject
from tests.kinematics.body import body, skin_markers

opensim = pytest.importorskip("opensim")


@pytest.fixture(scope="module")
def markers(shared) -> MarkerTrajectories:
    whole = read_trc(shared / "balancing_trial" / "balancing_LSTM.trc")
    return MarkerTrajectories(whole.names, whole.positions[:12], whole.rate_hz)


def test_model_motion_and_marker_errors_load_in_opensim(markers, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = scale_and_solve(markers, Subject(1.72, 65.0), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "inverse_kinematics.mot",
        "inverse_kinematics_marker_errors.csv",
        "scaled.osim",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]  # no opensim.log
    assert capfd.readouterr().out == ""
    model = opensim.Model(str(result.model))
    state = model.initSystem()
    assert model.getTotalMass(state) == pytest.approx(65.0, rel=1e-3)
    assert opensim.Storage(str(result.motion)).getSize() == 12
    labels = opensim.TimeSeriesTable(str(result.motion)).getColumnLabels()
    assert {c.getName() for c in model.getCoordinateSet()} == set(labels)
    assert 1 < result.quality()["marker_error_rms_cm"] < 4
    assert result.quality()["marker_error_max_cm"] < 12
    assert result.marker_errors["rms_m"].notna().all()


def test_scaled_model_holds_no_path_of_this_machine(markers, tmp_path):
    result = scale_and_solve(markers, Subject(), tmp_path)
    text = result.model.read_text()
    assert "OpenSim_Setup" not in text
    assert str(tmp_path) not in text
    assert result.mass_is_default
    assert result.mass_kg == 70


def test_it_stands_as_the_markers_stand(tmp_path):
    knees = {"knee_R_flexion_deg": np.full(3, 50.0), "hip_R_flexion_deg": np.full(3, 30.0)}
    result = scale_and_solve(
        body(knees, count=3, names=skin_markers()), Subject(1.75, 70), tmp_path
    )
    motion = read_mot(result.motion)
    assert (motion["knee_angle_r"] - motion["knee_angle_l"]).mean() == pytest.approx(50, abs=8)
    assert (motion["hip_flexion_r"] - motion["hip_flexion_l"]).mean() == pytest.approx(30, abs=8)


def test_empty_frames_and_missing_samples(markers, tmp_path):
    positions = markers.positions.copy()
    positions[5:7] = np.nan
    positions[:, markers.names.index("L_toe_study")] = np.nan
    gappy = MarkerTrajectories(markers.names, positions, markers.rate_hz)
    result = scale_and_solve(gappy, Subject(), tmp_path)
    motion = read_mot(result.motion)
    assert list(motion.index[motion["pelvis_tilt"].isna()]) == [5, 6]
    assert list(result.marker_errors.index[result.marker_errors["rms_m"].isna()]) == [5, 6]


_OF_THE_RIGHT_ARM = {f"r_{name}_study" for name in ("lelbow", "melbow", "lwrist", "mwrist")}
_ARM_R = ["arm_flex_r", "arm_add_r", "arm_rot_r", "elbow_flex_r", "pro_sup_r"]


def test_a_limb_that_is_not_seen_has_no_coordinates_and_leaves_the_others_alone(markers, tmp_path):
    """OpenSim would keep the last values: a motion that nobody measured."""
    positions = markers.positions.copy()
    arm = [i for i, name in enumerate(markers.names) if name in _OF_THE_RIGHT_ARM]
    positions[4:8, arm] = np.nan
    gappy = MarkerTrajectories(markers.names, positions, markers.rate_hz)
    result = scale_and_solve(gappy, Subject(), tmp_path)
    for motion in (result.coordinates, read_mot(result.motion)):
        gone = motion.isna()
        assert set(gone.columns[gone.any()]) == set(_ARM_R)
        for name in _ARM_R:
            assert list(motion.index[gone[name]]) == [4, 5, 6, 7]
    pd.testing.assert_frame_equal(
        read_mot(result.motion).isna(), model_coordinates(gappy).isna()[result.coordinates.columns]
    )
    curves = columns_from_model(result.coordinates)
    assert list(curves.index[curves["elbow_R_flexion_deg"].isna()]) == [4, 5, 6, 7]
    assert curves[["elbow_L_flexion_deg", "knee_R_flexion_deg"]].notna().all(axis=None)
    assert result.marker_errors["rms_m"].notna().all()
    assert opensim.Storage(str(result.motion)).getSize() == 12  # the gap is bridged in the file


def test_no_opensim_is_one_clear_error(markers, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opensim", None)
    with pytest.raises(OpenSimError, match="pip install opensim"):
        scale_and_solve(markers, Subject(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_tool_is_one_clear_error_and_leaves_old_results(markers, tmp_path, monkeypatch):
    scale_and_solve(markers, Subject(), tmp_path)
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(opensim_ik, "IK_FILE", "no_such_file.xml")
    with pytest.raises(OpenSimError, match="OpenSim failed"):
        scale_and_solve(markers, Subject(), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old


def test_nothing_to_solve_and_no_place_to_write(markers, tmp_path):
    nothing = MarkerTrajectories(markers.names, np.full_like(markers.positions, np.nan), 60.0)
    with pytest.raises(InputError, match="body sizes"):
        scale_and_solve(nothing, Subject(), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        scale_and_solve(markers, Subject(), tmp_path / "file" / "out")
