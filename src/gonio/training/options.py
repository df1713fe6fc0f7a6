"""The parameters of the training pipelines: typed, frozen, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import ConfigDict, Field, field_validator, model_validator

from gonio.capture.schema import SourceName
from gonio.errors import InputError
from gonio.models.depth_network import DepthRefinerConfig
from gonio.options import NAME_PATTERN, Options, RepairOptions, each_once
from gonio.training.augmentation import AugmentationOptions
from gonio.training.feet_options import FeetOptions

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
PlainName = Annotated[str, Field(pattern=NAME_PATTERN)]


class LossWeights(Options):
    """Weight of each loss; 0 leaves it out."""

    model_config = ConfigDict(allow_inf_nan=False)

    position: float = Field(1.0, ge=0)
    depth: float = Field(1.0, ge=0)
    bone: float = Field(0.5, ge=0)
    symmetry: float = Field(0.1, ge=0)
    azimuth: float = Field(0.1, ge=0)
    elevation: float = Field(0.1, ge=0)
    distance: float = Field(0.01, ge=0)
    up: float = Field(0.2, ge=0)
    limbs: float = Field(0.5, ge=0)
    likelihood: float = Field(0.02, ge=0)
    velocity: float = Field(0.25, ge=0)
    spread: float = Field(0.0, ge=0)


class RunOptions(Options):
    """What every training has: its course, and where it runs."""

    model_config = ConfigDict(allow_inf_nan=False)
    GROUP: ClassVar[str] = "training"

    name: PlainName
    sources: tuple[str, ...] = ("rendered",)
    repeats: dict[str, int] = Field(
        dict.fromkeys(get_args(SourceName), 1),
        description="how often a source's clips are taken an epoch; once where not named",
    )
    epochs: int = Field(
        60, ge=0, description="0: nothing is learned; the network of start_from is mixed and joined"
    )
    batch_size: int = Field(768, ge=1, description="frames a step")
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.02, ge=0)
    warmup_steps: int = Field(300, ge=0)
    gradient_clip: float = Field(1.0, gt=0)
    average_decay: float = Field(0.99, ge=0, lt=1, description="of the averaged weights")
    patience: int = Field(30, ge=1, description="epochs without progress before it stops")
    seed: int = Field(0, ge=0, lt=2**32)
    workers: int = Field(1, ge=0)
    resume: bool = True
    start_from: str | None = Field(None, description="a checkpoint whose weights to start from")
    mixed_with: tuple[str, ...] = Field(
        (), description="checkpoints whose weights are mixed into the trained ones at the end"
    )
    mixed_share: float = Field(0.5, ge=0, le=1, description="of the mean of mixed_with's weights")
    accelerator: Literal["cpu", "gpu", "auto"] = "cpu"
    devices: int = Field(1, ge=1)
    nodes: int = Field(1, ge=1)
    strategy: str = "auto"
    precision: Precision = "32-true"
    threads: int = Field(0, ge=0, description="of the CPU; 0 for all cores")
    network: Any = Field(None, description="its configuration, a dataclass of each training's own")

    @field_validator("network", mode="before")
    @classmethod
    def _known_names(cls, value: Any) -> Any:
        """Refuse what the configuration has no field for, by name."""
        kind = cls.model_fields["network"].annotation
        known = sorted(kind.__dataclass_fields__) if is_dataclass(kind) else []
        unknown = sorted(set(value) - set(known)) if isinstance(value, Mapping) else []
        if unknown:
            raise ValueError(f"no option {', '.join(unknown)}; there are {', '.join(known)}")
        return value

    @field_validator("sources", "mixed_with", mode="before")
    @classmethod
    def _joined_by_plus(cls, value: Any) -> Any:
        """On the command line, where a comma parts parameters, several are joined by `+`."""
        return tuple(value.split("+")) if isinstance(value, str) else value

    @field_validator("sources")
    @classmethod
    def _usable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(value)

    @field_validator("mixed_with", mode="before")
    @classmethod
    def _none_or_several(cls, value: Any) -> Any:
        return () if value is None else value

    @field_validator("repeats")
    @classmethod
    def _known_and_once_or_more(cls, value: dict[str, int]) -> dict[str, int]:
        if any(count < 1 for count in value.values()):
            raise ValueError("a source is taken 1 or more times; leave it out of sources instead")
        known = get_args(SourceName)
        if unknown := sorted(set(value) - set(known)):
            raise ValueError(f"no source {', '.join(unknown)}; there are {', '.join(known)}")
        return value

    @model_validator(mode="after")
    def _something_to_keep(self) -> Self:
        if self.epochs == 0 and self.start_from is None:
            raise ValueError(
                "epochs is 0 and start_from names no checkpoint: there is no network to keep. Give "
                "start_from, or epochs of 1 or more"
            )
        return self

    @property
    def processes(self) -> int:
        """Processes that share the training."""
        return self.devices * self.nodes

    @property
    def lightning_strategy(self) -> str:
        """Lightning's strategy; several devices of one machine are children of this process."""
        several = self.strategy == "auto" and self.devices > 1 and self.nodes == 1
        return "ddp_spawn" if several else self.strategy

    @property
    def frames_a_row(self) -> int:
        """Frames that the network sees at once."""
        return int(self.network.window)

    @property
    def seconds_a_step(self) -> float:
        """Time between them."""
        return float(self.network.step_s)

    @property
    def rows(self) -> int:
        """Rows of `frames_a_row` that make a batch."""
        return max(1, round(self.batch_size / self.frames_a_row))

    def check_machine(self) -> None:
        """See that this machine has what the training is to run on, before anything is prepared.

        Raises:
            InputError: there is no GPU, or not as many as asked for, or no such strategy.
        """
        import torch
        from lightning.pytorch.strategies import StrategyRegistry

        gpus = torch.cuda.device_count()
        if self.accelerator == "gpu" and gpus < self.devices:
            raise InputError(
                f"{self.GROUP}.accelerator is gpu and {self.GROUP}.devices {self.devices}, but "
                f"PyTorch finds {gpus} GPUs here; take fewer devices, {self.GROUP}.accelerator=cpu "
                "with precision 32-true, or install PyTorch for CUDA"
            )
        known = ["auto", *StrategyRegistry.available_strategies()]
        if self.strategy not in known:
            raise InputError(
                f"{self.GROUP}.strategy is {self.strategy!r}; allowed are {', '.join(known)}"
            )

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Take the options of this training out of all parameters of a run and check them.

        Raises:
            InputError: a value that is not allowed; the message names it.
        """
        return cls.of_group(cls.GROUP, parameters.get(cls.GROUP))


class TrainingOptions(RunOptions):
    """All parameters of `depth_training`, below `training`."""

    name: PlainName = "depth_refiner"
    joined_with: str | None = Field(
        None, description="a checkpoint whose networks answer together with the trained one"
    )
    losses: LossWeights = LossWeights()
    augmentation: AugmentationOptions = AugmentationOptions()
    network: DepthRefinerConfig = DepthRefinerConfig()
    feet: FeetOptions = FeetOptions()


def repair_of(parameters: Mapping[str, Any]) -> RepairOptions:
    """The repair of `inference`, which training sees too.

    Raises:
        InputError: a value that is not allowed.
    """
    return RepairOptions.of_group("repair", parameters.get("repair"))
