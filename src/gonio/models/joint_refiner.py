"""The network that corrects joint angles by what the rest of the pose allows.

B clips of T frames, J = 12 joints of 3 angles each, d features. There is no hard limit anywhere:
what a body can do is learned, and depends on all other joints.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gonio.errors import InputError
from gonio.kinematics.angles import angle_columns
from gonio.kinematics.shoulder import shoulder_sequence_of, with_shoulders_in
from gonio.models.blocks import Block, OverTime, mlp, small_random
from gonio.models.checkpoint_io import read_checkpoint
from gonio.models.loading import check_sizes, check_step, config_from, network_of
from gonio.models.windows import windows_for
from gonio.signals import nearest, since_start
from gonio.skeleton import (
    ANGLE_COLUMNS,
    JOINT_CHAIN,
    JOINT_LANDMARKS,
    JOINT_MIRROR,
    JOINTS,
    MEDIAPIPE_LANDMARKS,
    MIRROR_SIGNS,
)
from gonio.types import FloatArray, LandmarkSequence

KIND = "joint_refiner"
SHIPPED_CHECKPOINT = Path(__file__).parent / "weights" / "joint_refiner.safetensors"
FEATURES = 7
"""Of a joint: sine and cosine of its three angles, visibility."""
DELTA_UNIT = 0.2
"""An output of 1 turns a joint by so much, radians."""
ROUNDING = 1e-6
"""A visibility that lies beyond 0 or 1 by no more than this is rounded."""


@dataclass(frozen=True)
class JointRefinerConfig:
    """Everything that shapes the network. The defaults are the reference form.

    Raises:
        InputError: a size is below 1, or some do not go together.
    """

    d_model: int = 128  # features a joint
    layers: int = 4  # cross-joint attention
    heads: int = 4  # divides d_model
    feedforward: int = 4  # hidden size of each block, in d_model
    head_hidden: int = 64  # hidden size of the head of each joint
    dropout: float = 0.0  # in the blocks, in training only
    temporal_layers: int = 0  # attention over time; 0 for a network that sees one frame
    d_time: int = 192  # features a frame in the attention over time
    time_heads: int = 6  # divides d_time
    step_s: float = 0.1  # time between the frames that attend to each other, seconds
    window: int = 24  # frames, `step_s` apart, that are seen at once
    mirror_average: bool = False  # in use: the mean of the answers for a clip and its mirror image

    def __post_init__(self) -> None:
        check_sizes(self, "d_model", "heads", "feedforward", "head_hidden", "window")
        check_sizes(self, "d_time", "time_heads")
        check_step(self.step_s)
        if self.d_model % self.heads or (self.temporal_layers and self.d_time % self.time_heads):
            raise InputError(
                f"d_model {self.d_model} must be a multiple of heads {self.heads}, d_time "
                f"{self.d_time} one of time_heads {self.time_heads}"
            )
        if min(self.layers, self.temporal_layers) < 0 or not 0 <= self.dropout < 1:
            raise InputError("layers must be 0 or more, and dropout from 0 to below 1")


class AngleBatch(NamedTuple):
    """What the network sees.

    Attributes:
        angles: (B, T, 12, 3) radians; 0 where missing.
        visibility: (B, T, 12) mean visibility of the landmarks that the angles rest on.
        there: (B, T, 12) whether all three angles of the joint are there.
        time: (B, T) seconds.
        clip: (B, T) number of the clip that a frame belongs to, -1 for padding.
    """

    angles: Tensor
    visibility: Tensor
    there: Tensor
    time: Tensor
    clip: Tensor


class JointConstraintRefiner(nn.Module):
    """Corrects the angles of 12 joints.

    Every joint is a token of sines and cosines and its visibility. The tokens look at each other,
    near ones along the kinematic chain the more easily (a learned bias for each distance); each
    joint has a head of its own, whose answer is added to the angles. With zero weights the angles
    come back.

    Args:
        config: sizes.
    """

    distances: Tensor

    def __init__(self, config: JointRefinerConfig) -> None:
        super().__init__()
        self.config = config
        d, count = config.d_model, len(JOINTS)
        distances = chain_distances()
        self.register_buffer("distances", torch.from_numpy(distances), persistent=False)
        self.encoder = mlp(FEATURES, d, d)
        self.name = small_random(count, d)
        self.missing = nn.Parameter(torch.zeros(d))
        self.chain_bias = nn.Parameter(torch.zeros(config.heads, int(distances.max()) + 1))
        self.blocks = nn.ModuleList(
            Block(d, config.heads, config.feedforward * d, config.dropout)
            for _ in range(config.layers)
        )
        if config.temporal_layers:
            self.over_time = OverTime(
                count,
                d,
                d_time=config.d_time,
                heads=config.time_heads,
                layers=config.temporal_layers,
                hidden=2 * config.d_time,
                dropout=config.dropout,
                step_s=config.step_s,
            )
        self.norm = nn.LayerNorm(d)
        self.heads = nn.ModuleList(mlp(d, config.head_hidden, 3, zero=True) for _ in range(count))

    def forward(self, batch: AngleBatch) -> Tensor:
        """(B, T, 12, 3) radians to be added to the angles; 0 where they are missing."""
        there = batch.there[..., None]
        turns = torch.cat([batch.angles.sin(), batch.angles.cos()], dim=-1)  # (B, T, J, 6)
        features = torch.cat([turns, batch.visibility[..., None]], dim=-1) * there
        x = self.encoder(features) + self.name + ~there * self.missing  # (B, T, J, d)
        bias = self.chain_bias[:, self.distances][None]  # (1, heads, J, J)
        for block in self.blocks:
            x = block(x, bias)
        if self.config.temporal_layers:
            frames = self.over_time.frames(x, x.mean(dim=2), batch.time, batch.clip)
            x = self.over_time.told(x, frames)
        x = self.norm(x)
        delta = torch.stack([head(x[:, :, j]) for j, head in enumerate(self.heads)], dim=2)
        return DELTA_UNIT * delta * there


def chain_distances() -> NDArray[np.int64]:
    """(12, 12) steps between two joints along the kinematic chain."""
    names = [joint.name for joint in JOINTS]
    neighbours: dict[str, list[str]] = {name: [] for name in names}
    for a, b in JOINT_CHAIN:
        neighbours[a].append(b)
        neighbours[b].append(a)
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for row, start in enumerate(names):
        steps, waiting = {start: 0}, deque([start])
        while waiting:
            here = waiting.popleft()
            for other in neighbours[here]:
                if other not in steps:
                    steps[other] = steps[here] + 1
                    waiting.append(other)
        table[row] = [steps[name] for name in names]
    return table


def mirrored_angles(angles: NDArray[np.floating]) -> NDArray[np.floating]:
    """Angles (..., 12, 3) of the same movement in a mirror, any unit."""
    other: NDArray[np.floating] = angles[..., list(JOINT_MIRROR), :] * np.array(MIRROR_SIGNS)
    return other


def joint_visibility(visibility: FloatArray) -> FloatArray:
    """(T, 12) mean visibility of the landmarks that each joint rests on, of (T, 33); 0 if unknown.

    Args:
        visibility: (T, 33), 0..1, NaN in frames without a person.
    """
    seen = np.nan_to_num(visibility)
    return np.stack([seen[:, list(rows)].mean(axis=1) for rows in JOINT_LANDMARKS], axis=1)


@dataclass(frozen=True)
class AngleInputs:
    """Angles of a clip as the networks see them.

    Attributes:
        angles: (T, 12, 3) radians, 0 where missing.
        visibility: (T, 12).
        there: (T, 12).
        time_s: (T,) seconds.
    """

    angles: NDArray[np.float32]
    visibility: NDArray[np.float32]
    there: NDArray[np.bool_]
    time_s: FloatArray

    @property
    def rate_hz(self) -> float:
        """Frames a second; NaN for a single frame."""
        steps = np.diff(self.time_s)
        return float(1 / np.median(steps)) if len(steps) else float("nan")

    def mirrored(self) -> AngleInputs:
        """The same movement in a mirror."""
        order = list(JOINT_MIRROR)
        angles = mirrored_angles(self.angles).astype(np.float32)
        return AngleInputs(angles, self.visibility[:, order], self.there[:, order], self.time_s)


def angle_inputs(angles_deg: FloatArray, visibility: FloatArray, time_s: FloatArray) -> AngleInputs:
    """Turn angles into what the networks see, in training and in use.

    Args:
        angles_deg: (T, 12, 3) degrees; NaN where missing.
        visibility: (T, 33) of MediaPipe's landmarks.
        time_s: (T,) seconds.
    """
    there: NDArray[np.bool_] = np.asarray(np.isfinite(angles_deg).all(axis=2))
    radians = np.where(there[..., None], np.radians(angles_deg), 0.0)
    seen = joint_visibility(visibility) * there
    return AngleInputs(radians.astype(np.float32), seen.astype(np.float32), there, time_s)


def angle_batch(inputs: AngleInputs, frames: NDArray[np.int64]) -> AngleBatch:
    """Windows of a clip as one batch.

    Args:
        inputs: of T frames.
        frames: (W, window) frame of each place, -1 for padding.
    """
    inside: NDArray[np.bool_] = np.greater_equal(frames, 0)
    rows = np.where(inside, frames, 0)
    there = inputs.there[rows] & inside[..., None]
    return AngleBatch(
        angles=torch.from_numpy(inputs.angles[rows] * there[..., None]),
        visibility=torch.from_numpy(inputs.visibility[rows] * there),
        there=torch.from_numpy(there),
        time=torch.from_numpy(np.where(inside, since_start(inputs.time_s)[rows], np.float32(0.0))),
        clip=torch.from_numpy(np.where(inside, 0, -1)),
    )


def angles_from(table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Times (T,) and angles (T, 12, 3), degrees, of a table with `time_s` and the 36 columns.

    Args:
        table: its shoulders in Z-X-Y, which the networks know, or in ISB's Y-X-Y.

    Raises:
        InputError: a column is missing, there twice or not of numbers, the times do not increase
            strictly, or an angle is infinite; the message names it. Angles may be NaN.
    """
    columns = angle_columns(shoulder_sequence_of(table))
    names = ["time_s", *columns]
    absent = [name for name in names if name not in table]
    if absent:
        raise InputError(f"the table of joint angles lacks the column {absent[0]}")
    for name in names:
        _check_column(table, name)
    time_s = table["time_s"].to_numpy(dtype=float, na_value=np.nan)
    if not (np.isfinite(time_s).all() and (np.diff(time_s) > 0).all()):
        raise InputError(
            "the column time_s of the joint angles must hold finite seconds that increase "
            "strictly; sort the table by time, without gaps and every time once"
        )
    values = table[columns].to_numpy(dtype=float, na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(values).any(axis=0))
    if len(infinite):
        raise InputError(
            f"the column {columns[infinite[0]]} of the joint angles holds infinite values; "
            "a missing value is NaN"
        )
    known = with_shoulders_in(_table(time_s, values, columns), "ZXY")[list(ANGLE_COLUMNS)]
    return time_s, known.to_numpy(dtype=float).reshape(len(table), len(JOINTS), 3)


def _table(time_s: FloatArray, values: FloatArray, columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(values, columns=list(columns))
    table.insert(0, "time_s", time_s)
    return table


def _check_column(table: pd.DataFrame, name: str) -> None:
    """Refuse a column that is there twice or does not hold numbers; one without rows may."""
    column = table[name]
    if isinstance(column, pd.DataFrame):
        raise InputError(
            f"the table of joint angles has {column.shape[1]} columns {name}; name it once"
        )
    if len(column) and not pd.api.types.is_numeric_dtype(column):
        raise InputError(
            f"the column {name} of the joint angles holds values of type {column.dtype}; allowed "
            "are numbers, NaN where missing (pandas.to_numeric makes them of text)"
        )


def _check_visibility(visibility: FloatArray, frames: int) -> None:
    """Refuse what is not the visibility (T, 33) of so many frames.

    Raises:
        InputError: of another shape, or outside of 0 to 1 (it may be NaN).
    """
    shape = np.shape(visibility)
    if shape[:1] != (frames,):
        count = shape[0] if shape else 0
        raise InputError(
            f"visibility is of {count} frames, the angles are of {frames}; "
            "give the visibility of the same frames"
        )
    wanted = (frames, len(MEDIAPIPE_LANDMARKS))
    if shape != wanted:
        raise InputError(
            f"visibility has shape {shape}; allowed is {wanted}: that of all of MediaPipe's "
            "landmarks"
        )
    values = np.asarray(visibility, dtype=float)
    wrong = values[(values < -ROUNDING) | (values > 1 + ROUNDING)]
    if len(wrong):
        raise InputError(
            f"visibility holds {wrong[0]:g}; allowed are 0 to 1, and NaN where nobody was seen"
        )


def frames_at(landmarks: LandmarkSequence, time_s: FloatArray) -> NDArray[np.intp]:
    """(T,) number of the nearest frame of the landmarks at each time.

    Args:
        landmarks: repaired, N frames.
        time_s: (T,) seconds, of the angles.

    Raises:
        InputError: there are angles and no landmarks.
    """
    if len(landmarks) == 0 and len(time_s):
        raise InputError(
            f"the landmarks are of 0 frames, the angles are of {len(time_s)}; give the "
            "landmarks that the angles were computed from"
        )
    return nearest(landmarks.time_s, time_s)


def with_angles(table: pd.DataFrame, angles_deg: FloatArray) -> pd.DataFrame:
    """The same table with other angles (T, 12, 3), degrees, Z-X-Y, in the table's own sequence."""
    values = angles_deg.reshape(len(table), len(ANGLE_COLUMNS))
    sequence = shoulder_sequence_of(table)
    made = with_shoulders_in(_table(table["time_s"].to_numpy(), values, ANGLE_COLUMNS), sequence)
    changed = table.copy()
    columns = angle_columns(sequence)
    changed[columns] = made[columns].to_numpy()
    return changed


def load_network(path: str | Path) -> tuple[JointConstraintRefiner, dict[str, Any]]:
    """The network of a checkpoint and its header.

    Raises:
        MissingFileError: there is none.
        InputError: it is broken, foreign, of another version, or its weights are not finite.
    """
    checkpoint = read_checkpoint(path, KIND)
    config = config_from(JointRefinerConfig, checkpoint.header, str(path))
    network = network_of(JointConstraintRefiner, config, checkpoint.weights, str(path))
    return network, checkpoint.header


class JointRefiner:
    """A trained network, ready for use.

    Args:
        network: as `load_network` gives it.
        header: of its checkpoint.
        path: of its checkpoint, None where it comes from elsewhere.

    Attributes:
        header: `kind`, `config`, `metrics`, `data`, `training`, `versions`.
        path: as given.
    """

    def __init__(
        self, network: JointConstraintRefiner, header: dict[str, Any], path: Path | None = None
    ) -> None:
        self.network, self.header, self.path = network.eval(), header, path

    @classmethod
    def load(cls, path: str | Path | None = None) -> JointRefiner:
        """A refiner from a checkpoint.

        Args:
            path: of the checkpoint; None for the one that comes with Gonio.

        Raises:
            MissingFileError: there is none.
            InputError: it is broken, foreign or of another version; the message says which.
        """
        source = SHIPPED_CHECKPOINT if path is None else Path(path)
        network, header = load_network(source)
        return cls(network, header, source)

    def refine(
        self, angles: pd.DataFrame, visibility: FloatArray, *, both_ways: bool = True
    ) -> pd.DataFrame:
        """Correct the angles of a clip.

        Args:
            angles: `time_s` and the 36 columns, degrees, T frames, shoulders in either sequence.
            visibility: (T, 33) of MediaPipe's landmarks at these frames, 0..1; NaN where nobody
                was seen.
            both_ways: as in `deltas`.

        Returns:
            The same table with corrected angles; NaN where they were NaN.

        Raises:
            InputError: as `angles_from`, or the visibility is not that of T frames, 0..1.
        """
        return self._changed(angles, angles_from(angles), visibility, both_ways)

    def refine_angles(
        self, angles: pd.DataFrame, landmarks: LandmarkSequence, *, both_ways: bool = True
    ) -> pd.DataFrame:
        """The same with the landmarks of the clip, which may have other times.

        Args:
            angles: as in `refine`.
            landmarks: repaired; the nearest frame of each time is taken.
            both_ways: as in `deltas`.

        Returns:
            As `refine`.

        Raises:
            InputError: as `refine`, or there are no landmarks.
        """
        told = angles_from(angles)
        visibility = landmarks.visibility[frames_at(landmarks, told[0])]
        return self._changed(angles, told, visibility, both_ways)

    def _changed(
        self,
        table: pd.DataFrame,
        angles: tuple[FloatArray, FloatArray],
        visibility: FloatArray,
        both_ways: bool,
    ) -> pd.DataFrame:
        """A table corrected, of which `angles_from` gave the times and the angles."""
        time_s, degrees = angles
        _check_visibility(visibility, len(degrees))
        delta = self.deltas(angle_inputs(degrees, visibility, time_s), both_ways=both_ways)
        return with_angles(table, degrees + np.degrees(delta))

    def deltas(self, inputs: AngleInputs, *, both_ways: bool = True) -> FloatArray:
        """What is added to the angles.

        Args:
            inputs: of T frames.
            both_ways: whether a network with `mirror_average` looks at the mirror image too, which
                takes as long again.

        Returns:
            (T, 12, 3) radians; 0 where the angles are missing.
        """
        delta = self._deltas(inputs)
        if not (both_ways and self.network.config.mirror_average):
            return delta
        other = mirrored_angles(self._deltas(inputs.mirrored()))
        return np.asarray((delta + other) / 2)

    def _deltas(self, inputs: AngleInputs) -> FloatArray:
        config = self.network.config
        count = len(inputs.time_s)
        windows = windows_for(config, count, inputs.rate_hz)
        with torch.inference_mode():
            parts = [self.network(angle_batch(inputs, part)).numpy() for part in windows.parts()]
        return windows.together(np.concatenate(parts), count)


def make_header(config: JointRefinerConfig, about: dict[str, Any]) -> dict[str, Any]:
    """Header of a checkpoint: kind, configuration, and what is told about it."""
    return {"kind": KIND, "config": asdict(config), **about}
