from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from gonio.kinematics.fitting import gauss_newton, turned_onto


def test_rotation_is_found_and_is_no_reflection():
    drawn = np.random.default_rng(0)
    true = Rotation.random(50, rng=drawn).as_matrix()
    flat = np.array([[0.1, 0, 0], [0, 0.2, 0]])  # a plane: a reflection would fit as well
    found = turned_onto(flat, flat @ np.swapaxes(true, 1, 2))
    assert np.allclose(found, true, atol=1e-9)
    assert np.allclose(np.linalg.det(found), 1)


def test_missing_points_give_nan_in_their_frame_only():
    points = np.random.default_rng(1).normal(size=(4, 3))
    targets = np.tile(points, (3, 1, 1))
    targets[1, 2] = np.nan
    found = turned_onto(points, targets)
    assert np.isnan(found[1]).all()
    assert np.allclose(found[[0, 2]], np.eye(3))


def test_gauss_newton_finds_the_root_and_keeps_the_bounds():
    wanted = np.array([[0.3, -0.2], [5.0, 0.1], [np.nan, 0.0]])

    def residual(values):
        return np.stack([np.sin(values[:, 0] / 4), values[:, 1] ** 3 + values[:, 1]], axis=1) - (
            np.stack([np.sin(wanted[:, 0] / 4), wanted[:, 1] ** 3 + wanted[:, 1]], axis=1)
        )

    found = gauss_newton(residual, np.zeros((3, 2)), np.array([-1, -1.0]), np.array([1.0, 1.0]))
    assert np.allclose(found[0], [0.3, -0.2], atol=1e-8)
    assert np.allclose(found[1], [1.0, 0.1], atol=1e-8)
    assert np.isnan(found[2]).all()
