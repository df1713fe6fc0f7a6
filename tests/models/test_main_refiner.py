from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gonio.errors import InputError
from gonio.landmarks.inputs import pose_inputs
from gonio.markers.gravity import gravity_of
from gonio.models import depth_refiner, joint_refiner
from gonio.models.checkpoint_io import Checkpoint, write_checkpoint
from gonio.models.depth_refiner import DepthRefiner
from gonio.models.joint_refiner import JointRefiner
from gonio.models.main_network import (
    MainRefinerConfig,
    MainRefinerNetwork,
    gates,
)
from gonio.models.main_refiner import MainRefiner, main_inputs, make_header
from gonio.models.parts import frozen
from gonio.options import CameraOptions
from gonio.skeleton import ANGLE_COLUMNS
from gonio.types import LandmarkSequence
from tests.models.checkpoints import save_network
from tests.models.conftest import (
    FULL,
    trained_looking,
    with_missing,
    write_damaged,
)
from tests.models.test_joint_refiner import SMALL as SMALL_JOINT
from tests.models.test_joint_refiner import checkpoint_of as joint_checkpoint
from tests.models.test_joint_refiner import table_of
from tests.models.test_joint_refiner import trained_looking as trained_joint

SMALL = MainRefinerConfig(d_model=16, layers=1, heads=2, feedforward=2, head_hidden=8)
NEUTRAL = {"sigma_scale": [1.0, 1.0, 1.0]}


def network_of(config: MainRefinerConfig = SMALL, seed: int = 0) -> MainRefinerNetwork:
    """A network whose zero-initialised layers are not zero."""
    torch.manual_seed(seed)
    network = MainRefinerNetwork(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Path]:
    """Checkpoints of a depth refiner and a joint refiner."""
    paths = {name: tmp_path / f"{name}.safetensors" for name in ("depth_refiner", "joint_refiner")}
    save_network(paths["depth_refiner"], trained_looking(FULL), NEUTRAL)
    joint_checkpoint(paths["joint_refiner"])
    return paths


@pytest.fixture
def checkpoint(tmp_path: Path, own: dict[str, Path]) -> Path:
    """A main refiner that joins them, frozen."""
    path = tmp_path / "main_refiner.safetensors"
    parts = {name: frozen(file) for name, file in own.items()}
    header = make_header(SMALL, parts, NEUTRAL)
    write_checkpoint(path, Checkpoint(header, dict(network_of().state_dict())))
    return path


def untrained(own: dict[str, Path]) -> MainRefiner:
    depth, joint = DepthRefiner.load(own["depth_refiner"]), JointRefiner.load(own["joint_refiner"])
    header = make_header(SMALL, {}, NEUTRAL)
    return MainRefiner(MainRefinerNetwork(SMALL), depth, joint, header)


def test_without_weights_both_refiners_come_back(
    own: dict[str, Path], walking: LandmarkSequence
) -> None:
    main = untrained(own)
    pose, before = main.refine(walking), main.depth.refine(walking)
    np.testing.assert_allclose(pose.positions, before.positions, atol=1e-5)
    np.testing.assert_allclose(pose.sigma, before.sigma, rtol=1e-4)
    table = table_of(len(walking))
    refined = main.refine_angles(table, walking)
    expected = main.joint.refine(table, walking.visibility)
    columns = list(ANGLE_COLUMNS)
    np.testing.assert_allclose(refined[columns], expected[columns], atol=1e-3)


def test_its_pose_leans_towards_what_the_user_knows_of_gravity(
    checkpoint: Path, own: dict[str, Path], walking: LandmarkSequence
) -> None:
    main = MainRefiner.load(checkpoint, own)
    plain = main.refine(walking)
    told = main.refine(walking, CameraOptions(pitch_deg=25.0, roll_deg=0.0))
    assert gravity_of(told, walking, CameraOptions()).pitch_deg == pytest.approx(25.0, abs=0.5)
    np.testing.assert_array_equal(told.positions[..., :2], plain.positions[..., :2])
    assert np.nanmax(np.abs(told.positions - plain.positions)) > 0.01
    table = table_of(len(walking))  # what the network sees of the pose is as it learned it
    pd.testing.assert_frame_equal(
        main.refine_angles(table, walking),
        MainRefiner.load(checkpoint, own).refine_angles(table, walking),
    )


def test_a_checkpoint_changes_the_pose_and_each_of_the_36_columns(
    checkpoint: Path, own: dict[str, Path], walking: LandmarkSequence
) -> None:
    main = MainRefiner.load(checkpoint, own)
    pose = main.refine(walking)
    assert pose.refiner == "main"
    before = main.depth.refine(walking)
    assert np.abs(pose.positions - before.positions).max() > 1e-3
    assert np.abs(np.log(pose.sigma / before.sigma)).max() > 1e-3
    table = table_of(len(walking))
    changed = main.refine_angles(table, walking) - main.joint.refine(table, walking.visibility)
    for column in ANGLE_COLUMNS:
        assert changed[column].abs().max() > 1e-3, column


def test_missing_stays_missing_and_the_rest_is_finite(
    checkpoint: Path, own: dict[str, Path], walking: LandmarkSequence
) -> None:
    main = MainRefiner.load(checkpoint, own)
    gaps = with_missing(walking, [3, 4])
    pose = main.refine(gaps)
    assert np.isnan(pose.positions[3:5]).all()
    assert np.isfinite(np.delete(pose.positions, [3, 4], axis=0)).all()
    table = table_of(len(walking))
    table.loc[9:11, "elbow_L_flexion_deg"] = np.nan
    refined = main.refine_angles(table, gaps)
    pd.testing.assert_frame_equal(refined.isna(), table.isna())


@pytest.mark.parametrize("count", [1, 2])
def test_short_clips(checkpoint: Path, own: dict[str, Path], count: int) -> None:
    from tests.capture.fakes import seen_by_mediapipe, walking_truth

    main = MainRefiner.load(checkpoint, own)
    short = seen_by_mediapipe(walking_truth(count))
    assert np.isfinite(main.refine(short).positions).all()
    assert main.refine_angles(table_of(count), short).notna().all().all()


def test_angles_at_other_times_see_the_nearest_frames(
    checkpoint: Path, own: dict[str, Path], walking: LandmarkSequence
) -> None:
    main = MainRefiner.load(checkpoint, own)
    seen = replace(walking, visibility=np.full_like(walking.visibility, 0.9))
    columns = list(ANGLE_COLUMNS)
    changes = []
    for count, rate_hz in ((len(seen), 30.0), (2 * len(seen) - 1, 60.0)):
        table = table_of(count, rate_hz=rate_hz)
        table[columns] = table[columns].to_numpy()[0]  # so that the pose alone differs
        changes.append((main.refine_angles(table, seen) - table)[columns].to_numpy())
    np.testing.assert_allclose(changes[1][::2], changes[0], atol=1e-3)
    assert changes[0].std(axis=0).max() > 5e-3


def test_angles_depend_on_what_is_given_and_not_on_earlier_calls(
    own: dict[str, Path], walking: LandmarkSequence
) -> None:
    """A depth refiner that does not say where up is takes it from the camera."""
    save_network(own["depth_refiner"], trained_looking(replace(FULL, up_head=False)), NEUTRAL)
    depth, joint = DepthRefiner.load(own["depth_refiner"]), JointRefiner.load(own["joint_refiner"])
    table = table_of(len(walking))
    level, down = (CameraOptions(pitch_deg=pitch, roll_deg=0.0) for pitch in (0.0, 40.0))

    def angles_after(*earlier: CameraOptions, camera: CameraOptions | None = None) -> pd.DataFrame:
        main = MainRefiner(network_of(), depth, joint, make_header(SMALL, {}, NEUTRAL))
        for other in earlier:
            main.refine(walking, other)
        return main.refine_angles(table, walking, camera)

    pd.testing.assert_frame_equal(angles_after(down), angles_after())
    pd.testing.assert_frame_equal(angles_after(level, camera=down), angles_after(camera=down))
    difference = angles_after(camera=level) - angles_after(camera=down)
    assert difference.abs().max().max() > 1e-3


def test_what_is_kept_is_not_the_callers_to_change(
    checkpoint: Path, own: dict[str, Path], walking: LandmarkSequence
) -> None:
    main = MainRefiner.load(checkpoint, own)
    first = main.refine(walking)
    up = first.up.copy()
    first.up[:] = 0.0
    np.testing.assert_array_equal(main.refine(walking).up, up)
    moved = replace(walking, world=walking.world.copy())
    before = main.refine(moved).positions
    moved.world[:, 13] += 0.1  # the same object now says something else
    assert np.abs(main.refine(moved).positions - before).max() > 1e-3


def test_sigma_is_unknown_where_the_depth_refiner_knows_none(
    checkpoint: Path, own: dict[str, Path], walking: LandmarkSequence
) -> None:
    main = MainRefiner.load(checkpoint, own)
    before = main.depth.predict(walking)
    sigma = before.sigma.copy()
    sigma[:, 9] = np.nan
    inputs = main_inputs(
        pose_inputs(walking.world, walking.points_2d, walking.visibility),
        replace(before, sigma=sigma),
    )
    pose = main.refine_inputs(inputs, replace(before, sigma=sigma), float("nan"))
    assert np.isnan(pose.sigma[:, 9]).all()
    assert np.isfinite(np.delete(pose.sigma, 9, axis=1)).all()


def test_angles_without_landmarks_are_refused(
    checkpoint: Path, own: dict[str, Path], walking: LandmarkSequence
) -> None:
    main = MainRefiner.load(checkpoint, own)
    nothing = walking.at(np.arange(0))
    with pytest.raises(InputError, match="landmarks are of 0 frames, the angles are of 40"):
        main.refine_angles(table_of(40), nothing)
    assert len(main.refine_angles(table_of(0), nothing)) == 0


def test_gates_are_neutral_at_zero_and_bounded() -> None:
    np.testing.assert_allclose(gates(torch.zeros(2)), [0.0, 0.5])
    extreme = gates(torch.tensor([[-50.0, -50.0], [50.0, 50.0]]))
    np.testing.assert_allclose(extreme, [[-1, 0], [1, 1]], atol=1e-6)


def test_refiners_other_than_those_it_was_trained_with_are_refused(
    checkpoint: Path, own: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in (depth_refiner, joint_refiner):
        monkeypatch.setattr(module, "SHIPPED_CHECKPOINT", tmp_path / "none.safetensors")
    joint_checkpoint(own["joint_refiner"], seed=5)
    with pytest.raises(InputError, match="was trained with a joint_refiner of hash"):
        MainRefiner.load(checkpoint, own)
    own["depth_refiner"].unlink()
    with pytest.raises(InputError, match="there is none"):
        MainRefiner.load(checkpoint, own)


def test_fine_tuned_refiners_are_inside(
    tmp_path: Path, own: dict[str, Path], walking: LandmarkSequence
) -> None:
    depth, joint = trained_looking(FULL, seed=3), trained_joint(SMALL_JOINT, seed=3)
    parts = {
        "depth_refiner": {"header": {"config": asdict(FULL), **NEUTRAL}},
        "joint_refiner": {"header": {"config": asdict(SMALL_JOINT)}},
    }
    weights = dict(network_of().state_dict())
    for name, network in (("depth_refiner", depth), ("joint_refiner", joint)):
        weights |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
    path = tmp_path / "tuned.safetensors"
    write_checkpoint(path, Checkpoint(make_header(SMALL, parts, NEUTRAL), weights))
    tuned, plain = MainRefiner.load(path), DepthRefiner.load(own["depth_refiner"])
    one, other = (r.refine(walking).positions for r in (tuned.depth, plain))
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("parts", [None, [], 3, "both", {}, {"depth_refiner": None}])
def test_a_header_that_does_not_name_its_refiners_is_refused(tmp_path: Path, parts: Any) -> None:
    header = make_header(SMALL, parts, NEUTRAL)
    path = write_damaged(tmp_path / "odd.safetensors", header, dict(network_of().state_dict()))
    with pytest.raises(InputError, match=r"odd\.safetensors: .*not say which depth_refiner"):
        MainRefiner.load(path)


@pytest.mark.parametrize("name", ["depth_refiner", "joint_refiner"])
@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (3, r"odd\.safetensors: the header of the {name} that it holds is 3, fields"),
        ([], r"odd\.safetensors: the header of the {name} that it holds is \[\], fields"),
        ({"config": None}, r"odd\.safetensors cannot be used \(config is None, fields"),
    ],
)
def test_a_refiner_inside_whose_header_is_none_is_refused(
    own: dict[str, Path], tmp_path: Path, name: str, inside: Any, said: str
) -> None:
    parts = {part: frozen(file) for part, file in own.items()} | {name: {"header": inside}}
    header = make_header(SMALL, parts, NEUTRAL)
    path = write_damaged(tmp_path / "odd.safetensors", header, dict(network_of().state_dict()))
    with pytest.raises(InputError, match=said.replace("{name}", name)):
        MainRefiner.load(path, own)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"d_model": 10, "heads": 3}, "multiple of heads"),
        ({"head_hidden": 0}, "1 or more"),
        ({"heads": 0}, "heads is 0; .* 1 or more"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(change: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        MainRefinerConfig(**{**asdict(SMALL), **change})
