from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gonio.errors import InputError, MissingFileError
from gonio.frames import bone_length_cv
from gonio.markers.gravity import gravity_of
from gonio.models.checkpoint_io import Checkpoint, write_checkpoint
from gonio.models.depth_network import Batch, DepthRefinerConfig, PoseAwareDepthRefiner, angles_of
from gonio.models.depth_refiner import (
    KIND,
    SHIPPED_CHECKPOINT,
    STEPS_OF_USE,
    DepthRefiner,
    joined_checkpoint,
    load_network,
    make_header,
)
from gonio.options import CameraOptions
from gonio.skeleton import COCO, COCO_FROM_MEDIAPIPE, COCO_MIRROR, MEDIAPIPE_MIRROR
from gonio.training.options import TrainingOptions
from gonio.types import LandmarkSequence
from tests.models.checkpoints import save_network
from tests.models.conftest import (
    FULL,
    SMALL,
    random_batch,
    trained_looking,
    with_missing,
    write_damaged,
)

ABOUT = {"sigma_scale": [1.0, 1.0, 2.0], "metrics": {}}


def refiner_of(config: DepthRefinerConfig) -> DepthRefiner:
    network = trained_looking(config)
    return DepthRefiner(network, make_header(config, ABOUT))


def test_a_new_network_gives_the_input_back() -> None:
    batch = random_batch()
    refined = PoseAwareDepthRefiner(FULL)(batch)
    raw = batch.landmarks[:, :, list(COCO_FROM_MEDIAPIPE), :3]
    hips = raw[:, :, [COCO["left_hip"], COCO["right_hip"]]].mean(dim=2, keepdim=True)
    torch.testing.assert_close(refined.pose, raw - hips)


@pytest.mark.parametrize("head", ["up_head", "sigma_head", "limb_head"])
def test_each_head_is_there_only_if_asked_for(head: str) -> None:
    field = {"up_head": "up", "sigma_head": "log_sigma", "limb_head": "limbs"}[head]
    with_it = PoseAwareDepthRefiner(replace(FULL, **{head: True}))(random_batch())
    without = PoseAwareDepthRefiner(replace(FULL, **{head: False}))(random_batch())
    assert getattr(with_it, field) is not None
    assert getattr(without, field) is None


def test_a_network_without_a_window_sees_one_frame_only() -> None:
    network = trained_looking(replace(FULL, temporal_layers=0))
    batch = random_batch()
    changed = batch._replace(landmarks=batch.landmarks.clone())
    changed.landmarks[:, 3] += 1.0
    before, after = network(batch).pose, network(changed).pose
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert (before[:, 3] - after[:, 3]).abs().max() > 1e-3


def test_a_network_with_a_window_sees_other_frames_of_its_clip_only() -> None:
    network = trained_looking(FULL)
    batch = random_batch()
    clip = torch.tensor([[0, 0, 0, 1, 1, 1]] * 2)
    changed = batch._replace(landmarks=batch.landmarks.clone(), clip=clip)
    batch = batch._replace(clip=clip)
    changed.landmarks[:, 4] += 1.0
    before, after = network(batch).pose, network(changed).pose
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert (before[:, 3] - after[:, 3]).abs().max() > 1e-5


def test_landmarks_beyond_the_17_matter_only_where_all_are_seen() -> None:
    thumb = 21
    for everything in (True, False):
        network = trained_looking(replace(FULL, all_landmarks=everything))
        batch = random_batch()
        changed = batch._replace(landmarks=batch.landmarks.clone())
        changed.landmarks[:, :, thumb] += 1.0
        moved = (network(batch).pose - network(changed).pose).abs().max()
        assert (moved > 1e-5) == everything


def test_on_the_image_points_a_new_network_changes_no_depth() -> None:
    batch = random_batch()
    refined = PoseAwareDepthRefiner(replace(FULL, on_image=True))(batch)
    seen = batch.landmarks[:, :, list(COCO_FROM_MEDIAPIPE)]
    hips = seen[:, :, [COCO["left_hip"], COCO["right_hip"]], 2].mean(dim=2, keepdim=True)
    torch.testing.assert_close(refined.pose[..., 2], seen[..., 2] - hips)


def test_on_the_image_points_joints_stay_near_their_rays() -> None:
    network = trained_looking(replace(FULL, on_image=True))
    with torch.no_grad():
        network.delta_head[-1].bias[:2] = 50.0  # the network wants all joints far aside
    batch = random_batch()
    batch.landmarks[..., :5] *= 0.3
    refined = network(batch)
    seen = batch.landmarks[:, :, list(COCO_FROM_MEDIAPIPE)]
    hips = [COCO["left_hip"], COCO["right_hip"]]

    def beside(scale: torch.Tensor) -> torch.Tensor:
        pose = refined.pose[..., :2]
        image = seen[..., 3:5] * scale
        return pose - (image - image[:, :, hips].mean(dim=2, keepdim=True))

    factors = torch.linspace(0.3, 3, 60)
    nearest = torch.stack([beside(f).norm(dim=-1).mean(dim=2) for f in factors]).amin(dim=0)
    assert nearest.max() < 0.25  # perspective and 3 cm, not half metres


def test_in_a_batch_as_alone() -> None:
    network = trained_looking(FULL)
    batch = random_batch(rows=3)
    together = network(batch)
    for row in range(3):
        alone = network(Batch(*(part[row : row + 1] for part in batch)))
        torch.testing.assert_close(alone.pose[0], together.pose[row], atol=1e-5, rtol=1e-4)


def test_azimuth_and_elevation_follow_from_the_camera_position() -> None:
    camera = torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, -2.0], [1.0, 1.0, 0.0]])
    azimuth, elevation = angles_of(camera)
    np.testing.assert_allclose(np.degrees(azimuth.numpy()) % 360, [0, 90, 270, 0], atol=1e-4)
    np.testing.assert_allclose(np.degrees(elevation.numpy()), [0, 0, 0, 45], atol=1e-4)


def test_refining_a_clip(walking: LandmarkSequence) -> None:
    pose = refiner_of(FULL).refine(walking)
    assert len(pose) == 40
    assert pose.refiner == "depth"
    assert np.isfinite(pose.positions).all()
    hips = pose.positions[:, [COCO["left_hip"], COCO["right_hip"]]].mean(axis=1)
    np.testing.assert_allclose(hips, 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(pose.up, axis=1), 1, atol=1e-6)
    assert ((pose.azimuth_deg >= 0) & (pose.azimuth_deg < 360)).all()
    assert (pose.sigma > 0).all()


def test_sigma_is_scaled_by_what_calibration_found(walking: LandmarkSequence) -> None:
    refiner = refiner_of(FULL)
    scaled = refiner.refine(walking).sigma
    refiner.header["sigma_scale"] = [1.0, 1.0, 1.0]
    plain = refiner.refine(walking).sigma
    np.testing.assert_allclose(scaled[..., :2], plain[..., :2])
    np.testing.assert_allclose(scaled[..., 2], 2 * plain[..., 2])


def test_without_heads_sigma_is_unknown_and_the_camera_level(walking: LandmarkSequence) -> None:
    pose = refiner_of(replace(FULL, sigma_head=False, up_head=False)).refine(walking)
    assert np.isnan(pose.sigma).all()
    assert (pose.up[:, 1] < -0.9).all()


def test_the_pose_leans_towards_what_the_user_knows_of_gravity(walking: LandmarkSequence) -> None:
    refiner, camera = refiner_of(FULL), CameraOptions(pitch_deg=25.0, roll_deg=0.0)
    said, told = refiner.predict(walking), refiner.refine(walking, camera)
    np.testing.assert_array_equal(refiner.refine(walking).positions, said.positions)
    assert gravity_of(told, walking, CameraOptions()).pitch_deg == pytest.approx(25.0, abs=0.5)
    assert np.nanmax(np.abs(told.positions - said.positions)) > 0.05
    np.testing.assert_array_equal(told.positions[..., :2], said.positions[..., :2])
    fitted = refiner_of(replace(FULL, skeleton_fit=True)).refine(walking, camera)
    assert bone_length_cv(fitted.positions) < 0.5 * bone_length_cv(told.positions)
    level = refiner_of(replace(FULL, up_head=False))  # has no opinion of its own to be turned from
    np.testing.assert_allclose(
        level.refine(walking, camera).positions, level.predict(walking).positions, atol=1e-6
    )


def test_the_elevation_follows_from_gravity_where_the_network_says_it(
    walking: LandmarkSequence,
) -> None:
    refiner = refiner_of(FULL)
    pose, heads = refiner.refine(walking), refiner.predict(walking)
    np.testing.assert_allclose(np.sin(np.radians(pose.elevation_deg)), -pose.up[:, 2], atol=1e-6)
    np.testing.assert_array_equal(pose.azimuth_deg, heads.azimuth_deg)
    assert np.abs(pose.elevation_deg - heads.elevation_deg).max() > 0.1
    level = refiner_of(replace(FULL, up_head=False))
    np.testing.assert_array_equal(
        level.refine(walking).elevation_deg, level.predict(walking).elevation_deg
    )


def test_the_hour_of_the_day_changes_nothing(walking: LandmarkSequence) -> None:
    refiner = refiner_of(FULL)
    late = replace(walking, time_s=walking.time_s + 1.7e9)  # seconds since 1970
    expected, found = refiner.refine(walking), refiner.refine(late)
    np.testing.assert_allclose(found.positions, expected.positions, atol=1e-5)


def test_missing_in_missing_out(walking: LandmarkSequence) -> None:
    refiner = refiner_of(FULL)
    gaps = [0, 7, 8, 9, 39]
    pose = refiner.refine(with_missing(walking, gaps))
    missing = np.zeros(40, dtype=bool)
    missing[gaps] = True
    for values in (pose.positions, pose.sigma, pose.up[:, None], pose.azimuth_deg[:, None, None]):
        np.testing.assert_array_equal(np.isnan(values).any(axis=(1, 2)), missing)


def test_a_missing_landmark_is_missing_alone(walking: LandmarkSequence) -> None:
    world = walking.world.copy()
    world[5, 15] = np.nan
    gap = LandmarkSequence(
        walking.time_s, world, walking.image, walking.visibility, walking.image_size
    )
    missing = np.argwhere(np.isnan(refiner_of(FULL).refine(gap).positions[..., 0]))
    np.testing.assert_array_equal(missing, [[5, COCO["left_wrist"]]])


@pytest.mark.parametrize("frames", [0, 1, 2, 7])
@pytest.mark.parametrize("temporal_layers", [0, 1])
def test_short_clips(walking: LandmarkSequence, frames: int, temporal_layers: int) -> None:
    short = LandmarkSequence(
        walking.time_s[:frames],
        walking.world[:frames],
        walking.image[:frames],
        walking.visibility[:frames],
        walking.image_size,
    )
    pose = refiner_of(replace(FULL, temporal_layers=temporal_layers)).refine(short)
    assert pose.positions.shape == (frames, 17, 3)
    assert np.isfinite(pose.positions).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_landmarks(walking: LandmarkSequence, value: float) -> None:
    constant = LandmarkSequence(
        walking.time_s,
        np.full_like(walking.world, value),
        np.full_like(walking.image, value),
        np.full_like(walking.visibility, value),
        walking.image_size,
    )
    pose = refiner_of(FULL).refine(constant)
    assert np.isfinite(pose.positions).all()
    assert np.isfinite(pose.sigma).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("what", ["world", "image"])
def test_landmarks_far_beyond_a_body_are_missing(walking: LandmarkSequence, what: str) -> None:
    far = replace(walking, **{what: 1e20 * getattr(walking, what)})
    pose = refiner_of(FULL).refine(far)
    for values in (pose.positions, pose.sigma, pose.up, pose.azimuth_deg, pose.elevation_deg):
        assert np.isnan(values).all()


def test_a_checkpoint_gives_the_network_back(tmp_path: Path, walking: LandmarkSequence) -> None:
    network = trained_looking(FULL).half().float()
    path = tmp_path / "a.safetensors"
    save_network(path, network, ABOUT)
    loaded = DepthRefiner.load(path)
    assert loaded.header["config"] == asdict(FULL)
    assert loaded.path == path
    before = DepthRefiner(network, make_header(FULL, ABOUT)).refine(walking)
    np.testing.assert_array_equal(loaded.refine(walking).positions, before.positions)


def _saved(path: Path, header: dict[str, object], network: PoseAwareDepthRefiner) -> Path:
    write_checkpoint(path, Checkpoint(header, dict(network.state_dict())))
    return path


def test_checkpoints_that_are_refused(tmp_path: Path) -> None:
    network = PoseAwareDepthRefiner(FULL)
    header = make_header(FULL, ABOUT)
    good = _saved(tmp_path / "good.safetensors", header, network)
    with pytest.raises(MissingFileError, match=r"no checkpoint .*absent"):
        load_network(tmp_path / "absent.safetensors")
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(good.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"torn\.safetensors is broken"):
        load_network(torn)
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="broken"):
        load_network(noise)
    other = _saved(tmp_path / "other.safetensors", {**header, "kind": "joint_refiner"}, network)
    with pytest.raises(InputError, match="of kind 'joint_refiner'"):
        load_network(other)
    config = {k: v for k, v in asdict(FULL).items() if k != "step_s"}
    older = _saved(tmp_path / "older.safetensors", {**header, "config": config}, network)
    with pytest.raises(InputError, match=r"another version of Gonio.*step_s"):
        load_network(older)
    odd = {**asdict(FULL), "d_model": "16"}
    with pytest.raises(InputError, match=r"odd\.safetensors cannot be used"):
        load_network(_saved(tmp_path / "odd.safetensors", {**header, "config": odd}, network))
    for scale in (None, [1.0], [1.0, 1.0, 0.0], [1.0, 1.0, "2"]):
        unsure = {**header, "sigma_scale": scale}
        path = _saved(tmp_path / "unsure.safetensors", unsure, network)
        with pytest.raises(InputError, match=r"sigma_scale .*three factors above 0"):
            DepthRefiner.load(path)
    wide = asdict(replace(FULL, d_model=32))
    unlike = _saved(tmp_path / "unlike.safetensors", {**header, "config": wide}, network)
    with pytest.raises(InputError, match="do not fit its configuration"):
        load_network(unlike)
    with torch.no_grad():
        network.name.fill_(float("nan"))
    with pytest.raises(InputError, match="not finite"):
        load_network(_saved(tmp_path / "nan.safetensors", header, network))


def test_foreign_safetensors_and_other_formats_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    foreign = tmp_path / "foreign.safetensors"
    save_file({"w": torch.zeros(2)}, foreign, {"made_by": "somebody"})
    with pytest.raises(InputError, match="no checkpoint of Gonio"):
        load_network(foreign)
    import json

    save_file({"w": torch.zeros(2)}, foreign, {"gonio": json.dumps({"kind": KIND, "format": 99})})
    with pytest.raises(InputError, match="format 99"):
        load_network(foreign)


def test_a_whole_number_of_seconds_is_a_number(tmp_path: Path) -> None:
    header = {**make_header(FULL, ABOUT), "config": {**asdict(FULL), "step_s": 1}}
    weights = dict(PoseAwareDepthRefiner(FULL).state_dict())
    path = write_damaged(tmp_path / "whole.safetensors", header, weights)
    assert DepthRefiner.load(path).network.config.step_s == 1


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (None, "others in the header of .*is None; a list"),
        (3, "others in the header of .*is 3; a list"),
        ({}, "others in the header of .*a list"),
        ([3], r"cannot be used \(others is 3, fields"),
        ([{"d_model": 16}], "another version of Gonio"),
        ([{**asdict(FULL), "layers": 1.0}], r"others\.layers is 1\.0, a whole number"),
    ],
)
def test_other_networks_that_are_none_are_refused(tmp_path: Path, others: Any, said: str) -> None:
    header = {**make_header(FULL, ABOUT), "others": others}
    weights = dict(PoseAwareDepthRefiner(FULL).state_dict())
    path = write_damaged(tmp_path / "odd.safetensors", header, weights)
    with pytest.raises(InputError, match=said) as error:
        DepthRefiner.load(path)
    assert "odd.safetensors" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"heads": 0}, "heads is 0; .* 1 or more"),
        ({"temporal_layers": 1, "time_heads": 0}, "time_heads is 0; .* 1 or more"),
        ({"step_s": float("nan")}, "step_s is nan"),
        ({"step_s": float("inf")}, "step_s is inf"),
        ({"step_s": 0.0}, r"step_s is 0\.0"),
    ],
)
def test_the_parameters_of_a_network_are_checked_too(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=rf"training: parameter network\b.*{said}"):
        TrainingOptions.from_parameters({"training": {"network": changes}})


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"heads": 3}, "multiple of heads"), ({"dropout": 1.0}, "dropout"), ({"window": 0}, "sizes")],
)
def test_configurations_that_do_not_go_together(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        DepthRefinerConfig(**{**SMALL, **changes})  # type: ignore[arg-type]


@pytest.mark.skipif(not SHIPPED_CHECKPOINT.is_file(), reason="no checkpoint is shipped")
def test_the_shipped_checkpoint(walking: LandmarkSequence) -> None:
    refiner = DepthRefiner.load()
    assert SHIPPED_CHECKPOINT.stat().st_size < 5_000_000
    assert {"metrics", "data", "versions", "training"} <= set(refiner.header)
    assert len(refiner.header["data"]["hash"]) == 16
    pose = refiner.refine(walking)
    assert np.isfinite(pose.sigma).all()


def mirror_image(landmarks: LandmarkSequence) -> LandmarkSequence:
    mirror = list(MEDIAPIPE_MIRROR)
    return LandmarkSequence(
        landmarks.time_s,
        landmarks.world[:, mirror] * [-1, 1, 1],
        landmarks.image[:, mirror] * [-1, 1] + [1, 0],
        landmarks.visibility[:, mirror],
        landmarks.image_size,
    )


def test_the_mirror_average_knows_no_left_and_right(walking: LandmarkSequence) -> None:
    refiner = refiner_of(replace(FULL, mirror_average=True))
    here, there = refiner.refine(walking), refiner.refine(mirror_image(walking))
    mirror, flip = list(COCO_MIRROR), [-1, 1, 1]
    np.testing.assert_allclose(there.positions, here.positions[:, mirror] * flip, atol=1e-5)
    np.testing.assert_allclose(there.sigma, here.sigma[:, mirror], rtol=1e-4)
    np.testing.assert_allclose(there.up, here.up * flip, atol=1e-5)
    around = (there.azimuth_deg + here.azimuth_deg + 180) % 360 - 180
    np.testing.assert_allclose(around, 0, atol=1e-3)
    plain = refiner_of(FULL)
    assert not np.allclose(
        plain.refine(mirror_image(walking)).positions,
        plain.refine(walking).positions[:, mirror] * flip,
        atol=1e-4,
    )


def test_the_skeleton_fit_steadies_the_bones(walking: LandmarkSequence) -> None:
    ends = [COCO["left_elbow"], COCO["left_wrist"]]

    def variation(config: DepthRefinerConfig) -> float:
        arm = refiner_of(config).refine(walking).positions[:, ends]
        length = np.linalg.norm(arm[:, 1] - arm[:, 0], axis=1)
        return float(length.std() / length.mean())

    assert variation(replace(FULL, skeleton_fit=True)) < 0.9 * variation(FULL)
    for step in ("skeleton_fit", "smooth"):
        with pytest.raises(InputError, match="need sigma_head"):
            replace(FULL, **{step: True}, sigma_head=False)


def test_a_smooth_pose_shakes_less_and_moves_as_much(walking: LandmarkSequence) -> None:
    one, plain = (
        refiner_of(replace(FULL, smooth=smooth)).refine(walking) for smooth in (True, False)
    )
    shakes = [np.abs(np.diff(p.positions, 2, axis=0)).mean() for p in (one, plain)]
    assert shakes[0] < 0.7 * shakes[1]
    np.testing.assert_allclose(one.positions, plain.positions, atol=0.15)
    middle = slice(5, -5)
    np.testing.assert_allclose(
        one.positions[middle].mean(axis=0), plain.positions[middle].mean(axis=0), atol=0.02
    )
    np.testing.assert_array_equal(one.sigma, plain.sigma)


def test_each_step_of_use_can_be_left_out(walking: LandmarkSequence) -> None:
    """What an ablation compares is what the configuration without the step gives."""
    config = replace(FULL, mirror_average=True, smooth=True, skeleton_fit=True)
    one, other = trained_looking(config), trained_looking(config, seed=1)
    header = make_header(config, ABOUT)
    whole = DepthRefiner(one, header, others=[other])
    assert whole.steps() == STEPS_OF_USE
    less = {step: whole.without(step) for step in whole.steps()}
    for step, refiner in less.items():
        assert refiner.steps() == tuple(s for s in STEPS_OF_USE if s != step)
        change = np.abs(refiner.refine(walking).positions - whole.refine(walking).positions)
        assert change.max() > 1e-3
    alone = DepthRefiner(one, header).refine(walking).positions
    np.testing.assert_array_equal(less["other networks"].refine(walking).positions, alone)
    assert whole.steps() == STEPS_OF_USE  # as it was
    with pytest.raises(InputError, match="mirror average"):
        whole.without("feet")


def test_several_networks_answer_together(walking: LandmarkSequence, tmp_path: Path) -> None:
    one = trained_looking(replace(FULL, skeleton_fit=False))
    plain = {"up_head": False, "sigma_head": False, "limb_head": False, "temporal_layers": 0}
    other = trained_looking(replace(FULL, skeleton_fit=False, **plain), seed=1)
    header = make_header(one.config, ABOUT)
    joined = DepthRefiner(one, header, others=[other])
    write_checkpoint(tmp_path / "two.safetensors", joined_checkpoint(joined, ABOUT))
    loaded = DepthRefiner.load(tmp_path / "two.safetensors")
    assert len(loaded.networks) == 2
    alone = [DepthRefiner(n, make_header(n.config, ABOUT)).refine(walking) for n in (one, other)]
    together = loaded.refine(walking)
    mean = (alone[0].positions + alone[1].positions) / 2
    np.testing.assert_allclose(together.positions, mean, atol=2e-3)
    np.testing.assert_allclose(together.sigma, alone[0].sigma, rtol=0.01)
    np.testing.assert_allclose(together.up, alone[0].up, atol=2e-3)


def test_networks_that_the_header_does_not_name_are_refused(tmp_path: Path) -> None:
    one, other = trained_looking(FULL), trained_looking(FULL, seed=1)
    joined = DepthRefiner(one, make_header(FULL, ABOUT), others=[other])
    checkpoint = joined_checkpoint(joined, ABOUT)
    header = {key: value for key, value in checkpoint.header.items() if key != "others"}
    path = tmp_path / "two.safetensors"
    write_checkpoint(path, Checkpoint(header, checkpoint.weights))
    with pytest.raises(InputError, match="does not name"):
        DepthRefiner.load(path)
