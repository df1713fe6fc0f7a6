"""The two networks of Pose2Sim's marker augmenter: found, loaded and put onto a device."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gonio.errors import InputError, MissingFileError
from gonio.types import FloatArray

Provider = Literal["cpu", "cuda", "openvino"]

WARM_UP = 240
"""Frames at 60 Hz after which an LSTM has forgotten how it began: two that began at other frames
differ by 30 to 70 mm in the first, and by less than 0.01 mm from this one on."""
WINDOW = 960
"""Frames at 60 Hz that are taken from a window after its warm-up."""
ROWS_AT_ONCE = 32
"""Windows that a network sees in one call: more are no faster, and take memory."""

_PROVIDERS: dict[Provider, tuple[str, str]] = {
    "cpu": ("CPUExecutionProvider", "onnxruntime"),
    "cuda": ("CUDAExecutionProvider", "onnxruntime-gpu"),
    "openvino": ("OpenVINOExecutionProvider", "onnxruntime-openvino"),
}
"""ONNX Runtime's name of each provider, and the package that brings it."""

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def _folder(name: str) -> Path:
    spec = find_spec("Pose2Sim")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0]) / "MarkerAugmenter" / "LSTM" / name
        if (folder / "model.onnx").is_file():
            return folder
    raise MissingFileError(
        f"the marker augmenter {name} is not installed; install the package pose2sim 0.10.49"
    )


@cache
def normalisation(name: str) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of a network's inputs.

    Raises:
        MissingFileError: the network is not installed.
    """
    folder = _folder(name)
    mean, std = (np.load(folder / f"{part}.npy", allow_pickle=False) for part in ("mean", "std"))
    return mean, std


def check_provider(provider: Provider) -> str:
    """ONNX Runtime's name of a provider, if it is installed.

    Raises:
        InputError: it is not; the message names the package that brings it. Or there is none of
            this name.
    """
    import onnxruntime

    if provider not in _PROVIDERS:
        raise InputError(f"provider is {provider!r}; allowed are {', '.join(_PROVIDERS)}")

    wanted, package = _PROVIDERS[provider]
    available = onnxruntime.get_available_providers()
    if wanted not in available:
        raise InputError(
            f"provider is {provider!r}, but the installed onnxruntime offers only "
            f"{', '.join(available)}; install the package {package} in its place or choose "
            "provider=cpu"
        )
    return wanted


@cache
def load_network(name: str, provider: Provider) -> Network:
    """One of the augmenter's networks, ready to run.

    Args:
        name: `v0.3_lower` or `v0.3_upper`.
        provider: `cpu`, `cuda` or `openvino`.

    Returns:
        A function from (batch, T, features) to (batch, T, 3 * markers), both float32.

    Raises:
        InputError: the provider is not there.
        MissingFileError: the network is not installed.
    """
    import onnxruntime

    wanted = check_provider(provider)
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False  # it would keep the most that a long clip ever needed
    # Threads that wait without sleeping take the core from whoever works beside this run.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    path = str(_folder(name) / "model.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=[wanted])
    return lambda features: session.run(["output_0"], {"inputs": features})[0]


def run_in_windows(network: Network, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run a network on clips of any length, many stretches of them side by side.

    The LSTMs look back and never ahead, and forget within `WARM_UP` frames: a long clip is cut into
    stretches that each begin as much earlier. On a CPU this is several times faster than one
    stretch after the other, and the memory of a call does not grow with the length of the clip.

    Args:
        network: as `load_network` gives it.
        features: (N, T, features), standardised.

    Returns:
        (N, T, outputs).
    """
    clips, frames, _ = features.shape
    length = min(WARM_UP + WINDOW, frames)
    kept = [0, *range(length, frames, WINDOW)]
    begins = [min(max(start - WARM_UP, 0), frames - length) for start in kept]
    rows = np.concatenate([features[:, begin : begin + length] for begin in begins])
    calls = np.array_split(rows, -(-len(rows) // ROWS_AT_ONCE))
    outputs = np.concatenate([network(some) for some in calls])
    outputs = outputs.reshape(len(kept), clips, length, -1)
    whole = np.empty((clips, frames, outputs.shape[-1]), dtype=outputs.dtype)
    for output, start, begin in zip(outputs, kept, begins, strict=True):
        whole[:, start : begin + length] = output[:, start - begin :]
    return whole
