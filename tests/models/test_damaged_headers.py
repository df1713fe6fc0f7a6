"""Configurations that no refiner has are refused by name, whichever refiner it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from gonio.errors import InputError
from gonio.models import depth_refiner, joint_refiner, main_refiner
from gonio.models.depth_network import PoseAwareDepthRefiner
from gonio.models.joint_refiner import JointConstraintRefiner
from gonio.models.main_network import MainRefinerNetwork
from tests.models.conftest import FULL, write_damaged
from tests.models.test_joint_refiner import SMALL as SMALL_JOINT
from tests.models.test_main_refiner import SMALL as SMALL_MAIN

NO_CONFIGURATIONS: tuple[Any, ...] = (None, [], [3], 3, True, "d_model")
"""What cannot stand in the place of a configuration."""
WRONG_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("d_model", 16.0, r"d_model is 16\.0, a whole number"),
    ("d_model", None, "d_model is None, a whole number"),
    ("layers", 1.0, r"layers is 1\.0, a whole number"),
    ("layers", True, "layers is True, a whole number"),
    ("heads", 0, "heads is 0; sizes .* 1 or more"),
    ("heads", 10**30, r"heads is 1e\+30; it must be from 0 to 10000"),
    ("feedforward", 10_001, "feedforward is 1e.04; it must be"),
    ("layers", -1, "layers is -1; it must be from 0"),
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
    ("window", 10**9, r"window is 1e\+09; it must be from 0 to 10000"),
    ("step_s", float("nan"), "step_s is nan, a finite number"),
    ("step_s", float("inf"), "step_s is inf, a finite number"),
    ("step_s", 10**400, "cannot be used"),
    ("step_s", 0, "step_s is 0; .* above 0"),
)
"""The same, of a refiner that may see other frames."""
NEUTRAL = {"sigma_scale": [1.0, 1.0, 1.0]}


class Checkpoint(NamedTuple):
    """A refiner's checkpoint, and what loads it."""

    header: dict[str, Any]
    weights: dict[str, torch.Tensor]
    load: Callable[[Path], Any]


def checkpoint_of(kind: str) -> Checkpoint:
    if kind == "depth":
        header = depth_refiner.make_header(FULL, NEUTRAL)
        weights = PoseAwareDepthRefiner(FULL).state_dict()
        return Checkpoint(header, dict(weights), depth_refiner.DepthRefiner.load)
    if kind == "joint":
        header = joint_refiner.make_header(SMALL_JOINT, {})
        weights = JointConstraintRefiner(SMALL_JOINT).state_dict()
        return Checkpoint(header, dict(weights), joint_refiner.JointRefiner.load)
    header = main_refiner.make_header(SMALL_MAIN, {}, NEUTRAL)
    weights = MainRefinerNetwork(SMALL_MAIN).state_dict()
    return Checkpoint(header, dict(weights), main_refiner.MainRefiner.load)


@pytest.mark.parametrize("kind", ["depth", "joint", "main"])
@pytest.mark.parametrize("config", NO_CONFIGURATIONS)
def test_a_header_without_fields_is_refused(tmp_path: Path, kind: str, config: Any) -> None:
    header, weights, load = checkpoint_of(kind)
    path = write_damaged(tmp_path / "odd.safetensors", {**header, "config": config}, weights)
    with pytest.raises(InputError, match=r"odd\.safetensors cannot be used \(config is .*fields"):
        load(path)


@pytest.mark.parametrize(
    ("kind", "field", "value", "said"),
    [
        *((kind, *wrong) for kind in ("depth", "joint", "main") for wrong in WRONG_FIELDS),
        *((kind, *wrong) for kind in ("depth", "joint") for wrong in WRONG_FIELDS_OVER_TIME),
    ],
)
def test_fields_of_another_type_are_refused(
    tmp_path: Path, kind: str, field: str, value: Any, said: str
) -> None:
    header, weights, load = checkpoint_of(kind)
    changed = {**header, "config": {**header["config"], field: value}}
    path = write_damaged(tmp_path / "odd.safetensors", changed, weights)
    with pytest.raises(InputError, match=said) as error:
        load(path)
    assert "odd.safetensors cannot be used" in str(error.value)


@pytest.mark.parametrize("kind", ["depth", "joint", "main"])
@pytest.mark.parametrize(("field", "size"), [("feedforward", 10_000), ("layers", 10_000)])
def test_a_network_that_is_too_large_is_refused_before_it_is_made(
    tmp_path: Path, kind: str, field: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, weights, load = checkpoint_of(kind)
    changed = {**header, "config": {**header["config"], field: size, "d_model": 10_000}}
    path = write_damaged(tmp_path / "large.safetensors", changed, weights)
    monkeypatch.setattr(torch.nn.init, "kaiming_uniform_", only_without_memory)
    with pytest.raises(InputError, match=r"large\.safetensors do not fit its configuration"):
        load(path)


def only_without_memory(tensor: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    assert tensor.is_meta
    return tensor


@pytest.mark.parametrize("scale", [[True, True, True], [1.0, 1.0], [1.0, 0.0, 1.0], "1", None])
@pytest.mark.parametrize("kind", ["depth", "main"])
def test_three_factors_scale_sigma(tmp_path: Path, kind: str, scale: Any) -> None:
    header, weights, load = checkpoint_of(kind)
    path = write_damaged(tmp_path / "odd.safetensors", {**header, "sigma_scale": scale}, weights)
    with pytest.raises(InputError, match=r"sigma_scale in the header of .*odd\.safetensors is"):
        load(path)
