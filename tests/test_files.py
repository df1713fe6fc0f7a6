import errno
import gc

import pytest

from gonio.errors import OutputError
from gonio.files import ScratchFile, replacing, write_text


def _write(path, error):
    """Half of a new content, then an error of the disk or of the writer."""
    with replacing(path) as scratch:
        scratch.write_text("half of the n")
        raise error


def test_a_full_disk_in_the_middle_loses_nothing(tmp_path):
    path = tmp_path / "result.csv"
    write_text(path, "old")
    with pytest.raises(OutputError, match=r"result.csv: No space left.*unchanged"):
        _write(path, OSError(errno.ENOSPC, "No space left on device"))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]  # nothing half-written is left behind


def test_an_error_of_the_writer_passes_and_loses_nothing(tmp_path):
    path = tmp_path / "result.csv"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError):
        _write(path, ZeroDivisionError())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_made_and_the_suffix_is_kept(tmp_path):
    with replacing(tmp_path / "a" / "b" / "c.png") as scratch:
        assert scratch.suffix == ".png"
        scratch.write_bytes(b"x")
    assert (tmp_path / "a" / "b" / "c.png").read_bytes() == b"x"


def test_a_scratch_file_goes_with_its_last_holder():
    scratch = ScratchFile("video.mp4")
    path = scratch.path
    path.write_bytes(b"x")
    del scratch
    gc.collect()
    assert not path.parent.exists()
