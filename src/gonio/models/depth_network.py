"""The network that corrects the depth of MediaPipe's pose. Read it from top to bottom.

B clips of T frames, L landmarks (33, or the 17 of COCO), J = 17 joints, d features. How it is used
stands in `gonio.models.depth_refiner`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gonio.errors import InputError
from gonio.landmarks.inputs import FRAME_FEATURES, PLACE_FEATURES, TOKEN_FEATURES
from gonio.models import blocks
from gonio.models.blocks import Block, from_mid_hip, mlp, small_random
from gonio.models.loading import check_sizes, check_step
from gonio.skeleton import (
    COCO,
    COCO_FROM_MEDIAPIPE,
    COCO_JOINTS,
    COCO_LIMBS,
    MEDIAPIPE_LANDMARKS,
)

LOG_SIGMA_RANGE = (-6.0, 1.0)
"""Sigma lies between 2.5 mm and 2.7 m."""
FIRST_LOG_SIGMA = -3.0
LIMB_ENDS = tuple(zip(*COCO_LIMBS, strict=True))
"""First and second joints of the limbs."""
OFF_IMAGE_M = 0.03
"""With `on_image`, how far a joint may lie beside its image point, in x and in y."""
DISTANCE_RANGE_M = (1.2, 30.0)
"""Of a camera that sees a whole person."""
LEAST_NEARNESS = 0.3
"""A joint is at least so far from the camera, as a share of the mid-hip's distance."""
DELTA_UNIT_M = 0.1
"""An output of 1 moves a joint by so much: keeps the last layer's weights near 1."""


@dataclass(frozen=True)
class DepthRefinerConfig:
    """Everything that shapes the network. The defaults are the reference form.

    Raises:
        InputError: a size is below 1, or some do not go together.
    """

    d_model: int = 128  # features a joint
    layers: int = 4  # cross-joint attention
    heads: int = 4  # of the cross-joint attention; divides d_model
    feedforward: int = 2  # hidden size of each block, in d_model
    fourier_bands: int = 4  # multiples of azimuth and elevation that the joints see
    dropout: float = 0.0  # in the blocks, in training only
    limb_head: bool = False  # unit vectors along 14 limbs, learned beside the pose
    all_landmarks: bool = False  # 33 tokens a frame in place of COCO's 17
    up_head: bool = False  # the direction against gravity; without it `up` is not predicted
    sigma_head: bool = False  # one standard deviation a joint and axis
    on_image: bool = False  # x and y lie on the image points but for a few centimetres
    temporal_layers: int = 0  # attention over time; 0 for a network that sees one frame
    d_time: int = 192  # features a frame in the attention over time
    time_heads: int = 6  # divides d_time
    step_s: float = 0.1  # time between the frames that attend to each other, seconds
    window: int = 24  # frames, `step_s` apart, that are seen at once
    mirror_average: bool = False  # in use: the mean of the answers for a clip and its mirror image
    smooth: bool = False  # in use: joints move as smoothly as sigma lets them
    skeleton_fit: bool = False  # in use: every bone gets its length of the clip

    def __post_init__(self) -> None:
        check_sizes(self, "d_model", "heads", "feedforward", "d_time", "time_heads", "window")
        check_sizes(self, "fourier_bands")
        check_step(self.step_s)
        if self.d_model % self.heads or (self.temporal_layers and self.d_time % self.time_heads):
            raise InputError(
                f"d_model {self.d_model} must be a multiple of heads {self.heads}, d_time "
                f"{self.d_time} one of time_heads {self.time_heads}"
            )
        if (self.smooth or self.skeleton_fit) and not self.sigma_head:
            raise InputError("smooth and skeleton_fit weigh joints by sigma and need sigma_head")
        if min(self.layers, self.temporal_layers) < 0 or not 0 <= self.dropout < 1:
            raise InputError("layers must be 0 or more, and dropout from 0 to below 1")


class Batch(NamedTuple):
    """What the network sees.

    Attributes:
        landmarks: (B, T, 33, 6) as `PoseInputs`.
        frame: (B, T, 18) as `PoseInputs`.
        there: (B, T, 33) which landmarks are there.
        time: (B, T) seconds.
        clip: (B, T) number of the clip that a frame belongs to, -1 for padding: frames see frames
            of their own clip only.
    """

    landmarks: Tensor
    frame: Tensor
    there: Tensor
    time: Tensor
    clip: Tensor


class Refined(NamedTuple):
    """What the network says.

    Attributes:
        pose: (B, T, 17, 3) metres, ray frame, mid-hip origin.
        camera: (B, T, 3) position of the camera in the axes of the pelvis (forward, up, right),
            metres.
        log_sigma: (B, T, 17, 3) logarithm of one standard deviation in metres; None without head.
        up: (B, T, 3) unit vector against gravity, ray frame; None without head.
        limbs: (B, T, 14, 3) unit vectors along `COCO_LIMBS`; None without head.
    """

    pose: Tensor
    camera: Tensor
    log_sigma: Tensor | None
    up: Tensor | None
    limbs: Tensor | None


class PoseAwareDepthRefiner(nn.Module):
    """Corrects a pose, knowing from where the body is seen.

    The 2D encoder sees the image points and the viewpoint features of a frame and predicts where
    the camera is; every joint is told the viewpoint as Fourier features and looks at all other
    joints; what comes out is added to MediaPipe's pose. With zero weights the input comes back.

    Assumes inputs from `pose_inputs` (finite, 0 where missing).

    Args:
        config: sizes and heads.
    """

    feature_mean: Tensor
    feature_scale: Tensor
    frame_mean: Tensor
    frame_scale: Tensor

    def __init__(self, config: DepthRefinerConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = list(
            range(len(MEDIAPIPE_LANDMARKS)) if config.all_landmarks else COCO_FROM_MEDIAPIPE
        )
        self.joint_tokens = [self.tokens.index(k) for k in COCO_FROM_MEDIAPIPE]
        d, count = config.d_model, len(self.tokens)
        self.register_buffer("feature_mean", torch.zeros(len(TOKEN_FEATURES)))
        self.register_buffer("feature_scale", torch.ones(len(TOKEN_FEATURES)))
        self.register_buffer("frame_mean", torch.zeros(len(FRAME_FEATURES)))
        self.register_buffer("frame_scale", torch.ones(len(FRAME_FEATURES)))
        self.encoder_2d = mlp(len(FRAME_FEATURES) + 2 * count, d, d)
        self.camera_head = mlp(d, d // 2, 3)
        self.viewpoint = nn.Linear(4 * config.fourier_bands, d)
        self.embed = nn.Linear(len(TOKEN_FEATURES), d)
        self.name = small_random(count, d)
        self.missing = nn.Parameter(torch.zeros(d))
        self.blocks = nn.ModuleList(
            Block(d, config.heads, config.feedforward * d, config.dropout)
            for _ in range(config.layers)
        )
        if config.temporal_layers:
            self.over_time = OverTime(config)
        self.norm = nn.LayerNorm(d)
        self.delta_head = mlp(d, d, 3, zero=True)
        if config.on_image:
            self.scale_head = mlp(3 * len(COCO_JOINTS), d, 1, zero=True)
        if config.sigma_head:
            self.sigma_head = mlp(d, d // 2, 3, zero=True)
        if config.up_head:
            self.up_head = mlp(2 * d, d // 2, 3)
        if config.limb_head:
            self.limb_head = mlp(2 * d, d // 2, 3)

    def normalise_by(self, batch: Batch) -> None:
        """Take mean and standard deviation of the inputs from these clips.

        Args:
            batch: training clips; what is missing does not count.
        """
        landmarks = batch.landmarks[batch.there & (batch.clip >= 0)[..., None]]
        frames = batch.frame[batch.there.any(dim=2) & (batch.clip >= 0)]
        for name, values in (("feature", landmarks), ("frame", frames)):
            getattr(self, f"{name}_mean").copy_(values.mean(dim=0))
            getattr(self, f"{name}_scale").copy_(values.std(dim=0).clamp_min(1e-3))

    def forward(self, batch: Batch) -> Refined:
        """Refine B clips; see `Batch` and `Refined`."""
        there = batch.there[:, :, self.tokens]  # (B, T, L)
        features = (batch.landmarks - self.feature_mean) / self.feature_scale
        features = features[:, :, self.tokens] * there[..., None]  # (B, T, L, 6)
        frame = (batch.frame - self.frame_mean) / self.frame_scale  # (B, T, 18)
        image = features[..., 3:5].flatten(2)  # (B, T, 2L)
        seen = self.encoder_2d(torch.cat([frame, image], dim=-1))  # (B, T, d)
        camera = self.camera_head(seen)  # (B, T, 3)
        view = self.viewpoint(fourier_features(camera, self.config.fourier_bands))  # (B, T, d)
        x = self.embed(features) + self.name + ~there[..., None] * self.missing  # (B, T, L, d)
        x = x + (seen + view)[:, :, None]
        for block in self.blocks:
            x = block(x)  # (B, T, L, d)
        if self.config.temporal_layers:
            x, change = self.over_time(x[:, :, self.joint_tokens], seen + view, batch)
            camera = camera + change
        else:
            x = x[:, :, self.joint_tokens]  # (B, T, J, d)
        return self._heads(batch, self.norm(x), camera)

    def _heads(self, batch: Batch, x: Tensor, camera: Tensor) -> Refined:
        raw = batch.landmarks[:, :, list(COCO_FROM_MEDIAPIPE), :3]  # (B, T, J, 3)
        delta = self.delta_head(x)  # (B, T, J, 3)
        pose = (
            self._on_image(batch, delta, camera)
            if self.config.on_image
            else raw + (DELTA_UNIT_M * delta)
        )
        log_sigma = up = limbs = None
        if self.config.sigma_head:
            log_sigma = (FIRST_LOG_SIGMA + self.sigma_head(x)).clamp(*LOG_SIGMA_RANGE)
        if self.config.up_head:
            whole = torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=-1)  # (B, T, 2d)
            upright = torch.tensor([0.0, -1.0, 0.0], device=x.device)
            up = functional.normalize(self.up_head(whole) + upright, dim=-1)
        if self.config.limb_head:
            ends = [torch.stack([x[:, :, COCO[n]] for n in side], 2) for side in LIMB_ENDS]
            limbs = functional.normalize(self.limb_head(torch.cat(ends, dim=-1)), dim=-1)
        return Refined(from_mid_hip(pose), camera, log_sigma, up, limbs)

    def _on_image(self, batch: Batch, delta: Tensor, camera: Tensor) -> Tensor:
        """(B, T, J, 3) the pose on the rays through the image points, as far as the camera knows.

        Depth is MediaPipe's with its delta. A joint at depth z behind the mid-hip, seen at u (in
        metres at the depth of the mid-hip), lies at u (1 + z / distance). Where the detector's
        point is not the joint, it may lie `OFF_IMAGE_M` beside it.
        """
        seen = batch.landmarks[:, :, list(COCO_FROM_MEDIAPIPE)]  # (B, T, J, 6)
        depth = seen[..., 2:3] + DELTA_UNIT_M * delta[..., 2:]  # (B, T, J, 1)
        distance = camera.norm(dim=-1).clamp(*DISTANCE_RANGE_M)[..., None, None]
        nearness = (1 + depth / distance).clamp_min(LEAST_NEARNESS)
        scale = 1 + DELTA_UNIT_M * self.scale_head(delta.flatten(2))[..., None]  # (B, T, 1, 1)
        across = seen[..., 3:5] * scale * nearness + OFF_IMAGE_M * torch.tanh(delta[..., :2])
        return torch.cat([across, depth], dim=-1)


class OverTime(blocks.OverTime):
    """Attention over time that also corrects the camera."""

    def __init__(self, config: DepthRefinerConfig) -> None:
        super().__init__(
            len(COCO_JOINTS),
            config.d_model,
            d_time=config.d_time,
            heads=config.time_heads,
            layers=config.temporal_layers,
            hidden=config.feedforward * config.d_time,
            dropout=config.dropout,
            step_s=config.step_s,
        )
        self.camera = mlp(config.d_time, config.d_model, 3, zero=True)

    def forward(self, x: Tensor, context: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """(B, T, J, d) joints and a (B, T, 3) change of the camera."""
        frames = self.frames(x, context, batch.time, batch.clip)
        return self.told(x, frames), self.camera(frames)


def fourier_features(camera: Tensor, bands: int) -> Tensor:
    """Sines and cosines of 1 to `bands` times azimuth and elevation.

    Args:
        camera: (..., 3) camera in the axes of the pelvis (forward, up, right).
        bands: multiples.

    Returns:
        (..., 4 * bands).
    """
    azimuth, elevation = angles_of(camera)
    multiples = torch.arange(1, bands + 1, device=camera.device)
    phases = torch.stack([azimuth, elevation], dim=-1)[..., None] * multiples  # (..., 2, bands)
    return torch.cat([phases.sin(), phases.cos()], dim=-1).flatten(-2)


def angles_of(camera: Tensor) -> tuple[Tensor, Tensor]:
    """Azimuth and elevation, radians, of camera positions (..., 3) (forward, up, right)."""
    forward, up, right = (camera + 1e-9).unbind(dim=-1)
    level = torch.sqrt(forward**2 + right**2 + 1e-12)
    return torch.atan2(right, forward), torch.atan2(up, level)


assert len(FRAME_FEATURES) == PLACE_FEATURES + 15
