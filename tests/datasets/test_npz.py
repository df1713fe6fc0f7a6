from dataclasses import replace

import numpy as np
import pytest
from kedro.io import DatasetError

from gonio.datasets.npz import PoseDataset
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
