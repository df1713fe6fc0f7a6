"""Which parameters each step of `inference` reads, and whether a run may go on from its results.

A run that begins at a later step takes what the earlier ones left. With other parameters for these
its results would contradict each other, and the report would tell of a run that there never was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gonio.errors import InputError
from gonio.options import InferenceOptions

_OWN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "detect": ((), ("model", "person", "max_people", "capture_rate_hz")),
    "repair": (("detect",), ("repair",)),
    "refine_pose": (("repair",), ("refiner", "camera")),
    "make_markers": (
        ("refine_pose", "repair"),
        ("subject", "camera", "estimate_missing", "min_visibility"),
    ),
    "augment": (
        ("make_markers",),
        ("subject", "augmentation_cycles", "augmentation_noise_m", "force_complete"),
    ),
    "compute_angles": (("augment",), ("angle_cutoff_hz", "shoulder_sequence")),
    "refine_angles": (("compute_angles", "repair"), ("refiner", "camera")),
    "sample_angles": (
        ("refine_pose", "repair", "make_markers"),
        (
            *("sigma_samples", "sigma_correlation_s"),
            *("subject", "camera", "estimate_missing", "min_visibility"),
            *("augmentation_cycles", "augmentation_noise_m", "force_complete"),
            *("angle_cutoff_hz", "shoulder_sequence"),
        ),
    ),
    "propagate_sigma": (
        ("sample_angles", "repair", "compute_angles", "refine_angles"),
        ("refiner", "camera"),
    ),
    "zero_angles": (
        ("refine_angles",),
        ("zero", "zero_seconds", "static_trial", "shoulder_sequence"),
    ),
    "solve_model": (("augment",), ("angle_cutoff_hz",)),
    "solve_opensim": (("augment",), ("opensim", "subject", "angle_cutoff_hz")),
}
READ_BY = {step: own for step, (_, own) in _OWN.items()}
"""Step -> parameters that it reads."""
AFTER = {step: before for step, (before, _) in _OWN.items()}
"""Step -> steps whose results it takes."""


def step_record(step: str, options: InferenceOptions, seconds: float) -> dict[str, Any]:
    """What is kept of a step: how long it took, and the parameters that its results depend on.

    Args:
        step: its name.
        options: of the run.
        seconds: that it took.

    Returns:
        `seconds`, and as plain values the `parameters` that it and the steps before it read.
    """
    return {"seconds": seconds, "parameters": _read(step, options)}


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
        then = dict(_leaves(kept)) if isinstance(kept, Mapping) else {}
        for name, now in _leaves(_read(step, options)):
            if then.get(name, now) != now:
                said = _told(then[name])
                raise InputError(
                    f"{name} is {_told(now)}, but {step}, which does not run again, has results "
                    f"with {said}: say {name}={said}, or run all steps that need it (kedro run)"
                )


def _read(step: str, options: InferenceOptions) -> dict[str, Any]:
    """What a step and all before it read."""
    steps, waiting = {step}, [step]
    while waiting:
        before = set(AFTER[waiting.pop()]) - steps
        steps |= before
        waiting += before
    names = {name for read in steps for name in READ_BY[read]}
    return options.model_dump(mode="json", include=names)


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
