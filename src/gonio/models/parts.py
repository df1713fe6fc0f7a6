"""The two refiners that a main refiner joins: found beside its checkpoint, or inside of it.

A main refiner that left them as they were (frozen) names their files by hash; one that trained them
further (fine-tuned) holds them itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gonio.errors import InputError
from gonio.models import depth_refiner, joint_refiner
from gonio.models.checkpoint_io import Checkpoint
from gonio.models.loading import config_from, take_weights

PARTS: tuple[str, ...] = ("depth_refiner", "joint_refiner")


def file_digest(path: Path) -> str:
    """The start of the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def frozen(path: Path) -> dict[str, Any]:
    """What the header of a main refiner says of a refiner that it leaves as it is."""
    return {"file": path.name, "sha256": file_digest(path)}


def part_of(
    checkpoint: Checkpoint, name: str, own: Mapping[str, Path | None], where: Path
) -> tuple[Any, dict[str, Any], Path]:
    """Network, header and file of a refiner that a main refiner joins.

    Args:
        checkpoint: of the main refiner.
        name: `depth_refiner` or `joint_refiner`.
        own: where the user's own would be.
        where: the main refiner's file, for messages.

    Raises:
        InputError: the header does not name it, its weights do not fit, or no file is the one that
            the main refiner was trained with.
    """
    told = checkpoint.header.get("parts", {}).get(name)
    if not isinstance(told, dict):
        raise InputError(f"{where}: the header does not say which {name} it joins; train it again")
    if "header" in told:
        return *_inside(checkpoint, name, told["header"], where), where
    module = _module(name)
    places = [path for path in (own.get(name), module.SHIPPED_CHECKPOINT) if path is not None]
    for path in places:
        if path.is_file() and file_digest(path) == told.get("sha256"):
            return *module.load_network(path), path
    found = ", ".join(f"{p.parent.name}/{p.name} ({file_digest(p)})" for p in places if p.is_file())
    raise InputError(
        f"{where} was trained with a {name} of hash {told.get('sha256')}; there is "
        f"{found or 'none'}: put the right one into data/06_models, train the main refiner again "
        "(kedro run --pipeline main_refiner), or run with refiner=both"
    )


def _module(name: str) -> Any:
    return {"depth_refiner": depth_refiner, "joint_refiner": joint_refiner}[name]


def _inside(
    checkpoint: Checkpoint, name: str, header: dict[str, Any], where: Path
) -> tuple[Any, dict[str, Any]]:
    weights = {
        key.removeprefix(f"{name}."): value
        for key, value in checkpoint.weights.items()
        if key.startswith(f"{name}.")
    }
    network: Any
    if name == "depth_refiner":
        config = config_from(depth_refiner.DepthRefinerConfig, header, str(where))
        network = depth_refiner.PoseAwareDepthRefiner(config)
    else:
        angles = config_from(joint_refiner.JointRefinerConfig, header, str(where))
        network = joint_refiner.JointConstraintRefiner(angles)
    take_weights(network, weights, str(where))
    return network, header
