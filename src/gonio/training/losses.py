"""Losses of the depth refiner: one function each, with its formula.

Poses are (B, T, J, 3) in metres in the ray frame; `weight` is (B, T), 1 for frames that count and 0
for others, or (B, T, J), 1 for joints that count. A bone counts where both of its ends do. Every
loss is a mean over what counts and is in metres or radians, so that their weights compare.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gonio.models.depth_network import Refined, angles_of
from gonio.skeleton import BONES, COCO, COCO_LIMBS
from gonio.training.targets import Target, members

_TINY = 1e-8
STILL_M = 0.005
"""Added to how far a bone moves: keeps the gradient of a bone that does not move finite."""
SIDES: tuple[tuple[int, int], ...] = tuple(
    (BONES.index((f"left_{a}", f"left_{b}")), BONES.index((f"right_{a}", f"right_{b}")))
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
)
"""Positions in `BONES` of left and right of the same bone."""


def mean_of(values: Tensor, weight: Tensor) -> Tensor:
    """Mean over what counts of values (B, T, ...), or (B, T, J, ...); 0 where nothing counts."""
    axes = weight.dim()
    each = values.flatten(axes).mean(dim=axes) if values.dim() > axes else values
    return (each * weight).sum() / weight.sum().clamp_min(1.0)


def weight_of_bones(weight: Tensor, bones: tuple[tuple[str, str], ...] = BONES) -> Tensor:
    """(B, T, bones) from (B, T, J); (B, T) as it is."""
    if weight.dim() == 2:
        return weight
    first, second = ([COCO[pair[end]] for pair in bones] for end in (0, 1))
    return weight[..., first] * weight[..., second]


def length(vectors: Tensor) -> Tensor:
    """Length along the last axis, with a slope at 0."""
    return torch.sqrt((vectors**2).sum(dim=-1) + _TINY)


def position_loss(pose: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of |p - t|: the distance of each joint from its true place."""
    return mean_of(length(pose - truth), weight)


def depth_loss(pose: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of |p_z - t_z|: the error along the ray."""
    return mean_of((pose[..., 2] - truth[..., 2]).abs(), weight)


def bone_vectors(pose: Tensor, bones: tuple[tuple[str, str], ...] = BONES) -> Tensor:
    """(B, T, bones, 3) from the first to the second joint of each bone."""
    first = [COCO[a] for a, _ in bones]
    second = [COCO[b] for _, b in bones]
    return pose[..., second, :] - pose[..., first, :]


def bone_loss(pose: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of ||b_p| - |b_t||: how much too long or too short each of 12 bones is."""
    apart = length(bone_vectors(pose)) - length(bone_vectors(truth))
    return mean_of(apart.abs(), weight_of_bones(weight))


def symmetry_loss(pose: Tensor, weight: Tensor) -> Tensor:
    """Mean of ||b_left| - |b_right|| over thighs, shanks, upper arms and forearms."""
    lengths = length(bone_vectors(pose))
    left, right = (list(side) for side in zip(*SIDES, strict=True))
    if weight.dim() == 3:
        bones = weight_of_bones(weight)
        weight = bones[..., left] * bones[..., right]
    return mean_of((lengths[..., left] - lengths[..., right]).abs(), weight)


def azimuth_loss(camera: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of 2 |sin((a_p - a_t) / 2)| cos(e_t): the chord between azimuths on the circle.

    The cosine of the true elevation lets it fade where a camera overhead has no azimuth.
    """
    azimuth, _ = angles_of(camera)
    true_azimuth, true_elevation = angles_of(truth)
    chord = 2 * torch.sqrt(torch.sin((azimuth - true_azimuth) / 2) ** 2 + _TINY)
    return mean_of(chord * true_elevation.cos(), weight)


def elevation_loss(camera: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of |e_p - e_t|, radians."""
    return mean_of((angles_of(camera)[1] - angles_of(truth)[1]).abs(), weight)


def distance_loss(camera: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of |log(|c_p| / |c_t|)|: the camera's distance, which one view hardly shows."""
    return mean_of((torch.log(length(camera)) - torch.log(length(truth))).abs(), weight)


def up_loss(up: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of |u_p - u_t|: the chord between unit vectors, nearly the angle in radians."""
    return mean_of(length(up - truth), weight)


def limb_loss(limbs: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of 1 - d_p . d_t over the unit vectors along 14 limbs."""
    vectors = bone_vectors(truth, COCO_LIMBS)
    apart = 1 - (limbs * vectors).sum(dim=-1) / length(vectors)
    return mean_of(apart, weight_of_bones(weight, COCO_LIMBS))


def likelihood_loss(pose: Tensor, truth: Tensor, log_sigma: Tensor, weight: Tensor) -> Tensor:
    """Mean of log s + sqrt(2) |p - t| / s: a Laplace density's negative logarithm.

    s is its standard deviation; a constant is left out.

    Errors of a pose have long tails, which a normal density would answer with a large sigma. The
    pose is taken as given: the likelihood teaches sigma and leaves the pose to the other losses.
    """
    error = (pose.detach() - truth).abs()
    return mean_of(log_sigma + math.sqrt(2) * error * torch.exp(-log_sigma), weight)


def velocity_loss(
    pose: Tensor, truth: Tensor, time: Tensor, clip: Tensor, weight: Tensor
) -> Tensor:
    """Mean of |(p_k+1 - p_k) - (t_k+1 - t_k)| over neighbours of one clip, metres a step."""
    follows = (clip[:, 1:] == clip[:, :-1]) & (time[:, 1:] > time[:, :-1])
    both = weight[:, 1:] * weight[:, :-1] * (follows if weight.dim() == 2 else follows[..., None])
    return mean_of(length(pose.diff(dim=1) - truth.diff(dim=1)), both)


def spread_loss(pose: Tensor, truth: Tensor, clip: Tensor, weight: Tensor) -> Tensor:
    """Mean of |s_p - s_t|: each bone's direction moves in a clip as far as the true one does.

    s is the standard deviation, over the frames of a clip, of a coordinate of the vector along a
    bone. Where it is unsure how far a limb points away from the camera, the likeliest answer moves
    less than the truth, and joints that bend along the ray bend too little.
    """
    member = members(clip, pose)  # (B, T, K)
    counts = weight_of_bones(weight)
    counts = counts if counts.dim() == 3 else counts[..., None].expand(-1, -1, len(BONES))
    frames = (member[..., None] * counts[:, :, None]).sum(dim=1)  # (B, K, bones) of a clip
    whole = frames.clamp_min(1)[..., None]

    def spread(values: Tensor) -> Tensor:
        vectors = bone_vectors(values)  # (B, T, bones, 3)
        mean = torch.einsum("btk,btnc->bknc", member, vectors * counts[..., None]) / whole
        apart = vectors - torch.einsum("btk,bknc->btnc", member, mean)
        variance = torch.einsum("btk,btnc->bknc", member, apart**2 * counts[..., None]) / whole
        return (variance.float() + STILL_M**2).sqrt()  # (B, K, bones, 3)

    return mean_of((spread(pose) - spread(truth)).abs(), frames)


def depth_refiner_losses(
    refined: Refined, target: Target, seen: Tensor, *, spread: bool = True
) -> dict[str, Tensor]:
    """All losses that go with the network's heads, by name.

    Args:
        refined: what the network said.
        target: the truth, with the weight of each frame.
        seen: (B, T, J) true where a joint is there; where it is not, its answer is missing in use
            and counts in no loss.
        spread: whether that of how far bones move is asked for; it costs the most.
    """
    pose, truth, weight = refined.pose, target.pose, target.weight[..., None] * seen
    losses = {
        "position": position_loss(pose, truth, weight),
        "depth": depth_loss(pose, truth, weight),
        "bone": bone_loss(pose, truth, weight),
        "symmetry": symmetry_loss(pose, weight),
        "azimuth": azimuth_loss(refined.camera, target.camera, target.camera_weight),
        "elevation": elevation_loss(refined.camera, target.camera, target.camera_weight),
        "distance": distance_loss(refined.camera, target.camera, target.camera_weight),
        "velocity": velocity_loss(pose, truth, target.time, target.clip, weight),
    }
    if spread:
        losses["spread"] = spread_loss(pose, truth, target.clip, weight)
    if refined.up is not None:
        losses["up"] = up_loss(refined.up, target.up, target.weight)
    if refined.limbs is not None:
        losses["limbs"] = limb_loss(refined.limbs, truth, weight)
    if refined.log_sigma is not None:
        losses["likelihood"] = likelihood_loss(pose, truth, refined.log_sigma, weight)
    return losses
