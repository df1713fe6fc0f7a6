"""The parameters of `joint_angle_generation`: typed, frozen, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from gonio.capture.executor import ExecutorName, ExecutorOptions
from gonio.options import InferenceOptions, Options, each_once
from gonio.training.angle_checks import SizeLimits
from gonio.training.angle_pairs import AngleSettings, TrueMarkers
from gonio.training.detector_errors import AS_IN_USE, DetectorErrors


class AngleOptions(Options):
    """All parameters of `joint_angle_generation`, below `angles`."""

    sources: tuple[str, ...] = ("rendered",)
    refiner: Literal["depth", "none", "main"] = Field("depth", description="of the pose")
    true_markers: TrueMarkers = Field("aligned", description="where the source has a body surface")
    calibration_shards: int = Field(200, ge=1, description="of `aligned`: training shards at most")
    bmi: float = Field(22.5, ge=10, le=60, description="of everybody: no source knows masses")
    shortest_m: float = Field(0.9, gt=0, description="bodies below it are left out")
    tallest_m: float = Field(2.4, le=2.8, description="bodies above it are left out")
    beyond_normal_deg: float | None = Field(60.0, ge=0, description="true angles beyond are errors")
    detector_errors: DetectorErrors = Field(
        AS_IN_USE, description="how the detector errs in the training split"
    )
    max_shards: int | None = Field(None, ge=1, description="of each source; null for all")
    trc_sequences: int = Field(20, ge=0, description="whose markers are written as TRC")
    executor: ExecutorName = "pool"
    workers: int = Field(1, ge=1, description="processes of the pool")
    scheduler: str | None = Field(None, description="address of the Dask scheduler")

    @field_validator("sources", mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        return tuple(value.split("+")) if isinstance(value, str) else value

    @field_validator("sources")
    @classmethod
    def _usable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(value)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> AngleOptions:
        """Take `angles` out of all parameters of a run and check it.

        Raises:
            InputError: a value that is not allowed; the message names it.
        """
        options = cls.of_group("angles", parameters.get("angles"))
        SizeLimits(options.shortest_m, options.tallest_m)
        return options

    @property
    def execution(self) -> ExecutorOptions:
        """Where the tasks run."""
        return ExecutorOptions(self.executor, self.workers, self.scheduler)

    def settings(self, chain: InferenceOptions) -> AngleSettings:
        """What the angles of a shard depend on.

        Args:
            chain: the parameters of `inference`.
        """
        return AngleSettings(
            chain=chain,
            limits=SizeLimits(self.shortest_m, self.tallest_m),
            bmi=self.bmi,
            true_markers=self.true_markers,
            beyond_normal_deg=self.beyond_normal_deg,
            detector_errors=self.detector_errors,
        )
