from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from gonio.capture.shards import read_shard
from gonio.errors import InputError
from gonio.landmarks.repair import repair_landmarks
from gonio.models.checkpoint_io import write_checkpoint
from gonio.models.depth_network import PoseAwareDepthRefiner
from gonio.models.depth_refiner import DepthRefiner
from gonio.models.joint_refiner import JointRefiner, mirrored_angles
from gonio.models.main_network import MainRefinerNetwork
from gonio.models.main_refiner import MainRefiner
from gonio.options import RepairOptions
from gonio.skeleton import COCO_FROM_MEDIAPIPE, JOINTS
from gonio.training.angle_augmentation import (
    AngleAugmentation,
    MainAugmentation,
    mirrored_angle_clip,
    mirrored_main_clip,
    moved,
    shifted,
)
from gonio.training.angle_clips import (
    AngleClip,
    MainClip,
    Preparation,
    prepare_angles,
    prepare_main,
    refined_pose_of,
)
from gonio.training.angle_losses import (
    angle_loss,
    mirrored,
    size_loss,
    spread_loss,
    symmetry_loss,
    turned,
    velocity_loss,
)
from gonio.training.angle_training_options import JointTrainingOptions, MainTrainingOptions
from gonio.training.clips import ClipList, Prepared
from gonio.training.detector_errors import DetectorErrors
from gonio.training.joint_module import train_joint_refiner
from gonio.training.loop import Trained, clip_data
from gonio.training.main_module import (
    Joined,
    MainRefinerModule,
    MainRow,
    MainTarget,
    _network,
    _seen_in_use,
    train_main_refiner,
)
from tests.capture.fakes import seen_by_mediapipe, walking_truth
from tests.models.conftest import FULL
from tests.models.test_joint_refiner import table_of
from tests.training.angle_clips import (
    BIAS_DEG,
    NOISE_DEG,
    angle_clips,
    angle_manifest,
    main_clips,
    refiners_in,
)
from tests.training.angle_fakes import known_shard

RUN = {
    "batch_size": 64,
    "warmup_steps": 2,
    "workers": 0,
    "threads": 1,
    "average_decay": 0.5,
    "sources": ("fake",),
}
TINY_JOINT = {"d_model": 16, "layers": 1, "heads": 2, "head_hidden": 8, "window": 8}
TINY_MAIN = {"d_model": 16, "layers": 1, "heads": 2, "head_hidden": 8}


def joint_options(**changes: object) -> JointTrainingOptions:
    return JointTrainingOptions.model_validate({**RUN, "network": TINY_JOINT, **changes})


def main_options(**changes: object) -> MainTrainingOptions:
    return MainTrainingOptions.model_validate({**RUN, "network": TINY_MAIN, **changes})


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipList[AngleClip]:
    return angle_clips(tmp_path_factory.mktemp("angles"))


@pytest.fixture(scope="module")
def trained(clips: ClipList[AngleClip], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    options = joint_options(epochs=40, learning_rate=0.01)
    return train_joint_refiner(clips, options, tmp_path_factory.mktemp("runs"))


def test_a_joint_refiner_learns_what_is_off(trained: Trained, tmp_path: Path) -> None:
    in_use = trained.metrics["validation_in_use"]
    assert in_use["raw_angle_deg"] == pytest.approx(BIAS_DEG, rel=0.1)
    assert in_use["angle_deg"] < 0.6 * in_use["raw_angle_deg"]
    noise = NOISE_DEG * np.sqrt(2 / np.pi)  # mean absolute value
    assert in_use["raw_without_offset_deg"] == pytest.approx(noise, rel=0.1)
    assert in_use["raw_range_error_deg"] >= in_use["raw_range_bias_deg"] > 0
    write_checkpoint(tmp_path / "a.safetensors", trained.checkpoint)
    refined = JointRefiner.load(tmp_path / "a.safetensors").refine(table_of(), np.ones((30, 33)))
    assert refined.notna().all().all()
    assert trained.curves["val_angle_deg"].iloc[-1] < trained.curves["val_angle_deg"].iloc[0]


def test_a_killed_training_ends_as_if_it_had_not_been(
    clips: ClipList[AngleClip], tmp_path: Path
) -> None:
    whole = train_joint_refiner(clips, joint_options(epochs=3), tmp_path / "whole")
    from gonio.training.joint_module import JointRefinerModule

    class KilledError(Exception):
        pass

    plain = JointRefinerModule.on_train_epoch_start

    def killing(module: JointRefinerModule) -> None:
        plain(module)
        if module.current_epoch == 2:
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JointRefinerModule, "on_train_epoch_start", killing)
        with pytest.raises(KilledError):
            train_joint_refiner(clips, joint_options(epochs=3), tmp_path / "killed")
    again = train_joint_refiner(clips, joint_options(epochs=3), tmp_path / "killed")
    for name, weights in whole.checkpoint.weights.items():
        torch.testing.assert_close(again.checkpoint.weights[name], weights, rtol=0, atol=0)


@pytest.mark.parametrize("tuned", ["none", "both"])
def test_a_main_refiner_learns_and_can_be_used(tuned: str, tmp_path: Path) -> None:
    refiners = refiners_in(tmp_path / "parts")
    clips = main_clips(tmp_path, refiners)
    options = main_options(epochs=15, learning_rate=0.01, fine_tune=tuned)
    result = train_main_refiner(clips, options, tmp_path / "runs", refiners)
    in_use = result.metrics["validation_in_use"]
    assert in_use["angle_deg"] < 0.8 * in_use["raw_angle_deg"]
    # What is left of the pose's error is noise, new in every frame, that nothing can be learned of.
    for name, share in (("train_position", 0.95), ("train_angle", 0.9)):
        assert result.curves[name].iloc[-1] < share * result.curves[name].iloc[0], name
    main = kept(result, tmp_path, tuned)
    seen = seen_by_mediapipe(walking_truth(30))
    assert np.isfinite(main.refine(seen).positions).all()
    assert main.refine_angles(table_of(), seen).notna().all().all()
    one = clips.store.load(clips.clips["validation"][0][0])
    changed = main.joint.deltas(one.inputs) + one.angles - one.joint_refined
    assert (np.abs(changed).max() > 1e-3) == (tuned == "both")


def test_sigma_covers_68_percent_of_the_validation_errors(tmp_path: Path) -> None:
    refiners = refiners_in(tmp_path / "parts")
    clips = main_clips(tmp_path, refiners)
    result = train_main_refiner(clips, main_options(epochs=2), tmp_path / "runs", refiners)
    main = kept(result, tmp_path)
    within = []
    for key, _ in clips.clips["validation"]:
        clip = clips.store.load(key)
        pose = main.refine_inputs(clip.main_inputs, refined_pose_of(clip), clip.rate_hz)
        within.append(np.abs(pose.positions - clip.pose) < pose.sigma)
    assert np.concatenate(within).mean() == pytest.approx(0.6827, abs=0.02)


@pytest.mark.parametrize("tuned", ["none", "both"])
def test_a_depth_refiner_without_heads_is_measured_as_it_is_used(
    tuned: str, tmp_path: Path
) -> None:
    """It says neither sigma nor gravity: sigma is the main refiner's, gravity a level camera's."""
    bare = replace(FULL, sigma_head=False, up_head=False, smooth=False, skeleton_fit=False)
    refiners = refiners_in(tmp_path / "parts", bare)
    clips = main_clips(tmp_path, refiners)
    result = train_main_refiner(
        clips, main_options(epochs=1, fine_tune=tuned), tmp_path / "runs", refiners
    )
    assert all(0.01 < scale < 100 for scale in result.checkpoint.header["sigma_scale"])
    main = kept(result, tmp_path, tuned)
    manifest = angle_manifest(tmp_path / "again")  # the same shards
    record = next(r for r in manifest.with_status("done") if r.split == "validation")
    key = clips.clips["validation"][0][0]
    shard = read_shard(manifest.path_of(record))
    pose = main.refine(repair_landmarks(shard.landmark_sequence, RepairOptions()).sequence)
    inputs, before = _seen_in_use(main, clips.store.load(key), tuned == "both")
    measured = main.refine_inputs(inputs, before, 30.0)
    np.testing.assert_allclose(measured.positions, pose.positions, atol=1e-3)
    np.testing.assert_allclose(measured.sigma, pose.sigma, rtol=0.02)


def test_heads_that_no_loss_asks_for_are_not_trained_further(tmp_path: Path) -> None:
    """Several processes would wait for their gradients."""
    refiners = refiners_in(tmp_path / "parts", replace(FULL, limb_head=True))
    clips = main_clips(tmp_path, refiners)
    options = main_options(epochs=1, fine_tune="both")
    data = clip_data(clips, options, options.augmentation, (MainRow, MainTarget))
    data.setup("fit")
    module = MainRefinerModule(_network(options, refiners), options, 1)
    losses, weights = module.losses(next(iter(data.val_dataloader())))
    torch.stack([weights[name] * loss for name, loss in losses.items()]).sum().backward()
    without = [n for n, p in module.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []


def test_refiners_that_are_trained_further_are_held_to_what_they_say_now(tmp_path: Path) -> None:
    refiners = refiners_in(tmp_path / "parts")
    clips = main_clips(tmp_path, refiners)
    options = main_options(epochs=1, fine_tune="both")
    main = MainRefinerNetwork(options.network)
    network = Joined(main, refiners[0].network, refiners[1].network)
    with torch.no_grad():  # as after some steps of training
        for parameter in network.joint_refiner.parameters():
            parameter.add_(0.1)
    data = clip_data(clips, options, options.augmentation, (MainRow, MainTarget))
    data.setup("fit")
    pair = next(iter(data.val_dataloader()))
    losses, _ = MainRefinerModule(network, options, 1).losses(pair)
    assert losses["turned"].item() == pytest.approx(0.0, abs=1e-6)
    assert losses["moved"].item() == pytest.approx(0.0, abs=2e-4)


def test_a_refiner_of_another_step_is_not_trained_further(tmp_path: Path) -> None:
    depth, joint = refiners_in(tmp_path / "parts")
    other = replace(depth.network.config, step_s=0.2)
    depth = DepthRefiner(PoseAwareDepthRefiner(other), depth.header, depth.path)
    clips = main_clips(tmp_path, (depth, joint))
    with pytest.raises(InputError, match=r"depth refiner sees frames 0\.2 s apart"):
        train_main_refiner(clips, main_options(fine_tune="depth"), tmp_path / "r", (depth, joint))


def test_without_an_epoch_the_network_to_start_from_is_kept(
    clips: ClipList[AngleClip], tmp_path: Path
) -> None:
    begun = train_joint_refiner(clips, joint_options(epochs=1), tmp_path / "runs").checkpoint
    start = tmp_path / "start.safetensors"
    write_checkpoint(start, begun)
    options = joint_options(epochs=0, start_from=str(start))
    same = train_joint_refiner(clips, options, tmp_path / "none").checkpoint
    refiners = refiners_in(tmp_path / "parts")
    clips_of_main = main_clips(tmp_path, refiners)
    runs = tmp_path / "runs"
    of_main = train_main_refiner(clips_of_main, main_options(epochs=1), runs, refiners)
    write_checkpoint(start, of_main.checkpoint)
    options_of_main = main_options(epochs=0, start_from=str(start))
    again = train_main_refiner(clips_of_main, options_of_main, tmp_path / "none", refiners)
    for one, other in ((begun, same), (of_main.checkpoint, again.checkpoint)):
        for name, weights in one.weights.items():
            torch.testing.assert_close(other.weights[name], weights, rtol=1e-3, atol=1e-3)


def kept(result: Trained, folder: Path, tuned: str = "none") -> MainRefiner:
    """A main refiner from the checkpoint of a training."""
    path = folder / "main_refiner.safetensors"
    write_checkpoint(path, result.checkpoint)
    names = ("depth_refiner", "joint_refiner")
    own = {name: folder / "parts" / f"{name}.safetensors" for name in names}
    return MainRefiner.load(path, None if tuned == "both" else own)


def test_masked_rows_teach_the_pose_only(tmp_path: Path) -> None:
    refiners = refiners_in(tmp_path / "parts")
    clips = main_clips(tmp_path, refiners)
    options = main_options(epochs=2, masked=1.0, losses={"size": 0.0})
    curves = train_main_refiner(clips, options, tmp_path / "runs", refiners).curves
    assert (curves["train_angle"] == 0).all()
    assert (curves["train_position"] > 0).all()


def test_a_main_refiner_that_must_be_sure_changes_less(tmp_path: Path) -> None:
    refiners = refiners_in(tmp_path / "parts")
    clips = main_clips(tmp_path, refiners)
    clip = clips.store.load(clips.clips["validation"][0][0])
    pose = refined_pose_of(clip)
    changes = []
    for weight in (0.0, 4.0):
        losses = {"moved": weight, "turned": weight}
        options = main_options(epochs=15, learning_rate=0.01, losses=losses)
        result = train_main_refiner(clips, options, tmp_path / "runs", refiners)
        main = kept(result, tmp_path)
        moved_m = main.refine_inputs(clip.main_inputs, pose, clip.rate_hz).positions - clip.refined
        turned_rad = main.refine_angle_inputs(clip.main_inputs, clip.inputs) - clip.joint_refined
        changes.append([np.nanmean(np.abs(moved_m)), np.abs(turned_rad).mean()])
    assert min(changes[0]) > 1e-3
    assert (np.array(changes[1]) < 0.3 * np.array(changes[0])).all(), changes


def test_preparing_takes_the_truth_and_leaves_out_what_is_missing(tmp_path: Path) -> None:
    manifest = angle_manifest(tmp_path, count=3)
    shard = read_shard(manifest.path_of(manifest.with_status("done")[0]))
    truth = np.array(shard.ground_truth_angles)
    truth[4, 2] = np.nan
    clip = prepare_angles(replace(shard, ground_truth_angles=truth), RepairOptions())
    assert clip.angle_weight[4, 2] == 0
    assert clip.angle_weight.sum() == clip.angle_weight.size - 1
    np.testing.assert_allclose(np.degrees(clip.truth[5]), truth[5], rtol=1e-5)
    assert np.isfinite(clip.truth).all()


def test_other_checkpoints_or_repair_are_other_clips(tmp_path: Path) -> None:
    done = angle_manifest(tmp_path, count=3).with_status("done")
    record = replace(done[0], split="train")
    plain = RepairOptions()
    ways = [
        Preparation(plain),
        Preparation(RepairOptions(swaps=False)),
        Preparation(plain, ("a", "b")),
        Preparation(plain, ("a", "c")),
        Preparation(plain, ("a", "c"), {record.source: DetectorErrors(orientation=1.0)}),
    ]
    assert len({way.key(record) for way in ways}) == len(ways)
    held_out = replace(record, split="validation")
    assert ways[-1].key(held_out) == ways[-2].key(held_out)  # seen as in use


def test_main_clips_of_uneven_frames_stand_beside_their_truth(tmp_path: Path) -> None:
    """Repair brings them to an even rate; what is said is that of the nearest frame."""
    time_s = np.concatenate([np.arange(20) / 60.0, 20 / 60.0 + np.arange(20) / 15.0])
    shard = known_shard(count=40, time_s=time_s)
    grown = (1.0 + 0.2 * time_s)[:, None, None]  # says what time it is
    degrees = np.zeros((40, 12, 3), dtype="<f4")
    shard = replace(
        shard,
        landmarks_world=(shard.landmarks_world * grown).astype("<f4"),
        corrupted_angles=degrees,
        ground_truth_angles=degrees,
    )
    repaired = repair_landmarks(shard.landmark_sequence, RepairOptions()).sequence
    assert len(repaired) != 40
    clip = prepare_main(shard, RepairOptions(), *refiners_in(tmp_path))
    size = np.linalg.norm(clip.landmarks[:, 28, :3], axis=1)
    found_s = (size / size[2] * grown[2, 0, 0] - 1.0) / 0.2
    np.testing.assert_allclose(found_s[2:-2], time_s[2:-2], atol=0.05)


def test_main_clips_may_be_seen_by_a_detector_that_is_right_about_the_tilt(tmp_path: Path) -> None:
    """The refiners see the body as it stands, the truth and the angles stay."""
    shard = known_shard(count=30)
    degrees = np.zeros((30, 12, 3), dtype="<f4")
    tilt = Rotation.from_euler("x", 15, degrees=True).as_matrix()
    world = (shard.landmarks_world @ tilt.T).astype("<f4")
    shard = replace(
        shard, landmarks_world=world, corrupted_angles=degrees, ground_truth_angles=degrees
    )
    refiners = refiners_in(tmp_path)
    clips = [
        prepare_main(shard, RepairOptions(filter=False), *refiners, errors)
        for errors in (DetectorErrors(), DetectorErrors(orientation=1.0))
    ]
    off = [
        np.abs(clip.landmarks[:, list(COCO_FROM_MEDIAPIPE), 2] - clip.pose[..., 2]).mean()
        for clip in clips
    ]
    assert off[1] < 0.2 * off[0]
    np.testing.assert_array_equal(clips[0].pose, clips[1].pose)
    np.testing.assert_array_equal(clips[0].angles, clips[1].angles)
    assert np.abs(clips[0].refined - clips[1].refined).max() > 0.01


def test_errors_are_taken_the_shorter_way_round() -> None:
    one, other = torch.tensor([math.radians(179.0)]), torch.tensor([math.radians(-179.0)])
    torch.testing.assert_close(turned(one, other), torch.tensor([math.radians(-2.0)]))


def test_losses_follow_their_formulas() -> None:
    angles, truth = torch.zeros(1, 2, 12, 3), torch.full((1, 2, 12, 3), 0.2)
    weight = torch.ones(1, 2, 12)
    torch.testing.assert_close(angle_loss(angles, truth, weight), torch.tensor(0.2 - 0.025))
    torch.testing.assert_close(size_loss(truth, weight), torch.tensor(0.04))
    weight[:, :, 3] = 0
    spoilt = angles.clone()
    spoilt[:, :, 3] = 99.0
    torch.testing.assert_close(angle_loss(spoilt, truth, weight), torch.tensor(0.175))
    moving = truth.clone()
    moving[:, 1] += 0.1
    clip = torch.zeros(1, 2, dtype=torch.long)
    torch.testing.assert_close(velocity_loss(moving, truth, weight, clip), torch.tensor(0.1))
    other = torch.tensor([[0, 1]])
    assert velocity_loss(moving, truth, weight, other) == 0
    assert angle_loss(angles, truth, torch.zeros_like(weight)) == 0


def test_the_spread_of_a_clip_is_its_standard_deviation_wherever_the_angles_are() -> None:
    wave = 0.1 * torch.sin(torch.linspace(0, 4 * math.pi, 41))[:40]
    clip = torch.tensor([[0] * 20 + [1] * 19 + [-1]])  # each has a wave, the last frame is padding
    truth = torch.zeros(1, 40, 12, 3) + wave[None, :, None, None]
    weight = (clip >= 0)[..., None].repeat(1, 1, 12).float()
    whole_turn = truth + 3.0 + 0.5 * clip[..., None, None]  # other offsets, across the wrap
    assert spread_loss(whole_turn, truth, weight, clip) < 1e-4
    still = torch.full_like(truth, -1.0).requires_grad_()
    loss = spread_loss(still, truth, weight, clip)
    assert float(loss) == pytest.approx(0.1 / math.sqrt(2) - 0.01, rel=0.05)
    loss.backward()
    assert still.grad is not None
    assert torch.isfinite(still.grad).all()
    half = 0.5 * truth
    assert float(spread_loss(half, truth, weight, clip)) == pytest.approx(0.0354, rel=0.05)
    half[:, :, 3] = 9.0 * truth[:, :, 3]
    weight[:, :, 3] = 0  # an angle that nobody knows does not count
    assert float(spread_loss(half, truth, weight, clip)) == pytest.approx(0.0354, rel=0.05)


def test_symmetry_wants_mirrored_answers() -> None:
    delta = torch.randn(1, 2, 12, 3)
    weight = torch.ones(1, 2, 12)
    assert symmetry_loss(delta, mirrored(delta), weight) < 1e-6
    assert symmetry_loss(delta, delta, weight) > 0.1
    np.testing.assert_allclose(mirrored(delta).numpy(), mirrored_angles(delta.numpy()), atol=1e-6)


def test_mirroring_twice_gives_the_clip_back(clips: ClipList[AngleClip], tmp_path: Path) -> None:
    clip = clips.store.load(clips.clips["train"][0][0])
    twice = mirrored_angle_clip(mirrored_angle_clip(clip))
    for name in AngleClip.SHAPES:
        np.testing.assert_allclose(getattr(twice, name), getattr(clip, name), atol=1e-6)
    refiners = refiners_in(tmp_path / "parts")
    listed = main_clips(tmp_path, refiners)
    main = listed.store.load(listed.clips["train"][0][0])
    back = mirrored_main_clip(mirrored_main_clip(main))
    for name in MainClip.SHAPES:
        np.testing.assert_allclose(getattr(back, name), getattr(main, name), atol=1e-5)


def test_a_mirrored_main_clip_is_what_the_refiners_say_of_the_mirror_image(tmp_path: Path) -> None:
    depth, joint = refiners_in(tmp_path / "parts")
    config = replace(depth.network.config, mirror_average=True)
    depth.network.config = config
    listed = main_clips(tmp_path, (depth, joint))
    clip = listed.store.load(listed.clips["train"][0][0])
    other = mirrored_main_clip(clip)
    from gonio.landmarks.inputs import PoseInputs
    from gonio.models.main_refiner import main_inputs

    seen = PoseInputs(other.landmarks, other.frame, other.there)
    said = depth.refine_inputs(seen, other.time.astype(float), other.rate_hz)
    inputs = main_inputs(seen, said)
    np.testing.assert_allclose(inputs.refined, other.refined, atol=1e-3)
    np.testing.assert_allclose(inputs.log_sigma, other.log_sigma, atol=1e-2)
    np.testing.assert_allclose(inputs.frame, other.view, atol=1e-2)


def test_noise_and_hidden_joints(clips: ClipList[AngleClip]) -> None:
    clip = clips.store.load(clips.clips["train"][0][0])
    still = AngleAugmentation(mirror=False, angle_noise_deg=0.0, joint_dropout=0.0, shifted=0.0)
    same = still(clip, np.random.default_rng(0))
    np.testing.assert_allclose(same.angles, clip.angles, atol=1e-6)
    hiding = AngleAugmentation(mirror=False, angle_noise_deg=0.0, joint_dropout=0.5, shifted=0.0)
    less = hiding(clip, np.random.default_rng(0))
    hidden = ~less.angle_there
    assert 0 < hidden.mean() < 1
    assert (less.angles[hidden] == 0).all()
    assert (less.angle_weight[hidden] == 0).all()
    noisy = AngleAugmentation(mirror=False, angle_noise_deg=5.0, joint_dropout=0.0, shifted=0.0)
    rng = np.random.default_rng(0)
    spread = np.std([noisy(clip, rng).angles - clip.angles for _ in range(100)])
    assert np.degrees(spread) == pytest.approx(5.0, rel=0.1)


def test_noise_of_the_main_refiner_moves_computed_and_refined_angles_together(
    tmp_path: Path,
) -> None:
    refiners = refiners_in(tmp_path / "parts")
    listed = main_clips(tmp_path, refiners)
    clip = listed.store.load(listed.clips["train"][0][0])
    changed = MainAugmentation(mirror=False)(clip, np.random.default_rng(0))
    np.testing.assert_allclose(
        changed.joint_refined - clip.joint_refined, changed.angles - clip.angles, atol=1e-5
    )
    assert np.abs(changed.refined - clip.refined).max() > 1e-3
    np.testing.assert_array_equal(changed.pose, clip.pose)


def test_a_moved_joint_keeps_its_errors_and_moves_smoothly(clips: ClipList[AngleClip]) -> None:
    clip = clips.store.load(clips.clips["train"][0][0])
    other = moved(clip, 0.5, (25.0, 8.0, 0.0), np.random.default_rng(0))
    np.testing.assert_allclose(other.angles - other.truth, clip.angles - clip.truth, atol=1e-5)
    change = np.degrees(other.truth - clip.truth)
    share = (np.ptp(change, axis=0).max(axis=1) > 0.1).mean()
    assert 0.1 < share < 0.9
    speed = np.diff(change, axis=0) / np.diff(clip.time)[:, None, None]
    assert np.abs(speed).max() < 2 * np.pi * 1.6 * 4 * 25.0
    sizes = [
        np.degrees(moved(clip, 1.0, (25.0, 8.0, 0.0), np.random.default_rng(k)).truth - clip.truth)
        for k in range(50)
    ]
    np.testing.assert_allclose(np.std(sizes, axis=(0, 1, 2)), [25.0, 8.0, 0.0], rtol=0.1, atol=1e-3)
    same = AngleAugmentation(mirror=False, angle_noise_deg=0.0, joint_dropout=0.0, shifted=0.0)
    moving = same.model_copy(update={"moved": 1.0})
    assert not np.allclose(moving(clip, np.random.default_rng(0)).truth, clip.truth, atol=0.1)


def test_a_shifted_joint_keeps_its_errors(clips: ClipList[AngleClip]) -> None:
    clip = clips.store.load(clips.clips["train"][0][0])
    other = shifted(clip, 0.5, (25.0, 12.0, 12.0), np.random.default_rng(0))
    np.testing.assert_allclose(other.angles - other.truth, clip.angles - clip.truth, atol=1e-5)
    change = np.degrees(other.truth - clip.truth)
    np.testing.assert_allclose(change, np.broadcast_to(change[:1], change.shape), atol=1e-4)
    share = (np.abs(change[0]).max(axis=1) > 1e-3).mean()
    assert 0.1 < share < 0.9
    sizes = [
        np.degrees(shifted(clip, 1.0, (25.0, 12.0, 0.0), np.random.default_rng(k)).truth)[0]
        - np.degrees(clip.truth)[0]
        for k in range(50)
    ]
    np.testing.assert_allclose(np.std(sizes, axis=(0, 1)), [25.0, 12.0, 0.0], rtol=0.1, atol=1e-3)


def test_networks_are_told_the_visibility_that_repair_leaves() -> None:
    """As in use: a gap that is filled is as visible as the frames around it."""
    shard = known_shard(count=30)
    lost = {
        name: getattr(shard, name).copy()
        for name in ("landmarks_world", "landmarks_2d", "landmarks_visibility")
    }
    for array in lost.values():
        array[10:13] = np.nan
    degrees = np.zeros((30, 12, 3), dtype="<f4")
    gap = replace(shard, **lost, corrupted_angles=degrees, ground_truth_angles=degrees)
    np.testing.assert_allclose(prepare_angles(gap, RepairOptions()).visibility, 1.0)


def test_a_joint_without_truth_anywhere_stops_no_training(tmp_path: Path) -> None:
    """Recordings without feet have no angles of the ankles."""
    clips = angle_clips(tmp_path)
    ankles = [JOINTS.index(joint) for joint in JOINTS if joint.title == "ankle"]
    for key, _ in {pair for split in clips.clips.values() for pair in split}:
        clip = clips.store.load(key)
        weight = clip.angle_weight.copy()
        weight[:, ankles] = 0
        clips.store.save(Prepared(key, replace(clip, angle_weight=weight)))
    trained = train_joint_refiner(clips, joint_options(epochs=1), tmp_path / "runs")
    write_checkpoint(tmp_path / "a.safetensors", trained.checkpoint)
    metrics = JointRefiner.load(tmp_path / "a.safetensors").header["metrics"]
    for told, knee in (("validation", "val_knee_deg"), ("validation_in_use", "knee_deg")):
        assert knee in metrics[told]
        assert not any("ankle" in name for name in metrics[told])
