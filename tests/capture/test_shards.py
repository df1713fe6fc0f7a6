"""Shards keep what they are given, refuse what they must, and are whole or absent."""

import errno
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gonio.capture.schema import SCALARS, SCHEMA, schema_table
from gonio.capture.shards import Shard, load_arrays, read_arrays, read_shard, write_shard
from gonio.errors import InputError, MissingFileError, OutputError
from tests.capture.fakes import small_shard


def assert_same(a: Shard, b: Shard) -> None:
    for name in SCALARS:
        np.testing.assert_equal(getattr(a, name), getattr(b, name))
    for field in SCHEMA:
        first, second = getattr(a, field.name), getattr(b, field.name)
        assert (first is None) == (second is None)
        if first is not None:
            assert first.dtype == second.dtype == np.dtype(field.dtype)
            np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("stature_m", [1.82, float("nan")])
def test_a_shard_comes_back_as_it_was(tmp_path: Path, stature_m: float) -> None:
    shard = replace(small_shard(), stature_m=stature_m)
    size = write_shard(tmp_path / "a" / "s.npz", shard)
    assert size == (tmp_path / "a" / "s.npz").stat().st_size
    assert_same(shard, read_shard(tmp_path / "a" / "s.npz"))


def test_joint_angles_may_be_added_later(tmp_path: Path) -> None:
    angles = np.arange(20 * 36, dtype=np.float32).reshape(20, 12, 3)
    shard = replace(small_shard(), corrupted_angles=angles, ground_truth_angles=angles + 1)
    write_shard(tmp_path / "s.npz", shard)
    assert_same(shard, read_shard(tmp_path / "s.npz"))
    assert small_shard().corrupted_angles is None


def test_numpy_reads_it_without_gonio(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.npz", small_shard(sequence="läuft"))
    with np.load(tmp_path / "s.npz", allow_pickle=False) as archive:
        assert str(archive["sequence"]) == "läuft"
        assert archive["corrupted"].shape == (20, 17, 3)
        assert int(archive["schema_version"]) == 1


def test_equal_shards_give_equal_bytes(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.npz", small_shard(seed=4))
    write_shard(tmp_path / "b.npz", small_shard(seed=4))
    write_shard(tmp_path / "c.npz", small_shard(seed=5))
    a, b, c = ((tmp_path / f"{n}.npz").read_bytes() for n in "abc")
    assert a == b != c


def test_missing_feet_and_markers_cost_nothing(tmp_path: Path) -> None:
    shard = small_shard(300)
    assert np.isnan(shard.markers_truth).all()
    size = write_shard(tmp_path / "s.npz", shard)
    rest = sum(
        getattr(shard, f.name).nbytes
        for f in SCHEMA
        if not f.optional and f.name not in ("feet_truth", "markers_truth")
    )
    assert size < rest + 12_000  # names and headers


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"corrupted": np.zeros((20, 16, 3))}, r"corrupted has shape \(20, 16, 3\)"),
        ({"visibility": np.full((20, 17), 1.5)}, r"visibility reaches 1\.5"),
        ({"azimuth": np.full(20, -3.0)}, "azimuth reaches 3"),
        ({"elevation": np.full(20, 91.0)}, "elevation reaches 91"),
        ({"pose_2d": np.full((20, 17, 2), np.inf)}, "infinite"),
        ({"ground_truth": np.ones((20, 17, 3))}, "mid-hip 1.000 m from the origin"),
        ({"up": np.ones((20, 3))}, "not of length 1"),
        ({"time_s": np.zeros(20)}, "time_s must increase"),
        ({"frame_index": np.arange(20)[::-1]}, "frame_index must increase"),
        ({"frame_index": np.arange(0)}, "no frame"),
        ({"fps": 0.0}, "fps is 0"),
        ({"image_width": 0}, "0 x 480"),
        ({"schema_version": 99}, "Convert the source again"),
        ({"image_width": float("nan")}, "image_width is nan; allowed is a whole number"),
        ({"image_width": 640.5}, r"image_width is 640\.5"),
        ({"image_height": np.array([480, 481])}, "image_height is .*a whole number"),
        ({"fps": np.array("30")}, "fps is .*allowed is a number"),
        ({"stature_m": None}, "stature_m is None"),
        ({"source": np.array([1, 2])}, "source is .*allowed is a text"),
        ({"camera": 3}, "camera is 3"),
        ({"schema_version": np.array([1, 1])}, "schema_version"),
        ({"visibility": np.full((20, 17), "high")}, "visibility is of type <U4"),
        ({"frame_index": np.arange(20.0)}, "frame_index is of type float64; allowed is int64"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(small_shard(), **change)


def test_paired_rows_have_both_sides() -> None:
    shard = small_shard()
    corrupted, truth = shard.corrupted.copy(), shard.ground_truth.copy()
    corrupted[3] = np.nan
    truth[7, 9] = np.nan
    shard = replace(shard, corrupted=corrupted, ground_truth=truth)
    assert np.flatnonzero(~shard.paired).tolist() == [3, 7]
    assert np.flatnonzero(~shard.detected).tolist() == [3]


@pytest.mark.parametrize("cut", [0, 10, 5000])
def test_a_damaged_file_is_named(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "s.npz"
    write_shard(path, small_shard())
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"s\.npz"):
        read_shard(path)


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    write_shard(path, small_shard(100))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_shard(path)


def test_any_flipped_byte_of_the_archive_itself_is_told(tmp_path: Path) -> None:
    """Of names, sizes and versions, which no checksum covers."""
    path = tmp_path / "s.npz"
    write_shard(path, small_shard(2))
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        directory = archive.start_dir
    damaged = 0
    for position in range(directory, len(whole)):
        content = bytearray(whole)
        content[position] ^= 0xFF
        path.write_bytes(content)
        try:
            read_shard(path)  # a date or a comment may be any
        except InputError as error:
            damaged += "s.npz" in str(error)
    assert damaged > 500


def rewritten(path: Path, **changed: Any) -> Path:
    """The shard at `path` with other content, as another program would write it."""
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    np.savez(path, **{**content, **changed})
    return path


def test_scalars_of_another_kind_are_named_with_the_file(tmp_path: Path) -> None:
    for name, value in {"image_width": np.nan, "fps": "fast", "sequence": [1, 2]}.items():
        path = tmp_path / f"{name}.npz"
        write_shard(path, small_shard(4))
        with pytest.raises(InputError, match=rf"{name}\.npz cannot be used .*Shard\.{name} is"):
            read_shard(rewritten(path, **{name: np.array(value)}))
    path = tmp_path / "version.npz"
    write_shard(path, small_shard(4))
    with pytest.raises(InputError, match=r"version\.npz is not a shard"):
        read_shard(rewritten(path, schema_version=np.array([1, 1])))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((4, 17, 3), "x"), "corrupted of shape .* and type <U1"),
        (np.zeros((4, 16, 3)), r"corrupted of shape \(4, 16, 3\)"),
        (np.array(1.0), r"corrupted of shape \(\)"),
        (np.zeros((5, 17, 3)), "arrays of 4 and 5 frames"),
    ],
)
def test_fast_loading_sees_the_layout(tmp_path: Path, array: Any, message: str) -> None:
    path = tmp_path / "s.npz"
    write_shard(path, small_shard(4))
    rewritten(path, corrupted=array)
    with pytest.raises(InputError, match=rf"s\.npz has {message}"):
        load_arrays([path], ["corrupted", "visibility"])


def test_pickled_content_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    np.savez(path, schema_version=np.array(1), source=np.array([print], dtype=object))
    with pytest.raises(InputError, match=r"s\.npz"):
        read_arrays(path, ["source"])


def test_another_version_and_missing_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "new.npz", schema_version=np.array(2))
    np.savez(tmp_path / "less.npz", schema_version=np.array(1))
    with pytest.raises(InputError, match="schema version 2"):
        read_shard(tmp_path / "new.npz")
    with pytest.raises(InputError, match="has no source"):
        read_shard(tmp_path / "less.npz")
    with pytest.raises(MissingFileError, match=r"none\.npz"):
        read_shard(tmp_path / "none.npz")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.npz"
    write_shard(path, small_shard(seed=1))
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OutputError, match="No space left"):
        write_shard(path, small_shard(seed=2))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_many_shards_are_loaded_one_after_the_other(tmp_path: Path) -> None:
    paths = [tmp_path / f"{k}.npz" for k in range(3)]
    for k, path in enumerate(paths):
        write_shard(path, small_shard(10 + k, seed=k))
    merged = load_arrays(paths, ["corrupted", "frame_index"])
    assert merged["corrupted"].shape == (33, 17, 3)
    assert np.bincount(merged["shard"]).tolist() == [10, 11, 12]
    np.testing.assert_array_equal(merged["corrupted"][10:21], read_shard(paths[1]).corrupted)
    with pytest.raises(InputError, match="no array angles"):
        load_arrays(paths, ["angles"])
    with pytest.raises(InputError, match="no shard to load"):
        load_arrays([], ["corrupted"])


def test_the_docs_show_the_schema_as_it_is() -> None:
    page = Path(__file__).parents[2] / "docs" / "data.md"
    assert schema_table() in page.read_text(encoding="utf-8")
