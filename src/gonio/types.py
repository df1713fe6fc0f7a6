"""The data that flows through Gonio: frozen, checked on construction; missing is NaN."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gonio.errors import InputError
from gonio.signals import rate_of
from gonio.skeleton import COCO_JOINTS, MEDIAPIPE_LANDMARKS

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def known(values: FloatArray) -> BoolArray:
    """True where all coordinates of a sample, along the last axis, are there."""
    return np.asarray(np.isfinite(values).all(axis=-1), dtype=bool)


TALLEST_HUMAN_M = 2.8
SHORTEST_HUMAN_M = 0.4


def _array(owner: str, name: str, value: Any, shape: tuple[int | None, ...]) -> FloatArray:
    array = np.asarray(value, dtype=float)
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=False)
    )
    if not fits:
        wanted = "(" + ", ".join("T" if want is None else str(want) for want in shape) + ")"
        raise InputError(f"{owner}.{name} has shape {array.shape}; allowed is {wanted}")
    if np.isinf(array).any():
        raise InputError(f"{owner}.{name} holds infinite values; a missing value is NaN")
    return array


def _image_size(owner: str, value: Any) -> tuple[int, int]:
    try:
        width, height = (int(side) for side in value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"{owner}.image_size is {value!r}; allowed are width and height, two whole numbers of "
            "pixels above 0"
        ) from None
    return width, height


def _store(owner: object, **arrays: Any) -> None:
    for name, value in arrays.items():
        object.__setattr__(owner, name, value)


@dataclass(frozen=True)
class Subject:
    """The person in the video.

    Attributes:
        height_m: stature in metres, None where unknown.
        mass_kg: body mass in kilograms, None where unknown.

    Raises:
        InputError: a value that no human body has.
    """

    height_m: float | None = None
    mass_kg: float | None = None

    def __post_init__(self) -> None:
        if self.height_m is not None and not SHORTEST_HUMAN_M <= self.height_m <= TALLEST_HUMAN_M:
            hint = ""
            if 40 <= self.height_m <= 280:
                hint = f" Is it in centimetres? Then write {self.height_m / 100:g}."
            raise InputError(
                f"the height of the subject (subject.height, height_m) is {self.height_m:g}; "
                f"allowed are {SHORTEST_HUMAN_M} to {TALLEST_HUMAN_M} metres.{hint}"
            )
        if self.mass_kg is not None and not 2 <= self.mass_kg <= 400:
            raise InputError(
                f"the mass of the subject (subject.mass, mass_kg) is {self.mass_kg:g}; allowed are "
                "2 to 400 kilograms"
            )


@dataclass(frozen=True)
class LandmarkSequence:
    """What MediaPipe said about one person in a clip.

    Attributes:
        time_s: (T,) presentation times, seconds, strictly increasing.
        world: (T, 33, 3) MediaPipe's world landmarks, metres, origin at mid-hip, ray frame.
        image: (T, 33, 2) landmarks in the image, in units of its width and height (0..1, x right,
            y down).
        visibility: (T, 33) MediaPipe's visibility, 0..1.
        image_size: (width, height) of the upright image, square pixels.

    Frames without a person are NaN in every array but `time_s`.

    Raises:
        InputError: shapes that do not agree, times that do not increase, an image without size.
    """

    time_s: FloatArray
    world: FloatArray
    image: FloatArray
    visibility: FloatArray
    image_size: tuple[int, int]

    def __post_init__(self) -> None:
        n, j = len(np.atleast_1d(self.time_s)), len(MEDIAPIPE_LANDMARKS)
        name = type(self).__name__
        _store(
            self,
            time_s=_array(name, "time_s", self.time_s, (None,)),
            world=_array(name, "world", self.world, (n, j, 3)),
            image=_array(name, "image", self.image, (n, j, 2)),
            visibility=_array(name, "visibility", self.visibility, (n, j)),
            image_size=_image_size(name, self.image_size),
        )
        if not (np.diff(self.time_s) > 0).all() or np.isnan(self.time_s).any():
            raise InputError(f"{name}.time_s must increase strictly, without gaps")
        if min(self.image_size) <= 0:
            raise InputError(f"{name}.image_size is {self.image_size}; both must be above 0")

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def rate_hz(self) -> float:
        """Frames a second, see `gonio.signals.rate_of`; NaN for fewer than two frames."""
        return rate_of(self.time_s)

    @property
    def points_2d(self) -> FloatArray:
        """(T, 33, 2) image points from the image's centre, in half image heights, y down."""
        width, height = self.image_size
        return np.asarray((self.image - 0.5) * [2 * width / height, 2.0])

    def moved_on_image(self, change: FloatArray) -> LandmarkSequence:
        """The landmarks with their image points moved; `change` (T, 33, 2) as `points_2d`."""
        width, height = self.image_size
        return replace(self, image=self.image + change * [height / (2 * width), 0.5])

    def at(self, rows: NDArray[np.integer]) -> LandmarkSequence:
        """The frames of these numbers, which must increase."""
        return replace(
            self,
            time_s=self.time_s[rows],
            world=self.world[rows],
            image=self.image[rows],
            visibility=self.visibility[rows],
        )

    @property
    def detected(self) -> BoolArray:
        """(T,) true where a person was found."""
        return np.asarray(known(self.world).any(axis=1), dtype=bool)


@dataclass(frozen=True)
class RefinedPose:
    """A pose in metres in the ray frame, with what is known about the camera.

    Attributes:
        positions: (T, 17, 3) COCO joints, metres, origin at mid-hip, ray frame.
        sigma: (T, 17, 3) one standard deviation of the positions, metres; NaN where unknown.
        up: (T, 3) unit vector against gravity, ray frame.
        azimuth_deg: (T,) of the camera seen from the pelvis, [0, 360); NaN where unknown.
        elevation_deg: (T,) of the camera seen from the pelvis, [-90, 90]; NaN where unknown.
        refiner: which network made it; `none` where it is MediaPipe's own pose.
        feet: (T, 2, 2, 3) heel and big toe of the right and the left foot from their ankle, metres,
            ray frame; NaN where MediaPipe's own are to be taken, everywhere if not given.

    Raises:
        InputError: shapes that do not agree.
    """

    positions: FloatArray
    sigma: FloatArray
    up: FloatArray
    azimuth_deg: FloatArray
    elevation_deg: FloatArray
    refiner: str = "none"
    feet: FloatArray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        n, j = len(self.positions), len(COCO_JOINTS)
        name = type(self).__name__
        feet = np.asarray(self.feet)
        _store(
            self,
            feet=_array(name, "feet", feet, (n, 2, 2, 3))
            if feet.ndim > 1
            else np.full((n, 2, 2, 3), np.nan),
            positions=_array(name, "positions", self.positions, (n, j, 3)),
            sigma=_array(name, "sigma", self.sigma, (n, j, 3)),
            up=_array(name, "up", self.up, (n, 3)),
            azimuth_deg=_array(name, "azimuth_deg", self.azimuth_deg, (n,)),
            elevation_deg=_array(name, "elevation_deg", self.elevation_deg, (n,)),
        )

    def __len__(self) -> int:
        return len(self.positions)

    def at(self, rows: NDArray[np.integer]) -> RefinedPose:
        """The frames of these numbers."""
        return replace(
            self,
            positions=self.positions[rows],
            sigma=self.sigma[rows],
            up=self.up[rows],
            azimuth_deg=self.azimuth_deg[rows],
            elevation_deg=self.elevation_deg[rows],
            feet=self.feet[rows],
        )


@dataclass(frozen=True)
class MarkerTrajectories:
    """Paths of named markers at a constant rate.

    Attributes:
        names: M marker names, no name twice.
        positions: (T, M, 3) metres, lab frame (Y up); NaN where a marker is missing.
        rate_hz: frames a second.
        estimated: (T, M) true where a sample was estimated (mirrored, from anatomy, filled) and
            not seen; all false if not given.
        start_s: time of the first frame, seconds.

    Raises:
        InputError: shapes that do not agree, a name twice, a rate that is not positive.
    """

    names: tuple[str, ...]
    positions: FloatArray
    rate_hz: float
    estimated: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    start_s: float = 0.0

    def __post_init__(self) -> None:
        owner = type(self).__name__
        names = tuple(str(name) for name in self.names)
        positions = _array(owner, "positions", self.positions, (None, len(names), 3))
        estimated = np.asarray(self.estimated, dtype=bool)
        if estimated.size == 0:
            estimated = np.zeros(positions.shape[:2], dtype=bool)
        if estimated.shape != positions.shape[:2]:
            raise InputError(
                f"{owner}.estimated has shape {estimated.shape}; allowed is {positions.shape[:2]}"
            )
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"{owner}.names holds {', '.join(twice)} more than once; name it once")
        if not (np.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise InputError(f"{owner}.rate_hz is {self.rate_hz}; allowed is a number above 0")
        _store(self, names=names, positions=positions, estimated=estimated)
        _store(self, rate_hz=float(self.rate_hz), start_s=float(self.start_s))

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def time_s(self) -> FloatArray:
        """(T,) seconds."""
        return self.start_s + np.arange(len(self)) / self.rate_hz

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> FloatArray:
        """Path of one marker, (T, 3) metres.

        Raises:
            InputError: there is no such marker.
        """
        if name not in self.names:
            raise InputError(f"there is no marker {name!r}; there are {', '.join(self.names)}")
        return self.positions[:, self.names.index(name)]

    def select(self, names: tuple[str, ...]) -> FloatArray:
        """Paths of several markers, (T, len(names), 3) metres.

        Raises:
            InputError: one of them is not there.
        """
        return np.stack([self[name] for name in names], axis=1)
