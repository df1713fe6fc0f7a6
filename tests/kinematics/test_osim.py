from __future__ import annotations

import numpy as np
import pytest

from gonio.errors import InputError
from gonio.kinematics.osim import MARKERS_FILE, MODEL_FILE, generic_model, setup_folder
from tests.kinematics.model import marker_positions


def test_markers_are_where_opensim_puts_them_in_a_random_pose():
    opensim = pytest.importorskip("opensim")
    opensim.Logger.setLevelString("Off")
    model = opensim.Model(str(setup_folder() / MODEL_FILE))
    model.set_MarkerSet(opensim.MarkerSet(str(setup_folder() / MARKERS_FILE)))
    state = model.initSystem()
    ours, drawn = generic_model(), np.random.default_rng(0)
    for _ in range(3):
        pose = {
            c.name: float(drawn.uniform(max(c.low, -1.5), min(c.high, 1.5)))
            for c in ours.coordinates
        }
        for coordinate in model.getCoordinateSet():
            coordinate.setValue(state, pose[coordinate.getName()], False)
        model.realizePosition(state)
        mine = marker_positions(ours, {name: np.array([value]) for name, value in pose.items()})
        for name, position in mine.items():
            theirs = model.getMarkerSet().get(name).getLocationInGround(state).to_numpy()
            assert np.allclose(position[0], theirs, atol=1e-6), name


def test_neutral_markers_stand_upright_and_symmetric():
    neutral = generic_model().neutral_markers()
    assert neutral["C7_study"][1] > neutral["r.ASIS_study"][1] > neutral["r_calc_study"][1]
    mirrored = neutral["L_knee_study"] * [1, 1, -1]
    assert np.allclose(neutral["r_knee_study"], mirrored, atol=1e-9)


def test_scaling_by_one_factor_scales_the_whole_body():
    model = generic_model()
    bodies = {joint.child: np.full(3, 1.2) for joint in model.joints}
    small, large = model.neutral_markers(), model.scaled(bodies).neutral_markers()
    for name, position in small.items():
        assert np.allclose(large[name], 1.2 * position, atol=1e-9), name


def test_marker_on_another_body_is_refused():
    with pytest.raises(InputError, match="no marker r_knee_study on pelvis"):
        generic_model().marker_in("pelvis", "r_knee_study")
