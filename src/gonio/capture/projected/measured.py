"""What the detector model is learned from: the rendered pairs of the training split, repaired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gonio.capture.manifest import Manifest
from gonio.capture.projected.detector_model import (
    DetectorModel,
    Seen,
    fit_detector_model,
    load_detector_model,
    save_detector_model,
)
from gonio.capture.reference_body import reference_scale
from gonio.capture.repaired_shard import repaired_shard
from gonio.capture.shards import Shard, read_shard
from gonio.errors import InputError, MissingFileError
from gonio.landmarks.inputs import pose_inputs
from gonio.options import RepairOptions
from gonio.signals import stride_of

SHORTEST_CLIP = 6
"""Frames, `STEP_S` apart, below which a clip has no errors to lend."""
STEP_S = 0.1


def seen_in_shard(shard: Shard, number: int, repair: RepairOptions | None = None) -> Seen | None:
    """What MediaPipe said in one clip beside its truth, every 0.1 s; None for too short a clip.

    Args:
        shard: with feet in its truth.
        number: of the clip.
        repair: as `inference` repairs; all of it if not given.
    """
    sequence = repaired_shard(shard, repair)
    if len(sequence) != len(shard):
        return None
    inputs = pose_inputs(sequence.world, sequence.points_2d, sequence.visibility)
    truth = np.concatenate([shard.ground_truth, shard.feet_truth], axis=1)
    whole = np.isfinite(truth).all(axis=(1, 2)) & inputs.there.all(axis=1)
    rows = np.flatnonzero(whole)[:: stride_of(shard.fps, STEP_S)]
    if len(rows) < SHORTEST_CLIP:
        return None
    scale = reference_scale(shard.ground_truth)
    return Seen(
        truth=(truth[rows] * scale).astype(np.float32),
        up=shard.up[rows],
        distance=(np.linalg.norm(shard.camera_relative[rows], axis=1) * scale).astype(np.float32),
        landmarks=inputs.landmarks[rows],
        clip=np.full(len(rows), number),
    )


def measured_detector(
    manifest: Manifest, path: Path, repair: RepairOptions | None = None
) -> DetectorModel:
    """The detector model of the rendered training pairs; learned once, then read from `path`.

    Args:
        manifest: of the source `rendered`.
        path: of the model; another one for other pairs or another repair.
        repair: as `inference` repairs; all of it if not given.

    Raises:
        InputError: there are no rendered training pairs, one is damaged or gone, or has too few
            frames a second for the low-pass.
    """
    if path.is_file():
        return load_detector_model(path)
    shards = enumerate(_training_shards(manifest))
    seen = [seen_in_shard(shard, number, repair) for number, shard in shards]
    clips = [clip for clip in seen if clip is not None]
    if not clips:
        raise InputError(
            "source=projected borrows MediaPipe's errors from rendered training pairs, and there "
            "are none: run the data_conversion pipeline with source=rendered first"
        )
    names = ("truth", "up", "distance", "landmarks", "clip")
    model = fit_detector_model(
        Seen(**{name: np.concatenate([getattr(clip, name) for clip in clips]) for name in names})
    )
    save_detector_model(path, model)
    return model


def _training_shards(manifest: Manifest) -> Iterator[Shard]:
    """The rendered training pairs, one after the other.

    Raises:
        InputError: one is damaged or gone.
    """
    try:
        yield from map(read_shard, manifest.shards("train"))
    except (InputError, MissingFileError) as error:
        raise InputError(
            f"source=projected borrows MediaPipe's errors from rendered training pairs: {error}. "
            "Run the data_conversion pipeline with source=rendered first."
        ) from error
