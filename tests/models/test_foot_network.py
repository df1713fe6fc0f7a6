from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gonio.errors import InputError
from gonio.landmarks.inputs import PoseInputs, mirrored_inputs, pose_inputs
from gonio.markers.from_pose import markers_from_pose
from gonio.models.checkpoint_io import Checkpoint, write_checkpoint
from gonio.models.depth_refiner import DepthRefiner, make_header
from gonio.models.foot_network import FootConfig, FootNetwork, corrected_feet, foot_inputs
from gonio.skeleton import COCO, COCO_MIRROR, MEDIAPIPE
from gonio.types import FloatArray, LandmarkSequence, RefinedPose
from tests.models.conftest import FULL, trained_looking, with_missing

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
