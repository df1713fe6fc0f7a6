"""Losses of the joint refiner: one function each, with its formula.

Angles are (B, T, 12, 3) in radians on the circle; `weight` is (B, T, 12), 1 where both the angles
and the truth of a joint are there. Every loss is a mean over what counts.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gonio.models.main_network import wrapped
from gonio.skeleton import JOINT_MIRROR, MIRROR_SIGNS
from gonio.training.targets import members

SMOOTH_RAD = 0.05
"""Below it the angle loss is quadratic, above it linear."""
STILL_RAD = 0.01
"""Spread of an angle that does not move: keeps the gradient of the spread finite."""


def turned(angles: Tensor, truth: Tensor) -> Tensor:
    """The shorter way from the truth to the angles, in (-pi, pi]."""
    return wrapped(angles - truth)


def mean_of_joints(values: Tensor, weight: Tensor) -> Tensor:
    """Mean of values (B, T, 12, 3) over the joints that count; 0 where none does."""
    return (values.mean(dim=-1) * weight).sum() / weight.sum().clamp_min(1.0)


def angle_loss(angles: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of the smooth absolute difference on the circle: |d| - b/2, or d^2 / 2b below b."""
    error = turned(angles, truth)
    values = functional.smooth_l1_loss(
        error, torch.zeros_like(error), reduction="none", beta=SMOOTH_RAD
    )
    return mean_of_joints(values, weight)


def size_loss(delta: Tensor, weight: Tensor) -> Tensor:
    """Mean of d^2: a change that the truth does not ask for is not made."""
    return mean_of_joints(delta**2, weight)


def symmetry_loss(delta: Tensor, delta_of_mirror: Tensor, weight: Tensor) -> Tensor:
    """Mean of |d - m(d')|: what is said of a pose and of its mirror image mirror each other."""
    return mean_of_joints((delta - mirrored(delta_of_mirror)).abs(), weight)


def velocity_loss(angles: Tensor, truth: Tensor, weight: Tensor, clip: Tensor) -> Tensor:
    """Mean of the difference of the steps from frame to frame, on the circle, within a clip."""
    error = turned(angles, truth)
    step = turned(error[:, 1:], error[:, :-1]).abs()
    same = (clip[:, 1:] == clip[:, :-1]) & (clip[:, 1:] >= 0)
    return mean_of_joints(step, weight[:, 1:] * weight[:, :-1] * same[..., None])


def spread_loss(angles: Tensor, truth: Tensor, weight: Tensor, clip: Tensor) -> Tensor:
    """Mean of |s - s'|: an angle spreads over a clip as far as the true one does.

    Of an angle in a clip s is the root of 1 - R^2 + b^2, where R is the length of the mean of its
    unit vectors and b `STILL_RAD`; where angles spread little it is their standard deviation
    (Mardia and Jupp 2000, Directional Statistics, section 2.3). Where it is unsure what the angle
    is, the likeliest answer moves less than the truth: this loss asks for the whole movement.
    """
    member = members(clip, weight)  # (B, T, K)
    share = torch.einsum("btk,btj->bkj", member, weight)  # frames of a joint in a clip

    def spread(values: Tensor) -> Tensor:
        vectors = torch.stack([values.cos(), values.sin()]) * weight[..., None]
        mean = torch.einsum("btk,nbtjc->nbkjc", member, vectors) / share.clamp_min(1)[..., None]
        return (1.0 - mean.square().sum(dim=0) + STILL_RAD**2).clamp_min(STILL_RAD**2).sqrt()

    return mean_of_joints((spread(angles) - spread(truth)).abs(), share)


def mirrored(angles: Tensor) -> Tensor:
    """Angles (..., 12, 3) of the same movement in a mirror."""
    signs = torch.tensor(MIRROR_SIGNS, dtype=angles.dtype, device=angles.device)
    return angles[..., list(JOINT_MIRROR), :] * signs
