"""The main refiner in use: from a checkpoint, two refiners and a clip to a pose and angles.

It is called twice: before augmentation, when there are no angles yet, its pose is taken; after it,
when there are, its angles are. The network itself stands in `gonio.models.main_network`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from gonio.landmarks.inputs import PoseInputs, pose_inputs
from gonio.models.checkpoint_io import Checkpoint, read_checkpoint
from gonio.models.depth_refiner import DepthRefiner, steadied
from gonio.models.joint_refiner import (
    AngleInputs,
    JointRefiner,
    angle_inputs,
    angles_from,
    frames_at,
    with_angles,
)
from gonio.models.loading import check_sigma_scale, config_from, network_of
from gonio.models.main_network import (
    MainBatch,
    MainRefined,
    MainRefinerConfig,
    MainRefinerNetwork,
)
from gonio.models.parts import PARTS, depth_part, joint_part
from gonio.options import CameraOptions
from gonio.skeleton import COCO_FROM_MEDIAPIPE, JOINTS
from gonio.types import FloatArray, LandmarkSequence, RefinedPose

KIND = "main_refiner"
SHIPPED_CHECKPOINT = Path(__file__).parent / "weights" / "main_refiner.safetensors"
UNKNOWN_SIGMA_M = 0.05
FRAMES_AT_ONCE = 256
"""As that of `gonio.models.windows`; they do not see each other."""


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
    config = config_from(MainRefinerConfig, checkpoint.header, str(path))
    check_sigma_scale(checkpoint.header, str(path))
    own = {k: v for k, v in checkpoint.weights.items() if k.partition(".")[0] not in PARTS}
    network = network_of(MainRefinerNetwork, config, own, str(path))
    return network, checkpoint


class _Seen(NamedTuple):
    """What the depth refiner makes of a clip.

    Attributes:
        inputs: of T frames, as the network sees them.
        pose: of the depth refiner, the same frames.
    """

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
        self._kept: tuple[tuple[str, CameraOptions], _Seen] | None = None

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
            As `DepthRefiner.refine`, smooth and with bones of one length if the depth refiner's
            are; gravity and viewpoint are those of the depth refiner.
        """
        seen = self._seen(landmarks, camera)
        kept = deepcopy(seen.pose)  # what the caller changes of its pose stays its own
        pose = self.refine_inputs(seen.inputs, kept, landmarks.rate_hz)
        return self.depth.told(pose, landmarks, camera)

    def refine_inputs(self, inputs: MainInputs, pose: RefinedPose, rate_hz: float) -> RefinedPose:
        """Correct the pose of a clip whose inputs are made already.

        Args:
            inputs: of T frames.
            pose: of the depth refiner, the same frames.
            rate_hz: frames a second, NaN for a single frame.

        Returns:
            The same with other positions and sigma. Where a depth refiner that gives sigma knows
            none, there is none; where it never gives any, sigma is this refiner's own.
        """
        said = self._said(inputs, None)
        there = inputs.pose_there[..., None]
        sigma = np.exp(said.log_sigma.numpy().astype(float)) * self.header["sigma_scale"]
        told = np.isfinite(pose.sigma) | (not self.depth.network.config.sigma_head)
        sigma = np.where(there & told, sigma, np.nan)
        positions = np.where(there, said.pose.numpy().astype(float), np.nan)
        positions = steadied(positions, sigma, rate_hz, self.depth.network.config)
        return replace(pose, positions=positions, sigma=sigma, refiner="main")

    def refine_angles(
        self,
        angles: pd.DataFrame,
        landmarks: LandmarkSequence,
        camera: CameraOptions | None = None,
        *,
        both_ways: bool = True,
    ) -> pd.DataFrame:
        """Correct the angles of a clip: the second call.

        Args:
            angles: `time_s` and the 36 columns, degrees, T frames, from the pose of the first call;
                shoulders in either sequence.
            landmarks: repaired, as in the first call; the nearest frame of each time is taken.
            camera: as in the first call.
            both_ways: as in `JointRefiner.deltas`.

        Returns:
            The same table with corrected angles; NaN where they were NaN.

        Raises:
            InputError: as `angles_from`, or there are no landmarks.
        """
        time_s, degrees = angles_from(angles)
        rows = frames_at(landmarks, time_s)
        seen = angle_inputs(degrees, landmarks.visibility[rows], time_s)
        inputs = self._seen(landmarks, camera).inputs.at(rows)
        refined = self.refine_angle_inputs(inputs, seen, both_ways=both_ways)
        change = np.where(seen.there[..., None], np.degrees(refined - seen.angles), 0.0)
        return with_angles(angles, degrees + change)

    def refine_angle_inputs(
        self, pose: MainInputs, angles: AngleInputs, *, both_ways: bool = True
    ) -> FloatArray:
        """(T, 12, 3) radians, 0 where missing, of a clip whose inputs are made already.

        Args:
            pose: of T frames.
            angles: of the same frames.
            both_ways: as in `JointRefiner.deltas`.
        """
        refined = angles.angles + self.joint.deltas(angles, both_ways=both_ways)
        said = self._said(pose, (angles, refined.astype(np.float32)))
        return np.asarray(said.angles.numpy(), dtype=float)

    def _seen(self, landmarks: LandmarkSequence, camera: CameraOptions | None) -> _Seen:
        """What is seen of a clip: the depth refiner's answer, which both calls need.

        The last one is kept under all that it depends on, so that it is the same as a new one.
        """
        key = (_content_of(landmarks), camera or CameraOptions())
        kept = self._kept
        if kept is None or kept[0] != key:
            whole = pose_inputs(landmarks.world, landmarks.points_2d, landmarks.visibility)
            pose = self.depth.predict(landmarks, camera)
            kept = self._kept = key, _Seen(main_inputs(whole, pose), pose)
        return kept[1]

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


def _content_of(landmarks: LandmarkSequence) -> str:
    """Hash of a sequence; equal for two that say the same, value for value."""
    said = hashlib.sha256(repr((len(landmarks), landmarks.image_size)).encode())
    for values in (landmarks.time_s, landmarks.world, landmarks.image, landmarks.visibility):
        said.update(values.tobytes())
    return said.hexdigest()


def make_header(
    config: MainRefinerConfig, parts: dict[str, Any], about: dict[str, Any]
) -> dict[str, Any]:
    """Header of a checkpoint: kind, configuration, the refiners it joins, what is told about it."""
    return {"kind": KIND, "config": asdict(config), "parts": parts, **about}
