"""Training of the main refiner: what it learns, and from beginning to end.

The refiners that it joins are frozen, and what they say was prepared as in use; or they are trained
further, and say it anew at every step.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from gonio.errors import InputError
from gonio.landmarks.inputs import PoseInputs
from gonio.models.checkpoint_io import Checkpoint
from gonio.models.depth_network import Batch, PoseAwareDepthRefiner, angles_of
from gonio.models.depth_refiner import FEET, DepthRefiner
from gonio.models.joint_refiner import AngleBatch, JointConstraintRefiner, JointRefiner
from gonio.models.main_network import MainBatch, MainRefined, MainRefinerNetwork
from gonio.models.main_refiner import (
    MainInputs,
    MainRefiner,
    load_network,
    main_inputs,
    make_header,
)
from gonio.models.parts import frozen
from gonio.skeleton import COCO_FROM_MEDIAPIPE
from gonio.training.angle_clips import MainClip, refined_pose_of
from gonio.training.angle_losses import angle_loss, size_loss
from gonio.training.angle_training_options import MainTrainingOptions
from gonio.training.calibration import Calibration, calibration_of, scaled_errors
from gonio.training.clips import ClipList
from gonio.training.joint_module import SaidOfClip, angle_errors, angle_means
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
from gonio.training.losses import bone_loss, depth_loss, likelihood_loss, position_loss
from gonio.training.module import RefinerModule, pose_errors
from gonio.types import RefinedPose


class MainRow(NamedTuple):
    """Fields of `MainClip` that the networks see, each (B, T, ...), and the clip of each frame."""

    landmarks: Tensor
    frame: Tensor
    there: Tensor
    refined: Tensor
    log_sigma: Tensor
    pose_there: Tensor
    view: Tensor
    joint_refined: Tensor
    angles: Tensor
    visibility: Tensor
    angle_there: Tensor
    time: Tensor
    clip: Tensor


class MainTarget(NamedTuple):
    """Truth of B clips of T frames: fields of `MainClip`, each (B, T, ...)."""

    pose: Tensor
    weight: Tensor
    truth: Tensor
    angle_weight: Tensor
    clip: Tensor


class JoinedSaid(NamedTuple):
    """What is said of rows.

    Attributes:
        main: by the main refiner, (B, T, ...).
        row: what it went on from: what refiners that are trained further say now.
    """

    main: MainRefined
    row: MainRow


class Joined(nn.Module):
    """The main refiner, with those of the two refiners that are trained further.

    Args:
        main: the network.
        depth: None where the depth refiner is frozen.
        joint: None where the joint refiner is frozen.
    """

    def __init__(
        self,
        main: MainRefinerNetwork,
        depth: PoseAwareDepthRefiner | None,
        joint: JointConstraintRefiner | None,
    ) -> None:
        super().__init__()
        self.main, self.depth_refiner, self.joint_refiner = main, depth, joint

    def forward(self, row: MainRow, has_angles: Tensor) -> JoinedSaid:
        """What is said of rows, (B, T, ...).

        Args:
            row: of the clips.
            has_angles: (B,) whether the angle stream is there.
        """
        row = self._depth(self._joint(row))
        count, frames = row.time.shape
        shown = has_angles[:, None].expand(count, frames)
        raw = row.landmarks[:, :, list(COCO_FROM_MEDIAPIPE)] * row.pose_there[..., None]
        seen = shown[..., None]
        values = MainBatch(
            raw=raw,
            refined=row.refined,
            log_sigma=row.log_sigma,
            pose_there=row.pose_there,
            frame=row.view,
            computed=row.angles * seen[..., None],
            joint_refined=row.joint_refined * seen[..., None],
            visibility=row.visibility * seen,
            angle_there=row.angle_there & seen,
            has_angles=shown,
        )
        said = self.main(MainBatch(*(value.flatten(0, 1) for value in values)))
        main = MainRefined(*(value.unflatten(0, (count, frames)) for value in said))
        return JoinedSaid(main, row)

    def _joint(self, row: MainRow) -> MainRow:
        if self.joint_refiner is None:
            return row
        batch = AngleBatch(row.angles, row.visibility, row.angle_there, row.time, row.clip)
        return row._replace(joint_refined=row.angles + self.joint_refiner(batch))

    def _depth(self, row: MainRow) -> MainRow:
        if self.depth_refiner is None:
            return row
        said = self.depth_refiner(Batch(row.landmarks, row.frame, row.there, row.time, row.clip))
        azimuth, elevation = angles_of(said.camera)
        place = torch.stack([azimuth.sin(), azimuth.cos(), elevation.sin()], dim=-1)
        return row._replace(
            refined=said.pose * row.pose_there[..., None],
            log_sigma=row.log_sigma if said.log_sigma is None else said.log_sigma,
            view=torch.cat([row.view[..., :3] if said.up is None else said.up, place], dim=-1),
        )


class MainRefinerModule(RefinerModule):
    """Losses and metrics around the main refiner.

    Args:
        network: to be trained.
        options: of the training.
        steps: optimiser steps in all epochs, for the learning rate.
    """

    def __init__(self, network: Joined, options: MainTrainingOptions, steps: int) -> None:
        super().__init__(network, options, steps)
        self.options = options

    def losses(
        self, pair: tuple[MainRow, MainTarget]
    ) -> tuple[dict[str, Tensor], dict[str, float]]:
        """Losses of a batch by name, and their weights; some rows are seen without angles."""
        row, target = pair
        has_angles = torch.rand(len(row.time), device=row.time.device) >= self.options.masked
        said, row = self.network(row, has_angles)
        weight = target.weight[..., None] * row.pose_there
        angle_weight = target.angle_weight * has_angles[:, None, None]
        losses = {
            "position": position_loss(said.pose, target.pose, weight),
            "depth": depth_loss(said.pose, target.pose, weight),
            "bone": bone_loss(said.pose, target.pose, weight),
            "likelihood": likelihood_loss(said.pose, target.pose, said.log_sigma, weight),
            "moved": position_loss(said.pose, row.refined, weight),
            "angle": angle_loss(said.angles, target.truth, angle_weight),
            "size": size_loss(said.angles - row.joint_refined, angle_weight),
            "turned": angle_loss(said.angles, row.joint_refined, angle_weight),
        }
        return losses, self.options.losses.model_dump()

    def validation_values(
        self, pair: tuple[MainRow, MainTarget]
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """Errors as in use: the pose without angles, the angles with them; cm and degrees."""
        row, target = pair
        rows = torch.ones(len(row.time), dtype=torch.bool, device=row.time.device)
        pose: Tensor = self.network(row, ~rows).main.pose
        said, row = self.network(row, rows)
        angles: Tensor = said.angles
        values = angle_errors(angles, row.angles, target.truth, target.angle_weight)
        joint = angle_errors(row.joint_refined, row.angles, target.truth, target.angle_weight)
        values["joint_refined_angle_deg"] = joint["angle_deg"]
        weight = target.weight[..., None] * row.pose_there
        for name, said in (("depth_refined_", row.refined), ("", pose)):
            depth, distance = pose_errors(said, target.pose, weight)
            values[f"{name}depth_cm"] = (depth, weight)
            values[f"{name}position_cm"] = (distance, weight)
        angle, angle_weight = values["angle_deg"]
        per_frame = (angle * angle_weight).sum(-1) / angle_weight.sum(-1).clamp_min(1.0)
        seen = weight.sum(-1).clamp_min(1.0)
        score = ((depth + distance) * weight).sum(-1) / seen + per_frame
        return {**values, "score": (score, target.weight)}


def train_main_refiner(
    clips: ClipList[MainClip],
    options: MainTrainingOptions,
    folder: Path,
    refiners: tuple[DepthRefiner, JointRefiner],
) -> Trained:
    """Train a main refiner, or go on with a training that was stopped.

    Args:
        clips: prepared with these refiners, of each split.
        options: everything else.
        folder: where Lightning keeps the state of the run, in a folder of its own.
        refiners: that it joins, from checkpoints.

    Raises:
        InputError: the run cannot start, or the checkpoint to start from does not fit.
    """
    begin(options)
    data = clip_data(clips, options, options.augmentation, (MainRow, MainTarget))
    network = _network(options, refiners)
    others = to_mix_in(options, load_network)
    steps = steps_an_epoch(clips, options) * options.epochs
    curves = run_training(MainRefinerModule(network, options, steps), data, options, folder)
    mix(network.main, others, options.mixed_share)
    parts, inside = _parts(network, refiners)
    plain = make_header(options.network, parts, {"sigma_scale": [1.0] * 3})
    main = MainRefiner(network.main, *_in_use(network, refiners), plain)
    calibration, in_use = measured_in_use(main, clips, network.depth_refiner is not None)
    metrics = metrics_of([network.main], curves, clips, in_use)
    told = {"sigma_scale": calibration.sigma_scale, **about(metrics, clips, options)}
    weights = {**network.main.state_dict(), **inside}
    checkpoint = Checkpoint(make_header(options.network, parts, told), weights)
    return Trained(checkpoint, metrics, curves)


def measured_in_use(
    main: MainRefiner, clips: ClipList[MainClip], depth_tuned: bool
) -> tuple[Calibration, dict[str, Any]]:
    """Sigma's factors and the errors of the validation split, all frames, called as in use.

    Args:
        main: its own `sigma_scale` must be 1.
        clips: prepared.
        depth_tuned: whether its depth refiner is another than the clips were prepared with.
    """
    errors: list[tuple[Any, Any]] = []
    angles: list[SaidOfClip] = []
    for key, _ in clips.clips["validation"]:
        clip = clips.store.load(key)
        inputs, before = _seen_in_use(main, clip, depth_tuned)
        pose = main.refine_inputs(inputs, before, clip.rate_hz)
        errors.append(scaled_errors(pose, clip.pose, clip.weight))
        said = main.refine_angle_inputs(inputs, clip.inputs).astype(np.float32)
        angles.append((said, clip.angles, clip.truth, clip.angle_weight))
    error, sigma = (np.concatenate(parts) for parts in zip(*errors, strict=True))
    calibration = calibration_of(error, sigma)
    return calibration, {**calibration.described, **angle_means(angles)}


def _seen_in_use(
    main: MainRefiner, clip: MainClip, depth_tuned: bool
) -> tuple[MainInputs, RefinedPose]:
    if not depth_tuned:
        return clip.main_inputs, refined_pose_of(clip)
    seen = PoseInputs(clip.landmarks, clip.frame, clip.there)
    pose = main.depth.refine_inputs(seen, clip.time.astype(float), clip.rate_hz)
    if not main.depth.network.config.up_head:  # as in training and in use: that of a level camera
        pose = replace(pose, up=clip.view[:, :3].astype(float))
    return main_inputs(seen, pose), pose


def _network(options: MainTrainingOptions, refiners: tuple[DepthRefiner, JointRefiner]) -> Joined:
    depth, joint = refiners
    main = started_from(options, load_network) or MainRefinerNetwork(options.network)
    tuned = options.fine_tune
    if tuned in ("depth", "both") and len(depth.networks) > 1:
        raise InputError(
            f"main_training.fine_tune is {tuned!r}, but {depth.path} holds {len(depth.networks)} "
            "networks that answer together; choose none or joint, or join a depth refiner of one"
        )
    network = Joined(
        main,
        depth.network if tuned in ("depth", "both") else None,
        joint.network if tuned in ("joint", "both") else None,
    )
    if network.depth_refiner is not None and network.depth_refiner.config.limb_head:
        network.depth_refiner.limb_head.requires_grad_(False)  # no loss here asks for limbs
    for name, further in (("depth", network.depth_refiner), ("joint", network.joint_refiner)):
        if further is None or not further.config.temporal_layers:
            continue
        if further.config.step_s != options.seconds_a_step:
            raise InputError(
                f"main_training.fine_tune is {tuned!r}, but the {name} refiner sees frames "
                f"{further.config.step_s:g} s apart, and the main refiner learns from frames "
                f"{options.seconds_a_step:g} s apart; leave it as it is (fine_tune none), or join "
                "one of these steps"
            )
    return network.train()


def _parts(
    network: Joined, refiners: tuple[DepthRefiner, JointRefiner]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What the header says of the two refiners, and the weights of those that are kept inside."""
    parts: dict[str, Any] = {}
    inside: dict[str, Tensor] = {}
    joined: tuple[tuple[str, Any, DepthRefiner | JointRefiner], ...] = (
        ("depth_refiner", network.depth_refiner, refiners[0]),
        ("joint_refiner", network.joint_refiner, refiners[1]),
    )
    for name, tuned, refiner in joined:
        if tuned is None:
            if refiner.path is None:
                raise InputError(f"the {name} comes from no file, which a main refiner must name")
            parts[name] = frozen(refiner.path)
            continue
        config = asdict(_plain(tuned.config))
        parts[name] = {"header": {**refiner.header, "config": config, "sigma_scale": [1.0] * 3}}
        inside |= {f"{name}.{key}": value for key, value in tuned.state_dict().items()}
        feet = getattr(refiner, "feet", None)
        if feet is not None:
            inside |= {f"{name}.{FEET}{key}": value for key, value in feet.state_dict().items()}
    return parts, inside


def _plain(config: Any) -> Any:
    """A configuration whose answers in use are those of the network alone, as in fine-tuning."""
    changes = {"mirror_average": False, "smooth": False, "skeleton_fit": False}
    return replace(config, **{k: v for k, v in changes.items() if hasattr(config, k)})


def _in_use(
    network: Joined, refiners: tuple[DepthRefiner, JointRefiner]
) -> tuple[DepthRefiner, JointRefiner]:
    depth, joint = refiners
    if network.depth_refiner is not None:
        network.depth_refiner.config = _plain(network.depth_refiner.config)
        header = {**depth.header, "sigma_scale": [1.0] * 3}
        depth = DepthRefiner(network.depth_refiner, header, feet=depth.feet)
    if network.joint_refiner is not None:
        network.joint_refiner.config = _plain(network.joint_refiner.config)
        joint = JointRefiner(network.joint_refiner, joint.header)
    return depth, joint
