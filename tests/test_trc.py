import numpy as np
import opensim
import pytest
from Pose2Sim.common import read_trc as pose2sim_read_trc

from gonio.errors import InputError, MissingFileError, OutputError
from gonio.trc import read_trc, write_trc
from gonio.types import MarkerTrajectories


@pytest.fixture
def markers():
    positions = np.random.default_rng(0).normal(size=(7, 3, 3))
    positions[2:4, 1] = np.nan
    positions[6, 2] = np.nan  # the last cells of the last row
    return MarkerTrajectories(("Hip", "r.ASIS_study", "RKnee"), positions, 59.94, start_s=0.5)


def test_round_trip_keeps_gaps_rate_and_time(tmp_path, markers):
    write_trc(tmp_path / "a.trc", markers)
    again = read_trc(tmp_path / "a.trc")
    assert again.names == markers.names
    assert again.rate_hz == pytest.approx(59.94)
    np.testing.assert_allclose(again.time_s, markers.time_s, atol=1e-6)
    np.testing.assert_allclose(again.positions, markers.positions, atol=1e-6)


def test_opensim_and_pose2sim_read_the_same(tmp_path, markers):
    path = tmp_path / "a.trc"
    write_trc(path, markers)
    table = opensim.TimeSeriesTableVec3(str(path))
    assert table.getNumRows() == 7
    assert list(table.getColumnLabels()) == list(markers.names)
    row = table.getRowAtIndex(0)
    first = [row[0][i] for i in range(3)]
    np.testing.assert_allclose(first, markers.positions[0, 0], atol=1e-6)
    gap = table.getRowAtIndex(2)
    assert np.isnan(gap[1][0])
    data, frames, _, names, _ = pose2sim_read_trc(path)
    assert names == list(markers.names)
    assert len(frames) == 7
    np.testing.assert_allclose(data.to_numpy(float).reshape(7, 3, 3), markers.positions, atol=1e-6)


def test_millimetres_are_converted(tmp_path, markers):
    path = tmp_path / "a.trc"
    write_trc(path, markers)
    path.write_text(path.read_text().replace("\tm\t", "\tmm\t"))
    np.testing.assert_allclose(read_trc(path).positions, markers.positions / 1000, atol=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\tm\t", "\tinch\t", "Units is 'inch'"),
        ("PathFileType", "Nothing", "not a TRC file"),
        ("Hip", "RKnee", "more than once"),
        ("59.94\t59.94\t7", "59.94\t59.94\t8", "NumFrames is 8 but the file holds 7"),
        ("59.94\t59.94\t", "30\t30\t", "DataRate is 30 Hz but the time column"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_reason(tmp_path, markers, old, new, says):
    path = tmp_path / "a.trc"
    write_trc(path, markers)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=says) as error:
        read_trc(path)
    assert "a.trc" in str(error.value)


def _at_times(path, rate, times):
    write_trc(path, MarkerTrajectories(("Hip",), np.zeros((len(times), 1, 3)), rate))
    lines = path.read_text().splitlines()
    for i, time in enumerate(times, start=len(lines) - len(times)):
        number, _, *rest = lines[i].split("\t")
        lines[i] = "\t".join([number, time, *rest])
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_rate_that_is_off_all_along_is_refused(tmp_path):
    """With 240 Hz and three decimals each single step might be that of 200 Hz."""
    path = _at_times(tmp_path / "a.trc", 240.0, [f"{i / 240:.3f}" for i in range(200)])
    assert read_trc(path).rate_hz == 240.0
    path.write_text(path.read_text().replace("240\t240\t", "220\t220\t", 1))
    with pytest.raises(InputError, match=r"DataRate is 220 Hz but 199 steps .* are 240\.\d+ Hz"):
        read_trc(path)


@pytest.mark.parametrize("rate", [30, 59.94, 100, 240, 1000, 2000])
def test_times_with_three_decimals_are_read(tmp_path, rate):
    path = _at_times(tmp_path / "a.trc", float(rate), [f"{i / rate:.3f}" for i in range(100)])
    assert read_trc(path).rate_hz == rate


def test_a_lost_frame_and_times_that_stand_still_are_refused_at_high_rates(tmp_path):
    late = [f"{i / 1000 + 0.001 * (i > 50):.6f}" for i in range(100)]
    with pytest.raises(InputError, match=r"steps by 0\.002 s after frame 51"):
        read_trc(_at_times(tmp_path / "a.trc", 1000.0, late))
    with pytest.raises(InputError, match="time column"):
        read_trc(_at_times(tmp_path / "a.trc", 2500.0, ["0.000"] * 3))


def test_no_file_and_no_place(tmp_path, markers):
    with pytest.raises(MissingFileError, match="there is no TRC"):
        read_trc(tmp_path / "b.trc")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_trc(tmp_path / "file" / "a.trc", markers)
