"""The network that joins the two refiners, and decides joint by joint whom to believe.

B clips of T frames, 17 joints of the pose and 12 joints of the angles, d features.

In use it is called twice: before augmentation, when there are no angles yet, its pose is taken;
after it, when there are, its angles are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gonio.errors import InputError
from gonio.landmarks.inputs import PoseInputs, pose_inputs
from gonio.models.blocks import Block, CrossBlock, mlp
from gonio.models.checkpoint_io import Checkpoint, read_checkpoint
from gonio.models.depth_refiner import DepthRefiner
from gonio.models.joint_refiner import (
    AngleInputs,
    JointRefiner,
    angle_inputs,
    angles_from,
    with_angles,
)
from gonio.models.loading import config_from, take_weights
from gonio.models.parts import PARTS, depth_part, joint_part
from gonio.options import CameraOptions
from gonio.signals import nearest
from gonio.skeleton import COCO, COCO_FROM_MEDIAPIPE, COCO_JOINTS, JOINTS
from gonio.types import FloatArray, LandmarkSequence, RefinedPose

KIND = "main_refiner"
SHIPPED_CHECKPOINT = Path(__file__).parent / "weights" / "main_refiner.safetensors"
POSE_FEATURES = 15
"""Of a joint: MediaPipe's 6, the refined place, how far it was moved, logarithm of sigma."""
ANGLE_FEATURES = 13
"""Of a joint: sines and cosines as computed and as refined, visibility."""
FRAME_FEATURES = 6
"""Up, and the viewpoint: sine and cosine of the azimuth, sine of the elevation."""
POSE_UNIT_M = 0.1
ANGLE_UNIT = 0.2
"""An output of 1 moves a joint by so much, metres, or turns it, radians."""
UNKNOWN_SIGMA_M = 0.05
FRAMES_AT_ONCE = 1024


@dataclass(frozen=True)
class MainRefinerConfig:
    """Everything that shapes the network.

    Raises:
        InputError: a size that does not go together.
    """

    d_model: int = 128  # features a joint
    layers: int = 2  # of each stream: within the stream, then across to the other
    heads: int = 4  # divides d_model
    feedforward: int = 3  # hidden size of each block, in d_model
    head_hidden: int = 128  # hidden size of the head of each joint
    dropout: float = 0.0  # in the blocks, in training only

    def __post_init__(self) -> None:
        if self.d_model % self.heads:
            raise InputError(f"d_model {self.d_model} must be a multiple of heads {self.heads}")
        if min(self.d_model, self.heads, self.feedforward, self.head_hidden) < 1:
            raise InputError("the sizes of a main refiner must be 1 or more")
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
        self.pose_name = nn.Parameter(torch.randn(len(COCO_JOINTS), d) * 0.02)
        self.angle_name = nn.Parameter(torch.randn(len(JOINTS), d) * 0.02)
        self.pose_missing = nn.Parameter(torch.zeros(d))
        self.angle_missing = nn.Parameter(torch.zeros(d))
        self.no_angles = nn.Parameter(torch.randn(d) * 0.02)
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
        hips = joined[:, [COCO["left_hip"], COCO["right_hip"]]].mean(dim=1, keepdim=True)
        turned = wrapped(batch.computed - batch.joint_refined) + batch.joint_refined
        angles = joined_by(batch.joint_refined, turned, ANGLE_UNIT * a[..., :3], angle_gate)
        return MainRefined(
            pose=(joined - hips) * batch.pose_there[..., None],
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


@dataclass(frozen=True)
class MainInputs:
    """A clip as the network sees it, T frames.

    Attributes:
        raw: (T, 17, 6), refined: (T, 17, 3), log_sigma: (T, 17, 3), pose_there: (T, 17),
            frame: (T, 6): as `MainBatch`.
    """

    raw: NDArray[np.float32]
    refined: NDArray[np.float32]
    log_sigma: NDArray[np.float32]
    pose_there: NDArray[np.bool_]
    frame: NDArray[np.float32]

    def at(self, rows: NDArray[np.intp]) -> MainInputs:
        """The frames of these numbers."""
        return MainInputs(
            self.raw[rows],
            self.refined[rows],
            self.log_sigma[rows],
            self.pose_there[rows],
            self.frame[rows],
        )


def main_inputs(inputs: PoseInputs, pose: RefinedPose) -> MainInputs:
    """What MediaPipe and the depth refiner say of a clip, in training and in use.

    Args:
        inputs: of T frames.
        pose: of the depth refiner, the same frames.
    """
    coco = list(COCO_FROM_MEDIAPIPE)
    there = inputs.there[:, coco] & np.isfinite(pose.positions).all(axis=2)
    sigma = np.where(np.isfinite(pose.sigma), pose.sigma, UNKNOWN_SIGMA_M)
    azimuth, elevation = np.radians(pose.azimuth_deg), np.radians(pose.elevation_deg)
    frame = np.column_stack([pose.up, np.sin(azimuth), np.cos(azimuth), np.sin(elevation)])
    return MainInputs(
        raw=(inputs.landmarks[:, coco] * there[..., None]).astype(np.float32),
        refined=np.where(there[..., None], pose.positions, 0.0).astype(np.float32),
        log_sigma=np.log(np.maximum(sigma, 1e-4)).astype(np.float32),
        pose_there=there,
        frame=np.nan_to_num(frame).astype(np.float32),
    )


def main_batch(
    pose: MainInputs, angles: tuple[AngleInputs, NDArray[np.float32]] | None, rows: slice
) -> MainBatch:
    """Frames of a clip as one batch.

    Args:
        pose: of T frames.
        angles: computed, and refined (T, 12, 3) in radians; None before augmentation.
        rows: which frames.
    """
    count = len(pose.raw[rows])
    empty = np.zeros((count, len(JOINTS), 3), np.float32)
    known = angles is not None
    seen, refined = angles if angles is not None else (None, empty)
    nothing = np.zeros((count, len(JOINTS)), np.float32)
    return MainBatch(
        raw=torch.from_numpy(pose.raw[rows]),
        refined=torch.from_numpy(pose.refined[rows]),
        log_sigma=torch.from_numpy(pose.log_sigma[rows]),
        pose_there=torch.from_numpy(pose.pose_there[rows]),
        frame=torch.from_numpy(pose.frame[rows]),
        computed=torch.from_numpy(seen.angles[rows] if seen is not None else empty),
        joint_refined=torch.from_numpy(refined[rows] if known else empty),
        visibility=torch.from_numpy(seen.visibility[rows] if seen is not None else nothing),
        angle_there=torch.from_numpy(seen.there[rows] if seen is not None else nothing > 0),
        has_angles=torch.full((count,), known),
    )


def load_network(path: str | Path) -> tuple[MainRefinerNetwork, Checkpoint]:
    """The network of a checkpoint, and the checkpoint.

    Raises:
        MissingFileError: there is none.
        InputError: it is broken, foreign, of another version, or its weights are not finite.
    """
    checkpoint = read_checkpoint(path, KIND)
    network = MainRefinerNetwork(config_from(MainRefinerConfig, checkpoint.header, str(path)))
    own = {k: v for k, v in checkpoint.weights.items() if k.partition(".")[0] not in PARTS}
    take_weights(network, own, str(path))
    return network, checkpoint


class _Seen(NamedTuple):
    landmarks: LandmarkSequence
    inputs: MainInputs
    pose: RefinedPose


class MainRefiner:
    """A trained network with the two refiners that it joins, ready for use.

    Args:
        network: as `load_network` gives it.
        depth: the depth refiner that it was trained with.
        joint: the joint refiner that it was trained with.
        header: of its checkpoint.
        path: of its checkpoint, None where it comes from elsewhere.

    Attributes:
        header: `kind`, `config`, `parts`, `sigma_scale`, `metrics`, `data`, `training`, `versions`.
        path: as given.
    """

    def __init__(
        self,
        network: MainRefinerNetwork,
        depth: DepthRefiner,
        joint: JointRefiner,
        header: dict[str, Any],
        path: Path | None = None,
    ) -> None:
        self.network, self.depth, self.joint = network.eval(), depth, joint
        self.header, self.path = header, path
        self._last: _Seen | None = None

    @classmethod
    def load(
        cls, path: str | Path | None = None, own: Mapping[str, Path] | None = None
    ) -> MainRefiner:
        """A refiner from a checkpoint.

        Args:
            path: of the checkpoint; None for the one that comes with Gonio.
            own: where the user's own depth and joint refiners would be, by their names in the
                catalog. A main refiner works with those that it was trained with only: they are
                looked for here, then among those that come with Gonio.

        Raises:
            MissingFileError: there is none.
            InputError: it is broken, foreign or of another version, or a refiner that it joins is
                not the one that it was trained with; the message says which.
        """
        source = SHIPPED_CHECKPOINT if path is None else Path(path)
        network, checkpoint = load_network(source)
        files = {name: (own or {}).get(name) for name in PARTS}
        depth = depth_part(checkpoint, files, source)
        joint = joint_part(checkpoint, files, source)
        return cls(network, depth, joint, checkpoint.header, source)

    def refine(
        self, landmarks: LandmarkSequence, camera: CameraOptions | None = None
    ) -> RefinedPose:
        """Correct the pose of a clip: the first call, without angles.

        Args:
            landmarks: repaired, (T, 33, ...).
            camera: as `DepthRefiner.refine`.

        Returns:
            As `DepthRefiner.refine`; gravity and viewpoint are those of the depth refiner.
        """
        seen = self._seen(landmarks, camera)
        return self.refine_inputs(seen.inputs, seen.pose)

    def refine_inputs(self, inputs: MainInputs, pose: RefinedPose) -> RefinedPose:
        """Correct the pose of a clip whose inputs are made already.

        Args:
            inputs: of T frames.
            pose: of the depth refiner, the same frames.
        """
        said = self._said(inputs, None)
        there = inputs.pose_there[..., None]
        sigma = np.exp(said.log_sigma.numpy().astype(float)) * self.header["sigma_scale"]
        known = there & np.isfinite(pose.sigma)
        return replace(
            pose,
            positions=np.where(there, said.pose.numpy().astype(float), np.nan),
            sigma=np.where(known, sigma, np.nan),
            refiner="main",
        )

    def refine_angles(self, angles: pd.DataFrame, landmarks: LandmarkSequence) -> pd.DataFrame:
        """Correct the angles of a clip: the second call.

        Args:
            angles: `time_s` and the 36 columns, degrees, T frames, from the pose of the first call.
            landmarks: repaired, as in the first call; the nearest frame of each time is taken.

        Returns:
            The same table with corrected angles; NaN where they were NaN.

        Raises:
            InputError: a column is missing.
        """
        time_s, degrees = angles_from(angles)
        rows = nearest(landmarks.time_s, time_s)
        seen = angle_inputs(degrees, landmarks.visibility[rows], time_s)
        inputs = self._seen(landmarks, None).inputs
        refined = self.refine_angle_inputs(inputs.at(rows), seen)
        change = np.where(seen.there[..., None], np.degrees(refined - seen.angles), 0.0)
        return with_angles(angles, degrees + change)

    def refine_angle_inputs(self, pose: MainInputs, angles: AngleInputs) -> FloatArray:
        """(T, 12, 3) radians, 0 where missing, of a clip whose inputs are made already.

        Args:
            pose: of T frames.
            angles: of the same frames.
        """
        refined = angles.angles + self.joint.deltas(angles)
        said = self._said(pose, (angles, refined.astype(np.float32)))
        return np.asarray(said.angles.numpy(), dtype=float)

    def _seen(self, landmarks: LandmarkSequence, camera: CameraOptions | None) -> _Seen:
        """What is seen of a clip; that of the last clip is kept for the second call."""
        if self._last is None or self._last.landmarks is not landmarks:
            whole = pose_inputs(landmarks.world, landmarks.points_2d, landmarks.visibility)
            pose = self.depth.refine(landmarks, camera)
            self._last = _Seen(landmarks, main_inputs(whole, pose), pose)
        return self._last

    def _said(
        self, pose: MainInputs, angles: tuple[AngleInputs, NDArray[np.float32]] | None
    ) -> MainRefined:
        starts = range(0, max(len(pose.raw), 1), FRAMES_AT_ONCE)
        with torch.inference_mode():
            parts = [
                self.network(main_batch(pose, angles, slice(start, start + FRAMES_AT_ONCE)))
                for start in starts
            ]
        return MainRefined(*(torch.cat(values) for values in zip(*parts, strict=True)))


def make_header(
    config: MainRefinerConfig, parts: dict[str, Any], about: dict[str, Any]
) -> dict[str, Any]:
    """Header of a checkpoint: kind, configuration, the refiners it joins, what is told about it."""
    return {"kind": KIND, "config": asdict(config), "parts": parts, **about}


def parameter_count(config: MainRefinerConfig) -> int:
    """Number of trained values, those of the two refiners that it joins left out."""
    return sum(int(np.prod(p.shape)) for p in MainRefinerNetwork(config).parameters())
