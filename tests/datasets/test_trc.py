import numpy as np

from gonio.datasets.trc import TrcFolderDataset
from gonio.trc import read_trc
from gonio.types import MarkerTrajectories


def test_a_folder_of_trc_files_holds_the_last_run_only(tmp_path):
    markers = MarkerTrajectories(("Hip", "Neck"), np.ones((3, 2, 3)), 30.0)
    dataset = TrcFolderDataset(str(tmp_path / "markers"))
    assert dataset.load() == {}
    dataset.save({"a_truth": markers, "a_corrupted": markers})
    dataset.save({"b_truth": markers})
    files = dataset.load()
    assert set(files) == {"b_truth"}
    np.testing.assert_allclose(read_trc(files["b_truth"]).positions, 1)
