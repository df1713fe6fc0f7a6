from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gonio.errors import InputError, MissingFileError
from gonio.models.checkpoint_io import write_checkpoint
from gonio.models.depth_network import DepthRefinerConfig, PoseAwareDepthRefiner
from gonio.models.depth_refiner import DepthRefiner, load_network
from gonio.options import RepairOptions
from gonio.training.augmentation import AugmentationOptions
from gonio.training.calibration import calibrate, calibration_of, scaled_errors
from gonio.training.clips import ClipList, Prepared
from gonio.training.fit import train_depth_refiner
from gonio.training.loop import (
    Trained,
    clip_data,
    moving_average,
    run_hash,
    started_from,
    steps_an_epoch,
)
from gonio.training.module import MONITORED, RefinerModule, learning_rate_share
from gonio.training.prepare import PreparedSequence, PreparedStore, clip_list, prepare
from tests.capture.fakes import seen_by_mediapipe, small_shard, walking_truth
from tests.models.conftest import FULL, trained_looking
from tests.training.angle_fakes import shard_store
from tests.training.clips import TINY, fake_clips, fake_shards, tiny_options
from tests.training.evaluation_fakes import true_pose


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipList[PreparedSequence]:
    return fake_clips(tmp_path_factory.mktemp("clips"), tasks=12)


@pytest.fixture(scope="module")
def trained(clips: ClipList[PreparedSequence], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_depth_refiner(clips, tiny_options(), tmp_path_factory.mktemp("runs"))


def test_a_training_gives_a_checkpoint_that_inference_can_use(
    trained: Trained, clips: ClipList[PreparedSequence], tmp_path: Path
) -> None:
    write_checkpoint(tmp_path / "a.safetensors", trained.checkpoint)
    refiner = DepthRefiner.load(tmp_path / "a.safetensors")
    pose = refiner.refine(seen_by_mediapipe(walking_truth(30)))
    assert np.isfinite(pose.positions).all()
    assert np.isfinite(pose.sigma).all()
    assert refiner.header["data"]["hash"] == clips.data_hash
    assert refiner.header["versions"]["torch"]
    assert refiner.header["metrics"]["validation"]["val_raw_depth_cm"] > 0


def test_a_training_learns(clips: ClipList[PreparedSequence], tmp_path: Path) -> None:
    options = tiny_options(epochs=25, learning_rate=0.01, augmentation={"mirror": False})
    curves = train_depth_refiner(clips, options, tmp_path).curves
    assert curves["train_loss"].iloc[-1] < 0.7 * curves["train_loss"].iloc[0]
    assert curves[MONITORED].min() < curves[MONITORED].iloc[0]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_killed_training_ends_as_if_it_had_not_been(
    clips: ClipList[PreparedSequence],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
) -> None:
    """Every epoch after it too, and what is random in the network."""
    from gonio.training.module import DepthRefinerModule

    class KilledError(Exception):
        pass

    start = DepthRefinerModule.on_train_epoch_start

    def killed_at_two(self: DepthRefinerModule) -> None:
        if self.current_epoch == 2:
            raise KilledError
        start(self)

    network = {**TINY, "dropout": 0.3}
    options = tiny_options(epochs=4, learning_rate=0.01, network=network, workers=workers)
    whole = train_depth_refiner(clips, options, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(DepthRefinerModule, "on_train_epoch_start", killed_at_two)
        with pytest.raises(KilledError):
            train_depth_refiner(clips, options, tmp_path / "killed")
    resumed = train_depth_refiner(clips, options, tmp_path / "killed")
    pd.testing.assert_frame_equal(resumed.curves, whole.curves, check_exact=True)
    for name, weight in whole.checkpoint.weights.items():
        torch.testing.assert_close(resumed.checkpoint.weights[name], weight, rtol=0, atol=0)
    assert resumed.curves["epoch"].tolist() == [0, 1, 2, 3]


def test_epochs_that_bring_nothing_are_kept_in_the_curves_too(
    clips: ClipList[PreparedSequence], tmp_path: Path
) -> None:
    options = tiny_options(learning_rate=1e-15)
    curves = train_depth_refiner(clips, options, tmp_path).curves
    assert curves["epoch"].tolist() == [0, 1, 2]
    (run,) = tmp_path.iterdir()
    assert sorted(path.name for path in run.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_two_processes_share_a_training(clips: ClipList[PreparedSequence], tmp_path: Path) -> None:
    options = tiny_options(devices=2, epochs=2)
    assert options.lightning_strategy == "ddp_spawn"
    trained = train_depth_refiner(clips, options, tmp_path)
    assert trained.curves["epoch"].tolist() == [0, 1]
    assert trained.metrics["validation"][MONITORED] > 0


def test_an_epoch_has_steps_for_all_of_its_rows(clips: ClipList[PreparedSequence]) -> None:
    options = tiny_options(batch_size=TINY["window"])  # a row a step
    data = clip_data(clips, options, AugmentationOptions())
    rows = data.rows_of("train", AugmentationOptions())
    assert steps_an_epoch(clips, options) == len(list(rows))


def test_other_data_or_options_are_another_run(
    trained: Trained, clips: ClipList[PreparedSequence], tmp_path: Path
) -> None:
    one = run_hash(clips, tiny_options())
    assert one == run_hash(clips, tiny_options(workers=1, threads=2, resume=False))
    assert one == run_hash(clips, tiny_options(joined_with="other.safetensors"))
    for other in ({"learning_rate": 0.5}, {"workers": 3}, {"devices": 2}):
        assert one != run_hash(clips, tiny_options(**other))
    path = tmp_path / "first.safetensors"
    write_checkpoint(path, trained.checkpoint)
    started = run_hash(clips, tiny_options(start_from=str(path)))
    moved = path.rename(tmp_path / "moved.safetensors")
    assert started == run_hash(clips, tiny_options(start_from=str(moved)))
    header = {**trained.checkpoint.header, "kind": "of another training"}
    write_checkpoint(moved, replace(trained.checkpoint, header=header))
    assert started != run_hash(clips, tiny_options(start_from=str(moved)))


def test_a_run_that_stopped_by_itself_has_ended_wherever_its_folder_is(
    clips: ClipList[PreparedSequence], tmp_path: Path
) -> None:
    options = tiny_options(learning_rate=1e-15, patience=1, epochs=9)
    first = train_depth_refiner(clips, options, tmp_path / "runs")
    assert first.curves["epoch"].tolist() == [0, 1]
    (tmp_path / "runs").rename(tmp_path / "moved")
    again = train_depth_refiner(clips, options, tmp_path / "moved")
    assert again.curves["epoch"].tolist() == [0, 1]
    for name, weight in first.checkpoint.weights.items():
        torch.testing.assert_close(again.checkpoint.weights[name], weight, rtol=0, atol=0)
    (last,) = (tmp_path / "moved").glob("*/last.ckpt")
    half, other, callbacks = (tmp_path / name for name in ("half", "other", "callbacks"))
    half.write_bytes(last.read_bytes()[:-100])
    torch.save([3], other)
    torch.save({"state_dict": {}, "callbacks": {"Curves": 3}}, callbacks)
    for damaged in (half.read_bytes(), b"", other.read_bytes(), callbacks.read_bytes()):
        last.write_bytes(damaged)
        with pytest.raises(InputError, match=r"last\.ckpt is damaged.*delete the folder"):
            train_depth_refiner(clips, options, tmp_path / "moved")


def test_a_run_that_goes_on_elsewhere_keeps_its_best_epoch(
    clips: ClipList[PreparedSequence], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gonio.training.module import DepthRefinerModule

    class KilledError(Exception):
        pass

    start, values = DepthRefinerModule.on_train_epoch_start, DepthRefinerModule.validation_values

    def killed_at_two(self: DepthRefinerModule) -> None:
        if self.current_epoch == 2:
            raise KilledError
        start(self)

    def worse_every_epoch(self: DepthRefinerModule, pair: Any) -> dict[str, Any]:
        found = values(self, pair)
        score, weight = found["score"]
        return {**found, "score": (score + 100 * self.current_epoch, weight)}

    monkeypatch.setattr(DepthRefinerModule, "validation_values", worse_every_epoch)
    with monkeypatch.context() as patch:
        patch.setattr(DepthRefinerModule, "on_train_epoch_start", killed_at_two)
        with pytest.raises(KilledError):
            train_depth_refiner(clips, tiny_options(), tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    curves = train_depth_refiner(clips, tiny_options(), tmp_path / "there").curves
    assert curves["epoch"].tolist() == [0, 1, 2]
    (best,) = (tmp_path / "there").glob("*/best.ckpt")
    assert torch.load(best, weights_only=True)["epoch"] == curves[MONITORED].idxmin() == 0
    assert not (tmp_path / "here").exists()


def test_shards_too_slow_for_the_low_pass_are_named(tmp_path: Path) -> None:
    shard = small_shard(20)
    slow = replace(shard, time_s=3 * shard.time_s, fps=10.0)
    store = shard_store(tmp_path, [slow])
    with pytest.raises(InputError, match=r"fake shard walk, c01 .* repair\.cutoff_hz .*rate"):
        next(iter(prepare(store.manifest(), PreparedStore(tmp_path / "p"), RepairOptions())))


def test_a_training_without_truth_is_refused(tmp_path: Path) -> None:
    clips = fake_clips(tmp_path, tasks=4)
    for key, _ in clips.clips["train"]:
        clip = clips.store.load(key)
        clips.store.save(Prepared(key, replace(clip, weight=0 * clip.weight)))
    with pytest.raises(InputError, match="no frame of the train clips counts"):
        train_depth_refiner(clips, tiny_options(), tmp_path / "runs")


def test_what_is_counted_is_not_averaged() -> None:
    whole = moving_average(torch.tensor([3]), torch.tensor([3]), 1, decay=0.9)
    assert whole.item() == 3
    mean = moving_average(torch.tensor([1.0]), torch.tensor([2.0]), 1, decay=0.9)
    assert mean.item() == pytest.approx(1.1)


def test_repeats_are_of_sources_that_there_are() -> None:
    with pytest.raises(ValueError, match="no source renderd; there are aistpp"):
        tiny_options(repeats={"renderd": 4})


def test_a_start_from_another_network_is_refused(
    trained: Trained, clips: ClipList[PreparedSequence], tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    write_checkpoint(path, trained.checkpoint)
    other = {**TINY, "d_model": 32}
    with pytest.raises(InputError, match=r"start_from.*another configuration"):
        train_depth_refiner(clips, tiny_options(start_from=str(path), network=other), tmp_path)
    again = train_depth_refiner(clips, tiny_options(start_from=str(path)), tmp_path / "runs")
    assert len(again.curves) == 3
    shutil.rmtree(tmp_path / "runs")


def test_the_weights_of_another_network_can_be_mixed_in(
    trained: Trained, clips: ClipList[PreparedSequence], tmp_path: Path
) -> None:
    first, other = tmp_path / "first.safetensors", tmp_path / "other.safetensors"
    theirs = {name: weight + 1.0 for name, weight in trained.checkpoint.weights.items()}
    write_checkpoint(first, trained.checkpoint)
    write_checkpoint(other, replace(trained.checkpoint, weights=theirs))
    runs = tmp_path / "runs"
    plain = train_depth_refiner(clips, tiny_options(), runs).checkpoint
    options = tiny_options(mixed_with=str(other), mixed_share=0.25)
    mixed = train_depth_refiner(clips, options, runs).checkpoint
    assert len(list(runs.iterdir())) == 1  # the same run: nothing is trained again
    for name, weight in plain.weights.items():
        wanted = weight + 0.25 * (theirs[name] - weight)
        torch.testing.assert_close(mixed.weights[name], wanted, rtol=2e-3, atol=2e-3)
    assert mixed.header["training"]["mixed_with"] == [other.name]
    several = tiny_options(mixed_with=f"{other}+{other}+{first}", mixed_share=0.75)
    mean = train_depth_refiner(clips, several, runs).checkpoint
    for name, weight in plain.weights.items():
        wanted = (weight + 2 * theirs[name] + trained.checkpoint.weights[name]) / 4
        torch.testing.assert_close(mean.weights[name], wanted, rtol=2e-3, atol=2e-3)
    wide = tiny_options(mixed_with=str(other), network={**TINY, "d_model": 32})
    with pytest.raises(InputError, match=r"mixed_with.*another configuration"):
        train_depth_refiner(clips, wide, runs)
    assert len(list(runs.iterdir())) == 1  # refused before it is trained


def test_networks_can_be_joined_without_a_training(
    trained: Trained, clips: ClipList[PreparedSequence], tmp_path: Path
) -> None:
    first, runs = tmp_path / "first.safetensors", tmp_path / "runs"
    write_checkpoint(first, trained.checkpoint)
    options = tiny_options(epochs=0, start_from=str(first), joined_with=str(first))
    joined = train_depth_refiner(clips, options, runs)
    for name, weight in trained.checkpoint.weights.items():
        for place in ("", "1/"):
            kept = joined.checkpoint.weights[place + name]
            torch.testing.assert_close(kept, weight, rtol=0, atol=0)
    assert joined.curves["epoch"].tolist() == [0]
    best = trained.metrics["validation"][MONITORED]
    assert joined.metrics["validation"][MONITORED] == pytest.approx(best, rel=1e-3)
    with pytest.raises(ValueError, match=r"epochs is 0 and start_from names no checkpoint"):
        tiny_options(epochs=0)


def test_a_training_may_start_from_a_network_with_other_dropout_window_and_use(
    trained: Trained, tmp_path: Path
) -> None:
    first = tmp_path / "first.safetensors"
    write_checkpoint(first, trained.checkpoint)
    network = {**TINY, "dropout": 0.3, "mirror_average": True, "window": 2 * TINY["window"]}
    started = started_from(tiny_options(network=network, start_from=str(first)), load_network)
    assert started is not None
    assert started.training
    assert (started.config.dropout, started.config.mirror_average) == (0.3, True)
    assert started.config.window == 2 * TINY["window"]
    assert {m.p for m in started.modules() if isinstance(m, torch.nn.Dropout)} == {0.3}
    for name, weight in started.state_dict().items():
        torch.testing.assert_close(weight, trained.checkpoint.weights[name])
    other = tiny_options(network={**TINY, "step_s": 0.2}, start_from=str(first))
    with pytest.raises(InputError, match=r"start_from.*another configuration"):
        started_from(other, load_network)


def test_calibration_makes_sigma_mean_one_standard_deviation(
    trained: Trained, clips: ClipList[PreparedSequence]
) -> None:
    said = trained.metrics["validation_in_use"]
    assert said["within_1_sigma"] == pytest.approx(0.6827, abs=0.01)
    network = PoseAwareDepthRefiner(DepthRefinerConfig(**trained.checkpoint.header["config"]))
    network.load_state_dict(trained.checkpoint.weights)
    calibrated = DepthRefiner(network, trained.checkpoint.header)
    again = calibrate(calibrated, clips.store, clips.clips["validation"])
    np.testing.assert_allclose(again.sigma_scale, 1.0, atol=2e-3)
    assert again.described["depth_mean_cm"] == pytest.approx(said["depth_mean_cm"])


def test_the_learning_rate_warms_up_and_fades() -> None:
    shares = [learning_rate_share(step, 10, 100) for step in range(101)]
    assert np.argmax(shares) == 10
    assert max(shares) == 1.0
    assert shares[0] < 0.1
    assert shares[-1] == pytest.approx(0.02)


def test_a_trained_network_can_be_joined_with_others(
    trained: Trained, clips: ClipList[PreparedSequence], tmp_path: Path
) -> None:
    first = tmp_path / "first.safetensors"
    write_checkpoint(first, trained.checkpoint)
    frame = {**TINY, "temporal_layers": 0, "up_head": False, "sigma_head": False}
    options = tiny_options(network=frame, joined_with=str(first))
    joined = train_depth_refiner(clips, options, tmp_path / "runs")
    write_checkpoint(tmp_path / "two.safetensors", joined.checkpoint)
    refiner = DepthRefiner.load(tmp_path / "two.safetensors")
    assert [n.config.temporal_layers for n in refiner.networks] == [1, 0]
    sizes = [sum(p.numel() for p in n.parameters()) for n in refiner.networks]
    assert joined.metrics["parameters"] == sum(sizes)
    assert refiner.header["training"]["joined_with"] == first.name  # and not where it lay
    within = joined.metrics["validation_in_use"]["within_1_sigma"]
    assert within == pytest.approx(0.6827, abs=0.01)
    assert np.isfinite(refiner.refine(seen_by_mediapipe(walking_truth(30))).positions).all()
    runs = list((tmp_path / "runs").iterdir())
    absent = tiny_options(epochs=3, joined_with=str(tmp_path / "none.safetensors"))
    with pytest.raises(MissingFileError, match="none"):
        train_depth_refiner(clips, absent, tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == runs  # refused before it is trained


def test_a_training_that_is_begun_anew_forgets_the_one_before(
    trained: Trained,
    clips: ClipList[PreparedSequence],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its best state is its own, though the folder holds that of a training that was killed."""
    from gonio.training.module import DepthRefinerModule

    options = tiny_options(resume=False)
    start = DepthRefinerModule.on_train_epoch_start

    def spoilt(self: DepthRefinerModule) -> None:
        if self.current_epoch == 1:
            raise InterruptedError
        start(self)
        torch.nn.init.normal_(next(self.network.parameters()))

    with monkeypatch.context() as patch:
        patch.setattr(DepthRefinerModule, "on_train_epoch_start", spoilt)
        with pytest.raises(InterruptedError):
            train_depth_refiner(clips, options, tmp_path)
    again = train_depth_refiner(clips, options, tmp_path)
    for name, weight in trained.checkpoint.weights.items():
        torch.testing.assert_close(again.checkpoint.weights[name], weight, rtol=0, atol=0)
    (run,) = tmp_path.iterdir()
    assert sorted(path.name for path in run.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_another_split_is_another_run(tmp_path: Path) -> None:
    """Nobody who is held out now may have been trained on."""
    manifest = fake_shards(tmp_path / "shards", tasks=12).manifest()
    other = {"train": "validation", "validation": "train", "test": "test"}
    moved = replace(manifest, records=tuple(replace(r, split=other[r.split]) for r in manifest))
    store = PreparedStore(tmp_path / "prepared")
    for clip in prepare(manifest, store, RepairOptions()):
        store.save(clip)
    lists = [clip_list(m, store, RepairOptions()) for m in (manifest, moved)]
    assert lists[0].clips["train"] == lists[1].clips["validation"]
    hashes = {run_hash(listed, tiny_options()) for listed in lists}
    assert len(hashes) == 2


def diverging(monkeypatch: pytest.MonkeyPatch, from_epoch: int) -> None:
    """Weights that are no numbers any more from an epoch on."""
    from gonio.training.module import DepthRefinerModule

    start = DepthRefinerModule.on_train_epoch_start

    def spoilt(self: DepthRefinerModule) -> None:
        start(self)
        if self.current_epoch >= from_epoch:
            with torch.no_grad():
                for weight in self.network.parameters():
                    weight.fill_(float("nan"))

    monkeypatch.setattr(DepthRefinerModule, "on_train_epoch_start", spoilt)


def test_a_network_that_diverges_is_kept_as_it_was_before(
    trained: Trained,
    clips: ClipList[PreparedSequence],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    diverging(monkeypatch, from_epoch=2)
    for _ in range(2):  # and so it is when it is run again
        kept = train_depth_refiner(clips, tiny_options(), tmp_path / "runs")
        assert kept.metrics["best_epoch"] == int(trained.curves[MONITORED].iloc[:2].argmin())
        assert len(kept.curves) == 3
        write_checkpoint(tmp_path / "kept.safetensors", kept.checkpoint)
    assert np.isfinite(DepthRefiner.load(tmp_path / "kept.safetensors").header["sigma_scale"]).all()


def test_a_network_that_diverges_at_once_is_told_by_name(
    clips: ClipList[PreparedSequence], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverging(monkeypatch, from_epoch=0)
    with pytest.raises(InputError, match=r"diverged; lower training\.learning_rate"):
        train_depth_refiner(clips, tiny_options(), tmp_path)


def test_a_validation_split_without_a_whole_truth_is_refused_before_the_training(
    tmp_path: Path,
) -> None:
    clips = fake_clips(tmp_path, tasks=12)
    for key, _ in clips.clips["validation"]:
        clip = clips.store.load(key)
        clips.store.save(Prepared(key, replace(clip, weight=np.zeros_like(clip.weight))))
    with pytest.raises(InputError, match="no frame of the validation clips counts"):
        train_depth_refiner(clips, tiny_options(), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_errors_of_nothing_are_not_measured() -> None:
    with pytest.raises(InputError, match="errors and sigma cannot be measured"):
        calibration_of(np.zeros((0, 17, 3)), np.zeros((0, 17, 3)))


def test_more_processes_than_clips_are_refused(
    clips: ClipList[PreparedSequence], tmp_path: Path
) -> None:
    count = len(clips.clips["validation"])
    options = tiny_options(devices=count + 1)
    with pytest.raises(InputError, match=rf"{count + 1} processes .* {count} of the split valid"):
        train_depth_refiner(clips, options, tmp_path)


def test_sigma_grows_with_the_pose_that_is_scaled_to_the_truth() -> None:
    shard = small_shard(10)
    half = replace(true_pose(shard, sigma_m=0.03), positions=shard.ground_truth / 2)
    errors, sigma = scaled_errors(half, shard.ground_truth, np.ones(10))
    np.testing.assert_allclose(errors, 0.0, atol=1e-6)
    np.testing.assert_allclose(sigma, 0.06, rtol=1e-5)


def test_weights_decay_and_biases_and_norms_do_not() -> None:
    network = trained_looking(FULL)
    module = RefinerModule(network, tiny_options(weight_decay=0.5), steps=10)
    before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    optimiser = module.configure_optimizers()["optimizer"]
    for weight in network.parameters():
        weight.grad = torch.zeros_like(weight)  # what moves now is the decay alone
    optimiser.step()
    for name, weight in network.named_parameters():
        decayed = not torch.equal(weight, before[name])
        assert decayed == (weight.dim() > 1), name
