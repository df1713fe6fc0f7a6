from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.capture.rendered.body import Body, make_body
from gonio.capture.rendered.motion import BONES, Motion, quaternions_from_matrices
from gonio.types import FloatArray


def motion_of(matrices: FloatArray, **changes: object) -> Motion:
    """A motion with given (T, 23, 3, 3) global orientations."""
    values: dict[str, object] = {
        "name": "clip",
        "performer": "cmu07",
        "action": "test",
        "fps": 30.0,
        "orientations": quaternions_from_matrices(matrices),
        "root": np.tile([0.0, 0.9, 0.0], (len(matrices), 1)),
        **changes,
    }
    return Motion(**values)  # type: ignore[arg-type]


@pytest.fixture
def wobbling() -> Motion:
    """Two seconds in which every bone turns smoothly, each in its own way."""
    rng = np.random.default_rng(3)
    time = np.linspace(0, 2, 60)[:, None, None]
    turns = np.sin(time * rng.uniform(1, 4, (1, len(BONES), 3)) + rng.uniform(0, 6, (23, 3)))
    matrices = Rotation.from_rotvec(0.5 * turns.reshape(-1, 3)).as_matrix()
    root = np.column_stack([np.linspace(0, 1, 60), np.full(60, 0.9), np.linspace(0, 0.5, 60)])
    return motion_of(matrices.reshape(60, len(BONES), 3, 3), root=root)


@pytest.fixture(scope="session")
def body() -> Body:
    """One body, from the user's cache where it was built before."""
    pytest.importorskip("anny", reason="the optional body model anny is not installed")
    return make_body(3)


@pytest.fixture
def t_pose() -> Motion:
    return motion_of(np.tile(np.eye(3), (1, len(BONES), 1, 1)))


@pytest.fixture
def motion_folder(tmp_path: Path, wobbling: Motion) -> Path:
    """A motion folder of four performers, two actions each, made by the tests."""
    from dataclasses import replace

    from gonio.capture.rendered.motion_files import write_motions

    folder = tmp_path / "motion"
    for number in (11, 12, 13, 14):
        clips = [
            replace(wobbling, name=f"{number}_{k}", performer=f"cmu{number}", action=action)
            for k, action in enumerate(("walking", "jumping"))
        ]
        write_motions(folder, f"cmu{number}.npz", clips)
    return folder
