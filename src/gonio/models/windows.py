"""Cutting a clip into the windows that a network over time sees, and putting its answers together.

Frames `step_s` apart belong together: a clip of 60 frames/s and a step of 0.1 s is six interleaved
clips of 10 frames/s. Each is cut into windows that overlap by a third; where windows overlap, the
answers are averaged, those from the middle of a window counting most. A network that sees single
frames needs no overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gonio.signals import stride_of
from gonio.types import FloatArray

OVERLAP = 1 / 3
"""Share of a window that the next one sees again. With a half in its place the depth error of clips
of 20 s is 0.1 % lower, and the networks run for a third longer."""

FRAMES_AT_ONCE = 192
"""Frames of windows that go through a network together: what they fill stays in the cache of a
processor. With eight times as many the joint refiner takes a fifth longer. It bounds the memory of
a long clip, too."""


@dataclass(frozen=True)
class Windows:
    """Which frames each window sees.

    Attributes:
        frames: (W, window) index of each frame, -1 for padding.
        weight: (W, window) how much the answer for it counts; 0 for padding.
    """

    frames: NDArray[np.int64]
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.frames)

    def parts(self) -> Iterator[NDArray[np.int64]]:
        """(n, window) frames of the windows that go through a network together.

        At least one part, without a window where there is none.
        """
        count = max(1, FRAMES_AT_ONCE // self.frames.shape[1])
        for start in range(0, max(len(self), 1), count):
            yield self.frames[start : start + count]

    def together(self, values: NDArray[np.floating], count: int) -> FloatArray:
        """The weighted mean of the windows' answers (W, window, ...) for each of `count` frames."""
        flat = values.reshape(self.frames.size, int(np.prod(values.shape[2:]))).astype(float)
        rows, weight = self.frames.ravel(), self.weight.ravel()
        inside = rows >= 0
        total = np.zeros((count, flat.shape[1]))
        np.add.at(total, rows[inside], flat[inside] * weight[inside, None])
        share = np.bincount(rows[inside], weight[inside], minlength=count)
        return np.asarray((total / share[:, None]).reshape(count, *values.shape[2:]))


class SeesTime(Protocol):
    """The part of a network's configuration that says what it sees at once."""

    @property
    def temporal_layers(self) -> int:
        """Layers of attention over time; 0 for a network that sees single frames."""

    @property
    def step_s(self) -> float:
        """Time between the frames that attend to each other, seconds."""

    @property
    def window(self) -> int:
        """Frames that are seen at once."""


def windows_for(config: SeesTime, count: int, rate_hz: float) -> Windows:
    """The windows in which a network sees a clip.

    Args:
        config: of the network.
        count: frames of the clip.
        rate_hz: frames a second, NaN for a single frame.
    """
    overlap = OVERLAP if config.temporal_layers else 0.0
    return cut_windows(count, stride_of(rate_hz, config.step_s), config.window, overlap)


def cut_windows(count: int, stride: int, window: int, overlap: float = OVERLAP) -> Windows:
    """Cut `count` frames into windows of frames that lie `stride` apart.

    Args:
        count: frames of the clip.
        stride: frames in a time step.
        window: frames a window.
        overlap: share of a window that the next one sees again, from 0 to below 1.
    """
    hop = max(1, round(window * (1 - overlap)))
    rows = []
    for phase in range(min(stride, count)):
        frames = np.arange(phase, count, stride)
        last = max(len(frames) - window, 0)
        starts = list(dict.fromkeys([*range(0, last, hop), last]))
        for start in starts:
            part = frames[start : start + window]
            rows.append(np.pad(part, (0, window - len(part)), constant_values=-1))
    table = np.array(rows, dtype=np.int64).reshape(-1, window)
    middle = (window - 1) / 2
    hat = 1.0 + middle - np.abs(np.arange(window) - middle)
    return Windows(table, np.where(table >= 0, hat, 0.0))
