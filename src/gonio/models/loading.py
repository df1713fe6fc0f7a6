"""From a checkpoint to a network: what all networks share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, get_type_hints

from gonio.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn


class Config(Protocol):
    """A frozen dataclass with everything that shapes a network."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


C = TypeVar("C", bound=Config)
N = TypeVar("N", bound="nn.Module")

LARGEST_SIZE = 10_000
"""Of anything that is counted in a configuration. What goes beyond would fill the memory."""

NEEDED: dict[type, str] = {
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
}
"""What a field of each type must be in a header."""


def check_sizes(config: Config, *names: str) -> None:
    """See that some fields of a configuration are 1 or more, and no whole number is too large.

    Raises:
        InputError: one is not; the message names it.
    """
    for name in names:
        size = getattr(config, name)
        if size < 1:
            raise InputError(f"{name} is {size}; sizes of a network must be 1 or more")
    for name, kind in get_type_hints(type(config)).items():
        count = getattr(config, name)
        if kind is int and not 0 <= count <= LARGEST_SIZE:
            raise InputError(f"{name} is {count:.3g}; it must be from 0 to {LARGEST_SIZE}")


def check_step(step_s: float) -> None:
    """See that frames can lie `step_s` seconds apart.

    Raises:
        InputError: it is not a finite number above 0.
    """
    if not 0 < step_s < inf:
        raise InputError(f"step_s is {step_s}; it must be a finite number of seconds above 0")


def config_from(kind: type[C], header: Mapping[str, Any], where: str, entry: str = "config") -> C:
    """The configuration in a checkpoint's header.

    Args:
        kind: of configuration.
        header: of the checkpoint.
        where: names the checkpoint in the message.
        entry: of the header that holds the configuration.

    Raises:
        InputError: it is not made of fields, has some that this version does not know, lacks
            some, or has one of another type.
    """
    values = header.get(entry, {})
    names = {field.name for field in fields(kind)}
    if isinstance(values, Mapping) and set(values) != names:
        odd = ", ".join(sorted(set(values) ^ names))
        raise InputError(
            f"{where} was made by another version of Gonio: its configuration differs in "
            f"{odd}; train it again or run with refiner=none"
        )
    try:
        _check_types(kind, values, entry)
        return kind(**values)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"the configuration in {where} cannot be used ({error}): it was not made by Gonio, or "
            "is damaged; train it again or run with refiner=none"
        ) from error


def _check_types(kind: type[Config], values: Any, entry: str) -> None:
    """See that each field is of its type: no number is rounded, no text is taken for true."""
    if not isinstance(values, Mapping):
        raise InputError(f"{entry} is {values!r:.60}, fields by name are needed")
    for name, wanted in get_type_hints(kind).items():
        value = values[name]
        fits = type(value) is wanted
        if wanted is float:
            fits = type(value) in (int, float) and isfinite(value)
        if not fits:
            raise InputError(f"{entry}.{name} is {value!r:.60}, {NEEDED[wanted]} is needed")


def check_sigma_scale(header: Mapping[str, Any], where: str) -> None:
    """See that sigma can be scaled as a checkpoint's header says.

    Raises:
        InputError: there are not three factors above 0.
    """
    scale = header.get("sigma_scale")
    if (
        not isinstance(scale, list)
        or len(scale) != 3
        or not all(type(factor) in (int, float) and 0 < factor < inf for factor in scale)
    ):
        raise InputError(
            f"sigma_scale in the header of {where} is {scale!r}; three factors above 0 are needed "
            "(x, y, depth): train it again or run with refiner=none"
        )


def network_of(kind: Callable[[C], N], config: C, weights: Mapping[str, Tensor], where: str) -> N:
    """A network with the weights of a checkpoint, ready for use.

    Names and shapes are compared before memory is taken for it, so that a header that asks for a
    network of any size costs nothing.

    Args:
        kind: of network.
        config: of it.
        weights: by name.
        where: names the checkpoint in the message.

    Raises:
        InputError: they do not fit, or are not finite.
    """
    import torch

    layers = sum(getattr(config, name, 0) for name in ("layers", "temporal_layers"))
    try:
        if layers > len(weights):
            raise RuntimeError(f"{layers} layers, {len(weights)} weights")
        with torch.device("meta"):
            kind(config).load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise InputError(
            f"the weights in {where} do not fit its configuration ({str(error).splitlines()[0]}); "
            "train it again or run with refiner=none"
        ) from error
    if not all(bool(torch.isfinite(w).all()) for w in weights.values()):
        raise InputError(f"the weights in {where} are not finite; train it again")
    network = kind(config)
    network.load_state_dict(weights)
    return network.eval()
