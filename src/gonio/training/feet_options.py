"""The parameters of the foot network's training, below `training.feet`."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from gonio.models.foot_network import FootConfig
from gonio.options import Options


class FeetOptions(Options):
    """How the foot network is trained."""

    model_config = ConfigDict(allow_inf_nan=False)

    epochs: int = Field(30, ge=0, description="0 leaves the feet as MediaPipe says them")
    frames: int = Field(200_000, ge=1, description="at most, of each split, before mirroring")
    batch_size: int = Field(1024, ge=1)
    learning_rate: float = Field(2e-3, gt=0)
    noise: float = Field(0.1, ge=0, description="on the normalised features")
    network: FootConfig = FootConfig()
