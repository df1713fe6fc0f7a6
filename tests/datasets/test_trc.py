import numpy as np
import pytest
from kedro.io import DatasetError

from gonio.datasets.npz import write_npz
from gonio.datasets.trc import TrcDataset, TrcFolderDataset
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


@pytest.fixture
def saved(tmp_path):
    """A dataset with flags that holds three frames of two markers, some of them estimated."""
    flags = {"filepath": str(tmp_path / "estimated.npz")}
    dataset = TrcDataset(str(tmp_path / "markers.trc"), flags=flags)
    estimated = np.array([[True, False], [False, False], [True, True]])
    dataset.save(MarkerTrajectories(("Hip", "Neck"), np.ones((3, 2, 3)), 30.0, estimated))
    return dataset


def test_flags_of_estimated_samples_come_back(saved):
    markers = saved.load()
    assert markers.names == ("Hip", "Neck")
    np.testing.assert_array_equal(markers.estimated, [[1, 0], [0, 0], [1, 1]])
    assert not TrcDataset(str(saved.path)).load().estimated.any()


def test_flags_that_are_missing_are_told(saved, tmp_path):
    (tmp_path / "estimated.npz").unlink()
    with pytest.raises(DatasetError, match=r"there is no .*estimated\.npz, which says what of"):
        saved.load()


@pytest.mark.parametrize(
    ("names", "shape"), [(("Hip", "Neck"), (2, 2)), (("Neck", "Hip"), (3, 2)), (("Hip",), (3, 1))]
)
def test_flags_of_other_markers_or_frames_are_refused(saved, tmp_path, names, shape):
    other = {"names": np.array(names), "estimated": np.zeros(shape, dtype=bool)}
    write_npz(tmp_path / "estimated.npz", other)
    with pytest.raises(
        DatasetError, match=r"flags of shape .* holds 3 frames of 2 markers, Hip, N"
    ):
        saved.load()
