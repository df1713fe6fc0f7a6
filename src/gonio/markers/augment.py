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
from scipy.spatial.transform import Rotation

from gonio.errors import InputError
from gonio.markers.augmenter_networks import Provider, load_network, normalisation, run_in_windows
from gonio.markers.complete import complete_hip_centres, complete_inputs
from gonio.markers.proportions import DEFAULT_MASS_KG
from gonio.markers.stature import stature_of_markers
from gonio.signals import runs_of
from gonio.skeleton import (
    ALL_MARKERS,
    AUGMENTED_LOWER,
    AUGMENTED_UPPER,
    AUGMENTER_LOWER_INPUT,
    AUGMENTER_UPPER_INPUT,
    MARKERS,
    marker_on_other_side,
)
from gonio.types import BoolArray, FloatArray, MarkerTrajectories, Subject, known

TRAINED_RATE_HZ = 60.0
COLUMNS_AT_ONCE = 16
"""Columns of a clip that are splined together."""
DEFAULT_HEIGHT_M = 1.7
"""Where no frame shows the trunk or a leg: nothing can be augmented then."""
MIN_RUN = 2
"""Shorter runs of complete frames are not augmented."""
FRAMES_AT_ONCE = 20_000
"""Views of a clip are taken together as long as they are no more frames: it bounds memory."""
FACINGS_DEG = (90.0, -90.0)
"""How far the body is turned about the vertical, from facing the X axis, for the networks to see.

They were trained in the axes of laboratories, and say other markers for a body that faces another
way and for a mirror image. Of the pairs of opposite ways this one was the best on validation
subjects (docs/experiments.md, "The body's heading")."""


@dataclass(frozen=True)
class _Half:
    """One of the two networks with its markers."""

    folder: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def inputs_mirrored(self) -> list[int]:
        return [self.inputs.index(marker_on_other_side(name)) for name in self.inputs]

    @property
    def outputs_mirrored(self) -> list[int]:
        return [self.outputs.index(marker_on_other_side(name)) for name in self.outputs]


@dataclass(frozen=True)
class _Settings:
    """What is done with every clip.

    Attributes:
        height_m, mass_kg: to normalise by.
        provider: where the networks run.
        cycles, noise_m: of the ensemble.
    """

    height_m: float
    mass_kg: float
    provider: Provider
    cycles: int
    noise_m: float


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
    symmetric: bool = False,
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
        symmetric: the networks see each clip in four ways, turned so that the body faces to either
            side of the room, and the mirror images of these, and the mean is taken: the result
            then turns with the body and is mirrored with it. Else they see the clip once, in the
            room's axes, as in Pose2Sim.
        force_complete: estimate input markers that are missing from anatomy, and hip joint
            centres by regression; what is estimated is flagged.
        height_m: stature to normalise by where `subject` has none; if not given, what the lengths
            of trunk, thighs and shanks say.

    Returns:
        (T, 65, 3) metres: the 22 markers and the 43 augmented ones.

    Raises:
        InputError: a marker is not there, the provider is not installed, or a size is not allowed.
        MissingFileError: the networks are not installed.
    """
    return augment_batch(
        [markers],
        subject,
        provider=provider,
        cycles=cycles,
        noise_m=noise_m,
        symmetric=symmetric,
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
    symmetric: bool = False,
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
        symmetric: as in `augment_markers`.
        force_complete: estimate input markers that are missing from anatomy, and hip joint
            centres by regression; what is estimated is flagged.
        height_m: stature to normalise by where `subject` has none, metres, as in
            `augment_markers`.

    Returns:
        What `augment_markers` gives for each of them.

    Raises:
        InputError: as `augment_markers`.
        MissingFileError: as `augment_markers`.
    """
    if not isinstance(cycles, int) or cycles < 1 or not 0 <= noise_m < np.inf:
        raise InputError(
            f"cycles is {cycles} and noise_m {noise_m}; allowed are a whole number from 1 on, and "
            "0 m or more"
        )
    if height_m is not None and not 0.1 <= height_m <= 10:
        raise InputError(f"height_m is {height_m}; allowed are metres, 0.1 to 10")
    subject = subject or Subject()
    clips = [_in_order(clip, absent_allowed=force_complete) for clip in clips]
    height = subject.height_m or height_m or _stature_of(clips) or DEFAULT_HEIGHT_M
    mass = subject.mass_kg or DEFAULT_MASS_KG
    settings = _Settings(height, mass, provider, cycles, noise_m)
    if force_complete:
        clips = [complete_inputs(clip, height) for clip in clips]
    views = _views(clips, symmetric)
    with ThreadPoolExecutor(len(_HALVES)) as side_by_side:
        halves = list(
            side_by_side.map(lambda half: _augment_half(half, clips, views, settings), _HALVES)
        )
    augmented = [
        _joined(clip, [(added[:, i], flags[:, i]) for added, flags in halves])
        for i, clip in enumerate(clips)
    ]
    return [complete_hip_centres(clip) for clip in augmented] if force_complete else augmented


def _stature_of(clips: Sequence[MarkerTrajectories]) -> float | None:
    """The mean over the clips, metres; None where none shows a leg or the trunk."""
    found = [stature for clip in clips if (stature := stature_of_markers(clip)) is not None]
    return float(np.mean(found)) if found else None


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


def _in_order(markers: MarkerTrajectories, *, absent_allowed: bool) -> MarkerTrajectories:
    """The 22 markers in their order; Neck and Hip are made if only they are missing.

    Args:
        markers: of a clip.
        absent_allowed: whether others that the recording lacks may be NaN.

    Raises:
        InputError: a marker that the networks need is not there.
    """
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
    if not have:
        raise InputError(
            f"none of the markers {', '.join(MARKERS[:4])}, ... is there; there are "
            f"{', '.join(markers.names[:8])}"
        )
    if needed and not absent_allowed:
        raise InputError(
            f"marker augmentation needs the markers {', '.join(dict.fromkeys(needed))}, which are "
            "not there; force_complete=True estimates them from anatomy, as far as others tell"
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


def _views(clips: Sequence[MarkerTrajectories], symmetric: bool) -> FloatArray:
    """How the networks see each of B clips: (V, B, 3, 3) turns, with or without a mirror image."""
    if not symmetric:
        return np.broadcast_to(np.eye(3), (1, len(clips), 3, 3))
    to_front = Rotation.from_euler("Y", [[-_heading(clip)] for clip in clips]).as_matrix()
    mirror = np.diag([1.0, 1.0, -1.0])  # right and left of a body that faces along X
    return np.stack(
        [
            Rotation.from_euler("Y", facing, degrees=True).as_matrix() @ image @ to_front
            for facing in FACINGS_DEG
            for image in (np.eye(3), mirror)
        ]
    )


def _heading(clip: MarkerTrajectories) -> float:
    """Turn of the body about the vertical in the mean of a clip, radians; 0 along X."""
    to_right = np.stack([clip["R" + part] - clip["L" + part] for part in ("Hip", "Shoulder")])
    x, _, z = np.nan_to_num(to_right).sum(axis=(0, 1))
    return float(np.arctan2(x, z))


def _augment_half(
    half: _Half, clips: Sequence[MarkerTrajectories], views: FloatArray, settings: _Settings
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
            lambda clip: _run(half, clip, views, settings),
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


def _run(half: _Half, clip: FloatArray, views: FloatArray, settings: _Settings) -> FloatArray:
    """Markers relative to Hip, (T, B, inputs, 3) to (T, B, outputs, 3), metres.

    Args:
        half: the network.
        clip: of B clips.
        views: (V, B, 3, 3) how the network sees each of them.
        settings: the body and the ensemble.
    """
    frames, clips = clip.shape[:2]
    members = np.moveaxis(clip, 1, 0)[None]  # (1, B, T, inputs, 3)
    noise = np.zeros((settings.cycles, 1, frames, len(half.inputs), 3))
    noise[1:, 0] = np.random.default_rng(0).normal(0.0, settings.noise_m, noise[1:, 0].shape)
    together = max(1, FRAMES_AT_ONCE // (settings.cycles * clips * frames))
    output = np.zeros((clips, frames, len(half.outputs), 3))
    for start in range(0, len(views), together):
        output += _in_views(half, members, noise, views[start : start + together], settings)
    return np.moveaxis(output / len(views), 1, 0)


def _in_views(
    half: _Half,
    members: FloatArray,
    noise: FloatArray,
    views: FloatArray,
    settings: _Settings,
) -> FloatArray:
    """The sum over some views of the mean over an ensemble of C, all in one batch.

    Args:
        half: the network.
        members: (1, B, T, inputs, 3) metres.
        noise: (C, 1, T, inputs, 3) metres, in the axes of the network, so that it turns and is
            mirrored with the body.
        views: (V, B, 3, 3).
        settings: the body.

    Returns:
        (B, T, outputs, 3) metres, in the axes of the members.
    """
    mean, std = normalisation(half.folder)
    height = settings.height_m
    mirrored = np.linalg.det(views[:, 0]) < 0
    seen = np.stack(
        [
            (members[..., half.inputs_mirrored, :] if other else members)
            @ np.swapaxes(view, 1, 2)[:, None]
            + noise
            for view, other in zip(views, mirrored, strict=True)
        ]
    )  # (V, C, B, T, inputs, 3)
    rows = seen.reshape(-1, seen.shape[3], 3 * len(half.inputs)) / height
    sizes = np.broadcast_to([height, settings.mass_kg], (*rows.shape[:2], 2))
    features = (np.concatenate([rows, sizes], axis=2) - mean) / std
    network = load_network(half.folder, settings.provider)
    said = run_in_windows(network, features.astype(np.float32))
    said = said.reshape(*seen.shape[:4], len(half.outputs), 3).mean(axis=1, dtype=float) * height
    total = np.zeros(said.shape[1:])
    for of_view, view, other in zip(said, views, mirrored, strict=True):
        turned_back = of_view @ view[:, None]
        total += turned_back[..., half.outputs_mirrored, :] if other else turned_back
    return total


def augmented_shares(markers: MarkerTrajectories) -> dict[str, float]:
    """Share of the frames in which each half of the augmented markers is there."""
    return {
        half.folder: float(np.isfinite(markers[half.outputs[0]]).all(axis=1).mean())
        for half in _HALVES
    }
