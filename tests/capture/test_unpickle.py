"""Pickles are read without running them."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gonio.capture.unpickle import read_pickle
from gonio.errors import InputError, MissingFileError

PLAIN: dict[Any, Any] = {
    "rows": np.arange(6.0).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big endian": np.arange(3, dtype=">i4"),
    "empty": np.zeros((0, 3)),
    "mask": np.ones((2, 2), dtype=bool),
    "text": np.array(["ab", "c"]),
    "scalar": np.float64(3.5),
    3: b"\xff\x01",
    "bytes": b"",
    "rest": [(1, 2.5), None, True, "é"],
}


def dump(path: Path, value: Any, protocol: int) -> Path:
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_plain_content_comes_back_as_it_was(tmp_path: Path, protocol: int) -> None:
    back = read_pickle(dump(tmp_path / "a.pkl", PLAIN, protocol))
    assert list(back) == list(PLAIN)
    for key, value in PLAIN.items():
        assert type(back[key]) is type(value)
        if isinstance(value, np.ndarray):
            assert back[key].dtype == value.dtype
            np.testing.assert_array_equal(back[key], value)
        else:
            assert back[key] == value


class Command:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("wrap", [lambda c: c, lambda c: {"keypoints3d": np.array([c], object)}])
def test_a_command_is_refused_and_not_run(tmp_path: Path, protocol: int, wrap: Any) -> None:
    mark = tmp_path / "was-run"
    bad = dump(tmp_path / "bad.pkl", wrap(Command(f"touch {mark}")), protocol)
    with pytest.raises(InputError, match=r"bad\.pkl is refused"):
        read_pickle(bad)
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        np.array([1, "a", None], dtype=object),
        np.zeros(2, dtype=[("x", "f4")]),
        Path("a"),
        {1, 2},
        print,
    ],
    ids=["objects", "fields", "path", "set", "function"],
)
def test_anything_else_is_refused(tmp_path: Path, protocol: int, value: Any) -> None:
    with pytest.raises(InputError, match=r"a\.pkl is refused"):
        read_pickle(dump(tmp_path / "a.pkl", value, protocol))


def test_an_array_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    honest = pickle.dumps(np.arange(4, dtype="<f8"), protocol=2)
    lie = honest.replace(b"K\x04\x85", b"K\x7f\x85")  # the shape (4,) becomes (127,)
    assert lie != honest
    path = tmp_path / "a.pkl"
    path.write_bytes(lie)
    with pytest.raises(InputError, match="damaged"):
        read_pickle(path)


def test_an_endless_container_is_refused(tmp_path: Path) -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(InputError, match="nested"):
        read_pickle(dump(tmp_path / "a.pkl", ring, 4))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_cut_off_file_is_named(tmp_path: Path, share: float) -> None:
    path = dump(tmp_path / "cut.pkl", PLAIN, 4)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"cut\.pkl"):
        read_pickle(path)


def test_text_is_not_a_pickle(tmp_path: Path) -> None:
    path = tmp_path / "notes.pkl"
    path.write_text("not a pickle at all")
    with pytest.raises(InputError, match=r"notes\.pkl"):
        read_pickle(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.pkl"):
        read_pickle(tmp_path / "none.pkl")


def test_real_annotations_are_read(shared: Path) -> None:
    folder = shared / "aistpp" / "annotations"
    points = read_pickle(folder / "keypoints3d" / "gJS_sBM_cAll_d03_mJS2_ch07.pkl")
    assert points["keypoints3d_optim"].shape == (576, 17, 3)
    assert np.isfinite(points["keypoints3d_optim"]).all()
