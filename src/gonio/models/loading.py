"""From a checkpoint to a network: what all networks share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from gonio.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn


class Config(Protocol):
    """A frozen dataclass with everything that shapes a network."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


C = TypeVar("C", bound=Config)


def config_from(kind: type[C], header: Mapping[str, Any], where: str) -> C:
    """The configuration in a checkpoint's header.

    Args:
        kind: of configuration.
        header: of the checkpoint.
        where: names the checkpoint in the message.

    Raises:
        InputError: it has fields that this version does not know, or lacks some.
    """
    values = dict(header.get("config", {}))
    names = {field.name for field in fields(kind)}
    if set(values) != names:
        odd = ", ".join(sorted(set(values) ^ names))
        raise InputError(
            f"{where} was made by another version of Gonio: its configuration differs in "
            f"{odd}; train it again or run with refiner=none"
        )
    return kind(**values)


def take_weights(network: nn.Module, weights: Mapping[str, Tensor], where: str) -> None:
    """Put the weights of a checkpoint into its network, which is then ready for use.

    Raises:
        InputError: they do not fit, or are not finite.
    """
    import torch

    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(
            f"the weights in {where} do not fit its configuration ({str(error).splitlines()[0]}); "
            "train it again or run with refiner=none"
        ) from error
    if not all(bool(torch.isfinite(w).all()) for w in weights.values()):
        raise InputError(f"the weights in {where} are not finite; train it again")
    network.eval()
