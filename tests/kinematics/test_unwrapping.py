from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.kinematics.unwrapping import (
    continuous_deg,
    euler_deg,
    nearest_equal_deg,
    twin_deg,
    wrapped_deg,
)


@pytest.mark.filterwarnings("error")
def test_the_singularity_gives_no_warning_and_leaves_the_filters_of_warnings_alone(monkeypatch):
    """They are those of the whole process: another thread may be using them."""
    monkeypatch.delattr(warnings, "catch_warnings")
    held_out = Rotation.from_euler("ZXY", [[10.0, 90.0, 20.0]], degrees=True).as_matrix()
    assert euler_deg(held_out, "ZXY")[0, 1] == pytest.approx(90, abs=1e-4)


@pytest.mark.parametrize("sequence", ["ZXY", "YXZ"])
def test_twin_is_the_same_orientation(sequence):
    euler = np.random.default_rng(0).uniform(-90, 90, (200, 3))
    first = Rotation.from_euler(sequence, euler, degrees=True).as_matrix()
    second = Rotation.from_euler(sequence, twin_deg(euler), degrees=True).as_matrix()
    assert np.allclose(first, second)


@pytest.mark.parametrize("sequence", ["ZXY", "YXZ"])
def test_continuous_angles_are_the_same_orientations(sequence):
    smooth = np.cumsum(np.random.default_rng(1).normal(0, 4, (500, 3)), axis=0)
    matrices = Rotation.from_euler(sequence, smooth, degrees=True).as_matrix()
    angles = continuous_deg(euler_deg(matrices, sequence))
    again = Rotation.from_euler(sequence, angles, degrees=True).as_matrix()
    assert np.allclose(again, matrices)


def test_a_smooth_movement_through_90_degrees_is_followed():
    time = np.linspace(0, 1, 300)
    smooth = np.stack([30 * time, -140 * time, 20 * time**2], axis=1)
    matrices = Rotation.from_euler("ZXY", smooth, degrees=True).as_matrix()
    assert np.allclose(continuous_deg(euler_deg(matrices, "ZXY")), smooth, atol=1e-6)


def test_a_heading_keeps_its_turns_and_its_first_value():
    smooth = np.zeros((900, 3))
    smooth[:, 0] = np.linspace(-170, -170 - 1500, 900)
    matrices = Rotation.from_euler("YXZ", smooth, degrees=True).as_matrix()
    angles = continuous_deg(euler_deg(matrices, "YXZ"), free=(0,), patience=None)
    assert np.allclose(angles, smooth, atol=1e-6)


def test_wrapped_and_empty():
    assert list(wrapped_deg(np.array([190.0, -190.0, 360.0]))) == [-170, 170, 0]
    assert continuous_deg(np.zeros((0, 3))).shape == (0, 3)


def test_a_clip_that_stays_at_the_singularity_still_has_angles():
    euler = np.tile([10.0, 89.0, 5.0], (20, 1))
    assert np.isfinite(continuous_deg(euler)).all()


def test_a_stretch_gets_the_twin_that_is_nearest_to_the_typical_angles():
    elbow = np.tile([119.0, -42.0, 136.0], (40, 1))  # strongly bent and pronated
    plain = euler_deg(Rotation.from_euler("ZXY", elbow, degrees=True).as_matrix(), "ZXY")
    np.testing.assert_allclose(continuous_deg(plain, typical=(60, 0, 85)), elbow, atol=1e-9)
    assert continuous_deg(plain)[0, 0] == pytest.approx(-61)  # about zero it looks the likelier


@pytest.mark.parametrize("sequence", ["ZXY", "YXZ"])
def test_of_all_equal_angles_the_nearest_are_found(sequence):
    random = np.random.default_rng(5)
    wanted = random.uniform(-500, 500, (100, 3))
    matrices = Rotation.from_euler(sequence, wanted, degrees=True).as_matrix()
    found = nearest_equal_deg(euler_deg(matrices, sequence), wanted)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
