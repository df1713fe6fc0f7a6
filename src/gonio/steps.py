"""Which parameters each step of `inference` reads, and whether a run may go on from its results.

A run that begins at a later step takes what the earlier ones left. With other parameters for these
its results would contradict each other, and the report would tell of a run that there never was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gonio.errors import InputError
from gonio.options import InferenceOptions

_MARKERS = ("subject", "camera", "estimate_missing", "min_visibility")
_AUGMENTED = ("subject", "augmentation_cycles", "augmentation_noise_m", "force_complete")
_ANGLES = ("angle_cutoff_hz", "shoulder_sequence")
READ_BY: dict[str, tuple[str, ...]] = {
    "detect": ("model", "person", "max_people", "capture_rate_hz"),
    "repair": ("repair",),
    "refine_pose": ("refiner", "camera"),
    "make_markers": _MARKERS,
    "augment": _AUGMENTED,
    "compute_angles": _ANGLES,
    "refine_angles": ("refiner", "camera"),
    "sample_angles": (
        "sigma_samples",
        "sigma_correlation_s",
        *dict.fromkeys((*_MARKERS, *_AUGMENTED, *_ANGLES)),
    ),
    "propagate_sigma": ("refiner", "camera"),
    "zero_angles": ("zero", "zero_seconds"),
    "solve_model": ("angle_cutoff_hz",),
    "solve_opensim": ("opensim", "subject", "angle_cutoff_hz"),
}
"""Step -> parameters that its results depend on, beside what other steps have made."""


def step_record(step: str, options: InferenceOptions, seconds: float) -> dict[str, Any]:
    """What is kept of a step: how long it took, and the parameters that it read.

    Args:
        step: its name.
        options: of the run.
        seconds: that it took.

    Returns:
        `seconds`, and `parameters` as plain values.
    """
    read = options.model_dump(mode="json", include=set(READ_BY[step]))
    return {"seconds": seconds, "parameters": read}


def check_same_parameters(
    skipped: Mapping[str, Mapping[str, Any]], options: InferenceOptions
) -> None:
    """Refuse to go on from steps that ran with other parameters.

    Args:
        skipped: record of each step that does not run again, as `step_record` gives it; empty where
            none is known.
        options: of the run.

    Raises:
        InputError: names the parameter, both values and the step.
    """
    for step, record in skipped.items():
        kept = record.get("parameters")
        if not isinstance(kept, Mapping):
            continue
        read = options.model_dump(mode="json", include=set(READ_BY[step]))
        for (name, now), (_, then) in zip(_leaves(read), _leaves(_beside(read, kept)), strict=True):
            if now != then:
                raise InputError(
                    f"{name} is {_told(now)}, but {step}, whose results this run would go on from, "
                    f"ran with {_told(then)}: say {name}={_told(then)}, or run that step again too "
                    "(name it in --from-nodes, or run all)"
                )


def _beside(read: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `kept` at the places of `read`; what is not there is as it is now."""
    found: dict[str, Any] = {}
    for name, value in read.items():
        other = kept.get(name, value)
        nested = isinstance(value, Mapping)
        found[name] = (
            _beside(value, other if isinstance(other, Mapping) else {}) if nested else other
        )
    return found


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _told(value: Any) -> str:
    """A value as the command line takes it."""
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )
