"""From how sure a refiner is of each joint to how sure the angles are: by sampling.

Poses are drawn about the refined one, taken through the same markers, augmentation and kinematics,
and the standard deviation of the angles that come out is the band. What is drawn are the errors of
the joints alone: gravity and stature are taken as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.signal import fftconvolve

from gonio.errors import InputError
from gonio.kinematics.angles import isb_shoulder_columns
from gonio.kinematics.unwrapping import wrapped_deg
from gonio.skeleton import COCO, JOINTS
from gonio.types import FloatArray, RefinedPose

KERNEL_REACH = 4.0
"""The smoothing kernel is cut off after so many of its standard deviations."""


def sampled_poses(
    pose: RefinedPose,
    rate_hz: float,
    *,
    samples: int = 8,
    correlation_s: float = 0.5,
    seed: int = 0,
) -> Iterator[RefinedPose]:
    """Poses that differ from the given one as its sigma says.

    The error of each joint and axis is a `smooth_noise` of its own times sigma. Only the hips are
    tied: their middle is the origin, so one errs as the other does not, in the opposite direction.

    Args:
        pose: (T, 17, 3) metres with sigma; NaN sigma gives NaN positions.
        rate_hz: frames a second.
        samples: how many; the first ones are the same whatever their number.
        correlation_s: see `smooth_noise`.
        seed: of the random numbers.

    Yields:
        Poses whose positions alone are other ones.
    """
    left, right = COCO["left_hip"], COCO["right_hip"]
    for sample in range(samples):
        random = np.random.default_rng([seed, sample])
        noise = smooth_noise(pose.positions.shape, rate_hz, correlation_s, random)
        noise[:, right] = -noise[:, left]
        yield replace(pose, positions=pose.positions + noise * pose.sigma)


def smooth_noise(
    shape: tuple[int, ...], rate_hz: float, correlation_s: float, random: np.random.Generator
) -> FloatArray:
    """Gaussian noise of unit variance at every frame that changes slowly.

    White noise, smoothed with a Gaussian kernel of standard deviation `correlation_s / 2`: its
    autocorrelation is exp(-(lag / correlation_s)^2). A network's errors last: noise that is new in
    every frame would be filtered away before it reached an angle.

    Args:
        shape: (T, ...).
        rate_hz: frames a second.
        correlation_s: lag at which the autocorrelation is 1/e, seconds; 0 for white noise.
        random: where the numbers come from.

    Returns:
        Noise of that shape.
    """
    width = correlation_s / 2 * rate_hz
    reach = int(np.ceil(KERNEL_REACH * width))
    if reach == 0:
        return random.standard_normal(shape)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    white = random.standard_normal((shape[0] + 2 * reach, *shape[1:]))
    column = kernel.reshape(-1, *[1] * (len(shape) - 1))
    return np.asarray(fftconvolve(white, column, mode="valid", axes=0))


def angle_spread(samples: Sequence[pd.DataFrame], reference: pd.DataFrame) -> pd.DataFrame:
    """One standard deviation of each angle in each frame.

    Every sample's angles are first written the way that is nearest to the reference: an angle plus
    360 degrees is the same, and so is the other triple of a sequence. So neither the wrap at 180
    degrees nor a sample that passed a singularity counts as uncertainty.

    Args:
        samples: at least two tables of angles as `joint_angles` gives them, T rows.
        reference: the angles of the pose itself, the same columns.

    Returns:
        `time_s` and the columns of the reference, degrees; NaN where an angle is missing in the
        reference or in a sample.

    Raises:
        InputError: fewer than two samples, or tables that do not go together.
    """
    if len(samples) < 2:
        raise InputError(f"there are {len(samples)} samples; a spread needs at least 2")
    for table in samples:
        if len(table) != len(reference) or set(table.columns) != set(reference.columns):
            raise InputError(
                f"a sample has {table.shape} rows and columns, the reference {reference.shape}; "
                "give tables of the same frames and the same shoulder sequence"
            )
    spread = {"time_s": reference["time_s"].to_numpy(dtype=float)}
    for joint in JOINTS:
        columns, middle_turn = list(joint.columns), 180.0
        if joint.title == "shoulder" and joint.columns[0] not in reference:
            columns, middle_turn = list(isb_shoulder_columns(joint)), 0.0
        about = reference[columns].to_numpy(dtype=float)
        off = [
            _off_nearest(table[columns].to_numpy(dtype=float), about, middle_turn)
            for table in samples
        ]
        spread.update(zip(columns, np.std(np.stack(off), axis=0, ddof=1).T, strict=True))
    return pd.DataFrame(spread)[list(reference.columns)]


def spread_at(spread: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """A spread that is known at some frames, at all frames of the reference.

    A spread changes as slowly as the errors that it comes from, so that of each angle is
    interpolated between the frames at which it is known, and held before the first and after the
    last of them.

    Args:
        spread: as `angle_spread` gives it, of frames of the reference.
        reference: the angles themselves, T rows.

    Returns:
        T rows of the same columns; NaN where an angle is missing, and in a column whose spread is
        known at no frame.
    """
    known_s, wanted_s = (table["time_s"].to_numpy(dtype=float) for table in (spread, reference))
    whole = {"time_s": wanted_s}
    for name in spread.columns.drop("time_s"):
        values = spread[name].to_numpy(dtype=float)
        there = np.isfinite(values)
        whole[name] = np.full(len(reference), np.nan)
        if there.any():
            wanted = reference[name].notna().to_numpy()
            whole[name][wanted] = np.interp(wanted_s[wanted], known_s[there], values[there])
    return pd.DataFrame(whole)[list(spread.columns)]


def _off_nearest(angles: FloatArray, reference: FloatArray, middle_turn: float) -> FloatArray:
    """Differences (T, 3), degrees, from the reference to the nearest of all equal angles.

    The other triple of the same orientation is first + 180, `middle_turn` - middle, last + 180,
    with 180 for three distinct axes (in column order the middle angle is the second) and 0 for
    Y-X-Y.
    """
    twin = angles * [1.0, -1.0, 1.0] + [180.0, middle_turn, 180.0]
    off, other = wrapped_deg(angles - reference), wrapped_deg(twin - reference)
    nearer = np.abs(other).sum(axis=1) < np.abs(off).sum(axis=1)
    return np.where(nearer[:, None], other, off)
