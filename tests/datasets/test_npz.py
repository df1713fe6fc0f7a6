import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from gonio.datasets.npz import AngleSamplesDataset, PoseDataset, read_npz
from gonio.errors import InputError
from gonio.kinematics.bands import AngleSamples
from gonio.landmarks.pose import pose_without_refiner
from tests.markers.bodies import standing


def test_a_pose_comes_back_with_its_gaps_and_its_refiner(tmp_path):
    pose = replace(pose_without_refiner(standing(n=4)[0]), refiner="depth")
    pose.positions[2] = np.nan
    dataset = PoseDataset(str(tmp_path / "pose.npz"))
    dataset.save(pose)
    again = dataset.load()
    for name in ("positions", "sigma", "up", "azimuth_deg", "elevation_deg"):
        np.testing.assert_array_equal(getattr(again, name), getattr(pose, name))
    assert again.refiner == "depth"


def test_another_file_is_no_pose(tmp_path):
    np.savez(tmp_path / "pose.npz", positions=np.zeros((1, 17, 3)))
    with pytest.raises(DatasetError, match="lacks sigma"):
        PoseDataset(str(tmp_path / "pose.npz")).load()


def _npz() -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, time_s=np.random.default_rng(0).random(100))
    return stream.getvalue()


def _npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def _damaged(at: int, value: int) -> bytes:
    content = bytearray(_npz())
    content[at] = value
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_damaged(70, 255), id="deflate stream"),
        pytest.param(_damaged(-68, 19), id="compression method"),
        pytest.param(_npz()[:300], id="cut off"),
        pytest.param(_npy(), id="single array"),
        pytest.param(b"", id="empty"),
        pytest.param(b"time_s,knee\n", id="text"),
    ],
)
def test_what_is_no_whole_npz_is_told_by_its_name(tmp_path, content):
    path = tmp_path / "landmarks.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"landmarks\.npz is not an NPZ file of plain arrays"):
        read_npz(path, ("time_s",))


def test_samples_of_angles_come_back(tmp_path):
    table = pd.DataFrame({"time_s": [0.0, 0.1], "knee_R_flexion_deg": [5.0, np.nan]})
    dataset = AngleSamplesDataset(str(tmp_path / "angle_samples.npz"))
    dataset.save(AngleSamples([table, table + 1], np.array([0, 3])))
    again = dataset.load()
    np.testing.assert_array_equal(again.rows, [0, 3])
    for one, other in zip(again.angles, (table, table + 1), strict=True):
        pd.testing.assert_frame_equal(one, other)
    dataset.save(AngleSamples())
    assert dataset.load().angles == []
