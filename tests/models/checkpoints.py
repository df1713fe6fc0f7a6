"""A network of depth alone as a checkpoint, as a training would leave it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gonio.models.checkpoint_io import Checkpoint, write_checkpoint
from gonio.models.depth_network import PoseAwareDepthRefiner
from gonio.models.depth_refiner import make_header


def save_network(path: str | Path, network: PoseAwareDepthRefiner, about: dict[str, Any]) -> None:
    checkpoint = Checkpoint(make_header(network.config, about), dict(network.state_dict()))
    write_checkpoint(path, checkpoint)
