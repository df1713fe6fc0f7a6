"""The depth refiner in use: from a checkpoint and the landmarks of a clip to a pose.

The network itself stands in `gonio.models.depth_network`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gonio.errors import InputError
from gonio.frames import (
    elevation_from_up,
    mirrored_joints,
    mirrored_vectors,
    mirrored_viewpoint,
    normalised,
)
from gonio.landmarks.inputs import PoseInputs, mirrored_inputs, pose_inputs
from gonio.landmarks.pose import pose_without_refiner
from gonio.markers.level import levelled
from gonio.models.checkpoint_io import Checkpoint, read_checkpoint
from gonio.models.depth_network import (
    Batch,
    DepthRefinerConfig,
    PoseAwareDepthRefiner,
    Refined,
    angles_of,
)
from gonio.models.foot_network import FootConfig, FootNetwork, corrected_feet
from gonio.models.loading import check_sigma_scale, config_from, network_of
from gonio.models.skeleton_fit import fit_skeleton
from gonio.models.windows import windows_for
from gonio.options import CameraOptions
from gonio.signals import since_start, smoothest_path
from gonio.skeleton import COCO_FROM_MEDIAPIPE, COCO_JOINTS, COCO_MIRROR
from gonio.types import FloatArray, LandmarkSequence, RefinedPose, known

KIND = "depth_refiner"
SHIPPED_CHECKPOINT = Path(__file__).parent / "weights" / "depth_refiner.safetensors"
FEET = "feet/"
"""Before the names of the weights of the foot network."""
STEPS_OF_USE: tuple[str, ...] = ("mirror average", "smooth", "skeleton fit", "other networks")
"""What is done with the first network's answers, as far as a checkpoint asks for it."""
ACCELERATION_M_S2 = 30.0
"""Of joints that move freely, one standard deviation: with it the paths of validation clips are
about as smooth as the true ones."""
LASTING_S = 0.3
"""How long errors of the networks last."""


def make_header(config: DepthRefinerConfig, about: dict[str, Any]) -> dict[str, Any]:
    """Header of a checkpoint: kind, configuration, and what is told about it."""
    return {"kind": KIND, "config": asdict(config), **about}


def load_network(path: str | Path) -> tuple[PoseAwareDepthRefiner, dict[str, Any]]:
    """The network of a checkpoint and its header.

    Raises:
        MissingFileError: there is none.
        InputError: it is broken, foreign, of another version, or its weights are not finite.
    """
    networks, header = load_networks(path)
    return networks[0], header


def load_networks(
    path: str | Path,
) -> tuple[tuple[PoseAwareDepthRefiner, ...], dict[str, Any]]:
    """All networks of a checkpoint, the main one first, and its header.

    Raises:
        MissingFileError, InputError: as `load_network`.
    """
    checkpoint = read_checkpoint(path, KIND)
    return networks_in(checkpoint.header, checkpoint.weights, str(path)), checkpoint.header


def networks_in(
    header: Mapping[str, Any], weights: Mapping[str, Tensor], where: str
) -> tuple[PoseAwareDepthRefiner, ...]:
    """All networks of a header and its weights, the main one first.

    Raises:
        InputError: of another version, or the weights do not fit or are not finite, or are those of
            a network that the header does not name.
    """
    found = []
    parted: dict[str, dict[str, Tensor]] = {}
    for key, value in weights.items():
        if key.startswith(FEET) and "feet" in header:
            continue
        place, _, name = key.partition("/") if "/" in key else ("0", "", key)
        parted.setdefault(place, {})[name] = value
    others = header.get("others", [])
    if not isinstance(others, list):
        raise InputError(
            f"others in the header of {where} is {others!r:.60}; a list of configurations is "
            "needed: train it again or run with refiner=none"
        )
    configs = [
        config_from(DepthRefinerConfig, header, where),
        *(config_from(DepthRefinerConfig, {"others": told}, where, "others") for told in others),
    ]
    for number, config in enumerate(configs):
        own = parted.pop(str(number), {})
        found.append(network_of(PoseAwareDepthRefiner, config, own, where))
    if parted:
        raise InputError(
            f"{where} holds weights of networks that its header does not name "
            f"({', '.join(sorted(parted))}); train it again or run with refiner=none"
        )
    return tuple(found)


def refiner_in(
    header: Mapping[str, Any], weights: Mapping[str, Tensor], path: Path
) -> DepthRefiner:
    """The refiner of a header and its weights.

    Args:
        header: of the refiner.
        weights: of all its networks.
        path: of the checkpoint that holds it.

    Raises:
        InputError: of another version, or the weights do not fit or are not finite.
    """
    network, *others = networks_in(header, weights, str(path))
    check_sigma_scale(header, str(path))
    feet = None
    if "feet" in header:
        config = config_from(FootConfig, header, str(path), "feet")
        own = {k.removeprefix(FEET): v for k, v in weights.items() if k.startswith(FEET)}
        feet = network_of(FootNetwork, config, own, str(path))
    return DepthRefiner(network, dict(header), path, others, feet)


def joined_checkpoint(refiner: DepthRefiner, about: dict[str, Any]) -> Checkpoint:
    """Header and weights of a refiner, of all its networks."""
    network, *others = refiner.networks
    weights = dict(network.state_dict())
    for place, other in enumerate(others, start=1):
        weights |= {f"{place}/{name}": value for name, value in other.state_dict().items()}
    named = {"others": [asdict(other.config) for other in others]} if others else {}
    return Checkpoint(make_header(network.config, {**named, **about}), weights)


class DepthRefiner:
    """A trained network, ready for use; or several, whose answers are averaged.

    Args:
        network: as `load_network` gives it; its configuration says how answers are used.
        header: of its checkpoint.
        path: of its checkpoint, None where it comes from elsewhere.
        others: further networks. Those without a head are left out of its mean.
        feet: puts heels and toes right; None leaves them as MediaPipe says them.

    Attributes:
        header: `kind`, `config`, `sigma_scale`, `metrics`, `data`, `training`, `versions`.
        path: as given.
    """

    def __init__(
        self,
        network: PoseAwareDepthRefiner,
        header: dict[str, Any],
        path: Path | None = None,
        others: Sequence[PoseAwareDepthRefiner] = (),
        feet: FootNetwork | None = None,
    ) -> None:
        self.network, self.header, self.path = network.eval(), header, path
        self.feet = feet.eval() if feet is not None else None
        self.networks = (self.network, *(other.eval() for other in others))

    @classmethod
    def load(cls, path: str | Path | None = None) -> DepthRefiner:
        """A refiner from a checkpoint.

        Args:
            path: of the checkpoint; None for the one that comes with Gonio.

        Raises:
            MissingFileError: there is none.
            InputError: it is broken, foreign or of another version; the message says which.
        """
        source = SHIPPED_CHECKPOINT if path is None else Path(path)
        checkpoint = read_checkpoint(source, KIND)
        return refiner_in(checkpoint.header, checkpoint.weights, source)

    def steps(self) -> tuple[str, ...]:
        """Those of `STEPS_OF_USE` that it takes."""
        config = self.network.config
        several = len(self.networks) > 1
        taken = (config.mirror_average, config.smooth, config.skeleton_fit, several)
        return tuple(step for step, there in zip(STEPS_OF_USE, taken, strict=True) if there)

    def without(self, step: str) -> DepthRefiner:
        """The same refiner without one of its steps of use: what an ablation measures.

        Args:
            step: one of `STEPS_OF_USE`.

        Raises:
            InputError: there is no such step.
        """
        if step not in STEPS_OF_USE:
            raise InputError(f"no step {step!r} of use; there are {', '.join(STEPS_OF_USE)}")
        network, *others = self.networks
        if step == "other networks":
            return DepthRefiner(network, self.header, self.path, feet=self.feet)
        option = step.replace(" ", "_")
        same = PoseAwareDepthRefiner(replace(network.config, **{option: False}))
        same.load_state_dict(network.state_dict())
        return DepthRefiner(same, self.header, self.path, others, self.feet)

    def refine(
        self, landmarks: LandmarkSequence, camera: CameraOptions | None = None
    ) -> RefinedPose:
        """Correct the pose of a clip.

        Args:
            landmarks: repaired, (T, 33, ...).
            camera: as far as the user knows it. The pose leans towards its gravity (`levelled`),
                which is taken as it is where the network has no `up` head.

        Returns:
            (T, 17, 3) positions in the ray frame with sigma, gravity and viewpoint; NaN where the
            input is NaN. Lengths are those of a body of about 1.70 m.
        """
        return self.told(self.predict(landmarks, camera), landmarks, camera)

    def told(
        self, pose: RefinedPose, landmarks: LandmarkSequence, camera: CameraOptions | None
    ) -> RefinedPose:
        """A pose with the gravity that the user knows (`levelled`), its bones still of one length.

        Where the network says where up is, the elevation is the one that follows from it: that is
        nearer to the truth than what the camera's head says, and both agree.

        Args:
            pose: of this refiner or one that goes on from it, T frames.
            landmarks: the same frames.
            camera: as far as the user knows it.
        """
        if self.network.config.up_head:
            pose = replace(pose, elevation_deg=elevation_from_up(pose.up))
        leaning = levelled(pose, landmarks, camera)
        if leaning is pose or not self.network.config.skeleton_fit:
            return leaning
        return replace(leaning, positions=fit_skeleton(leaning.positions, leaning.sigma))

    def predict(
        self, landmarks: LandmarkSequence, camera: CameraOptions | None = None
    ) -> RefinedPose:
        """What the networks alone say of a clip; arguments and answer are those of `refine`."""
        inputs = pose_inputs(landmarks.world, landmarks.points_2d, landmarks.visibility)
        pose = self.refine_inputs(inputs, landmarks.time_s, landmarks.rate_hz)
        if self.network.config.up_head:
            return pose
        alive = known(pose.positions).any(axis=1, keepdims=True)
        up = pose_without_refiner(landmarks, camera).up
        return replace(pose, up=np.where(alive, up, np.nan))

    def refine_inputs(self, inputs: PoseInputs, time_s: FloatArray, rate_hz: float) -> RefinedPose:
        """Correct the pose of a clip whose inputs are made already.

        Args:
            inputs: of T frames.
            time_s: (T,) seconds.
            rate_hz: frames a second, NaN for a single frame.

        Returns:
            As `refine`; `up` is NaN where the network has no head for it.
        """
        config = self.network.config
        said = self._said(inputs, time_s, rate_hz)
        there = inputs.there[:, list(COCO_FROM_MEDIAPIPE), np.newaxis]
        alive = np.asarray(inputs.there.any(axis=1), dtype=bool)
        unknown = np.full((len(inputs), len(COCO_JOINTS), 3), np.nan)
        sigma = np.where(there, said.get("sigma", unknown) * self.header["sigma_scale"], np.nan)
        positions = np.where(there, said["pose"], np.nan)
        positions = steadied(positions, sigma, rate_hz, config)
        azimuth, elevation = angles_of(torch.from_numpy(said["camera"]))
        up = np.where(alive[:, None], normalised(said.get("up", unknown[:, 0])), np.nan)
        feet = np.full((len(inputs), 2, 2, 3), np.nan)
        if self.feet is not None:
            feet = corrected_feet(self.feet, inputs, positions, up)
        return RefinedPose(
            positions=positions,
            sigma=sigma,
            up=up,
            feet=feet,
            azimuth_deg=np.where(alive, np.degrees(azimuth.numpy()) % 360.0, np.nan),
            elevation_deg=np.where(alive, np.degrees(elevation.numpy()), np.nan),
            refiner="depth",
        )

    def _said(
        self, inputs: PoseInputs, time_s: FloatArray, rate_hz: float
    ) -> dict[str, FloatArray]:
        """(T, ...) what the networks say of every frame, by name: the mean of those that say it."""
        seen = [inputs]
        if self.network.config.mirror_average:
            seen.append(mirrored_inputs(inputs))
        answers = []
        for network in self.networks:
            plain, *mirrored = _said_by(network, seen, time_s, rate_hz)
            answers += [plain, *(mirrored_answers(other) for other in mirrored)]
        names = dict.fromkeys(name for said in answers for name in said)
        return {
            name: np.asarray(np.mean([said[name] for said in answers if name in said], axis=0))
            for name in names
        }


def steadied(
    positions: FloatArray, sigma: FloatArray, rate_hz: float, config: DepthRefinerConfig
) -> FloatArray:
    """Joints that move as smoothly, and bones as long, as a configuration asks for.

    Args:
        positions: (T, 17, 3) metres.
        sigma: (T, 17, 3) metres.
        rate_hz: frames a second, NaN for a single frame.
        config: of the network.
    """
    if config.smooth and np.isfinite(rate_hz):
        positions = smoothest_path(
            positions, sigma, rate_hz, acceleration=ACCELERATION_M_S2, lasting_s=LASTING_S
        )
    return fit_skeleton(positions, sigma) if config.skeleton_fit else positions


def _said_by(
    network: PoseAwareDepthRefiner,
    seen: Sequence[PoseInputs],
    time_s: FloatArray,
    rate_hz: float,
) -> list[dict[str, FloatArray]]:
    """(T, ...) what one network says of every frame, by name; of several clips of equal times."""
    count = len(time_s)
    windows = windows_for(network.config, count, rate_hz)
    parts: list[dict[str, list[Tensor]]] = [{} for _ in seen]
    with torch.inference_mode():
        for frames in windows.parts():
            batches = [_batch(inputs, time_s, frames) for inputs in seen]
            together = Batch(*(torch.cat(values) for values in zip(*batches, strict=True)))
            for name, values in _named(network(together)).items():
                for part, own in zip(parts, values.chunk(len(seen)), strict=True):
                    part.setdefault(name, []).append(own)
    return [
        {
            name: windows.together(torch.cat(tensors).numpy(), count)
            for name, tensors in part.items()
        }
        for part in parts
    ]


def _named(refined: Refined) -> dict[str, Tensor]:
    """The answers that are used."""
    answers = {"pose": refined.pose, "camera": refined.camera}
    if refined.log_sigma is not None:
        answers["sigma"] = refined.log_sigma.exp()
    if refined.up is not None:
        answers["up"] = refined.up
    return answers


def mirrored_answers(said: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """What was said of a mirror image, as said of the clip itself."""
    changes: dict[str, Callable[[FloatArray], FloatArray]] = {
        "pose": mirrored_joints,
        "sigma": lambda sigma: sigma[:, list(COCO_MIRROR)],
        "camera": mirrored_viewpoint,
        "up": mirrored_vectors,
    }
    return {name: changes[name](values) for name, values in said.items()}


def _batch(inputs: PoseInputs, time_s: FloatArray, frames: NDArray[np.int64]) -> Batch:
    inside: NDArray[np.bool_] = np.greater_equal(frames, 0)
    rows = np.where(inside, frames, 0)
    there = inputs.there[rows] & inside[:, :, np.newaxis]
    return Batch(
        landmarks=torch.from_numpy(inputs.landmarks[rows] * there[..., None]),
        frame=torch.from_numpy(inputs.frame[rows] * inside[..., None]).float(),
        there=torch.from_numpy(there),
        time=torch.from_numpy(np.where(inside, since_start(time_s)[rows], np.float32(0.0))),
        clip=torch.from_numpy(np.where(inside, 0, -1)),
    )
