"""From a checkpoint to a network: what all networks share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from math import inf
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
        InputError: it has fields that this version does not know, lacks some, or has one of
            another type.
    """
    values = dict(header.get("config", {}))
    names = {field.name for field in fields(kind)}
    if set(values) != names:
        odd = ", ".join(sorted(set(values) ^ names))
        raise InputError(
            f"{where} was made by another version of Gonio: its configuration differs in "
            f"{odd}; train it again or run with refiner=none"
        )
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the configuration in {where} cannot be used ({error}): it was not made by Gonio, or "
            "is damaged; train it again or run with refiner=none"
        ) from error


def check_sigma_scale(header: Mapping[str, Any], where: str) -> None:
    """See that sigma can be scaled as a checkpoint's header says.

    Raises:
        InputError: there are not three factors above 0.
    """
    scale = header.get("sigma_scale")
    if (
        not isinstance(scale, list)
        or len(scale) != 3
        or not all(isinstance(factor, int | float) and 0 < factor < inf for factor in scale)
    ):
        raise InputError(
            f"sigma_scale in the header of {where} is {scale!r}; three factors above 0 are needed "
            "(x, y, depth): train it again or run with refiner=none"
        )


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
