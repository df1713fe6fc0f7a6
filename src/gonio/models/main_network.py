"""The network that joins the two refiners, and decides joint by joint whom to believe.

B frames, 17 joints of the pose and 12 joints of the angles, d features. How it is used stands in
`gonio.models.main_refiner`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gonio.errors import InputError
from gonio.models.blocks import Block, CrossBlock, from_mid_hip, mlp, small_random
from gonio.models.loading import check_sizes
from gonio.skeleton import COCO_JOINTS, JOINTS

POSE_FEATURES = 15
"""Of a joint: MediaPipe's 6, the refined place, how far it was moved, logarithm of sigma."""
ANGLE_FEATURES = 13
"""Of a joint: sines and cosines as computed and as refined, visibility."""
FRAME_FEATURES = 6
"""Up, and the viewpoint: sine and cosine of the azimuth, sine of the elevation."""
POSE_UNIT_M = 0.1
ANGLE_UNIT = 0.2
"""An output of 1 moves a joint by so much, metres, or turns it, radians."""


@dataclass(frozen=True)
class MainRefinerConfig:
    """Everything that shapes the network.

    Raises:
        InputError: a size is below 1, or some do not go together.
    """

    d_model: int = 128  # features a joint
    layers: int = 2  # of each stream: within the stream, then across to the other
    heads: int = 4  # divides d_model
    feedforward: int = 3  # hidden size of each block, in d_model
    head_hidden: int = 128  # hidden size of the head of each joint
    dropout: float = 0.0  # in the blocks, in training only

    def __post_init__(self) -> None:
        check_sizes(self, "d_model", "heads", "feedforward", "head_hidden")
        if self.d_model % self.heads:
            raise InputError(f"d_model {self.d_model} must be a multiple of heads {self.heads}")
        if self.layers < 0 or not 0 <= self.dropout < 1:
            raise InputError("layers must be 0 or more, and dropout from 0 to below 1")


class MainBatch(NamedTuple):
    """What the network sees; each frame stands alone.

    Attributes:
        raw: (B, 17, 6) MediaPipe's joints as `PoseInputs.landmarks`.
        refined: (B, 17, 3) by the depth refiner, metres, ray frame; 0 where missing.
        log_sigma: (B, 17, 3) of the depth refiner.
        pose_there: (B, 17).
        frame: (B, 6) up and viewpoint by the depth refiner.
        computed: (B, 12, 3) angles as kinematics gives them, radians; 0 where missing.
        joint_refined: (B, 12, 3) the same after the joint refiner.
        visibility: (B, 12) of the angles.
        angle_there: (B, 12).
        has_angles: (B,) whether the angle stream is there; a learned token stands in where not.
    """

    raw: Tensor
    refined: Tensor
    log_sigma: Tensor
    pose_there: Tensor
    frame: Tensor
    computed: Tensor
    joint_refined: Tensor
    visibility: Tensor
    angle_there: Tensor
    has_angles: Tensor


class MainRefined(NamedTuple):
    """What the network says.

    Attributes:
        pose: (B, 17, 3) metres, ray frame, mid-hip origin.
        log_sigma: (B, 17, 3).
        angles: (B, 12, 3) radians.
        pose_gate: (B, 17, 2) share of the way back from refined to raw, -1 to 1, and weight of the
            residual, 0 to 1.
        angle_gate: (B, 12, 2) the same, from joint-refined to computed.
    """

    pose: Tensor
    log_sigma: Tensor
    angles: Tensor
    pose_gate: Tensor
    angle_gate: Tensor


class MainRefinerNetwork(nn.Module):
    """Two streams that look at each other, with a gate for each joint.

    A joint's answer is its refined value, moved towards (or away from) the raw one by a gate, plus
    a gated residual. With zero weights the refined pose and the joint-refined angles come back.

    Args:
        config: sizes.
    """

    pose_within: nn.ModuleList
    angle_within: nn.ModuleList
    pose_across: nn.ModuleList
    angle_across: nn.ModuleList

    def __init__(self, config: MainRefinerConfig) -> None:
        super().__init__()
        self.config = config
        d, hidden = config.d_model, config.feedforward * config.d_model
        self.pose_encoder = mlp(POSE_FEATURES, d, d)
        self.angle_encoder = mlp(ANGLE_FEATURES, d, d)
        self.frame_encoder = nn.Linear(FRAME_FEATURES, d)
        self.pose_name = small_random(len(COCO_JOINTS), d)
        self.angle_name = small_random(len(JOINTS), d)
        self.pose_missing = nn.Parameter(torch.zeros(d))
        self.angle_missing = nn.Parameter(torch.zeros(d))
        self.no_angles = small_random(d)
        for stream in ("pose", "angle"):
            within = [Block(d, config.heads, hidden, config.dropout) for _ in range(config.layers)]
            across = [CrossBlock(d, config.heads, config.dropout) for _ in range(config.layers)]
            setattr(self, f"{stream}_within", nn.ModuleList(within))
            setattr(self, f"{stream}_across", nn.ModuleList(across))
        self.pose_norm, self.angle_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        # residual (3), change of log sigma (3), gates (2)
        self.pose_head = mlp(d, d, 8, zero=True)
        # residual (3), gates (2)
        self.angle_heads = nn.ModuleList(mlp(d, config.head_hidden, 5, zero=True) for _ in JOINTS)

    def forward(self, batch: MainBatch) -> MainRefined:
        """Join B frames; see `MainBatch` and `MainRefined`."""
        pose, angle = self._tokens(batch)
        layers = zip(
            self.pose_within, self.angle_within, self.pose_across, self.angle_across, strict=True
        )
        for pose_block, angle_block, to_pose, to_angle in layers:
            pose, angle = pose_block(pose), angle_block(angle)
            pose, angle = to_pose(pose, angle), to_angle(angle, pose)
        p = self.pose_head(self.pose_norm(pose))  # (B, 17, 8)
        angle = self.angle_norm(angle)
        a = torch.stack([head(angle[:, j]) for j, head in enumerate(self.angle_heads)], dim=1)
        pose_gate, angle_gate = gates(p[..., 6:]), gates(a[..., 3:])
        joined = joined_by(batch.refined, batch.raw[..., :3], POSE_UNIT_M * p[..., :3], pose_gate)
        turned = wrapped(batch.computed - batch.joint_refined) + batch.joint_refined
        angles = joined_by(batch.joint_refined, turned, ANGLE_UNIT * a[..., :3], angle_gate)
        return MainRefined(
            pose=from_mid_hip(joined) * batch.pose_there[..., None],
            log_sigma=batch.log_sigma + p[..., 3:6],
            angles=angles * batch.angle_there[..., None],
            pose_gate=pose_gate,
            angle_gate=angle_gate,
        )

    def _tokens(self, batch: MainBatch) -> tuple[Tensor, Tensor]:
        """(B, 17, d) and (B, 12, d)."""
        there = batch.pose_there[..., None]
        moved = batch.refined - batch.raw[..., :3]
        parts = [batch.raw, batch.refined, moved / POSE_UNIT_M, batch.log_sigma]
        pose = self.pose_encoder(torch.cat(parts, dim=-1) * there)
        pose = pose + self.pose_name + ~there * self.pose_missing
        angles = [batch.computed, batch.joint_refined]
        turns = [f(angle) for angle in angles for f in (torch.sin, torch.cos)]
        there = batch.angle_there[..., None]
        angle = self.angle_encoder(torch.cat([*turns, batch.visibility[..., None]], -1) * there)
        angle = angle + ~there * self.angle_missing
        angle = torch.where(batch.has_angles[:, None, None], angle, self.no_angles)
        frame = self.frame_encoder(batch.frame)[:, None]
        return pose + frame, angle + self.angle_name + frame


def gates(logits: Tensor) -> Tensor:
    """(..., 2): share of the way to the raw value, -1 to 1 (0 at 0), and weight of the residual."""
    return torch.stack([logits[..., 0].tanh(), logits[..., 1].sigmoid()], dim=-1)


def joined_by(refined: Tensor, raw: Tensor, residual: Tensor, gate: Tensor) -> Tensor:
    """Refined + gate_0 (raw - refined) + gate_1 residual, (..., 3) each, gates (..., 2)."""
    return refined + gate[..., :1] * (raw - refined) + gate[..., 1:] * residual


def wrapped(angle: Tensor) -> Tensor:
    """Angles in (-pi, pi]."""
    return torch.atan2(angle.sin(), angle.cos())
