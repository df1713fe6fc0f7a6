from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gonio.models.depth_refiner import DepthRefiner, joined_checkpoint, make_header, refiner_in
from gonio.models.foot_network import FEATURES
from gonio.options import RepairOptions
from gonio.training.feet import Feet, trained_feet, with_feet
from gonio.training.feet_options import FeetOptions
from gonio.training.prepare import PreparedStore, prepare
from tests.models.conftest import FULL, trained_looking
from tests.training.angle_fakes import known_shard, shard_store

OPTIONS = FeetOptions.model_validate(
    {"epochs": 5, "batch_size": 64, "network": {"hidden": 16, "layers": 1}}
)
ABOUT = {"sigma_scale": [1.0, 1.0, 1.0]}


def feet_of(count: int, seed: int) -> Feet:
    """The toe lies twice as far along the view as it seems."""
    random = torch.Generator().manual_seed(seed)
    offsets = 0.1 * torch.randn(count, 2, 2, 3, generator=random)
    features = torch.zeros(count, FEATURES)
    features[:, :12] = offsets.flatten(1)
    truth = offsets * torch.tensor([1.0, 1.0, 2.0])
    return Feet(features, offsets, truth, torch.ones(count, 2))


def test_it_learns_how_long_a_foot_is_along_the_view() -> None:
    validation = feet_of(300, 1)
    longer = OPTIONS.model_copy(update={"epochs": 25})
    network = trained_feet(feet_of(2000, 0), validation, longer, seed=0)
    said = network(validation.features, validation.offsets)
    before = (validation.offsets - validation.truth).norm(dim=-1).mean()
    assert (said - validation.truth).norm(dim=-1).mean() < 0.5 * before


def test_what_has_no_weight_teaches_nothing() -> None:
    train, validation = feet_of(500, 0), feet_of(100, 1)
    spoilt = train._replace(truth=train.truth.clone(), weight=train.weight.clone())
    spoilt.truth[::2] = 99.0
    spoilt.weight[::2] = 0.0
    network = trained_feet(spoilt, validation, OPTIONS, seed=0)
    assert network(validation.features, validation.offsets).abs().max() < 1.0


def test_a_checkpoint_gets_feet_where_the_shards_know_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = PreparedStore(tmp_path / "clips")
    refiner = DepthRefiner(trained_looking(FULL), make_header(FULL, ABOUT))
    checkpoint = joined_checkpoint(refiner, ABOUT)
    for feet in (True, False):
        shards = [
            known_shard(count=20, sequence=f"{feet}{k}", subject=f"s{k}", feet=feet)
            for k in range(3)
        ]
        manifest = shard_store(tmp_path / str(feet), shards).manifest()
        for clip in prepare(manifest, store, RepairOptions()):
            store.save(clip)
        made = with_feet(checkpoint, refiner, manifest, store, RepairOptions(), OPTIONS, seed=0)
        assert ("feet" in made.header) == feet
        said = "no shard of the train and of the validation split knows the feet"
        assert (said in caplog.text) == (not feet)
        if feet:
            loaded = refiner_in(made.header, made.weights, tmp_path / "a")
            assert loaded.feet is not None
            errors = made.header["feet_training"]["validation"]
            assert 0 < errors["feet_cm"] < 50
            assert np.isfinite(errors["raw_cm"])
    none = FeetOptions(epochs=0)
    assert with_feet(checkpoint, refiner, manifest, store, RepairOptions(), none, 0) is checkpoint
