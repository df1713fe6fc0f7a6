"""The two refiners that a main refiner joins: found beside its checkpoint, or inside of it.

A main refiner that left them as they were (frozen) names their files by hash; one that trained them
further (fine-tuned) holds them itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gonio.errors import InputError
from gonio.models import depth_refiner, joint_refiner
from gonio.models.checkpoint_io import Checkpoint, file_digest, part_of
from gonio.models.depth_refiner import DepthRefiner
from gonio.models.joint_refiner import JointRefiner
from gonio.models.loading import config_from, network_of

if TYPE_CHECKING:
    from torch import Tensor

PARTS: tuple[str, ...] = ("depth_refiner", "joint_refiner")


def frozen(path: Path) -> dict[str, Any]:
    """What the header of a main refiner says of a refiner that it leaves as it is."""
    return {"file": path.name, "sha256": file_digest(path)}


def depth_part(checkpoint: Checkpoint, own: Mapping[str, Path | None], where: Path) -> DepthRefiner:
    """The depth refiner that a main refiner joins.

    Args:
        checkpoint: of the main refiner.
        own: where the user's own refiners would be.
        where: the main refiner's file, for messages.

    Raises:
        InputError: the header does not name it, its weights do not fit, or no file is the one that
            the main refiner was trained with.
    """
    name = "depth_refiner"
    header = _header_inside(checkpoint, name, where)
    if header is None:
        places = (own.get(name), depth_refiner.SHIPPED_CHECKPOINT)
        return DepthRefiner.load(_file_of(checkpoint, name, places, where))
    return depth_refiner.refiner_in(header, _inside(checkpoint, name), where)


def joint_part(checkpoint: Checkpoint, own: Mapping[str, Path | None], where: Path) -> JointRefiner:
    """The joint refiner that a main refiner joins; as `depth_part`."""
    name = "joint_refiner"
    header = _header_inside(checkpoint, name, where)
    if header is None:
        places = (own.get(name), joint_refiner.SHIPPED_CHECKPOINT)
        return JointRefiner.load(_file_of(checkpoint, name, places, where))
    config = config_from(joint_refiner.JointRefinerConfig, header, str(where))
    kind = joint_refiner.JointConstraintRefiner
    network = network_of(kind, config, _inside(checkpoint, name), str(where))
    return JointRefiner(network, header, where)


def _header_inside(checkpoint: Checkpoint, name: str, where: Path) -> dict[str, Any] | None:
    """The header of a refiner that is kept inside; None where a file is named.

    Raises:
        InputError: the main refiner's header says neither, or what it says is no header.
    """
    header = part_of(checkpoint.header, name, where).get("header")
    if header is not None and not isinstance(header, dict):
        raise InputError(
            f"{where}: the header of the {name} that it holds is {header!r:.60}, fields by name "
            "are needed; train it again or run with refiner=both"
        )
    return header


def _file_of(
    checkpoint: Checkpoint, name: str, places: tuple[Path | None, ...], where: Path
) -> Path:
    wanted = checkpoint.header["parts"][name].get("sha256")
    there = [path for path in places if path is not None and path.is_file()]
    for path in there:
        if file_digest(path) == wanted:
            return path
    found = ", ".join(f"{path.parent.name}/{path.name} ({file_digest(path)})" for path in there)
    raise InputError(
        f"{where} was trained with a {name} of hash {wanted}; there is {found or 'none'}: put the "
        "right one into data/06_models, train the main refiner again (kedro run --pipeline "
        "main_refiner), or run with refiner=both"
    )


def _inside(checkpoint: Checkpoint, name: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(f"{name}."): value
        for key, value in checkpoint.weights.items()
        if key.startswith(f"{name}.")
    }
