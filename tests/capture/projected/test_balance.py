from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.capture.projected.balance import (
    HEAD_SHARE,
    PARTS,
    balancing_turns,
    beside_support,
    centre_of_mass,
    support,
)
from gonio.capture.projected.source import ProjectedOptions, ProjectedSource
from gonio.capture.rendered.scene_sampling import sample_scene
from gonio.capture.rendered.sequence import RenderedSequence
from gonio.capture.rendered.tasks import list_tasks
from gonio.skeleton import COCO
from gonio.types import FloatArray

UP = np.array([[0.0, 1.0, 0.0]])


def _standing(frames: int = 20) -> tuple[FloatArray, FloatArray]:
    joints = np.zeros((frames, 17, 3))
    heights = {"ear": 1.6, "shoulder": 1.4, "elbow": 1.1, "wrist": 0.85, "hip": 0.9, "knee": 0.5}
    heights["ankle"] = 0.08
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for name, height in heights.items():
            joints[:, COCO[f"{side}_{name}"]] = [0.12 * sign, height, 0.0]
    foot = np.array([[0.0, 0.0, -0.05], [0.0, 0.0, 0.05], [0.0, 0.0, 0.0]])
    apart = np.array([0.12, 0.0, 0.0])
    feet = np.concatenate([foot - apart, foot + apart])
    return joints, np.tile(feet, (frames, 1, 1))


def test_all_of_the_body_has_mass() -> None:
    assert HEAD_SHARE + 2 * sum(share for *_, share in PARTS) == pytest.approx(1.0, abs=0.01)
    joints, _ = _standing()
    centre = centre_of_mass(joints)
    assert 0.5 * 1.7 < centre[0, 1] < 0.6 * 1.75
    np.testing.assert_allclose(centre[:, [0, 2]], 0, atol=1e-12)


def test_a_lifted_foot_bears_nothing() -> None:
    _, feet = _standing()
    up = np.repeat(UP, len(feet), axis=0)
    np.testing.assert_allclose(support(feet, up)[:, 0], 0, atol=1e-12)
    feet[:, 3:, 1] += 0.4
    np.testing.assert_allclose(support(feet, up)[:, 0], -0.12, atol=1e-3)


def test_a_body_that_would_fall_is_turned_above_its_feet() -> None:
    joints, feet = _standing()
    up = np.repeat(UP, len(feet), axis=0)
    lean = Rotation.from_euler("x", 15, degrees=True).as_matrix()
    for aside, near in ((np.zeros(3), 0.003), (np.array([0.03, 0.5, 0.02]), 0.03)):
        turns = balancing_turns(joints @ lean.T, feet @ lean.T, up, aside)
        upright = np.einsum("tij,tkj->tki", turns, joints @ lean.T)
        stood = np.einsum("tij,tkj->tki", turns, feet @ lean.T)
        beside = centre_of_mass(upright) - support(stood, up)
        np.testing.assert_allclose(beside[:, [0, 2]], [aside[[0, 2]]] * len(up), atol=near)


def test_what_stands_in_balance_stays() -> None:
    joints, feet = _standing()
    turns = balancing_turns(joints, feet, np.repeat(UP, len(feet), axis=0), np.zeros(3))
    np.testing.assert_allclose(turns, np.broadcast_to(np.eye(3), turns.shape), atol=1e-9)


@pytest.mark.slow
def test_made_bodies_on_one_leg_stand_in_balance_where_it_is_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("anny", reason="the optional body model anny is not installed")
    options = ProjectedOptions(sequences=5, balanced_share=1.0)
    source = ProjectedSource(tmp_path, tmp_path, options)
    kinds = {"poses": 0, "walk": 0, "reach": 0, "bend": 0, "sit": 0, "lie": 0, "one_leg": 1}
    before, after = [], []
    for task in list_tasks(options.rendered(), kinds):
        camera = sample_scene(task.scene_seed).camera
        truth = RenderedSequence(task).truth_from(camera)
        turned = source._turned(truth, task, camera, np.random.default_rng(0))
        for found, each in ((before, truth), (after, turned)):
            assert each.feet is not None
            beside = beside_support(each.joints, each.feet, each.up)
            found.append(np.linalg.norm(beside, axis=1).mean())
    assert np.mean(after) < 0.08
    assert np.mean(after) < 0.6 * np.mean(before)
