from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonio.errors import InputError
from gonio.kinematics.angles import (
    angle_columns,
    gimbal_flags,
    isb_shoulder_columns,
    joint_angles,
    joints_without_zero,
    nearest_equal,
    zero_reference,
    zeroed,
)
from gonio.kinematics.segments import collected_warnings
from gonio.skeleton import ALL_MARKERS, ANGLE_COLUMNS, AUGMENTED_MARKERS, JOINTS
from gonio.types import MarkerTrajectories
from tests.kinematics.body import body, mirrored, skin_markers, turn, without

COLUMNS = list(ANGLE_COLUMNS)

# Physiological ranges, degrees, in column order.
RANGES = {
    "pelvis": ((-40, 40), (-30, 30), (-900, 900)),
    "hip": ((-30, 130), (-45, 30), (-45, 45)),
    "knee": ((-10, 150), (-15, 15), (-30, 30)),
    "ankle": ((-50, 30), (-30, 35), (-30, 30)),
    "trunk": ((-30, 80), (-35, 35), (-45, 45)),
    "shoulder": ((-60, 180), (-170, 50), (-90, 90)),
    "elbow": ((-5, 150), (-20, 20), (-10, 170)),
}
LIMITS = {
    column: limits
    for joint in JOINTS
    for column, limits in zip(joint.columns, RANGES[joint.title], strict=True)
}
MARKER_SETS = {"65": ALL_MARKERS, "43": AUGMENTED_MARKERS, "skin": skin_markers()}


def raw(markers: MarkerTrajectories) -> pd.DataFrame:
    return joint_angles(markers, cutoff_hz=None)


def test_columns_are_time_and_the_36_angles():
    angles = joint_angles(body(count=3))
    assert list(angles.columns) == ["time_s", *ANGLE_COLUMNS]
    assert np.allclose(angles["time_s"], [0, 1 / 60, 2 / 60])


@pytest.mark.parametrize("names", MARKER_SETS.values(), ids=MARKER_SETS)
def test_neutral_standing_is_zero(names: tuple[str, ...]):
    assert raw(body(names=names))[COLUMNS].abs().max().max() < 0.01


@pytest.mark.parametrize("names", MARKER_SETS.values(), ids=MARKER_SETS)
@pytest.mark.parametrize("column", COLUMNS)
def test_pure_rotation_comes_back_in_its_own_column_only(column: str, names: tuple[str, ...]):
    for end in LIMITS[column]:
        given_deg = np.linspace(0, end, 120)
        angles = raw(body({column: given_deg}, count=120, names=names))
        assert np.abs(angles[column] - given_deg).max() < 0.5
        assert angles[COLUMNS].drop(columns=column).abs().max().max() < 0.5


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_all_angles_at_once_come_back(data: st.DataObject):
    given_deg = {
        column: np.array([data.draw(st.floats(0.4 * low, 0.4 * high), label=column)])
        for column, (low, high) in LIMITS.items()
        if column != "pelvis_rotation_deg"
    }
    given_deg["pelvis_rotation_deg"] = np.array([data.draw(st.floats(-179, 179))])
    angles = raw(body(given_deg))
    for column in COLUMNS:
        assert angles[column][0] == pytest.approx(given_deg[column][0], abs=0.01)


@settings(deadline=None, max_examples=30)
@given(st.floats(-180, 180), st.tuples(*[st.floats(-3, 3)] * 3), st.integers(0, 2**31))
def test_turning_and_moving_the_body_changes_only_the_pelvis(
    heading: float, place: tuple[float, float, float], seed: int
):
    drawn = np.random.default_rng(seed)
    given_deg = {
        column: np.full(1, drawn.uniform(0.5 * low, 0.5 * high))
        for column, (low, high) in LIMITS.items()
        if not column.startswith("pelvis")
    }
    still = raw(body(given_deg))
    moved_deg = given_deg | {"pelvis_rotation_deg": np.full(1, heading)}
    moved = raw(body(moved_deg, place=np.array([place])))
    others = [c for c in COLUMNS if not c.startswith("pelvis")]
    assert np.allclose(moved[others], still[others], atol=1e-6)
    turned = (moved["pelvis_rotation_deg"][0] - heading + 180) % 360 - 180
    assert turned == pytest.approx(0, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31))
def test_a_mirrored_pose_gives_equal_numbers_on_the_other_side(seed: int):
    drawn = np.random.default_rng(seed)
    given_deg = {
        column: np.full(1, drawn.uniform(0.5 * low, 0.5 * high))
        for column, (low, high) in LIMITS.items()
        if column != "pelvis_rotation_deg"
    }
    markers = body(given_deg)
    seen, reflected = raw(markers), raw(mirrored(markers))
    for joint in JOINTS:
        other = joint.name.replace("_R", "_X").replace("_L", "_R").replace("_X", "_L")
        for index, column in enumerate(joint.columns):
            twin = column.replace(joint.name, other)
            # On the mid-line the sagittal angle stays, bending and turning change sides.
            sign = -1 if joint.side is None and index > 0 else 1
            assert reflected[twin][0] == pytest.approx(sign * seen[column][0], abs=1e-6)


@pytest.mark.parametrize(
    ("column", "marker", "axis", "direction"),
    [
        ("hip_R_flexion_deg", "r_knee_study", 0, 1),
        ("hip_L_flexion_deg", "L_knee_study", 0, 1),
        ("hip_R_adduction_deg", "r_ankle_study", 2, -1),
        ("hip_L_adduction_deg", "L_ankle_study", 2, 1),
        ("hip_R_rotation_deg", "r_toe_study", 2, -1),
        ("hip_L_rotation_deg", "L_toe_study", 2, 1),
        ("knee_R_flexion_deg", "r_ankle_study", 0, -1),
        ("knee_L_flexion_deg", "L_ankle_study", 0, -1),
        ("ankle_R_flexion_deg", "r_toe_study", 1, 1),
        ("ankle_L_flexion_deg", "L_toe_study", 1, 1),
        ("ankle_R_adduction_deg", "r_5meta_study", 1, -1),
        ("ankle_L_adduction_deg", "L_5meta_study", 1, -1),
        ("ankle_R_rotation_deg", "r_toe_study", 2, -1),
        ("ankle_L_rotation_deg", "L_toe_study", 2, 1),
        ("trunk_flexion_deg", "C7_study", 0, 1),
        ("trunk_adduction_deg", "C7_study", 2, 1),
        ("trunk_rotation_deg", "r_shoulder_study", 0, 1),
        ("shoulder_R_flexion_deg", "r_lelbow_study", 0, 1),
        ("shoulder_L_flexion_deg", "L_lelbow_study", 0, 1),
        ("shoulder_R_adduction_deg", "r_lelbow_study", 2, -1),
        ("shoulder_L_adduction_deg", "L_lelbow_study", 2, 1),
        ("shoulder_R_rotation_deg", "r_lelbow_study", 0, 1),
        ("shoulder_L_rotation_deg", "L_lelbow_study", 0, 1),
        ("elbow_R_flexion_deg", "r_lwrist_study", 0, 1),
        ("elbow_L_flexion_deg", "L_lwrist_study", 0, 1),
        ("elbow_R_pronation_deg", "r_lwrist_study", 0, 1),
        ("elbow_L_pronation_deg", "L_lwrist_study", 0, 1),
        ("pelvis_tilt_deg", "r.ASIS_study", 1, 0),
        ("pelvis_tilt_deg", "r.PSIS_study", 1, -1),
        ("pelvis_list_deg", "r.ASIS_study", 1, -1),
        ("pelvis_rotation_deg", "r.ASIS_study", 0, 1),
    ],
)
def test_sign_by_where_a_marker_goes(column: str, marker: str, axis: int, direction: int):
    """A positive angle as the solver gives it moves the marker this way (0: stays)."""
    neutral, bent = body(), body({column: np.array([20.0])})
    assert raw(bent)[column][0] == pytest.approx(20, abs=0.01)
    moved = bent[marker][0, axis] - neutral[marker][0, axis]
    if direction:
        assert np.sign(moved) == direction
        assert abs(moved) > 0.005
    else:
        assert abs(moved) < 1e-9


def test_pelvis_unwraps_beyond_a_turn_and_across_a_gap():
    heading = np.linspace(170, 170 + 3 * 360, 400)
    markers = body({"pelvis_rotation_deg": heading}, count=400)
    markers.positions[100:110] = np.nan
    angles = raw(markers)
    expected = heading.copy()
    expected[100:110] = np.nan
    assert np.allclose(angles["pelvis_rotation_deg"], expected, equal_nan=True, atol=1e-6)
    assert angles[["pelvis_tilt_deg", "pelvis_list_deg"]].abs().max().max() < 1e-6


@pytest.mark.parametrize("heading", [-180, -135, -90, 0, 90, 135, 180])
def test_pelvis_tilt_does_not_depend_on_the_heading(heading: float):
    given_deg = {"pelvis_tilt_deg": 15.0, "pelvis_list_deg": -10.0, "pelvis_rotation_deg": heading}
    angles = raw(body({k: np.array([v]) for k, v in given_deg.items()}))
    assert angles["pelvis_tilt_deg"][0] == pytest.approx(15, abs=1e-6)
    assert angles["pelvis_list_deg"][0] == pytest.approx(-10, abs=1e-6)


def test_arm_raised_sideways_passes_the_singularity_without_a_jump():
    raised = -150 * np.sin(np.linspace(0, np.pi, 241)) ** 2
    angles = raw(body({"shoulder_R_adduction_deg": raised}, count=241))
    assert np.abs(angles["shoulder_R_adduction_deg"] - raised).max() < 0.5
    assert angles["shoulder_R_flexion_deg"].abs().max() < 0.5


def test_noise_at_the_singularity_does_not_leave_the_arm_half_a_turn_off():
    raised = -91 * np.sin(np.linspace(0, np.pi, 600)) ** 2
    markers = body({"shoulder_R_adduction_deg": raised}, count=600)
    noise = np.random.default_rng(3).normal(0, 0.004, markers.positions.shape)
    noisy = MarkerTrajectories(markers.names, markers.positions + noise, 60.0)
    angles = raw(noisy)
    for rest in (slice(0, 60), slice(-60, None)):
        columns = [c for c in COLUMNS if c.startswith("shoulder_R")]
        assert angles[columns][rest].abs().max().max() < 15


def test_one_missing_marker_takes_only_its_joints_and_only_its_frames():
    wave = 20 * np.sin(np.linspace(0, 6, 90))
    markers = body({"knee_R_flexion_deg": 30 + wave}, count=90)
    whole = joint_angles(markers)
    positions = markers.positions.copy()
    positions[30:40, markers.names.index("r_toe_study")] = np.nan
    angles = joint_angles(MarkerTrajectories(markers.names, positions, 60.0))
    foot = [c for c in COLUMNS if c.startswith("ankle_R")]
    assert angles.loc[30:39, foot].isna().all().all()
    assert angles.drop(index=range(30, 40))[foot].notna().all().all()
    others = [c for c in COLUMNS if c not in foot]
    assert np.allclose(angles[others], whole[others])


def test_marker_missing_for_the_whole_clip_or_not_recorded_at_all():
    markers = body(count=20)
    positions = markers.positions.copy()
    positions[:, markers.names.index("L_knee_study")] = np.nan
    for gone in (
        MarkerTrajectories(markers.names, positions, 60.0),
        without(markers, "L_knee_study"),
    ):
        with collected_warnings() as said:
            missing = set(joint_angles(gone)[COLUMNS].isna().all().pipe(lambda s: s[s].index))
        assert len(said) == ("L_knee_study" not in gone)
        assert missing == {c for c in COLUMNS if c.startswith(("hip_L", "knee_L", "ankle_L"))}


def test_all_nan_gives_all_nan_and_one_frame_gives_one_row():
    markers = body(count=5)
    nothing = MarkerTrajectories(markers.names, np.full_like(markers.positions, np.nan), 60.0)
    angles = joint_angles(nothing)
    assert angles[COLUMNS].isna().all().all()
    assert not gimbal_flags(angles).any().any()
    assert len(joint_angles(body(count=1))) == 1


@pytest.mark.parametrize(("factor", "unit"), [(1000, "millimetres"), (100, "centimetres")])
def test_wrong_units_are_refused_with_a_hint(factor: float, unit: str):
    markers = body(count=5)
    with pytest.raises(InputError, match=unit):
        joint_angles(MarkerTrajectories(markers.names, factor * markers.positions, 60.0))


def test_a_body_40_m_tall_is_refused():
    markers = body(count=5)
    with pytest.raises(InputError, match=r"span .* m; allowed are 0\.3 to 4 m"):
        joint_angles(MarkerTrajectories(markers.names, 22 * markers.positions, 60.0))


def test_filter_keeps_slow_movement_and_removes_noise():
    slow = 40 + 30 * np.sin(2 * np.pi * 0.8 * np.arange(300) / 60)
    markers = body({"knee_R_flexion_deg": slow}, count=300)
    noise = np.random.default_rng(0).normal(0, 0.003, markers.positions.shape)
    noisy = MarkerTrajectories(markers.names, markers.positions + noise, 60.0)
    middle = slice(30, -30)
    clean = np.abs(joint_angles(markers)["knee_R_flexion_deg"] - slow)[middle]
    assert clean.max() < 0.5
    rough = (raw(noisy)["knee_R_flexion_deg"] - slow)[middle].std()
    smooth = (joint_angles(noisy)["knee_R_flexion_deg"] - slow)[middle].std()
    assert smooth < 0.6 * rough


def test_filter_goes_by_the_rate_of_the_recording():
    wave = 30 + 20 * np.sin(2 * np.pi * 5 * np.arange(600) / 120)
    fast = body({"knee_R_flexion_deg": wave}, count=600, rate_hz=120.0)
    kept = joint_angles(fast, cutoff_hz=20)["knee_R_flexion_deg"][100:500]
    cut = joint_angles(fast, cutoff_hz=2)["knee_R_flexion_deg"][100:500]
    assert np.ptp(kept) > 38
    assert np.ptp(cut) < 10


def test_cut_off_above_half_the_rate_and_unknown_sequence_are_refused():
    with pytest.raises(InputError, match="half the rate"):
        joint_angles(body(count=10, rate_hz=10.0), cutoff_hz=6.0)
    with pytest.raises(InputError, match="shoulder_sequence"):
        joint_angles(body(), shoulder_sequence="XYZ")  # type: ignore[arg-type]


def test_one_frame_without_a_rate_is_told_that_it_is_too_few():
    with pytest.raises(InputError, match="one frame is too few for a low-pass at 6 Hz"):
        joint_angles(body(count=1, rate_hz=1.0))
    assert len(joint_angles(body(count=1, rate_hz=1.0), cutoff_hz=None)) == 1


@pytest.mark.parametrize("side", ["R", "L"])
def test_isb_shoulder_sequence(side: str):
    joint = next(j for j in JOINTS if j.name == f"shoulder_{side}")
    plane, elevation, axial = isb_shoulder_columns(joint)
    abducted = body({f"shoulder_{side}_adduction_deg": np.array([-60.0])})
    flexed = body({f"shoulder_{side}_flexion_deg": np.array([70.0])})
    for markers, expected in ((abducted, (0, 60, 0)), (flexed, (90, 70, -90))):
        angles = joint_angles(markers, cutoff_hz=None, shoulder_sequence="YXY")
        assert list(angles[[plane, elevation, axial]].iloc[0]) == pytest.approx(expected, abs=0.01)
        assert f"shoulder_{side}_flexion_deg" not in angles


@pytest.mark.parametrize("sequence", ["ZXY", "YXY"])
def test_the_columns_are_named_by_the_sequence_of_the_shoulder(sequence):
    angles = joint_angles(body(), cutoff_hz=None, shoulder_sequence=sequence)
    assert list(angles) == ["time_s", *angle_columns(sequence)]


def test_isb_elevation_is_flagged_with_the_arm_down_and_zxy_with_the_arm_level():
    down, level = body(), body({"shoulder_R_adduction_deg": np.array([-85.0])})
    column = "shoulder_R_near_singularity"
    assert not gimbal_flags(raw(down))[column][0]
    assert gimbal_flags(raw(level))[column][0]
    isb = joint_angles(down, cutoff_hz=None, shoulder_sequence="YXY")
    assert gimbal_flags(isb)[column][0]


def test_an_arm_held_overhead_is_not_turned_the_other_way_round():
    lifted = np.concatenate([np.linspace(5, 184, 40), np.full(80, 184.0)])
    flexed = {"shoulder_R_flexion_deg": np.minimum(lifted, 178), "shoulder_L_flexion_deg": lifted}
    tilted = {f"shoulder_{side}_adduction_deg": np.full(120, -10.0) for side in "RL"}
    angles = raw(body(flexed | tilted, count=120))
    for name, path in flexed.items():
        assert np.allclose(angles[name], path, atol=0.01)
    turned = {"elbow_R_flexion_deg": np.full(5, 60.0), "elbow_R_pronation_deg": np.full(5, 183.0)}
    assert np.allclose(raw(body(turned, count=5))["elbow_R_pronation_deg"], 183, atol=0.01)


def test_the_planes_of_swinging_arms_do_not_wind_up():
    t, rng = np.arange(600) / 60, np.random.default_rng(0)
    swing = {
        "shoulder_R_flexion_deg": 25 * np.sin(2 * np.pi * t),
        "shoulder_R_adduction_deg": -3 + 2 * np.sin(2 * np.pi * 0.7 * t),
    }
    clean = body(swing, count=600)
    noise = rng.normal(0, 0.01, clean.positions.shape)
    markers = MarkerTrajectories(clean.names, clean.positions + noise, 60.0)
    angles = joint_angles(markers, shoulder_sequence="YXY")
    sure = ~gimbal_flags(angles)["shoulder_R_near_singularity"]
    plane, _, axial = isb_shoulder_columns(next(j for j in JOINTS if j.name == "shoulder_R"))
    assert 100 < sure.sum() < 550
    assert np.ptp(angles.loc[sure, plane]) < 230  # 518 to 900 if followed through the singularity
    assert np.ptp(angles.loc[sure, axial]) < 230
    assert angles[[plane, axial]].abs().max().max() < 270


def test_zeroed_headings_begin_within_half_a_turn():
    heading = "pelvis_rotation_deg"
    static = raw(body({heading: np.full(20, 178.0)}, count=20))
    clip = raw(body({heading: np.linspace(183, 560, 60)}, count=60))
    zero = zeroed(clip, "static_trial", static=static)[heading]
    assert np.allclose(zero, np.linspace(5, 382, 60), atol=0.01)


@pytest.mark.parametrize(
    ("sequence", "reference_deg", "lost"),
    [
        ("ZXY", -88.0, ("flexion", "rotation")),
        ("YXY", 0.0, ("plane_of_elevation", "axial_rotation")),
    ],
)
def test_what_is_undefined_in_the_reference_has_no_zero(sequence, reference_deg, lost):
    adduction = np.concatenate([np.full(20, reference_deg), np.full(20, -45.0)])
    markers = body({"shoulder_R_adduction_deg": adduction}, count=40)
    angles = joint_angles(markers, cutoff_hz=None, shoulder_sequence=sequence)
    zero = zeroed(angles, "first_seconds", seconds=20 / 60)
    assert zero[[f"shoulder_R_{name}_deg" for name in lost]].isna().all(axis=None)
    middle = {"ZXY": "shoulder_R_adduction_deg", "YXY": "shoulder_R_elevation_deg"}[sequence]
    assert abs(zero[middle].iloc[-1]) == pytest.approx(abs(-45 - reference_deg), abs=0.1)
    reference = zero_reference(angles, "first_seconds", seconds=20 / 60)
    assert "shoulder_R" in joints_without_zero(angles, reference)


def test_gimbal_flags_have_12_columns_and_a_width_of_10_degrees():
    given_deg = np.array([0.0, -75.0, -79.5, -80.5, -99.5, -100.5])
    angles = raw(body({"shoulder_L_adduction_deg": given_deg}, count=6))
    flags = gimbal_flags(angles)
    assert list(flags.columns) == [f"{joint.name}_near_singularity" for joint in JOINTS]
    assert list(flags["shoulder_L_near_singularity"]) == [False, False, False, True, True, False]
    assert not flags.drop(columns="shoulder_L_near_singularity").any().any()


def test_gimbal_flags_of_something_else_are_refused():
    with pytest.raises(InputError, match="pelvis_list_deg"):
        gimbal_flags(pd.DataFrame({"time_s": [0.0]}))


def test_zeroed_takes_the_first_second_off_and_leaves_the_absolute_angles():
    bend = np.concatenate([np.full(60, 12.0), np.full(60, 50.0)])
    angles = raw(body({"knee_R_flexion_deg": bend}, count=120))
    before = angles.copy()
    relative = zeroed(angles, "first_seconds", seconds=1.0)
    assert relative["knee_R_flexion_deg"][:60].abs().max() < 1e-9
    assert np.allclose(relative["knee_R_flexion_deg"][60:], 38)
    assert np.array_equal(relative["time_s"], angles["time_s"])
    pd.testing.assert_frame_equal(angles, before)


def test_zeroed_leaves_the_flags_beside_the_angles_alone():
    angles = joint_angles(body(count=120))
    flags = gimbal_flags(angles)
    both = zeroed(pd.concat([angles, flags], axis=1), "first_seconds")
    pd.testing.assert_frame_equal(both[list(flags)], flags)
    pd.testing.assert_frame_equal(both[list(angles)], zeroed(angles, "first_seconds"))


def test_zeroed_by_a_static_trial():
    angles = raw(body({"hip_L_flexion_deg": np.full(5, 30.0)}, count=5))
    static = raw(body({"hip_L_flexion_deg": np.full(9, 8.0)}, count=9))
    relative = zeroed(angles, "static_trial", static=static)
    assert np.allclose(relative["hip_L_flexion_deg"], 22)
    with pytest.raises(InputError, match="static trial"):
        zeroed(angles, "static_trial")
    with pytest.raises(InputError, match="'first_seconds' and 'static_trial'"):
        zeroed(angles, "last")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="seconds is 0"):
        zeroed(angles, "first_seconds", seconds=0)


def test_a_reference_without_any_angle_is_refused():
    angles = raw(body(count=60))
    columns = angles.columns.drop("time_s")
    late, nobody = angles.copy(), angles.copy()
    late.loc[:39, columns] = np.nan
    nobody[columns] = np.nan
    with pytest.raises(InputError, match=r"in the first 0\.5 s of the clip, .* is 0\.67 s after"):
        zeroed(late, "first_seconds", seconds=0.5)
    with pytest.raises(InputError, match="the clip has no angle at all"):
        zeroed(nobody, "first_seconds")
    with pytest.raises(InputError, match="no frame of the static trial has an angle"):
        zeroed(angles, "static_trial", static=nobody)


def test_a_joint_without_an_angle_in_the_reference_is_named():
    angles = raw(body(count=60))
    for name, last in (("hip_L", 29), ("elbow_R", 59)):  # an empty elbow has nothing to zero
        angles.loc[:last, [column for column in COLUMNS if column.startswith(name)]] = np.nan
    reference = zero_reference(angles, "first_seconds", seconds=0.5)
    assert len(reference) == 30
    assert joints_without_zero(angles, reference) == ["hip_L"]
    assert zeroed(angles, "first_seconds", seconds=0.5)["hip_L_flexion_deg"].isna().all()


def test_the_test_body_turns_as_rotations_do():
    assert np.allclose(turn("Z", np.array([90.0])) @ [1, 0, 0], [[0, 1, 0]])
    assert np.allclose(turn("X", np.array([90.0])) @ [0, 1, 0], [[0, 0, 1]])
    assert np.allclose(turn("Y", np.array([90.0])) @ [0, 0, 1], [[1, 0, 0]])


def test_equal_angles_are_compared_as_the_same():
    """A pose told in the other triple of every joint, and turned once more, comes back."""
    pose = {f"{joint.name}_{angle}_deg": 10.0 for joint in JOINTS for angle in joint.angles}
    angles = joint_angles(body(pose, count=20))[COLUMNS].to_numpy().reshape(20, 12, 3)
    other = angles.copy()
    for column, joint in enumerate(JOINTS):  # told in columns: Z, X, Y; the middle is X in both
        first, middle, last = (angles[:, column] * joint.signs).T
        twin = np.stack([first + 180, 180 - middle, last - 540], axis=1)
        other[:, column] = twin * joint.signs
    np.testing.assert_allclose(nearest_equal(angles, other), other, atol=1e-9)
    np.testing.assert_allclose(nearest_equal(other, angles), angles, atol=1e-9)
    other[3, 4] = np.nan
    np.testing.assert_array_equal(nearest_equal(angles, other)[3, 4], angles[3, 4])
