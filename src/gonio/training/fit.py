"""Training of the depth refiner from beginning to end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gonio.models.depth_network import PoseAwareDepthRefiner
from gonio.models.depth_refiner import (
    DepthRefiner,
    joined_checkpoint,
    load_network,
    load_networks,
    make_header,
)
from gonio.training.calibration import calibrate
from gonio.training.clips import ClipList
from gonio.training.data import ClipData
from gonio.training.loop import (
    Trained,
    about,
    begin,
    clip_data,
    metrics_of,
    mix,
    run_training,
    started_from,
    steps_an_epoch,
    to_mix_in,
)
from gonio.training.module import DepthRefinerModule
from gonio.training.options import TrainingOptions
from gonio.training.prepare import PreparedSequence

NORMALISED_BY_ROWS = 64


def train_depth_refiner(
    clips: ClipList[PreparedSequence], options: TrainingOptions, folder: Path
) -> Trained:
    """Train a depth refiner, or go on with a training that was stopped.

    Args:
        clips: prepared, of each split.
        options: everything else.
        folder: where Lightning keeps the state of the run, in a folder of its own.

    Raises:
        InputError: the run cannot start, or the checkpoint to start from does not fit.
    """
    begin(options)
    data = clip_data(clips, options, options.augmentation)
    network = started_from(options, load_network) or _new_network(options, data)
    others = to_mix_in(options, load_network)
    networks = _joined(network, options)
    steps = steps_an_epoch(clips, options) * options.epochs
    curves = run_training(DepthRefinerModule(network, options, steps), data, options, folder)
    mix(network, others, options.mixed_share)
    refiner = _refiner(networks)
    calibration = calibrate(refiner, clips.store, clips.clips["validation"])
    metrics = metrics_of(refiner.networks, curves, clips, calibration.described)
    told = {"sigma_scale": calibration.sigma_scale, **about(metrics, clips, options)}
    return Trained(joined_checkpoint(refiner, told), metrics, curves)


def _joined(
    network: PoseAwareDepthRefiner, options: TrainingOptions
) -> tuple[PoseAwareDepthRefiner, ...]:
    """The network to be trained, behind those that it is to answer together with."""
    if options.joined_with is None:
        return (network,)
    return (*load_networks(options.joined_with)[0], network)


def _refiner(networks: Sequence[PoseAwareDepthRefiner]) -> DepthRefiner:
    """Networks that answer together; their sigma is not calibrated yet."""
    first, *others = networks
    return DepthRefiner(first, make_header(first.config, {"sigma_scale": [1.0] * 3}), None, others)


def _new_network(
    options: TrainingOptions, data: ClipData[PreparedSequence]
) -> PoseAwareDepthRefiner:
    network = PoseAwareDepthRefiner(options.network)
    network.normalise_by(data.sample(NORMALISED_BY_ROWS))
    return network
