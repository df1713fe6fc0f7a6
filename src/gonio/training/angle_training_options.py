"""The parameters of `joint_training` and `main_refiner`, checked before anything runs."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from gonio.models.joint_refiner import JointRefinerConfig
from gonio.models.main_network import MainRefinerConfig
from gonio.options import Options
from gonio.training.angle_augmentation import AngleAugmentation, MainAugmentation
from gonio.training.options import PlainName, RunOptions


class JointLossWeights(Options):
    """Weight of each loss; 0 leaves it out."""

    model_config = ConfigDict(allow_inf_nan=False)

    angle: float = Field(1.0, ge=0)
    symmetry: float = Field(0.05, ge=0)
    size: float = Field(0.02, ge=0)
    velocity: float = Field(0.5, ge=0)
    spread: float = Field(0.0, ge=0)


class JointTrainingOptions(RunOptions):
    """All parameters of `joint_training`, below `joint_training`."""

    GROUP: ClassVar[str] = "joint_training"

    name: PlainName = "joint_refiner"
    epochs: int = Field(30, ge=0)
    warmup_steps: int = Field(200, ge=0)
    losses: JointLossWeights = JointLossWeights()
    augmentation: AngleAugmentation = AngleAugmentation()
    network: JointRefinerConfig = JointRefinerConfig()


class MainLossWeights(Options):
    """Weight of each loss; 0 leaves it out."""

    model_config = ConfigDict(allow_inf_nan=False)

    position: float = Field(1.0, ge=0)
    depth: float = Field(1.0, ge=0)
    bone: float = Field(0.5, ge=0)
    likelihood: float = Field(0.02, ge=0)
    moved: float = Field(0.0, ge=0)
    angle: float = Field(1.0, ge=0)
    size: float = Field(0.02, ge=0)
    turned: float = Field(0.0, ge=0)


class MainTrainingOptions(RunOptions):
    """All parameters of `main_refiner`, below `main_training`."""

    GROUP: ClassVar[str] = "main_training"

    name: PlainName = "main_refiner"
    epochs: int = Field(20, ge=0)
    warmup_steps: int = Field(200, ge=0)
    fine_tune: Literal["none", "joint", "depth", "both"] = Field(
        "none", description="which of the two refiners is trained further, and kept inside"
    )
    masked: float = Field(0.5, ge=0, le=1, description="share of rows without an angle stream")
    losses: MainLossWeights = MainLossWeights()
    augmentation: MainAugmentation = MainAugmentation()
    network: MainRefinerConfig = MainRefinerConfig()

    @property
    def frames_a_row(self) -> int:
        """As many as a training of the refiners takes, for those that are trained further."""
        return 24

    @property
    def seconds_a_step(self) -> float:
        """That of the refiners; one with another is refused where it is trained further."""
        return 0.1
