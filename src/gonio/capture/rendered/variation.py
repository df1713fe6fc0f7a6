"""Widening motion without losing its truth: mirroring, mixing clips, offsets, footing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.spatial.transform import Rotation

from gonio.capture.rendered.motion import BONE, BONES, PARENTS, Motion, quaternions_from_matrices
from gonio.types import FloatArray

UPPER_BODY: tuple[str, ...] = BONES[1:15]
"""Trunk, head and arms: what is taken from the second clip of a mixture."""
OFFSET_DEG: dict[str, float] = {
    "LowerBack": 5,
    "Spine": 4,
    "Neck": 8,
    "Head": 10,
    "Arm": 14,
    "ForeArm": 14,
    "Hand": 18,
    "UpLeg": 8,
    "Leg": 6,
    "Foot": 6,
}
"""Standard deviation of the offsets of each joint, degrees, without its side."""
LONGEST_PATH_M = 2.2
"""Root paths that reach further are drawn together, so that the body is not tiny in the picture."""


def local_from_global(matrices: FloatArray) -> FloatArray:
    """(T, 23, 3, 3) orientation of each bone in its parent's, of global ones."""
    local = matrices.copy()
    parents = np.array(PARENTS[1:])
    local[:, 1:] = np.swapaxes(matrices[:, parents], 2, 3) @ matrices[:, 1:]
    return local


def global_from_local(local: FloatArray) -> FloatArray:
    """(T, 23, 3, 3) global orientations of those relative to the parents."""
    matrices = local.copy()
    for bone, parent in enumerate(PARENTS):
        if parent >= 0:
            matrices[:, bone] = matrices[:, parent] @ local[:, bone]
    return matrices


def with_matrices(motion: Motion, matrices: FloatArray) -> Motion:
    """The same motion with other orientations (T, 23, 3, 3)."""
    return replace(motion, orientations=quaternions_from_matrices(matrices))


def segment(motion: Motion, start: int, frames: int, fps: float) -> Motion:
    """Frames of a clip at another rate, mirrored in time where it is short.

    Between two recorded frames orientations are normalised mixtures of the quaternions, which at
    the rates of motion capture is the same as turning at constant speed.

    Args:
        motion: the clip.
        start: first frame, in frames of the clip.
        frames: wanted, at `fps`; a clip that ends earlier runs backwards from its end.
        fps: frames a second of the result.
    """
    last = len(motion) - 1
    steps = start + motion.fps / fps * np.arange(frames)
    place = last - np.abs(steps % max(2 * last, 1) - last)
    before = np.minimum(place.astype(int), max(last - 1, 0))
    after = np.minimum(before + 1, last)
    share = (place - before)[:, None]
    first, second = motion.orientations[before], motion.orientations[after]
    second = np.where((first * second).sum(axis=2, keepdims=True) < 0, -second, second)
    return replace(
        motion,
        fps=fps,
        orientations=first + share[..., None] * (second - first),
        root=motion.root[before] + share * (motion.root[after] - motion.root[before]),
    )


def mirrored(motion: Motion) -> Motion:
    """Left and right exchanged, as in a mirror in the plane x = 0."""
    order = [_other_side(name) for name in BONES]
    flip = np.diag([-1.0, 1.0, 1.0])
    matrices = flip @ motion.matrices[:, order] @ flip
    return replace(
        motion, orientations=quaternions_from_matrices(matrices), root=motion.root * [-1, 1, 1]
    )


def mixed(legs: Motion, arms: Motion) -> Motion:
    """Hips, legs and path of one clip with the trunk, head and arms of another.

    The upper body keeps its pose relative to the hips. Both clips need the same number of frames;
    the result bears both performers' names.
    """
    local = local_from_global(legs.matrices)
    upper = [BONE[name] for name in UPPER_BODY]
    local[:, upper] = local_from_global(arms.matrices)[:, upper]
    return replace(
        with_matrices(legs, global_from_local(local)),
        name=f"{legs.name}+{arms.name}",
        performer="+".join(sorted({legs.performer, arms.performer})),
        action=f"{legs.action}+{arms.action}",
    )


def with_offsets(motion: Motion, seed: int, strength: float = 1.0) -> Motion:
    """Turn every joint by a constant and a slowly changing random angle.

    Args:
        motion: any clip.
        seed: of the offsets.
        strength: factor on `OFFSET_DEG`; half of the variance is constant, half changes over
            about a second.
    """
    rng = np.random.default_rng([0x0FF5, seed])
    local = local_from_global(motion.matrices)
    frames = len(motion)
    for name, degrees in OFFSET_DEG.items():
        for bone in [i for i, b in enumerate(BONES) if b in (name, "Left" + name, "Right" + name)]:
            slow = gaussian_filter1d(
                rng.normal(size=(frames + 60, 3)), motion.fps * 0.5, axis=0, mode="reflect"
            )[30 : 30 + frames]
            slow /= max(float(slow.std()), 1e-9)
            angles = np.radians(degrees) * strength * np.sqrt(0.5) * (rng.normal(size=3) + slow)
            local[:, bone] = local[:, bone] @ Rotation.from_rotvec(angles).as_matrix()
    return with_matrices(motion, global_from_local(local))


def with_short_path(motion: Motion, longest_m: float = LONGEST_PATH_M) -> Motion:
    """Draw a long path over the floor together; the height stays."""
    level = motion.root[:, [0, 2]]
    extent = float(np.ptp(level, axis=0).max())
    if extent <= longest_m:
        return motion
    root = motion.root.copy()
    middle = level.mean(axis=0)
    root[:, [0, 2]] = middle + (level - middle) * longest_m / extent
    return replace(motion, root=root)


def footing(lowest_m: FloatArray, reference_m: FloatArray | None) -> FloatArray:
    """How far to lift the body in each frame so that it stands on the floor.

    Args:
        lowest_m: (T,) height of the body's lowest point, metres.
        reference_m: (T,) the same for the clip as it was recorded, where the pose was changed
            after; jumps are kept from it. None for motion without a recording, which then touches
            the floor in every frame.

    Returns:
        (T,) metres, smooth.
    """
    if reference_m is None:
        return _smooth(-lowest_m)
    constant = -float(np.percentile(reference_m, 10))
    return constant + _smooth(reference_m - lowest_m)


def _smooth(lift: FloatArray) -> FloatArray:
    return np.asarray(gaussian_filter1d(-minimum_filter1d(-lift, 5), 2.0, mode="nearest"))


def _other_side(name: str) -> int:
    if name.startswith("Left"):
        return BONE["Right" + name.removeprefix("Left")]
    return BONE["Left" + name.removeprefix("Right")] if name.startswith("Right") else BONE[name]
