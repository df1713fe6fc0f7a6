from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gonio.errors import InputError, MissingFileError
from gonio.kinematics.shoulder import with_shoulders_in
from gonio.models.checkpoint_io import Checkpoint, write_checkpoint
from gonio.models.joint_refiner import (
    DELTA_UNIT,
    SHIPPED_CHECKPOINT,
    JointConstraintRefiner,
    JointRefiner,
    JointRefinerConfig,
    angle_batch,
    angle_inputs,
    chain_distances,
    joint_visibility,
    make_header,
    mirrored_angles,
)
from gonio.skeleton import ANGLE_COLUMNS, JOINTS, MEDIAPIPE
from gonio.types import FloatArray

SMALL = JointRefinerConfig(d_model=16, layers=1, heads=2, head_hidden=8, window=8)
OVER_TIME = JointRefinerConfig(
    d_model=16, layers=1, heads=2, head_hidden=8, window=8, temporal_layers=1, d_time=24
)
NAMES = [joint.name for joint in JOINTS]


def trained_looking(config: JointRefinerConfig, seed: int = 0) -> JointConstraintRefiner:
    """A network whose zero-initialised layers are not zero."""
    torch.manual_seed(seed)
    network = JointConstraintRefiner(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


def table_of(count: int = 30, seed: int = 0, rate_hz: float = 30.0) -> pd.DataFrame:
    """Smooth angles of all joints."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(count) / rate_hz
    waves = rng.uniform(-40, 40, 36) + 15 * np.sin(
        2 * np.pi * (time_s[:, None] + rng.uniform(0, 1, 36))
    )
    return pd.DataFrame({"time_s": time_s} | dict(zip(ANGLE_COLUMNS, waves.T, strict=True)))


def seen(count: int = 30) -> FloatArray:
    return np.full((count, 33), 0.9)


def checkpoint_of(path: Path, config: JointRefinerConfig = SMALL, seed: int = 0) -> Path:
    network = trained_looking(config, seed)
    write_checkpoint(path, Checkpoint(make_header(config, {}), dict(network.state_dict())))
    return path


def test_without_weights_the_angles_come_back() -> None:
    refiner = JointRefiner(JointConstraintRefiner(SMALL), make_header(SMALL, {}))
    table = table_of()
    pd.testing.assert_frame_equal(refiner.refine(table, seen()), table)


@pytest.mark.parametrize("config", [SMALL, OVER_TIME])
def test_a_checkpoint_changes_each_of_the_36_columns(
    config: JointRefinerConfig, tmp_path: Path
) -> None:
    refiner = JointRefiner.load(checkpoint_of(tmp_path / "joint.safetensors", config))
    table = table_of()
    changed = refiner.refine(table, seen()) - table
    for column in ANGLE_COLUMNS:
        assert changed[column].abs().max() > 0.01, column
    assert (changed["time_s"] == 0).all()


@pytest.mark.skipif(not SHIPPED_CHECKPOINT.is_file(), reason="no checkpoint is shipped")
def test_the_shipped_checkpoint_changes_each_of_the_36_columns() -> None:
    assert SHIPPED_CHECKPOINT.stat().st_size < 5_000_000
    table = table_of()
    changed = JointRefiner.load().refine(table, seen()) - table
    for column in ANGLE_COLUMNS:
        assert changed[column].abs().max() > 0.01, column


def test_missing_angles_stay_missing_and_spoil_nothing_else() -> None:
    refiner = JointRefiner(trained_looking(SMALL), make_header(SMALL, {}))
    table = table_of()
    table.loc[3:5, "knee_R_flexion_deg"] = np.nan
    table.loc[10] = np.nan
    table.loc[10, "time_s"] = 10 / 30
    refined = refiner.refine(table, seen())
    np.testing.assert_array_equal(refined.isna(), table.isna())
    visibility = seen()
    visibility[7] = np.nan
    assert refiner.refine(table_of(), visibility).notna().all().all()


@pytest.mark.parametrize("count", [0, 1, 2, 200])
def test_any_length_is_finite(count: int) -> None:
    refiner = JointRefiner(trained_looking(OVER_TIME), make_header(OVER_TIME, {}))
    refined = refiner.refine(table_of(count), seen(count))
    assert len(refined) == count
    assert refined.notna().all().all()


def test_in_a_batch_and_alone_the_answers_agree() -> None:
    network = trained_looking(SMALL)
    table = table_of(16)
    angles = table[list(ANGLE_COLUMNS)].to_numpy().reshape(16, 12, 3)
    inputs = angle_inputs(angles, seen(16), table["time_s"].to_numpy())
    both = network(angle_batch(inputs, np.arange(16).reshape(2, 8)))
    alone = network(angle_batch(inputs, np.arange(16).reshape(2, 8)[1:]))
    torch.testing.assert_close(both[1:], alone)


def test_the_hour_of_the_day_changes_nothing(tmp_path: Path) -> None:
    refiner = JointRefiner.load(checkpoint_of(tmp_path / "a.safetensors"))
    table = table_of(40)
    late = table.assign(time_s=table["time_s"] + 1.7e9)  # seconds since 1970
    seen = np.ones((40, 33))
    columns = list(ANGLE_COLUMNS)
    found, expected = refiner.refine(late, seen)[columns], refiner.refine(table, seen)[columns]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_turns_of_360_degrees_change_nothing() -> None:
    refiner = JointRefiner(trained_looking(SMALL), make_header(SMALL, {}))
    table = table_of()
    round_ = table.copy()
    round_["hip_R_rotation_deg"] += 360.0
    difference = refiner.refine(round_, seen()) - refiner.refine(table, seen())
    np.testing.assert_allclose(difference["hip_R_rotation_deg"], 360.0, atol=1e-3)
    np.testing.assert_allclose(difference.drop(columns="hip_R_rotation_deg"), 0.0, atol=1e-3)


def test_with_mirror_average_a_mirror_image_is_refined_like_its_original() -> None:
    config = JointRefinerConfig(**{**asdict(SMALL), "mirror_average": True})
    refiner = JointRefiner(trained_looking(config), make_header(config, {}))
    table = table_of()
    angles = table[list(ANGLE_COLUMNS)].to_numpy().reshape(-1, 12, 3)
    inputs = angle_inputs(angles, seen(), table["time_s"].to_numpy())
    one, other = refiner.deltas(inputs), refiner.deltas(inputs.mirrored())
    np.testing.assert_allclose(mirrored_angles(other), one, atol=1e-5)


def test_mirroring_exchanges_sides_and_turns_the_middle() -> None:
    angles = np.arange(36, dtype=float).reshape(12, 3)
    other = mirrored_angles(angles)
    np.testing.assert_array_equal(other[NAMES.index("hip_R")], angles[NAMES.index("hip_L")])
    np.testing.assert_array_equal(other[NAMES.index("pelvis")], angles[0] * [1, -1, -1])
    np.testing.assert_array_equal(mirrored_angles(other), angles)


def test_the_chain_is_that_of_the_body() -> None:
    table = chain_distances()
    steps = {
        ("pelvis", "hip_R"): 1,
        ("pelvis", "ankle_L"): 3,
        ("knee_R", "knee_L"): 4,
        ("trunk", "elbow_R"): 2,
        ("elbow_L", "ankle_R"): 6,
    }
    for (a, b), expected in steps.items():
        assert table[NAMES.index(a), NAMES.index(b)] == expected
    np.testing.assert_array_equal(table, table.T)


def test_visibility_is_that_of_the_landmarks_of_a_joint() -> None:
    visibility = np.ones((2, 33))
    visibility[:, MEDIAPIPE["right_wrist"]] = 0.1
    found = joint_visibility(visibility)
    assert found[0, NAMES.index("elbow_R")] == pytest.approx((1 + 1 + 0.1) / 3)
    assert found[0, NAMES.index("elbow_L")] == 1


def test_a_large_answer_is_not_clamped() -> None:
    network = trained_looking(SMALL)
    with torch.no_grad():
        for head in network.heads:
            head[-1].bias.fill_(10.0)
    refiner = JointRefiner(network, make_header(SMALL, {}))
    table = table_of()
    changed = (refiner.refine(table, seen()) - table)[list(ANGLE_COLUMNS)]
    np.testing.assert_allclose(changed, np.degrees(10 * DELTA_UNIT), rtol=0.2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"d_model": 10, "heads": 3}, "multiple of heads"),
        ({"window": 0}, "1 or more"),
        ({"dropout": 1.0}, "below 1"),
        ({"heads": 0}, "heads is 0; .* 1 or more"),
        ({"temporal_layers": 1, "time_heads": 0}, "time_heads is 0; .* 1 or more"),
        ({"step_s": float("nan")}, "step_s is nan"),
        ({"step_s": float("inf")}, "step_s is inf"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        JointRefinerConfig(**{**asdict(SMALL), **change})


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        JointRefiner.load(tmp_path / "none.safetensors")
    path = checkpoint_of(tmp_path / "joint.safetensors")
    network = trained_looking(SMALL)
    header = {**make_header(SMALL, {}), "kind": "depth_refiner"}
    other = tmp_path / "depth.safetensors"
    write_checkpoint(other, Checkpoint(header, dict(network.state_dict())))
    with pytest.raises(InputError, match="depth_refiner"):
        JointRefiner.load(other)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="broken"):
        JointRefiner.load(path)
    older = {**make_header(SMALL, {}), "config": {"d_model": 16}}
    write_checkpoint(path, Checkpoint(older, dict(network.state_dict())))
    with pytest.raises(InputError, match="another version"):
        JointRefiner.load(path)


def test_wrong_tables_are_refused() -> None:
    refiner = JointRefiner(trained_looking(SMALL), make_header(SMALL, {}))
    with pytest.raises(InputError, match="hip_L_rotation_deg"):
        refiner.refine(table_of().drop(columns="hip_L_rotation_deg"), seen())
    with pytest.raises(InputError, match="29 frames"):
        refiner.refine(table_of(), seen(29))


@pytest.mark.parametrize(
    "time_s",
    [
        np.arange(30)[::-1] / 30,
        np.roll(np.arange(30), 3) / 30,
        np.minimum(np.arange(30), 20) / 30,
        np.where(np.arange(30) == 4, np.nan, np.arange(30) / 30),
        np.where(np.arange(30) == 29, np.inf, np.arange(30) / 30),
    ],
    ids=["reversed", "shuffled", "equal", "nan", "infinite"],
)
def test_times_that_do_not_increase_are_refused(time_s: FloatArray) -> None:
    refiner = JointRefiner(trained_looking(SMALL), make_header(SMALL, {}))
    with pytest.raises(InputError, match=r"time_s .* increase strictly"):
        refiner.refine(table_of().assign(time_s=time_s), seen())


@pytest.mark.parametrize("name", ["time_s", "knee_R_flexion_deg"])
def test_columns_that_are_no_numbers_or_there_twice_are_refused(name: str) -> None:
    refiner = JointRefiner(trained_looking(SMALL), make_header(SMALL, {}))
    table = table_of()
    twice = pd.concat([table, table[[name]]], axis=1)
    with pytest.raises(InputError, match=f"2 columns {name}; name it once"):
        refiner.refine(twice, seen())
    with pytest.raises(InputError, match=f"column {name} .* allowed are numbers"):
        refiner.refine(table.assign(**{name: "a lot"}), seen())


def test_infinite_angles_are_refused() -> None:
    refiner = JointRefiner(trained_looking(SMALL), make_header(SMALL, {}))
    table = table_of()
    table.loc[3, "knee_R_flexion_deg"] = -np.inf
    with pytest.raises(InputError, match=r"knee_R_flexion_deg .* infinite"):
        refiner.refine(table, seen())


@pytest.mark.parametrize(
    ("visibility", "said"),
    [
        (100 * seen(), "holds 90; allowed are 0 to 1"),
        (-seen(), r"holds -0\.9; allowed are 0 to 1"),
        (seen()[:, :17], r"shape \(30, 17\); allowed is \(30, 33\)"),
        (seen()[:, :12], r"shape \(30, 12\); allowed is \(30, 33\)"),
        (seen()[:, 0], r"shape \(30,\); allowed is \(30, 33\)"),
    ],
)
def test_what_is_not_the_visibility_of_the_landmarks_is_refused(
    visibility: FloatArray, said: str
) -> None:
    refiner = JointRefiner(trained_looking(SMALL), make_header(SMALL, {}))
    with pytest.raises(InputError, match=said):
        refiner.refine(table_of(), visibility)


def test_shoulders_in_either_sequence_are_refined_alike(tmp_path: Path) -> None:
    refiner = JointRefiner.load(checkpoint_of(tmp_path / "joint.safetensors"))
    table = table_of()
    isb = with_shoulders_in(table, "YXY").assign(gimbal_shoulder_R=False)
    refined = refiner.refine(isb, seen())
    assert list(refined.columns) == list(isb.columns)
    expected = with_shoulders_in(refiner.refine(with_shoulders_in(isb, "ZXY"), seen()), "YXY")
    pd.testing.assert_frame_equal(refined, expected)
    assert (refined["shoulder_R_elevation_deg"] - isb["shoulder_R_elevation_deg"]).abs().max() > 0.1
    both = pd.concat([table, isb.drop(columns=table.columns.intersection(isb.columns))], axis=1)
    of_both = refiner.refine(both, seen())
    pd.testing.assert_frame_equal(of_both[list(table)], refiner.refine(table, seen()))
    with pytest.raises(InputError, match="shoulder_R_flexion_deg"):  # one sequence or the other
        refiner.refine(isb.drop(columns="shoulder_L_elevation_deg"), seen())


def test_a_table_without_rows_stays_one() -> None:
    refiner = JointRefiner(trained_looking(SMALL), make_header(SMALL, {}))
    empty = pd.DataFrame(columns=["time_s", *ANGLE_COLUMNS])  # of type object, as of a file
    assert len(refiner.refine(empty, seen(0))) == 0
