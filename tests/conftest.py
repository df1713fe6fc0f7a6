"""Fixtures that several tests share: the demo, the shared data, small videos."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from gonio.capture.demo import demo_video
from gonio.landmarks.detector import detect_landmarks
from gonio.types import LandmarkSequence

if TYPE_CHECKING:
    import torch

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder `shared` with reference data is not beside the project")
    return folder


@pytest.fixture(scope="session")
def demo_landmarks() -> Callable[[str], LandmarkSequence]:
    """MediaPipe's landmarks of a demo camera, found once a session."""
    found: dict[str, LandmarkSequence] = {}

    def landmarks(camera: str) -> LandmarkSequence:
        if camera not in found:
            found[camera] = detect_landmarks(demo_video(camera))
        return found[camera]

    return landmarks


@pytest.fixture(scope="session")
def write_depth_refiner() -> Callable[[Path], Path]:
    """A function that writes an untrained depth refiner: the pose as it is, sure of it to 2 cm
    across and 5.5 cm in depth, and up as from a camera that looks down.
    """

    def write(path: Path) -> Path:
        import torch

        from gonio.models.depth_network import DepthRefinerConfig, PoseAwareDepthRefiner
        from tests.models.checkpoints import save_network

        torch.manual_seed(0)
        config = DepthRefinerConfig(d_model=32, layers=1, heads=2, sigma_head=True, up_head=True)
        network = PoseAwareDepthRefiner(config)
        with torch.no_grad():
            network.sigma_head[-1].bias.copy_(torch.tensor([-0.9, -0.9, 0.1]))
            network.up_head[-1].weight.zero_()
            network.up_head[-1].bias.copy_(torch.tensor([0.0, 0.0, -0.2]))
        path.parent.mkdir(parents=True, exist_ok=True)
        save_network(path, network, {"sigma_scale": [1.0, 1.0, 1.0]})
        return path

    return write


@pytest.fixture(scope="session")
def write_joint_refiner() -> Callable[[Path], Path]:
    """A function that writes an untrained joint refiner, which changes angles by a few degrees."""

    def write(path: Path) -> Path:
        import torch

        from gonio.models.checkpoint_io import Checkpoint, write_checkpoint
        from gonio.models.joint_refiner import (
            JointConstraintRefiner,
            JointRefinerConfig,
            make_header,
        )

        torch.manual_seed(1)
        network = JointConstraintRefiner(JointRefinerConfig(d_model=16, layers=1, heads=2))
        _shake(network)
        path.parent.mkdir(parents=True, exist_ok=True)
        header = make_header(network.config, {})
        write_checkpoint(path, Checkpoint(header, dict(network.state_dict())))
        return path

    return write


@pytest.fixture(scope="session")
def write_main_refiner() -> Callable[[Path, Path, Path], Path]:
    """A function that writes an untrained main refiner for a depth and a joint refiner."""

    def write(path: Path, depth: Path, joint: Path) -> Path:
        import torch

        from gonio.models.checkpoint_io import Checkpoint, write_checkpoint
        from gonio.models.main_network import MainRefinerConfig, MainRefinerNetwork
        from gonio.models.main_refiner import make_header
        from gonio.models.parts import frozen

        torch.manual_seed(2)
        network = MainRefinerNetwork(MainRefinerConfig(d_model=16, layers=1, heads=2))
        _shake(network)
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = {"depth_refiner": frozen(depth), "joint_refiner": frozen(joint)}
        header = make_header(network.config, parts, {"sigma_scale": [1.0, 1.0, 1.0]})
        write_checkpoint(path, Checkpoint(header, dict(network.state_dict())))
        return path

    return write


def _shake(network: torch.nn.Module) -> None:
    """Make layers that begin at zero not zero."""
    import torch

    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))


@pytest.fixture
def write_video() -> Callable[..., Path]:
    """A function that encodes (H, W, 3) frames, at given times, as MPEG-4.

    `pixel_aspect` is the width of a pixel for its height.
    """

    def write(
        path: Path,
        frames: Iterable[np.ndarray],
        times_s: Iterable[float],
        pixel_aspect: Fraction = Fraction(1),
    ) -> Path:
        with av.open(str(path), "w") as container:
            stream = None
            for rgb, time in zip(frames, times_s, strict=True):
                if stream is None:
                    stream = container.add_stream("mpeg4", rate=1000)
                    stream.height, stream.width = rgb.shape[:2]
                    stream.pix_fmt = "yuv420p"
                    stream.bit_rate = 2_000_000
                    stream.codec_context.sample_aspect_ratio = pixel_aspect
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
                frame.pts = round(time * 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write
