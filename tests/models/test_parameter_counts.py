"""How large the networks are: their reference forms, and what the model cards say of the shipped.

A card names the size of all that a checkpoint holds in the form `1,234,567 parameters`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gonio.models.blocks import parameter_count
from gonio.models.depth_network import DepthRefinerConfig, PoseAwareDepthRefiner
from gonio.models.depth_refiner import DepthRefiner
from gonio.models.joint_refiner import JointConstraintRefiner, JointRefiner, JointRefinerConfig
from gonio.models.main_network import MainRefinerConfig, MainRefinerNetwork
from gonio.models.main_refiner import MainRefiner
from gonio.models.registry import SHIPPED_FOLDER

NAMES = ("depth_refiner", "joint_refiner", "main_refiner")
REFERENCE = {
    "depth_refiner": parameter_count(PoseAwareDepthRefiner(DepthRefinerConfig(limb_head=True))),
    "joint_refiner": parameter_count(JointConstraintRefiner(JointRefinerConfig())),
    "main_refiner": parameter_count(MainRefinerNetwork(MainRefinerConfig())),
}
"""Parameters of the reference forms; the main refiner's own, without the two that it joins."""


@pytest.mark.parametrize(
    ("name", "designed", "share"),
    [
        ("depth_refiner", 655_000, 0.15),
        ("joint_refiner", 916_000, 0.05),
        ("main_refiner", 1_200_000, 0.10),
    ],
)
def test_the_reference_forms_have_the_sizes_that_the_design_names(
    name: str, designed: int, share: float
) -> None:
    assert REFERENCE[name] == pytest.approx(designed, rel=share)


@pytest.mark.parametrize("name", NAMES)
def test_the_model_card_names_the_size_of_the_shipped_network(name: str, project: Path) -> None:
    checkpoint = SHIPPED_FOLDER / f"{name}.safetensors"
    if not checkpoint.is_file():
        pytest.skip(f"no checkpoint of {name} is shipped")
    refiner = {
        "depth_refiner": DepthRefiner.load,
        "joint_refiner": JointRefiner.load,
        "main_refiner": MainRefiner.load,
    }[name]()
    networks = [refiner.network]
    if isinstance(refiner, DepthRefiner):
        networks = [*refiner.networks, *([refiner.feet] if refiner.feet is not None else [])]
    count = parameter_count(*networks)
    card = (project / "docs" / "model_cards" / f"{name}.md").read_text(encoding="utf-8")
    said = re.findall(r"([\d,]+) parameters", card)
    assert f"{count:,}" in said, f"the card says {said}, the network has {count:,}"
