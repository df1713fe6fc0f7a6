"""Small prepared clips with angles for tests of the training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from gonio.capture.manifest import Manifest
from gonio.models.checkpoint_io import file_digest
from gonio.models.depth_network import DepthRefinerConfig
from gonio.models.depth_refiner import DepthRefiner
from gonio.models.joint_refiner import JointRefiner
from gonio.options import RepairOptions
from gonio.training.angle_clips import (
    AngleClip,
    AngleStore,
    MainClip,
    MainStore,
    Preparation,
    angle_clip_list,
    prepare_angle_clips,
    prepare_main_clips,
)
from gonio.training.clips import ClipList
from tests.models.checkpoints import save_network
from tests.models.conftest import FULL, trained_looking
from tests.models.test_joint_refiner import checkpoint_of as joint_checkpoint
from tests.training.angle_fakes import known_shard, shard_store

BIAS_DEG = 12.0
"""Added to the true angles: what there is to learn."""
NOISE_DEG = 2.0
"""Standard deviation of what comes on top."""


def angle_manifest(root: Path, count: int = 9, frames: int = 30) -> Manifest:
    """A folder of shards with angles that are off by a constant and noise."""
    shards = []
    for k in range(count):
        rng = np.random.default_rng(k)
        shard = known_shard(count=frames, sequence=f"w{k}", subject=f"s{k}", noise_m=0.03)
        phases = rng.uniform(0, 6, 36).reshape(12, 3)
        truth = 20 * np.sin(shard.time_s[:, None, None] * 2 + phases)
        computed = truth + BIAS_DEG + rng.normal(0, NOISE_DEG, truth.shape)
        arrays = {"corrupted_angles": computed, "ground_truth_angles": truth}
        shards.append(replace(shard, **{k: v.astype("<f4") for k, v in arrays.items()}))
    return shard_store(root, shards).manifest()


def angle_clips(root: Path) -> ClipList[AngleClip]:
    """For the joint refiner."""
    manifest, store = angle_manifest(root / "shards"), AngleStore(root / "clips")
    preparation = Preparation(RepairOptions())
    for clip in prepare_angle_clips(manifest, store, preparation):
        store.save(clip)
    return angle_clip_list(manifest, store, preparation)


def refiners_in(
    folder: Path, config: DepthRefinerConfig = FULL
) -> tuple[DepthRefiner, JointRefiner]:
    """A depth refiner of a configuration and a joint refiner, from checkpoints."""
    folder.mkdir(parents=True, exist_ok=True)
    depth = folder / "depth_refiner.safetensors"
    save_network(depth, trained_looking(config), {"sigma_scale": [1.0] * 3})
    joint = joint_checkpoint(folder / "joint_refiner.safetensors")
    return DepthRefiner.load(depth), JointRefiner.load(joint)


def main_clips(root: Path, refiners: tuple[DepthRefiner, JointRefiner]) -> ClipList[MainClip]:
    """For the main refiner."""
    manifest, store = angle_manifest(root / "shards"), MainStore(root / "clips")
    hashes = tuple(file_digest(r.path) for r in refiners if r.path is not None)
    preparation = Preparation(RepairOptions(), hashes)
    for clip in prepare_main_clips(manifest, store, preparation, refiners):
        store.save(clip)
    return angle_clip_list(manifest, store, preparation)
