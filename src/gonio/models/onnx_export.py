"""The depth refiner as an ONNX file, for programs without PyTorch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from gonio.errors import GonioError, InputError
from gonio.files import replacing
from gonio.landmarks.inputs import FRAME_FEATURES, TOKEN_FEATURES
from gonio.models.depth_network import Batch, PoseAwareDepthRefiner, Refined
from gonio.skeleton import MEDIAPIPE_LANDMARKS

EXAMPLE_ROWS = 2


class _Answers(nn.Module):
    """The network with tensors in and out, absent heads left away."""

    def __init__(self, network: PoseAwareDepthRefiner) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, landmarks: Tensor, frame: Tensor, there: Tensor, time: Tensor, clip: Tensor
    ) -> tuple[Tensor, ...]:
        refined = self.network(Batch(landmarks, frame, there, time, clip))
        return tuple(value for value in refined if value is not None)


def export_onnx(network: PoseAwareDepthRefiner, path: str | Path) -> None:
    """Write the network as ONNX: inputs as `Batch`, outputs as `Refined`, any number of rows.

    Args:
        network: any form; rows are `config.window` frames.
        path: of the `.onnx` file.

    Raises:
        InputError: it is no network of a depth refiner.
        GonioError: the packages onnx and onnxscript are not installed.
        OutputError: the file cannot be written.
    """
    if not isinstance(network, PoseAwareDepthRefiner):
        raise InputError(
            f"{type(network).__name__} is no depth refiner, the only network that is written as "
            "ONNX; give gonio.DepthRefiner.load().network"
        )
    window = network.config.window
    landmarks = len(MEDIAPIPE_LANDMARKS)
    example = Batch(
        landmarks=torch.zeros(EXAMPLE_ROWS, window, landmarks, len(TOKEN_FEATURES)),
        frame=torch.zeros(EXAMPLE_ROWS, window, len(FRAME_FEATURES)),
        there=torch.ones(EXAMPLE_ROWS, window, landmarks, dtype=torch.bool),
        time=torch.zeros(EXAMPLE_ROWS, window),
        clip=torch.zeros(EXAMPLE_ROWS, window, dtype=torch.long),
    )
    rows = torch.export.Dim("rows", min=1)
    answers = _Answers(network).eval()
    with torch.inference_mode():
        refined = network(example)
    try:
        program = torch.onnx.export(
            answers,
            tuple(example),
            input_names=list(Batch._fields),
            output_names=[n for n in Refined._fields if getattr(refined, n) is not None],
            dynamic_shapes=tuple({0: rows} for _ in example),
            dynamo=True,
            verbose=False,
        )
    except ImportError as error:
        raise GonioError(f'ONNX export needs {error.name}: pip install "gonio[onnx]"') from error
    assert program is not None  # it is None only where a file name is given
    with replacing(path) as scratch:
        program.save(scratch, external_data=False)
