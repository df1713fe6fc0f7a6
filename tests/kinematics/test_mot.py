from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gonio.errors import InputError, MissingFileError
from gonio.kinematics.mot import read_mot, write_mot


@pytest.fixture
def table() -> pd.DataFrame:
    angle = np.array([0.0, 12.5, np.nan, -400.0])
    return pd.DataFrame(
        {
            "time": np.arange(4) / 60,
            "pelvis_tilt": angle,
            "knee_angle_r": np.nan,
            "pelvis_tx": [np.nan, np.nan, 0.3, 0.4],
        }
    )


def test_round_trip_keeps_gaps(table, tmp_path):
    write_mot(tmp_path / "a.mot", table)
    pd.testing.assert_frame_equal(read_mot(tmp_path / "a.mot"), table, atol=1e-7, rtol=0)


def test_opensim_reads_it(table, tmp_path):
    opensim = pytest.importorskip("opensim")
    opensim.Logger.setLevelString("Off")
    write_mot(tmp_path / "a.mot", table)
    storage = opensim.Storage(str(tmp_path / "a.mot"))
    assert storage.getSize() == 4
    assert storage.isInDegrees()
    read = opensim.TimeSeriesTable(str(tmp_path / "a.mot"))
    assert list(read.getColumnLabels()) == ["pelvis_tilt", "knee_angle_r", "pelvis_tx"]
    # OpenSim knows no gaps: a straight line bridges them.
    bridged = {"pelvis_tilt": [0, 12.5, -193.75, -400], "knee_angle_r": [0, 0, 0, 0]}
    for name, values in bridged.items():
        assert np.allclose(read.getDependentColumn(name).to_numpy(), values)


def test_the_file_says_which_samples_are_bridged(table, tmp_path):
    write_mot(tmp_path / "a.mot", table)
    text = (tmp_path / "a.mot").read_text()
    assert "missing=pelvis_tilt:2;knee_angle_r:0-3;pelvis_tx:0-1\n" in text
    assert "nan" not in text.lower()
    write_mot(tmp_path / "b.mot", table[["time"]].assign(a=1.0))
    assert "missing" not in (tmp_path / "b.mot").read_text()


def test_reference_file_of_opensim(shared):
    table = read_mot(shared / "balancing_trial" / "balancing_LSTM.mot")
    assert table.shape == (100, 69)
    assert table["pelvis_tilt"][0] == pytest.approx(-1.0317627)


def test_radians_become_degrees_but_lengths_stay(table, tmp_path):
    path = tmp_path / "a.mot"
    write_mot(path, table)
    path.write_text(path.read_text().replace("inDegrees=yes", "inDegrees=no"))
    read = read_mot(path)
    assert read["pelvis_tilt"][1] == pytest.approx(np.degrees(12.5))
    assert read["pelvis_tx"][3] == pytest.approx(0.4)


def test_bad_files(table, tmp_path):
    path = tmp_path / "a.mot"
    with pytest.raises(MissingFileError, match=r"a\.mot"):
        read_mot(path)
    path.write_text("time\ta\n0\t1\n")
    with pytest.raises(InputError, match="endheader"):
        read_mot(path)
    write_mot(path, table)
    whole = path.read_text()
    path.write_text("\n".join(whole.splitlines()[:-1]) + "\n")
    with pytest.raises(InputError, match="nRows=4, the file has 3"):
        read_mot(path)
    path.write_text(whole.replace("pelvis_tilt:2;", "pelvis_tilt:x;"))
    with pytest.raises(InputError, match="broken at 'pelvis_tilt:x'"):
        read_mot(path)
    for rows in ("abc", "nan", "4.5", "inf"):
        path.write_text(whole.replace("nRows=4", f"nRows={rows}"))
        with pytest.raises(InputError, match=rf"{path.name}: the header says nRows={rows}"):
            read_mot(path)
    for span in ("\u00b2", "2-\u00b2", "-1"):
        path.write_text(whole.replace("pelvis_tilt:2;", f"pelvis_tilt:{span};"), encoding="utf-8")
        with pytest.raises(InputError, match=rf"{path.name}: .* broken at"):
            read_mot(path)
    path.write_text(whole.replace("12.50000000", "twelve"))
    with pytest.raises(InputError, match="no number"):
        read_mot(path)


def test_a_table_without_time_or_frames_is_refused_and_leaves_the_old_file(table, tmp_path):
    path = tmp_path / "a.mot"
    write_mot(path, table)
    old = path.read_bytes()
    for bad in (table.drop(columns="time"), table.iloc[:0]):
        with pytest.raises(InputError, match="time"):
            write_mot(path, bad)
    assert path.read_bytes() == old
