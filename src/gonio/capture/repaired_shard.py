"""The landmarks of a shard, repaired as `inference` repairs those of a video."""

from __future__ import annotations

from gonio.capture.shards import Shard
from gonio.errors import InputError
from gonio.landmarks.repair import repair_landmarks
from gonio.options import RepairOptions
from gonio.types import LandmarkSequence


def repaired_shard(shard: Shard, repair: RepairOptions | None = None) -> LandmarkSequence:
    """What MediaPipe saw in a shard, repaired.

    Args:
        shard: one sequence of one camera.
        repair: as `inference` repairs; all of it if not given.

    Raises:
        InputError: the shard has too few frames a second for the low-pass; it is named.
    """
    try:
        return repair_landmarks(shard.landmark_sequence, repair).sequence
    except InputError as error:
        raise InputError(
            f"the landmarks of the {shard.source} shard {shard.sequence}, {shard.camera} "
            f"({shard.fps:g} frames/s) cannot be repaired: {error}; change repair.cutoff_hz for "
            "all, or convert its source again at a higher rate"
        ) from error
