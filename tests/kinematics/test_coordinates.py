from __future__ import annotations

import numpy as np
import pytest

from gonio.kinematics.coordinates import ROOT_TRANSLATIONS, model_coordinates
from gonio.kinematics.landmarks import recognised_paths
from gonio.kinematics.mot import read_mot
from gonio.kinematics.osim import generic_model
from gonio.kinematics.scaling import scale_factors
from gonio.trc import read_trc
from gonio.types import MarkerTrajectories
from tests.kinematics.body import body
from tests.kinematics.model import marker_positions


def radians(table) -> dict[str, np.ndarray]:
    return {
        name: table[name].to_numpy()
        if name in ROOT_TRANSLATIONS
        else np.radians(table[name].to_numpy())
        for name in table.columns
        if name != "time"
    }


@pytest.fixture(scope="module")
def dance() -> tuple[dict[str, np.ndarray], MarkerTrajectories]:
    """The unscaled model in a random smooth movement, and its markers."""
    drawn, time = np.random.default_rng(4), np.linspace(0, 2, 121)
    values = {}
    for c in generic_model().coordinates:
        low, high = max(c.low, -0.9), min(c.high, 1.2)
        if not c.name.startswith(("mtp", "neck", "wrist")):
            share = 0.5 + 0.4 * np.sin(2 * np.pi * drawn.uniform(0.3, 0.8) * time)
            values[c.name] = low + share * (high - low)
        else:
            values[c.name] = np.zeros_like(time)
    values["pelvis_rotation"] = np.linspace(0, 9, 121)  # more than a turn
    positions = marker_positions(generic_model(), values)
    names = tuple(name for name in positions if name.endswith("_study"))
    return values, MarkerTrajectories(names, np.stack([positions[n] for n in names], 1), 60.0)


def test_the_model_s_own_movement_comes_back(dance):
    values, markers = dance
    # Sizes as they are: pairs of markers on two bodies change their distance as the model moves.
    table = model_coordinates(markers, cutoff_hz=None)
    again = marker_positions(
        generic_model().scaled(scale_factors(recognised_paths(markers), generic_model())),
        radians(table),
    )
    apart = [np.linalg.norm(again[n] - markers[n], axis=1).mean() for n in markers.names]
    assert np.mean(apart) < 0.03
    for name in ("pelvis_tilt", "pelvis_list", "pelvis_rotation", "knee_angle_r", "hip_flexion_l"):
        difference = np.degrees(values[name]) - table[name]
        assert np.abs(difference - difference.mean()).max() < 8, name
        assert np.corrcoef(values[name], table[name])[0, 1] > 0.98, name


def test_pelvis_comes_back_exactly_in_the_model_s_own_sequence(dance):
    values, markers = dance
    table = model_coordinates(markers, cutoff_hz=None)
    for name in ("pelvis_tilt", "pelvis_list", "pelvis_rotation"):
        assert np.abs(np.degrees(values[name]) - table[name]).max() < 3, name
    for name in ROOT_TRANSLATIONS:
        assert np.abs(values[name] - table[name]).max() < 0.02, name


def test_the_driven_model_carries_its_markers_to_ours_on_a_real_person(shared):
    markers = read_trc(shared / "balancing_trial" / "balancing_LSTM.trc")
    table = model_coordinates(markers)
    model = generic_model().scaled(scale_factors(recognised_paths(markers), generic_model()))
    carried = marker_positions(model, radians(table))
    names = [name for name in carried if name.endswith("_study")]
    squares = [((carried[n] - markers[n]) ** 2).sum(axis=1) for n in names]
    # OpenSim's own inverse kinematics on the same scaled model: 2.97 cm.
    assert np.sqrt(np.mean(squares)) < 0.032


def test_leg_coordinates_move_as_opensim_s_on_a_real_person(shared):
    folder = shared / "balancing_trial"
    table = model_coordinates(read_trc(folder / "balancing_LSTM.trc"))
    motion = read_mot(folder / "balancing_LSTM.mot")
    for name in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle"):
        for side in "rl":
            ours, theirs = table[f"{name}_{side}"], motion[f"{name}_{side}"]
            assert np.corrcoef(ours, theirs)[0, 1] > 0.92, name
            assert np.std(ours - theirs) < 3.5, name
    for name in ("pelvis_tilt", "pelvis_list", "pelvis_rotation"):
        assert np.abs(table[name] - motion[name]).mean() < 3, name


def test_columns_are_time_and_the_model_s_coordinates_within_their_ranges():
    table = model_coordinates(body(count=4))
    assert list(table.columns) == ["time", *(c.name for c in generic_model().coordinates)]
    assert table.notna().all().all()
    for c in generic_model().coordinates:
        if c.clamped:
            assert table[c.name].between(np.degrees(c.low) - 1e-9, np.degrees(c.high) + 1e-9).all()


def test_turning_the_whole_body_changes_only_the_pelvis():
    bent = {"hip_R_flexion_deg": np.full(3, 40.0), "knee_R_flexion_deg": np.full(3, 60.0)}
    still = model_coordinates(body(bent, count=3), cutoff_hz=None)
    turned = model_coordinates(
        body(bent | {"pelvis_rotation_deg": np.full(3, 130.0)}, count=3), cutoff_hz=None
    )
    others = [c for c in still if not c.startswith("pelvis")]
    assert np.allclose(turned[others], still[others], atol=1e-3)
    # Z-X-Y angles of a pelvis that leans a little are not those of the turn alone.
    assert np.allclose(turned["pelvis_rotation"] - still["pelvis_rotation"], 130, atol=2)


def test_an_arm_held_overhead_is_not_turned_the_other_way_round():
    lifted = np.concatenate([np.linspace(5, 178, 40), np.full(80, 178.0)])
    flexed = {f"shoulder_{side}_flexion_deg": lifted for side in "RL"}
    tilted = {f"shoulder_{side}_adduction_deg": np.full(120, -10.0) for side in "RL"}
    motion = model_coordinates(body(flexed | tilted, count=120), cutoff_hz=None)
    for name in ("arm_flex_r", "arm_flex_l"):
        assert np.abs(motion[name] - lifted).max() < 15  # the model's zero is another


def test_a_missing_marker_takes_its_joints_only():
    markers = body(count=12)
    positions = markers.positions.copy()
    positions[4:6, markers.names.index("L_toe_study")] = np.nan
    table = model_coordinates(MarkerTrajectories(markers.names, positions, 60.0), cutoff_hz=None)
    gaps = set(table.columns[table.isna().any()])
    assert gaps == {"ankle_angle_l", "subtalar_angle_l"}
    assert list(table.index[table["ankle_angle_l"].isna()]) == [4, 5]
    assert len(model_coordinates(body(count=1))) == 1
