from __future__ import annotations

import numpy as np
import pytest

from gonio.errors import InputError
from gonio.kinematics.osim import generic_model
from gonio.kinematics.scaling import measurements, scale_factors


def neutral_paths(factor: float = 1.0) -> dict[str, np.ndarray]:
    return {
        name: np.tile(factor * position, (20, 1))
        for name, position in generic_model().neutral_markers().items()
    }


def test_the_model_s_own_markers_scale_by_one():
    factors = scale_factors(neutral_paths(), generic_model())
    assert set(factors) == {joint.child for joint in generic_model().joints}
    for body, factor in factors.items():
        assert np.allclose(factor, 1, atol=1e-9), body


def test_a_taller_body_scales_as_a_whole_and_a_longer_shank_alone():
    taller = scale_factors(neutral_paths(1.1), generic_model())
    assert all(np.allclose(factor, 1.1) for factor in taller.values())
    paths = neutral_paths()
    for name in ("r_ankle_study", "r_mankle_study"):
        paths[name] = paths[name] - [0, 0.04, 0]
    longer = scale_factors(paths, generic_model())
    assert longer["tibia_r"][1] > 1.08
    assert np.allclose(longer["tibia_l"], 1)


def test_outliers_do_not_move_the_factors():
    paths = neutral_paths()
    paths["r_knee_study"][:3] += 1.0
    assert np.allclose(scale_factors(paths, generic_model())["femur_r"], 1)


def test_laboratory_markers_without_hip_centres_and_video_markers_still_scale():
    paths = {
        name: path
        for name, path in neutral_paths(0.9).items()
        if name.endswith("_study") and "HJC" not in name
    }
    factors = scale_factors(paths, generic_model())
    for body in ("pelvis", "femur_r", "torso", "humerus_l", "radius_r"):
        assert np.allclose(factors[body], 0.9), body


def test_too_few_markers_and_impossible_sizes_are_refused():
    paths = neutral_paths()
    few = {name: paths[name] for name in ("r_knee_study", "r_ankle_study")}
    with pytest.raises(InputError, match="of 11 body sizes"):
        scale_factors(few, generic_model())
    paths["r_ankle_study"] = paths["r_ankle_study"] - [0, 3.0, 0]
    paths["r_mankle_study"] = paths["r_mankle_study"] - [0, 3.0, 0]
    with pytest.raises(InputError, match="times as large"):
        scale_factors(paths, generic_model())


def test_measurements_come_from_the_installed_set_up():
    names = [measurement.name for measurement in measurements()]
    assert {"foot", "tibia_r", "femur_l", "pelvisXY", "pelvisZ", "torsoXY", "humerus"} <= set(names)
