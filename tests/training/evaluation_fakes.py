"""Clips with a known truth and networks that are wrong in a known way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gonio.capture.shards import Shard
from gonio.options import CameraOptions
from gonio.skeleton import COCO, COCO_MIRROR
from gonio.types import FloatArray, LandmarkSequence, RefinedPose
from tests.capture.fakes import small_shard


def clip(frames: int = 20, seed: int = 0, name: str = "walk", **changes: Any) -> Shard:
    return replace(small_shard(frames, seed, name), **changes)


def true_pose(shard: Shard, sigma_m: float = np.nan) -> RefinedPose:
    """The truth as if a network had said it."""
    return RefinedPose(
        positions=shard.ground_truth,
        sigma=np.full(shard.ground_truth.shape, sigma_m),
        up=shard.up,
        azimuth_deg=shard.azimuth,
        elevation_deg=shard.elevation,
        refiner="fake",
    )


def mirrored(pose: FloatArray) -> FloatArray:
    return pose[:, list(COCO_MIRROR)]


@dataclass
class FakeRefiner:
    """Knows the truth of its clips by their first landmark and adds an error to it.

    Attributes:
        shards: that it will be asked about.
        noise_m: standard deviation of the error of each coordinate.
        sigma_m: what it says about itself.
    """

    shards: list[Shard]
    noise_m: float = 0.0
    sigma_m: float = 0.05
    header: dict[str, Any] = field(default_factory=lambda: {"kind": "fake", "config": {"d": 1}})
    calls: int = 0

    def refine(
        self, landmarks: LandmarkSequence, camera: CameraOptions | None = None
    ) -> RefinedPose:
        self.calls += 1
        shard = next(s for s in self.shards if len(s) == len(landmarks))
        pose = true_pose(shard, self.sigma_m)
        noise = np.random.default_rng(1).normal(scale=self.noise_m, size=pose.positions.shape)
        noise[:, [COCO["left_hip"]]] = noise[:, [COCO["right_hip"]]]
        return replace(pose, positions=pose.positions + noise)
