"""Pose2Sim's marker augmenter: 22 markers in, 43 anatomical markers more, by two LSTMs.

The networks come from OpenCap (Uhlrich et al. 2023, PLoS Comput Biol 19:e1011462), version 0.3,
as ONNX files in the installed Pose2Sim package. They were trained on motion at 60 Hz with Y up:
paths at another rate are resampled around them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from gonio.errors import InputError, MissingFileError
from gonio.markers.complete import complete_hip_centres, complete_inputs
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

Provider = Literal["cpu", "cuda", "openvino"]

TRAINED_RATE_HZ = 60.0
DEFAULT_MASS_KG = 70.0
"""Taken where the mass is not known; it hardly matters to the networks."""
MIN_RUN = 2
"""Shorter runs of complete frames are not augmented."""

_PROVIDERS: dict[Provider, tuple[str, str]] = {
    "cpu": ("CPUExecutionProvider", "onnxruntime"),
    "cuda": ("CUDAExecutionProvider", "onnxruntime-gpu"),
    "openvino": ("OpenVINOExecutionProvider", "onnxruntime-openvino"),
}
"""ONNX Runtime's name of each provider, and the package that brings it."""

_Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


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
    subject = subject or Subject()
    height = subject.height_m or height_m or 1.7
    mass = subject.mass_kg or DEFAULT_MASS_KG
    markers = _in_order(markers)
    if force_complete:
        markers = complete_inputs(markers, height)
    positions, flags = [markers.positions], [markers.estimated]
    for half in _HALVES:
        added, flag = _augment_half(half, markers, (height, mass), provider, cycles, noise_m)
        positions.append(added)
        flags.append(flag)
    augmented = MarkerTrajectories(
        ALL_MARKERS,
        np.concatenate(positions, axis=1),
        markers.rate_hz,
        np.concatenate(flags, axis=1),
        markers.start_s,
    )
    return complete_hip_centres(augmented) if force_complete else augmented


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
    markers: MarkerTrajectories,
    body: tuple[float, float],
    provider: Provider,
    cycles: int,
    noise_m: float,
) -> tuple[FloatArray, BoolArray]:
    inputs, hip = markers.select(half.inputs), markers["Hip"]
    complete = known(inputs.reshape(len(inputs), -1)) & known(hip)
    added = np.full((len(markers), len(half.outputs), 3), np.nan)
    for start, stop in runs_of(complete):
        if stop - start < MIN_RUN:
            continue
        relative = inputs[start:stop] - hip[start:stop, None]
        output = _at_trained_rate(
            relative,
            markers.rate_hz,
            lambda clip: _run(half, clip, body, provider, cycles, noise_m),
        )
        added[start:stop] = output + hip[start:stop, None]
    columns = [markers.names.index(name) for name in half.inputs]
    doubtful = markers.estimated[:, columns].mean(axis=1) > 1 / 3
    return added, doubtful[:, None] & known(added)


def _at_trained_rate(
    clip: FloatArray, rate_hz: float, network: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """Run a network that wants 60 Hz on a clip of another rate (cubic splines both ways)."""
    steps = len(clip) - 1
    new_steps = round(steps * TRAINED_RATE_HZ / rate_hz)
    if new_steps == steps or new_steps < 1:
        return network(clip)
    time = np.linspace(0, 1, steps + 1)
    new_time = np.linspace(0, 1, new_steps + 1)
    output = network(np.asarray(CubicSpline(time, clip, axis=0)(new_time)))
    return np.asarray(CubicSpline(new_time, output, axis=0)(time))


def _run(
    half: _Half,
    clip: FloatArray,
    body: tuple[float, float],
    provider: Provider,
    cycles: int,
    noise_m: float,
) -> FloatArray:
    """Markers relative to Hip (T, inputs, 3) to markers relative to Hip (T, outputs, 3), metres."""
    height, mass = body
    mean, std = _normalisation(half.folder)
    members = np.repeat(clip[None], cycles, axis=0)
    noise = np.random.default_rng(0).normal(0.0, noise_m, members[1:].shape)
    members[1:] += noise
    features = np.concatenate(
        [
            members.reshape(cycles, len(clip), -1) / height,
            np.full((cycles, len(clip), 1), height),
            np.full((cycles, len(clip), 1), mass),
        ],
        axis=2,
    )
    network = load_network(half.folder, provider)
    output = network(((features - mean) / std).astype(np.float32))
    mean_output = np.asarray(output, dtype=float).mean(axis=0)
    return np.asarray(mean_output.reshape(len(clip), len(half.outputs), 3) * height)


def _folder(name: str) -> Path:
    spec = find_spec("Pose2Sim")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0]) / "MarkerAugmenter" / "LSTM" / name
        if (folder / "model.onnx").is_file():
            return folder
    raise MissingFileError(
        f"the marker augmenter {name} is not installed; install the package pose2sim 0.10.49"
    )


@cache
def _normalisation(name: str) -> tuple[FloatArray, FloatArray]:
    folder = _folder(name)
    mean, std = (np.load(folder / f"{part}.npy", allow_pickle=False) for part in ("mean", "std"))
    return mean, std


def check_provider(provider: Provider) -> str:
    """ONNX Runtime's name of a provider, if it is installed.

    Raises:
        InputError: it is not; the message names the package that brings it.
    """
    import onnxruntime

    wanted, package = _PROVIDERS[provider]
    available = onnxruntime.get_available_providers()
    if wanted not in available:
        raise InputError(
            f"provider is {provider!r}, but the installed onnxruntime offers only "
            f"{', '.join(available)}; install the package {package} in its place or choose "
            "provider=cpu"
        )
    return wanted


@cache
def load_network(name: str, provider: Provider) -> _Network:
    """One of the augmenter's networks, ready to run.

    Args:
        name: `v0.3_lower` or `v0.3_upper`.
        provider: `cpu`, `cuda` or `openvino`.

    Returns:
        A function from (batch, T, features) to (batch, T, 3 * markers), both float32.

    Raises:
        InputError: the provider is not there.
        MissingFileError: the network is not installed.
    """
    import onnxruntime

    wanted = check_provider(provider)
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False  # it would keep the most that a long clip ever needed
    path = str(_folder(name) / "model.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=[wanted])
    return lambda features: session.run(["output_0"], {"inputs": features})[0]


def augmented_shares(markers: MarkerTrajectories) -> dict[str, float]:
    """Share of the frames in which each half of the augmented markers is there."""
    return {
        half.folder: float(np.isfinite(markers[half.outputs[0]]).all(axis=1).mean())
        for half in _HALVES
    }
