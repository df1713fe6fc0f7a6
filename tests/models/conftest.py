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


def with_missing(landmarks: LandmarkSequence, frames: list[int]) -> LandmarkSequence:
    """The same with frames in which nobody was found."""
    world, image = landmarks.world.copy(), landmarks.image.copy()
    visibility = landmarks.visibility.copy()
    world[frames], image[frames], visibility[frames] = np.nan, np.nan, np.nan
    return LandmarkSequence(landmarks.time_s, world, image, visibility, landmarks.image_size)
