"""Checkpoints: weights as safetensors with a JSON header, nothing that could run.

A file holds half-precision weights and, in safetensors' metadata under `gonio`, a JSON object with
`kind` of network, `format`, `config`, `normalisation`, `metrics`, `data` (hash of the manifest) and
`versions`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gonio.errors import InputError, MissingFileError
from gonio.files import replacing

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
"""Raised whenever what a network sees or gives changes, so that older weights are refused."""
_ADVICE = "copy or train it again, or run with refiner=none"


@dataclass(frozen=True)
class Checkpoint:
    """Weights and what is to be known about them.

    Attributes:
        header: JSON values.
        weights: by name, float32.
    """

    header: dict[str, Any]
    weights: dict[str, Tensor]


def read_header(path: str | Path, kind: str | None = None) -> dict[str, Any]:
    """The JSON header of a checkpoint.

    Args:
        path: the `.safetensors` file.
        kind: of network that is wanted; None for any.

    Raises:
        MissingFileError: there is no checkpoint.
        InputError: it is broken, was not made by Gonio, is of another kind or of another format.
    """
    from safetensors import SafetensorError, safe_open

    source = Path(path)
    if not source.is_file():
        raise MissingFileError(
            f"there is no checkpoint {source}; train it, put one there, or run with refiner=none"
        )
    try:
        source.open("rb").close()
    except OSError as error:
        raise InputError(
            f"the checkpoint {source} cannot be read: {error.strerror}; change its permissions, "
            "copy it again, or run with refiner=none"
        ) from error
    try:
        with safe_open(source, framework="np") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(f"the checkpoint {source} is broken ({error}); {_ADVICE}") from error
    return _checked(source, metadata, kind)


def _checked(source: Path, metadata: Mapping[str, str], kind: str | None) -> dict[str, Any]:
    try:
        header = json.loads(metadata["gonio"])
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{source} is no checkpoint of Gonio: its header has no entry `gonio` in JSON; "
            "train it with Gonio or run with refiner=none"
        ) from error
    if not isinstance(header, dict) or "kind" not in header:
        raise InputError(f"{source}: the header names no `kind` of network; train it again")
    if kind is not None and header["kind"] != kind:
        raise InputError(
            f"{source} holds a network of kind {header['kind']!r}; wanted is {kind!r}: {_ADVICE}"
        )
    if header.get("format") != FORMAT:
        raise InputError(
            f"{source} is of checkpoint format {header.get('format')!r}; this Gonio reads "
            f"{FORMAT}: {_ADVICE}"
        )
    return header


def part_of(header: Mapping[str, Any], name: str, where: Path) -> dict[str, Any]:
    """What the header of a main refiner says of one of the refiners that it joins.

    Args:
        header: of its checkpoint.
        name: of the refiner.
        where: names the checkpoint in the message.

    Raises:
        InputError: it says nothing.
    """
    parts = header.get("parts")
    told = parts.get(name) if isinstance(parts, dict) else None
    if not isinstance(told, dict):
        raise InputError(f"{where}: the header does not say which {name} it joins; train it again")
    return told


def read_checkpoint(path: str | Path, kind: str) -> Checkpoint:
    """Header and weights.

    Raises:
        MissingFileError, InputError: as `read_header`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    header = read_header(path, kind)
    try:
        weights = {name: tensor.float() for name, tensor in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise InputError(f"the checkpoint {path} is broken ({error}); {_ADVICE}") from error
    return Checkpoint(header, weights)


def file_digest(path: Path) -> str:
    """The start of the SHA-256 of a file, by which a checkpoint is known."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def write_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in half precision, whole or not at all.

    Raises:
        OutputError: the folder is not writable or the disk is full.
    """
    from safetensors.torch import save_file

    halves = {name: tensor.half().contiguous() for name, tensor in checkpoint.weights.items()}
    header = {**checkpoint.header, "format": FORMAT}
    with replacing(path) as scratch:
        save_file(halves, scratch, {"gonio": json.dumps(header, sort_keys=True, allow_nan=False)})
