"""Pose2Sim's marker augmenter: 22 markers in, 43 anatomical markers more, by two LSTMs.

The networks come from OpenCap (Uhlrich et al. 2023, PLoS Comput Biol 19:e1011462), version 0.3,
as ONNX files in the installed Pose2Sim package. They were trained on motion at 60 Hz with Y up:
paths at another rate are resampled around them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from gonio.errors import InputError
from gonio.markers.augmenter_networks import Provider, load_network, normalisation, run_in_windows
from gonio.markers.complete import complete_hip_centres, complete_inputs
from gonio.markers.proportions import DEFAULT_MASS_KG
from gonio.signals import runs_of
from gonio.skeleton import (
    ALL_MARKERS,
    AUGMENTED_LOWER,
    AUGMENTED_UPPER,
    AUGMENTER_LOWER_INPUT,
    AUGMENTER_UPPER_INPUT,
    MARKERS,
)
from gonio.types import BoolArray, FloatArray, MarkerTrajectories, Subject, known

TRAINED_RATE_HZ = 60.0
COLUMNS_AT_ONCE = 16
"""Columns of a clip that are splined together."""
MIN_RUN = 2
"""Shorter runs of complete frames are not augmented."""


@dataclass(frozen=True)
class _Half:
    """One of the two networks with its markers."""

    folder: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


_HALVES = (
    _Half("v0.3_lower", AUGMENTER_LOWER_INPUT, AUGMENTED_LOWER),
    _Half("v0.3_upper", AUGMENTER_UPPER_INPUT, AUGMENTED_UPPER),
)


def augment_markers(
    markers: MarkerTrajectories,
    subject: Subject | None = None,
    *,
    provider: Provider = "cpu",
    cycles: int = 1,
    noise_m: float = 0.005,
    force_complete: bool = False,
    height_m: float | None = None,
) -> MarkerTrajectories:
    """Add the 43 augmented markers.

    Frames in which an input marker is missing split the clip: each run of complete frames goes
    through the network as a clip of its own, the rest stays NaN, for each half of the body by
    itself. An augmented sample counts as estimated where more than a third of its inputs are.

    Args:
        markers: (T, 22, 3) metres, Y up, with the names of `skeleton.MARKERS`.
        subject: stature and mass.
        provider: where the networks run: `cpu`, `cuda` (package onnxruntime-gpu) or `openvino`
            (package onnxruntime-openvino; OpenVINO by itself cannot read the networks' loops).
        cycles: size of an ensemble; each member but the first sees inputs with noise added, all
            run in one batch, and their mean is taken.
        noise_m: standard deviation of that noise, metres.
        force_complete: estimate input markers that are missing from anatomy, and hip joint
            centres by regression; what is estimated is flagged.
        height_m: stature to normalise by where `subject` has none (1.7 m if not given).

    Returns:
        (T, 65, 3) metres: the 22 markers and the 43 augmented ones.

    Raises:
        InputError: a marker is not there, or the provider is not installed.
        MissingFileError: the networks are not installed.
    """
    return augment_batch(
        [markers],
        subject,
        provider=provider,
        cycles=cycles,
        noise_m=noise_m,
        force_complete=force_complete,
        height_m=height_m,
    )[0]


def augment_batch(
    clips: Sequence[MarkerTrajectories],
    subject: Subject | None = None,
    *,
    provider: Provider = "cpu",
    cycles: int = 1,
    noise_m: float = 0.005,
    force_complete: bool = False,
    height_m: float | None = None,
) -> list[MarkerTrajectories]:
    """Augment several clips of the same frames together, in common calls of each network.

    Args:
        clips: the same length, rate and subject, such as samples of one uncertain clip; a frame
            that is incomplete in one of them is left out in all.
        subject: stature and mass; the mass is `DEFAULT_MASS_KG` where it is not known.
        provider: where the networks run: `cpu`, `cuda` (package onnxruntime-gpu) or `openvino`
            (package onnxruntime-openvino).
        cycles: size of an ensemble, 1 or more; each member but the first sees inputs with noise
            added, all run in one batch, and their mean is taken.
        noise_m: standard deviation of that noise, metres.
        force_complete: estimate input markers that are missing from anatomy, and hip joint
            centres by regression; what is estimated is flagged.
        height_m: stature to normalise by where `subject` has none, metres (1.7 if not given).

    Returns:
        What `augment_markers` gives for each of them.

    Raises:
        InputError: as `augment_markers`.
        MissingFileError: as `augment_markers`.
    """
    subject = subject or Subject()
    height = subject.height_m or height_m or 1.7
    body = height, subject.mass_kg or DEFAULT_MASS_KG
    clips = [_in_order(clip) for clip in clips]
    if force_complete:
        clips = [complete_inputs(clip, height) for clip in clips]
    with ThreadPoolExecutor(len(_HALVES)) as side_by_side:
        halves = list(
            side_by_side.map(
                lambda half: _augment_half(half, clips, body, provider, cycles, noise_m), _HALVES
            )
        )
    augmented = [
        _joined(clip, [(added[:, i], flags[:, i]) for added, flags in halves])
        for i, clip in enumerate(clips)
    ]
    return [complete_hip_centres(clip) for clip in augmented] if force_complete else augmented


def _joined(
    clip: MarkerTrajectories, halves: list[tuple[FloatArray, BoolArray]]
) -> MarkerTrajectories:
    return MarkerTrajectories(
        ALL_MARKERS,
        np.concatenate([clip.positions, *(added for added, _ in halves)], axis=1),
        clip.rate_hz,
        np.concatenate([clip.estimated, *(flags for _, flags in halves)], axis=1),
        clip.start_s,
    )


def _in_order(markers: MarkerTrajectories) -> MarkerTrajectories:
    """The 22 markers in their order; Neck and Hip are made if only they are missing."""
    have = {name: markers[name] for name in MARKERS if name in markers}
    flags = {
        name: markers.estimated[:, markers.names.index(name)] for name in MARKERS if name in markers
    }
    for middle, part in (("Neck", "Shoulder"), ("Hip", "Hip")):
        ends = ("R" + part, "L" + part)
        if middle not in have and all(end in have for end in ends):
            have[middle] = (have[ends[0]] + have[ends[1]]) / 2
            flags[middle] = flags[ends[0]] | flags[ends[1]]
    needed = [name for name in AUGMENTER_LOWER_INPUT + AUGMENTER_UPPER_INPUT if name not in have]
    if needed:
        raise InputError(
            f"marker augmentation needs the markers {', '.join(dict.fromkeys(needed))}, which are "
            "not there"
        )
    gap = np.full((len(markers), 3), np.nan)
    none = np.zeros(len(markers), dtype=bool)
    return MarkerTrajectories(
        MARKERS,
        np.stack([have.get(name, gap) for name in MARKERS], axis=1),
        markers.rate_hz,
        np.stack([flags.get(name, none) for name in MARKERS], axis=1),
        markers.start_s,
    )


def _augment_half(
    half: _Half,
    clips: Sequence[MarkerTrajectories],
    body: tuple[float, float],
    provider: Provider,
    cycles: int,
    noise_m: float,
) -> tuple[FloatArray, BoolArray]:
    """The markers that one network adds to B clips: (T, B, outputs, 3) metres, and their flags."""
    inputs = np.stack([clip.select(half.inputs) for clip in clips], axis=1)  # (T, B, inputs, 3)
    hip = np.stack([clip["Hip"] for clip in clips], axis=1)[:, :, None]
    complete = known(np.concatenate([inputs, hip], axis=2).reshape(len(inputs), -1))
    added = np.full((*inputs.shape[:2], len(half.outputs), 3), np.nan)
    for start, stop in runs_of(complete):
        if stop - start < MIN_RUN:
            continue
        output = _at_trained_rate(
            inputs[start:stop] - hip[start:stop],
            clips[0].rate_hz,
            lambda clip: _run(half, clip, body, provider, cycles, noise_m),
        )
        added[start:stop] = output + hip[start:stop]
    columns = [MARKERS.index(name) for name in half.inputs]
    estimated = np.stack([clip.estimated[:, columns] for clip in clips], axis=1)
    doubtful = estimated.mean(axis=2) > 1 / 3
    return added, doubtful[:, :, None] & known(added)


def _at_trained_rate(
    clip: FloatArray, rate_hz: float, network: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """Run a network that wants 60 Hz on a clip of another rate (cubic splines both ways)."""
    steps = len(clip) - 1
    new_steps = round(steps * TRAINED_RATE_HZ / rate_hz)
    if new_steps == steps or new_steps < 1:
        return network(clip)
    output = network(_evenly_splined(clip, new_steps + 1))
    return _evenly_splined(output, steps + 1)


def _evenly_splined(clip: FloatArray, count: int) -> FloatArray:
    """A clip (T, ...) brought to another number of frames from its first to its last.

    A few columns at a time: the splines of a long clip take many times the memory of its frames.
    """
    time, new_time = (np.linspace(0, 1, frames) for frames in (len(clip), count))
    columns = clip.reshape(len(clip), -1)
    splined = np.empty((count, columns.shape[1]))
    for start in range(0, columns.shape[1], COLUMNS_AT_ONCE):
        some = slice(start, start + COLUMNS_AT_ONCE)
        splined[:, some] = CubicSpline(time, columns[:, some], axis=0)(new_time)
    return splined.reshape(count, *clip.shape[1:])


def _run(
    half: _Half,
    clip: FloatArray,
    body: tuple[float, float],
    provider: Provider,
    cycles: int,
    noise_m: float,
) -> FloatArray:
    """Markers relative to Hip, (T, B, inputs, 3) to (T, B, outputs, 3), metres."""
    height, mass = body
    mean, std = normalisation(half.folder)
    frames, clips = clip.shape[:2]
    noise = np.random.default_rng(0).normal(
        0.0, noise_m, (cycles - 1, frames, 1, len(half.inputs), 3)
    )
    members = np.concatenate([clip[None], clip + noise]).reshape(cycles, frames, clips, -1)
    sizes = np.broadcast_to([height, mass], (*members.shape[:3], 2))
    features = (np.concatenate([members / height, sizes], axis=3) - mean) / std
    batch = np.moveaxis(features, 2, 1).reshape(cycles * clips, frames, -1).astype(np.float32)
    output = run_in_windows(load_network(half.folder, provider), batch)
    ensemble = output.reshape(cycles, clips, frames, len(half.outputs), 3).mean(axis=0, dtype=float)
    return np.asarray(np.moveaxis(ensemble, 1, 0) * height)


def augmented_shares(markers: MarkerTrajectories) -> dict[str, float]:
    """Share of the frames in which each half of the augmented markers is there."""
    return {
        half.folder: float(np.isfinite(markers[half.outputs[0]]).all(axis=1).mean())
        for half in _HALVES
    }
