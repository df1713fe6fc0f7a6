import errno
import gc
import os

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


def test_files_new_and_replaced_have_the_mode_of_any_new_file(tmp_path, monkeypatch):
    new, replaced, own = (tmp_path / f"{name}.csv" for name in ("new", "replaced", "own"))
    replaced.touch(0o600)
    before = os.umask(0o027)
    try:
        with monkeypatch.context() as patch:  # it is the process's, and other threads write too
            patch.delattr(os, "umask")
            for path in (new, replaced):
                write_text(path, "x")
            with replacing(own) as scratch:  # as safetensors does
                scratch.unlink()
                scratch.touch(0o600)
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (new, replaced, own)] == [0o640] * 3


def test_a_scratch_file_goes_with_its_last_holder():
    scratch = ScratchFile("video.mp4")
    path = scratch.path
    path.write_bytes(b"x")
    del scratch
    gc.collect()
    assert not path.parent.exists()
