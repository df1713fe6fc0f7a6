from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gonio.errors import InputError
from gonio.models.depth_network import DepthRefinerConfig
from gonio.options import RepairOptions
from gonio.training.angle_training_options import JointTrainingOptions, MainTrainingOptions
from gonio.training.options import RunOptions, TrainingOptions, repair_of


def stated(project: Path) -> dict[str, Any]:
    path = project / "conf" / "base" / "parameters_depth_training.yml"
    return dict(yaml.safe_load(path.read_text()))


def test_every_parameter_is_stated_and_every_option_has_its_default(project: Path) -> None:
    said = stated(project)
    options = TrainingOptions.from_parameters(said)
    given = options.model_dump(mode="json")
    assert set(said["training"]) == set(given)
    for group in ("losses", "augmentation"):
        assert said["training"][group] == given[group]
    assert set(said["training"]["network"]) == set(DepthRefinerConfig.__dataclass_fields__)
    defaults = TrainingOptions().model_dump(mode="json", exclude={"network"})
    assert {k: v for k, v in given.items() if k != "network"} == defaults


def test_sources_are_joined_by_plus() -> None:
    options = TrainingOptions.from_parameters({"training": {"sources": "rendered+projected"}})
    assert options.sources == ("rendered", "projected")


def test_rows_hold_the_frames_of_a_step() -> None:
    options = TrainingOptions(batch_size=256, network=DepthRefinerConfig(window=24))
    assert options.rows == 11


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epoch": 3}, "training: parameter epoch"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": float("inf")}, "learning_rate is inf: .* finite"),
        ({"feet": {"learning_rate": float("inf")}}, r"feet\.learning_rate is inf: .* finite"),
        ({"network": {"width": 3}}, "no option width"),
        ({"losses": {"depth": -1}}, "losses.depth"),
        ({"augmentation": {"roll_deg": 200}}, "augmentation.roll_deg"),
        ({"augmentation": {"world_noise_m": float("nan")}}, "world_noise_m is nan: .* finite"),
        ({"losses": {"position": float("inf")}}, "losses.position is inf: .* finite"),
        ({"weight_decay": float("inf")}, "weight_decay is inf: .* finite"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"epochs": True}, "epochs is True: .* no numbers"),
        ({"losses": {"depth": False}}, "losses.depth is False: .* no numbers"),
        ({"augmentation": {"roll_deg": True}}, "augmentation.roll_deg is True: .* no numbers"),
        ({"feet": {"frames": True}}, "feet.frames is True: .* no numbers"),
        ({"network": {"layers": True}}, "network is .* no numbers; give layers a number"),
        ({"network": {"step_s": False}}, "network is .* give step_s a number"),
        ({"feet": {"network": {"hidden": True}}}, "feet.network is .* give hidden a number"),
        ({"repeats": {"rendered": True}}, "repeats is .* no numbers"),
        (5, "parameter training is 5; allowed is a group"),
        (0, "parameter training is 0; allowed is a group"),
        ("abc", "parameter training is 'abc'; allowed is a group"),
        ([], r"parameter training is \[\]; allowed is a group"),
    ],
)
def test_what_is_not_allowed_is_named(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        TrainingOptions.from_parameters({"training": given})
    with pytest.raises(InputError, match="parameter repair is 5; allowed is a group"):
        repair_of({"repair": 5})


@pytest.mark.parametrize("kind", [TrainingOptions, JointTrainingOptions, MainTrainingOptions])
def test_a_machine_without_gpus_is_told_before_anything_is_prepared(
    kind: type[RunOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    kind(accelerator="gpu").check_machine()
    kind(accelerator="cpu", devices=2, strategy="ddp_spawn").check_machine()
    several = kind(accelerator="gpu", devices=2)
    with pytest.raises(InputError, match=rf"{kind.GROUP}\.devices 2, but PyTorch finds 1 GPUs"):
        several.check_machine()
    with pytest.raises(InputError, match=rf"{kind.GROUP}\.strategy is 'foo'; allowed are auto,"):
        kind(strategy="foo").check_machine()


def test_training_repairs_as_inference_does(project: Path) -> None:
    base = yaml.safe_load((project / "conf" / "base" / "parameters.yml").read_text())
    assert repair_of(base) == RepairOptions()
    with pytest.raises(InputError, match="repair"):
        repair_of({"repair": {"cutoff_hz": 0}})


def test_nothing_may_be_mixed_in_but_a_training_has_sources() -> None:
    assert TrainingOptions(mixed_with=None).mixed_with == ()
    assert TrainingOptions(mixed_with="a+b").mixed_with == ("a", "b")
    with pytest.raises(ValueError, match="sources"):
        TrainingOptions(sources=None)


@pytest.mark.parametrize("kind", [TrainingOptions, JointTrainingOptions, MainTrainingOptions])
@pytest.mark.parametrize(
    ("sources", "said"),
    [([], "one or more"), ("rendered+projected+rendered", "rendered is there more than once")],
)
def test_sources_are_one_or_more_and_none_twice(
    kind: type[RunOptions], sources: Any, said: str
) -> None:
    with pytest.raises(InputError, match=f"{kind.GROUP}: parameter sources .*{said}"):
        kind.from_parameters({kind.GROUP: {"sources": sources}})
