"""The parameters of `inference`: typed, frozen, checked before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import Any, Literal, Self, get_args, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from gonio.errors import InputError
from gonio.types import Subject

Refiner = Literal["none", "depth", "joint", "both", "main"]

DEFAULT_REFINER: Refiner = "main"
"""The best on validation subjects. It gives way to networks that the user has trained, and its own
may be missing: a run goes as far as they are there, and says so."""
CHECKPOINTS_OF: dict[Refiner, tuple[str, ...]] = {
    "none": (),
    "depth": ("depth_refiner",),
    "joint": ("joint_refiner",),
    "both": ("depth_refiner", "joint_refiner"),
    "main": ("main_refiner",),
}
"""The checkpoints, by their names in the catalog, that each choice of refiner reads."""
NAME_PATTERN = r"^[A-Za-z0-9_-]{1,60}$"
"""Of a name that files are named after: it leads to no other folder."""
FASTEST_CAPTURE_HZ = 1000.0
"""Frames a second at which a video may have been filmed: MediaPipe counts in whole milliseconds."""


class Options(BaseModel):
    """What all parameters have in common: no unknown ones, and true is not 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number is meant: else they would be 1 and 0."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if _takes_numbers(kind) and _holds_truth(value):
            raise ValueError("true and false are no numbers; give a number")
        if is_dataclass(kind) and isinstance(value, Mapping):
            numbers = {n for n, hint in get_type_hints(kind).items() if _takes_numbers(hint)}
            if wrong := [n for n in value if n in numbers and _holds_truth(value[n])]:
                raise ValueError(f"true and false are no numbers; give {', '.join(wrong)} a number")
        return value

    @classmethod
    def of_group(cls, name: str, given: Any) -> Self:
        """The options of a group of parameters; the defaults where it is null.

        Args:
            name: of the group.
            given: its parameters.

        Raises:
            InputError: it is one value, or a parameter is not allowed; the message names it.
        """
        if not isinstance(given, Mapping | None):
            raise InputError(
                f"parameter {name} is {given!r}; allowed is a group of parameters, such as "
                f"{name}.<name>=<value>"
            )
        try:
            return cls.model_validate(dict(given or {}))
        except ValidationError as error:
            raise InputError(f"{name}: {told(error)}") from error


def _takes_numbers(kind: Any) -> bool:
    """Whether a type is a number, or one that holds numbers."""
    return kind in (int, float) or any(map(_takes_numbers, get_args(kind)))


def _holds_truth(value: Any) -> bool:
    """Whether a value is true or false, or holds one of them."""
    if isinstance(value, Mapping):
        return any(map(_holds_truth, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_truth, value))
    return isinstance(value, bool)


class SubjectOptions(Options):
    """The person: stature in metres and mass in kilograms, null where unknown."""

    height: float | None = None
    mass: float | None = None

    def subject(self) -> Subject:
        """The checked `Subject`.

        Raises:
            InputError: a value that no human body has.
        """
        return Subject(self.height, self.mass)


class CameraOptions(Options):
    """The camera, as far as the user knows it.

    A pitch or roll that is given wins over what a refiner predicts; null is what the refiner
    predicts, or 0 without one.
    """

    pitch_deg: float | None = Field(None, ge=-90, le=90, description="looking down is positive")
    roll_deg: float | None = Field(
        None, ge=-180, le=180, description="turned clockwise is positive"
    )
    field_of_view_deg: float = Field(60.0, ge=5, le=170, description="over the longer side")


class RepairOptions(Options):
    """Repair of the landmarks."""

    swaps: bool = True
    fill_gaps: bool = True
    max_gap_s: float = Field(0.25, ge=0, le=5)
    filter: bool = True
    cutoff_hz: float = Field(6.0, gt=0, le=100)


class ReportOptions(Options):
    """How large the overlay video is."""

    overlay_max_side: int = Field(720, ge=120, le=4096)


class InferenceOptions(Options):
    """All parameters of the pipeline `inference`."""

    video: str = "demo"
    overwrite: bool = False
    capture_rate_hz: float | None = Field(None, gt=0, le=FASTEST_CAPTURE_HZ, allow_inf_nan=False)
    model: str = "full"
    person: Literal["largest", "central"] | int = "largest"
    max_people: int = Field(4, ge=1, le=20)
    subject: SubjectOptions = SubjectOptions()
    camera: CameraOptions = CameraOptions()
    repair: RepairOptions = RepairOptions()
    refiner: Refiner = DEFAULT_REFINER
    sigma_samples: int = Field(8, ge=0, le=1000)
    sigma_correlation_s: float = Field(0.5, ge=0, le=10)
    estimate_missing: bool = True
    min_visibility: float = Field(0.1, ge=0, le=1)
    provider: Literal["cpu", "cuda", "openvino"] = "cpu"
    augmentation_cycles: int = Field(1, ge=1, le=100)
    augmentation_noise_m: float = Field(0.005, ge=0, le=0.05)
    augmentation_symmetric: bool = False
    force_complete: bool = False
    angle_cutoff_hz: float | None = Field(6.0, gt=0, le=100)
    shoulder_sequence: Literal["ZXY", "YXY"] = "ZXY"
    zero: Literal["none", "first_seconds", "static_trial"] = "none"
    zero_seconds: float = Field(1.0, gt=0, le=600)
    static_trial: str | None = None
    opensim: bool = False
    report: ReportOptions = ReportOptions()

    @field_validator("sigma_samples")
    @classmethod
    def _enough_for_a_deviation(cls, value: int) -> int:
        if value == 1:
            raise ValueError("one sample has no spread: write 0 for no band, or 2 and more")
        return value

    @field_validator("static_trial")
    @classmethod
    def _used_where_given(cls, value: str | None, info: ValidationInfo) -> str | None:
        zero = info.data.get("zero", "static_trial")  # without where it is not allowed itself
        if value and zero != "static_trial":
            raise ValueError(
                f"static_trial is given, but zero is {zero}; say zero=static_trial, or leave "
                "static_trial out"
            )
        return value

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> InferenceOptions:
        """Take this pipeline's parameters out of all parameters of a run and check them.

        Args:
            parameters: all parameters; those of other pipelines are passed over.

        Raises:
            InputError: a value that is not allowed; the message names it.
        """
        own = {key: value for key, value in parameters.items() if key in cls.model_fields}
        own["video"] = str(own.get("video") or "demo")
        if isinstance(own.get("model"), (int, float)):
            own["model"] = str(own["model"])
        try:
            options = cls.model_validate(own)
        except ValidationError as error:
            raise InputError(told(error)) from error
        options.subject.subject()
        return options

    def cutoffs_hz(self) -> dict[str, float]:
        """The cut-off of each low-pass in use, by the name of its parameter."""
        repair = {"repair.cutoff_hz": self.repair.cutoff_hz} if self.repair.filter else {}
        angles = {} if self.angle_cutoff_hz is None else {"angle_cutoff_hz": self.angle_cutoff_hz}
        return repair | angles

    def check_rate(self, name: str, rate_hz: float) -> None:
        """Refuse cut-offs that do not suit a video.

        Args:
            name: of the video, for the message.
            rate_hz: its frames a second.

        Raises:
            InputError: a cut-off is half the rate or more.
        """
        high = {key: value for key, value in self.cutoffs_hz().items() if value >= 0.5 * rate_hz}
        if high:
            raise InputError(
                f"{name} has {rate_hz:.4g} frames a second, and "
                f"{' and '.join(f'{key} is {value:g}' for key, value in high.items())}; allowed "
                f"is below half the rate, {0.5 * rate_hz:.4g} Hz: say "
                f"{','.join(f'{key}={0.4 * rate_hz:.2g}' for key in high)}, or use a video with "
                "more frames a second"
            )


def told(error: ValidationError) -> str:
    """What is wrong with which parameter, in one line for the user."""
    lines = []
    for item in error.errors():
        # A union reports each of its members: the names of the members are not the user's.
        place = ".".join(
            str(part) for part in item["loc"] if not str(part).startswith(("literal[", "int"))
        )
        reason = (
            "there is no such option; conf/base has all that there are"
            if item["type"] == "extra_forbidden"
            else item["msg"].removeprefix("Value error, ")
        )
        lines.append(f"parameter {place} is {item['input']!r}: {reason}")
    return "; ".join(dict.fromkeys(lines))


def each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    """The names of sources, one or more and none twice; for validators of parameters.

    Raises:
        ValueError: there is none, or one is there twice.
    """
    if not value:
        raise ValueError("allowed are sources of data_conversion, one or more, + between them")
    twice = [name for name in dict.fromkeys(value) if value.count(name) > 1]
    if twice:
        raise ValueError(f"{', '.join(twice)} is there more than once; name each source once")
    return value


def check_names(
    given: Mapping[str, Any], known: Mapping[str, Any], where: str, prefix: str = ""
) -> None:
    """Refuse parameters that nothing reads.

    Args:
        given: what the user gave, nested.
        known: all parameters of the project, nested.
        where: the user gave it, for the message.
        prefix: of the names in the message.

    Raises:
        InputError: names an unknown parameter and those that come close.
    """
    for key, value in given.items():
        if key not in known:
            raise InputError(
                f"there is no parameter {prefix}{key}, but {where} gives it; "
                f"{_suggestion(key, known, prefix)}"
            )
        if isinstance(value, Mapping) and isinstance(known[key], Mapping):
            check_names(value, known[key], where, f"{prefix}{key}.")


def _suggestion(key: str, known: Iterable[str], prefix: str) -> str:
    close = difflib.get_close_matches(str(key), list(known), n=3)
    names = ", ".join(prefix + name for name in close or sorted(known))
    return f"did you mean {names}?" if close else f"there are {names}"
