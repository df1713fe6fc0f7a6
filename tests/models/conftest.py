from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gonio.models.checkpoint_io import FORMAT
from gonio.models.depth_network import Batch, DepthRefinerConfig, PoseAwareDepthRefiner
from gonio.types import LandmarkSequence
from tests.capture.fakes import seen_by_mediapipe, walking_truth

SMALL = {"d_model": 16, "layers": 1, "heads": 2, "d_time": 24, "time_heads": 3, "window": 8}
FULL = DepthRefinerConfig(
    **SMALL, temporal_layers=1, up_head=True, sigma_head=True, limb_head=True, all_landmarks=True
)


def random_batch(rows: int = 2, frames: int = 6, seed: int = 0) -> Batch:
    """Rows of random frames, all there, one clip a row."""
    random = torch.Generator().manual_seed(seed)
    return Batch(
        landmarks=torch.randn(rows, frames, 33, 6, generator=random),
        frame=torch.randn(rows, frames, 18, generator=random),
        there=torch.ones(rows, frames, 33, dtype=torch.bool),
        time=(torch.arange(frames) * 0.1).repeat(rows, 1),
        clip=torch.zeros(rows, frames, dtype=torch.long),
    )


def trained_looking(config: DepthRefinerConfig, seed: int = 0) -> PoseAwareDepthRefiner:
    """A network whose zero-initialised layers are not zero."""
    torch.manual_seed(seed)
    network = PoseAwareDepthRefiner(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


@pytest.fixture
def walking() -> LandmarkSequence:
    """Forty frames of somebody who walks, as MediaPipe sees it, 30 frames a second."""
    return seen_by_mediapipe(walking_truth(40))


def write_damaged(path: Path, header: dict[str, Any], weights: dict[str, torch.Tensor]) -> Path:
    """A checkpoint whose header may hold anything, NaN and Infinity too."""
    from safetensors.torch import save_file

    save_file(weights, path, {"gonio": json.dumps({**header, "format": FORMAT})})
    return path


NO_CONFIGURATIONS: tuple[Any, ...] = (None, [], [3], 3, True, "d_model")
"""What cannot stand in the place of a configuration."""
WRONG_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("d_model", 16.0, r"d_model is 16\.0, a whole number"),
    ("d_model", None, "d_model is None, a whole number"),
    ("layers", 1.0, r"layers is 1\.0, a whole number"),
    ("layers", True, "layers is True, a whole number"),
    ("heads", 0, "heads is 0; sizes .* 1 or more"),
    ("dropout", "0", "dropout is '0', a finite number"),
    ("dropout", False, "dropout is False, a finite number"),
    ("dropout", float("nan"), "dropout is nan, a finite number"),
)
"""Field, value and what is said of it, of the configuration of any refiner."""
WRONG_FIELDS_OVER_TIME: tuple[tuple[str, Any, str], ...] = (
    ("window", 24.0, r"window is 24\.0, a whole number"),
    ("time_heads", 0, "time_heads is 0; sizes .* 1 or more"),
    ("mirror_average", "false", "mirror_average is 'false', true or false"),
    ("mirror_average", 0, "mirror_average is 0, true or false"),
    ("step_s", float("nan"), "step_s is nan, a finite number"),
    ("step_s", float("inf"), "step_s is inf, a finite number"),
    ("step_s", 10**400, "cannot be used"),
    ("step_s", 0, "step_s is 0; .* above 0"),
)
"""The same, of a refiner that may see other frames."""


def with_missing(landmarks: LandmarkSequence, frames: list[int]) -> LandmarkSequence:
    """The same with frames in which nobody was found."""
    world, image = landmarks.world.copy(), landmarks.image.copy()
    visibility = landmarks.visibility.copy()
    world[frames], image[frames], visibility[frames] = np.nan, np.nan, np.nan
    return LandmarkSequence(landmarks.time_s, world, image, visibility, landmarks.image_size)
