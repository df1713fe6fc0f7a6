"""Shards: one file per sequence and camera with what MediaPipe said and what was true.

A shard is a NumPy archive (NPZ) without pickles; `gonio.capture.schema` is the table of what it
holds.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gonio.capture.schema import ARRAYS, SCALARS, SCHEMA, SCHEMA_VERSION, ArrayField
from gonio.errors import InputError, MissingFileError
from gonio.files import replacing
from gonio.frames import mid_hip_of
from gonio.types import LandmarkSequence

Array = NDArray[np.float32]
_ORIGIN_TOLERANCE_M = 1e-3
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    MemoryError,
    NotImplementedError,
    SyntaxError,
)
"""What `zipfile`, `zlib` and NumPy raise of files that are damaged or of another kind."""


@dataclass(frozen=True)
class ShardLabels:
    """Where a shard comes from; the meaning of each field stands in `SCALARS`."""

    source: str
    sequence: str
    camera: str
    subject: str
    fps: float
    detector: str


@dataclass(frozen=True)
class Shard:
    """The pairs of one sequence and camera; the meaning of each field stands in `SCHEMA`.

    Raises:
        InputError: an array of another shape or kind than the schema's, a scalar of another type,
            infinite values, a viewpoint out of range, joints whose origin is not the mid-hip,
            frames or times that do not increase.
    """

    source: str
    sequence: str
    camera: str
    subject: str
    fps: float
    image_width: int
    image_height: int
    stature_m: float
    detector: str
    corrupted: Array
    ground_truth: Array
    visibility: Array
    pose_2d: Array
    azimuth: Array
    elevation: Array
    camera_relative: Array
    up: Array
    landmarks_world: Array
    landmarks_2d: Array
    landmarks_visibility: Array
    feet_truth: Array
    markers_truth: Array
    frame_index: NDArray[np.int64]
    time_s: NDArray[np.float64]
    corrupted_angles: Array | None = None
    ground_truth_angles: Array | None = None
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def of(
        cls, labels: ShardLabels, image_size: tuple[int, int], stature_m: float, **arrays: Any
    ) -> Shard:
        """Put labels and arrays together."""
        named = {field.name: getattr(labels, field.name) for field in fields(labels)}
        width, height = image_size
        return cls(**named, image_width=width, image_height=height, stature_m=stature_m, **arrays)

    def __post_init__(self) -> None:
        for name, (kind, _) in SCALARS.items():
            object.__setattr__(self, name, _scalar(name, kind, getattr(self, name)))
        n = len(np.atleast_1d(self.frame_index))
        if self.schema_version != SCHEMA_VERSION:
            raise InputError(
                f"Shard.schema_version is {self.schema_version}; this Gonio reads "
                f"{SCHEMA_VERSION}. Convert the source again."
            )
        if n == 0:
            raise InputError("Shard has no frame; allowed are one or more")
        for field in SCHEMA:
            value = getattr(self, field.name)
            if value is not None or not field.optional:
                object.__setattr__(self, field.name, _conform(field, value, n))
        _check_values(self)

    def __len__(self) -> int:
        return len(self.frame_index)

    @property
    def paired(self) -> NDArray[np.bool_]:
        """(N,) true where MediaPipe found the person and every joint has a truth."""
        both = np.isfinite(self.corrupted) & np.isfinite(self.ground_truth)
        return np.asarray(both.all(axis=(1, 2)))

    @property
    def landmark_sequence(self) -> LandmarkSequence:
        """What MediaPipe said, as `inference` gets it from a video."""
        size = (self.image_width, self.image_height)
        return LandmarkSequence(
            time_s=self.time_s,
            world=self.landmarks_world.astype(float),
            image=self.landmarks_2d / np.array([2 * size[0] / size[1], 2.0]) + 0.5,
            visibility=self.landmarks_visibility.astype(float),
            image_size=size,
        )

    @property
    def detected(self) -> NDArray[np.bool_]:
        """(N,) true where MediaPipe found the person."""
        return np.asarray(np.isfinite(self.corrupted).all(axis=(1, 2)))


_TYPES: dict[type, str] = {int: "a whole number", float: "a number", str: "a text"}


def _scalar(name: str, kind: type, value: Any) -> Any:
    found = np.asarray(value)[()]
    fits = isinstance(found, str if kind is str else (np.integer, np.floating))
    if fits and kind is int:
        fits = bool(np.isfinite(found) and found == np.floor(found))
    if not fits:
        raise InputError(f"Shard.{name} is {value!r}; allowed is {_TYPES[kind]}")
    return kind(found)


def _conform(field: ArrayField, value: Any, n: int) -> NDArray[Any]:
    dtype = np.dtype(field.dtype)
    given = np.asarray(value)
    if not np.can_cast(given.dtype, dtype, "same_kind"):
        raise InputError(f"Shard.{field.name} is of type {given.dtype}; allowed is {dtype}")
    array = np.ascontiguousarray(given, dtype=dtype)
    if array.shape != (n, *field.shape):
        raise InputError(
            f"Shard.{field.name} has shape {array.shape}; allowed is {(n, *field.shape)}"
        )
    if array.dtype.kind == "f" and np.isinf(array).any():
        raise InputError(f"Shard.{field.name} holds infinite values; a missing value is NaN")
    return array


def _check_values(shard: Shard) -> None:
    ranges = {"azimuth": (0, 360), "elevation": (-90, 90), "visibility": (0, 1)}
    for name, (low, high) in ranges.items():
        values = getattr(shard, name)
        if (values < low).any() or (values > high).any():
            worst = np.nanmax(np.abs(values))
            raise InputError(f"Shard.{name} reaches {worst:g}; allowed are {low} to {high}")
    for name in ("corrupted", "ground_truth"):
        hips = mid_hip_of(getattr(shard, name))
        if (np.abs(hips) > _ORIGIN_TOLERANCE_M).any():
            raise InputError(
                f"Shard.{name} has its mid-hip {np.nanmax(np.abs(hips)):.3f} m from the origin; "
                "subtract the midpoint of the hips first"
            )
    length = np.linalg.norm(shard.up, axis=1)
    if (np.abs(length - 1) > 1e-3).any():
        raise InputError("Shard.up holds vectors that are not of length 1; normalise them first")
    for name in ("frame_index", "time_s"):
        values = getattr(shard, name)
        if not (np.diff(values) > 0).all():
            raise InputError(f"Shard.{name} must increase strictly, without gaps")
    if not (np.isfinite(shard.fps) and shard.fps > 0):
        raise InputError(f"Shard.fps is {shard.fps}; allowed is a number above 0")
    if min(shard.image_width, shard.image_height) <= 0:
        raise InputError(
            f"Shard has an image of {shard.image_width} x {shard.image_height}; both must be "
            "above 0"
        )


def write_shard(path: str | Path, shard: Shard) -> int:
    """Write a shard, whole or not at all. Equal shards give equal bytes.

    Arrays that are missing altogether (feet and markers of a source without them) are compressed
    and cost nothing; the others are stored as they are, for speed.

    Returns:
        Size of the file, bytes.

    Raises:
        OutputError: the folder is not writable or the disk is full; no file is left behind.
    """
    with replacing(path) as scratch:
        with zipfile.ZipFile(scratch, "w") as archive:
            for name in (*SCALARS, *ARRAYS):
                value = getattr(shard, name)
                if value is not None:
                    _add(archive, name, np.asarray(value))
        return scratch.stat().st_size


def _add(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    missing = array.dtype.kind == "f" and array.ndim > 0 and bool(np.isnan(array).all())
    member.compress_type = zipfile.ZIP_DEFLATED if missing else zipfile.ZIP_STORED
    archive.writestr(member, buffer.getvalue())


def read_shard(path: str | Path) -> Shard:
    """Read a shard back and check it.

    Raises:
        MissingFileError: there is no such file.
        InputError: it is not a shard, one of another schema version, or its values cannot be.
    """
    names = [field.name for field in SCHEMA if not field.optional]
    extra = [field.name for field in SCHEMA if field.optional]
    content = read_arrays(path, [*SCALARS, *names], optional=extra)
    values: dict[str, Any] = {
        name: array[()] if name in SCALARS else array for name, array in content.items()
    }
    try:
        return Shard(**values)
    except InputError as error:
        raise InputError(f"{path} cannot be used ({error}); delete it and convert again") from error


def read_arrays(
    path: str | Path, names: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, NDArray[Any]]:
    """Some of a shard's arrays and scalars, without checking their values: for fast loading.

    Raises:
        MissingFileError: there is no such file.
        InputError: it is not a shard, has another schema version, lacks one of `names`, or has an
            array of another shape or kind than the schema's.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"there is no shard {source}; run the data_conversion pipeline")
    try:
        content = bytearray(source.read_bytes())
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        version = int(_member(content, members, "schema_version", source))
        if version != SCHEMA_VERSION:
            raise InputError(
                f"{source} has schema version {version}; this Gonio reads {SCHEMA_VERSION}. "
                "Convert the source again."
            )
        there = [name for name in optional if name in members]
        found = {name: _member(content, members, name, source) for name in [*names, *there]}
    except _DAMAGE as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{source} is not a shard or is damaged ({error}); delete it and convert again"
        ) from error
    _check_layout(found, source)
    return found


def _check_layout(found: dict[str, NDArray[Any]], path: Path) -> None:
    """See that arrays have the schema's shapes, one length, and hold numbers."""
    arrays = {name: array for name, array in found.items() if name in ARRAYS}
    frames = {array.shape[0] if array.ndim else 0 for array in arrays.values()}
    for name, array in arrays.items():
        if array.shape[1:] != ARRAYS[name].shape or array.dtype.kind not in "fiu":
            raise InputError(
                f"{path} has {name} of shape {array.shape} and type {array.dtype}; allowed is "
                f"{('frames', *ARRAYS[name].shape)} of numbers. Delete it and convert again."
            )
    if len(frames) > 1:
        raise InputError(
            f"{path} has arrays of {' and '.join(map(str, sorted(frames)))} frames; allowed is "
            "one number of frames. Delete it and convert again."
        )


def _member(
    content: bytearray, members: dict[str, zipfile.ZipInfo], name: str, path: Path
) -> NDArray[Any]:
    """One array of an archive in memory; no copy is made of one that is stored as it is.

    `zipfile` and `numpy.load` do the same in three times the time, most of it for headers.
    """
    info = members.get(name)
    if info is None:
        raise InputError(f"{path} has no {name}; a shard of this version has it")
    offset = info.header_offset
    lengths = content[offset + 26 : offset + 30]  # of the name and of the extra field
    start = offset + 30 + lengths[0] + 256 * lengths[1] + lengths[2] + 256 * lengths[3]
    data = memoryview(content)[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_DEFLATED:
        data = memoryview(bytearray(zlib.decompress(data, wbits=-15)))
    if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
        raise zipfile.BadZipFile(f"wrong checksum of {name}")
    begin = 10 + data[8] + 256 * data[9]
    shape, dtype = _npy_header(bytes(data[:begin]))
    return np.frombuffer(data, dtype=dtype, offset=begin).reshape(shape)


@lru_cache(maxsize=4096)
def _npy_header(header: bytes) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type in the header of an NPY file of version 1.0; objects are refused."""
    stream = io.BytesIO(header)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array in another version of the NPY format than 1.0")
    shape, columns_first, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject or columns_first:
        raise ValueError("an array of objects, or with columns first, which no shard has")
    return shape, dtype


def load_arrays(paths: Iterable[str | Path], names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Arrays of many shards, one after the other along time.

    Args:
        paths: the shards, in the order in which they are wanted.
        names: arrays of `SCHEMA`.

    Returns:
        Each array, and `shard` (N,): the position in `paths` of the shard of each frame.

    Raises:
        MissingFileError, InputError: as `read_arrays`; no shard at all.
    """
    unknown = sorted(set(names) - set(ARRAYS))
    if unknown:
        raise InputError(
            f"a shard has no array {', '.join(unknown)}; allowed are {', '.join(ARRAYS)}"
        )
    parts = [read_arrays(path, [*dict.fromkeys([*names, "frame_index"])]) for path in paths]
    if not parts:
        raise InputError("there is no shard to load; run the data_conversion pipeline first")
    lengths = [len(part["frame_index"]) for part in parts]
    merged = {name: np.concatenate([part[name] for part in parts]) for name in names}
    merged["shard"] = np.repeat(np.arange(len(parts)), lengths)
    return merged
