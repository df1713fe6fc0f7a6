from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gonio.errors import InputError
from gonio.landmarks.inputs import PoseInputs, mirrored_inputs, pose_inputs
from gonio.markers.from_pose import markers_from_pose
from gonio.models.checkpoint_io import Checkpoint, write_checkpoint
from gonio.models.depth_refiner import FEET, DepthRefiner, load_network, make_header
from gonio.models.foot_network import FootConfig, FootNetwork, corrected_feet, foot_inputs
from gonio.skeleton import COCO, COCO_MIRROR, MEDIAPIPE
from gonio.types import FloatArray, LandmarkSequence, RefinedPose
from tests.models.conftest import FULL, trained_looking, with_missing, write_damaged

SMALL = FootConfig(hidden=8, layers=1)
FLIP = np.array([-1.0, 1.0, 1.0])


def network_of(seed: int = 0) -> FootNetwork:
    torch.manual_seed(seed)
    network = FootNetwork(SMALL)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return network.eval()


def seen_in(landmarks: LandmarkSequence) -> tuple[PoseInputs, FloatArray, FloatArray]:
    pose = DepthRefiner(trained_looking(FULL), make_header(FULL, {"sigma_scale": [1.0] * 3}))
    inputs = pose_inputs(landmarks.world, landmarks.points_2d, landmarks.visibility)
    refined = pose.refine(landmarks)
    return inputs, refined.positions, refined.up


def test_without_weights_mediapipes_feet_come_back(walking: LandmarkSequence) -> None:
    inputs, positions, up = seen_in(walking)
    feet = corrected_feet(FootNetwork(SMALL), inputs, positions, up)
    world = walking.world
    for foot, side in enumerate(("right", "left")):
        for point, name in enumerate(("heel", "foot_index")):
            ankle = world[:, MEDIAPIPE[f"{side}_ankle"]]
            expected = world[:, MEDIAPIPE[f"{side}_{name}"]] - ankle
            np.testing.assert_allclose(feet[:, foot, point], expected, atol=1e-5)


def test_a_mirror_image_has_mirrored_feet(walking: LandmarkSequence) -> None:
    inputs, positions, up = seen_in(walking)
    network = network_of()
    plain = corrected_feet(network, inputs, positions, up)
    other_pose = positions[:, list(COCO_MIRROR)] * FLIP
    other = corrected_feet(network, mirrored_inputs(inputs), other_pose, up * FLIP)
    np.testing.assert_allclose(other[:, ::-1] * FLIP, plain, atol=1e-5)


def test_missing_feet_are_nan_and_the_rest_is_finite(walking: LandmarkSequence) -> None:
    inputs, positions, up = seen_in(with_missing(walking, [2, 3]))
    feet = corrected_feet(network_of(), inputs, positions, up)
    assert np.isnan(feet[2:4]).all()
    assert np.isfinite(np.delete(feet, [2, 3], axis=0)).all()
    seen = foot_inputs(inputs, positions, up)
    assert np.isfinite(seen.features).all()


def test_a_checkpoint_with_feet_moves_heels_and_toes_and_nothing_else(
    walking: LandmarkSequence, tmp_path: Path
) -> None:
    network, feet = trained_looking(FULL), network_of()
    header = {**make_header(FULL, {"sigma_scale": [1.0] * 3}), "feet": {"hidden": 8, "layers": 1}}
    weights = dict(network.state_dict())
    weights |= {f"feet/{name}": value for name, value in feet.state_dict().items()}
    path = tmp_path / "feet.safetensors"
    write_checkpoint(path, Checkpoint(header, weights))
    with_feet = DepthRefiner.load(path)
    pose = with_feet.refine(walking)
    plain = DepthRefiner(with_feet.network, with_feet.header).refine(walking)
    np.testing.assert_array_equal(pose.positions, plain.positions)
    assert np.isfinite(pose.feet).all()
    assert np.isnan(plain.feet).all()
    moved = markers_from_pose(pose, walking).positions - markers_from_pose(plain, walking).positions
    names = markers_from_pose(pose, walking).names
    size = np.linalg.norm(moved - moved[:, [names.index("Hip")]], axis=2).max(axis=0)
    changed = {name for name, value in zip(names, size, strict=True) if value > 1e-6}
    assert changed == {f"{s}{part}" for s in "RL" for part in ("Heel", "BigToe", "SmallToe")}


def test_feet_of_another_size_are_refused(tmp_path: Path) -> None:
    header = {**make_header(FULL, {"sigma_scale": [1.0] * 3}), "feet": {"hidden": 9, "layers": 1}}
    weights = dict(trained_looking(FULL).state_dict())
    weights |= {f"feet/{name}": value for name, value in network_of().state_dict().items()}
    write_checkpoint(tmp_path / "feet.safetensors", Checkpoint(header, weights))
    with pytest.raises(InputError, match="do not fit"):
        DepthRefiner.load(tmp_path / "feet.safetensors")
    with pytest.raises(InputError, match="1 or more"):
        FootConfig(hidden=0)


@pytest.mark.parametrize(
    ("feet", "said"),
    [
        (None, r"cannot be used \(feet is None, fields"),
        (3, r"cannot be used \(feet is 3, fields"),
        ([], r"cannot be used \(feet is \[\], fields"),
        ({"hidden": 8.0, "layers": 1}, r"feet\.hidden is 8\.0, a whole number"),
        ({"hidden": 8, "layers": True}, r"feet\.layers is True, a whole number"),
        ({"hidden": 8, "layers": 0}, "layers is 0; sizes .* 1 or more"),
        ({"hidden": 8}, "another version of Gonio.*layers"),
    ],
)
def test_feet_that_are_no_configuration_are_refused(tmp_path: Path, feet: Any, said: str) -> None:
    header = {**make_header(FULL, {"sigma_scale": [1.0] * 3}), "feet": feet}
    weights = dict(trained_looking(FULL).state_dict())
    weights |= {f"{FEET}{name}": value for name, value in network_of().state_dict().items()}
    path = write_damaged(tmp_path / "odd.safetensors", header, weights)
    with pytest.raises(InputError, match=said) as error:
        DepthRefiner.load(path)
    assert "odd.safetensors" in str(error.value)


def test_feet_that_the_header_does_not_name_are_refused(tmp_path: Path) -> None:
    header = make_header(FULL, {"sigma_scale": [1.0] * 3})
    weights = dict(trained_looking(FULL).state_dict())
    weights |= {f"{FEET}{name}": value for name, value in network_of().state_dict().items()}
    path = write_damaged(tmp_path / "odd.safetensors", header, weights)
    for load in (DepthRefiner.load, load_network):
        with pytest.raises(InputError, match=r"odd\.safetensors holds .*not name \(feet\)"):
            load(path)


def test_a_pose_with_feet_is_told_from_the_ankle(walking: LandmarkSequence) -> None:
    positions = walking.world[:, [MEDIAPIPE[name] for name in COCO]]
    feet = np.zeros((len(walking), 2, 2, 3))
    feet[:, :, 0], feet[:, :, 1] = [0.0, 0.05, 0.05], [0.0, 0.06, -0.15]
    nan = np.full(len(walking), np.nan)
    up = np.tile([0.0, -1.0, 0.0], (len(walking), 1))
    pose = RefinedPose(positions, np.full_like(positions, np.nan), up, nan, nan, "depth", feet)
    markers = markers_from_pose(pose, walking)
    length = np.linalg.norm(markers["RBigToe"] - markers["RHeel"], axis=1)
    np.testing.assert_allclose(length, np.linalg.norm([0.0, 0.01, -0.2]), rtol=0.1)
    with pytest.raises(InputError, match="feet"):
        RefinedPose(positions, positions, up, nan, nan, "depth", feet[:, :1])
