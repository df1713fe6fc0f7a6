"""Which parameters each step of `inference` reads, and whether a run may go on from its results.

A run that begins at a later step takes what the earlier ones left. With other parameters for these
its results would contradict each other, and the report would tell of a run that there never was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gonio.errors import InputError
from gonio.options import InferenceOptions

AFTER: dict[str, tuple[str, ...]] = {
    "detect": (),
    "repair": ("detect",),
    "refine_pose": ("repair",),
    "make_markers": ("refine_pose", "repair"),
    "augment": ("make_markers",),
    "compute_angles": ("augment",),
    "refine_angles": ("compute_angles", "repair"),
    "sample_angles": ("refine_pose", "repair", "make_markers"),
    "propagate_sigma": ("sample_angles", "repair", "compute_angles", "refine_angles"),
    "zero_angles": ("refine_angles",),
    "solve_model": ("augment",),
    "solve_opensim": ("augment",),
}
"""Step -> steps whose results it takes."""
_NETWORKS = ("refiner", "camera")
_MARKERS = ("subject", "camera", "estimate_missing", "min_visibility")
_AUGMENTED = (
    *("subject", "force_complete"),
    *("augmentation_cycles", "augmentation_noise_m", "augmentation_symmetric"),
)
_ANGLES = ("angle_cutoff_hz", "shoulder_sequence")
READ_BY: dict[str, tuple[str, ...]] = {
    "detect": ("model", "person", "max_people", "capture_rate_hz"),
    "repair": ("repair",),
    "refine_pose": _NETWORKS,
    "make_markers": _MARKERS,
    "augment": _AUGMENTED,
    "compute_angles": _ANGLES,
    "refine_angles": _NETWORKS,
    "sample_angles": (
        *("sigma_samples", "sigma_correlation_s"),
        *(*_MARKERS, *_AUGMENTED, *_ANGLES),  # it goes the whole way to the angles itself
    ),
    "propagate_sigma": _NETWORKS,
    "zero_angles": ("zero", "zero_seconds", "static_trial", "shoulder_sequence"),
    "solve_model": ("angle_cutoff_hz",),
    "solve_opensim": ("opensim", "subject", "angle_cutoff_hz"),
}
"""Step -> parameters that it reads."""


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
    return value if isinstance(value, str) else json.dumps(value)
