"""Each loss is 0 at the truth, and what its formula says elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from gonio.models.depth_network import Refined
from gonio.skeleton import BONES, COCO, COCO_LIMBS
from gonio.training import losses
from gonio.training.targets import Target
from tests.capture.fakes import standing

SEEN = torch.ones(1, 2, 17)
ONE = torch.ones(1, 2)


def body() -> Tensor:
    """(1, 2, 17, 3): somebody who stands, twice."""
    return torch.from_numpy(standing()).float().repeat(1, 2, 1, 1)


def moved(joint: str, by: tuple[float, float, float]) -> Tensor:
    pose = body()
    pose[:, :, COCO[joint]] += torch.tensor(by)
    return pose


def test_at_the_truth_all_pose_losses_vanish() -> None:
    pose = body()
    for loss in (losses.position_loss, losses.depth_loss, losses.bone_loss):
        assert float(loss(pose, pose, ONE)) < 2e-4
    assert float(losses.symmetry_loss(pose, ONE)) < 1e-6


def test_a_joint_off_by_its_distance() -> None:
    pose = moved("left_wrist", (0.03, 0.0, 0.04))
    assert float(losses.position_loss(pose, body(), ONE)) == pytest.approx(0.05 / 17, abs=2e-4)
    assert float(losses.depth_loss(pose, body(), ONE)) == pytest.approx(0.04 / 17, abs=1e-6)


def test_frames_without_weight_do_not_count() -> None:
    pose = body()
    pose[:, 1] += 5.0
    weight = torch.tensor([[1.0, 0.0]])
    assert float(losses.position_loss(pose, body(), weight)) < 2e-4
    assert float(losses.position_loss(pose, body(), torch.zeros(1, 2))) == 0


def test_a_bone_too_long_on_one_side() -> None:
    pose = moved("left_ankle", (0.0, -0.06, 0.0))
    shank = standing()[COCO["left_ankle"]] - standing()[COCO["left_knee"]]
    longer = np.linalg.norm(shank - np.array([0, 0.06, 0])) - np.linalg.norm(shank)
    assert float(losses.bone_loss(pose, body(), ONE)) == pytest.approx(
        longer / len(BONES), rel=1e-3
    )
    assert float(losses.symmetry_loss(pose, ONE)) == pytest.approx(longer / 4, rel=1e-3)


def camera(azimuth_deg: float, elevation_deg: float, distance: float = 3.0) -> Tensor:
    a, e = np.radians([azimuth_deg, elevation_deg])
    place = [np.cos(e) * np.cos(a), np.sin(e), np.cos(e) * np.sin(a)]
    return (distance * torch.tensor(place)).float().repeat(1, 2, 1)


@pytest.mark.parametrize(("said", "true"), [(355.0, 5.0), (5.0, 355.0), (85.0, 95.0)])
def test_azimuth_goes_around_the_circle(said: float, true: float) -> None:
    loss = losses.azimuth_loss(camera(said, 0), camera(true, 0), ONE)
    assert float(loss) == pytest.approx(2 * math.sin(math.radians(5)), rel=1e-3)


def test_azimuth_fades_overhead_elevation_does_not() -> None:
    loss = losses.azimuth_loss(camera(0, 80), camera(90, 80), ONE)
    assert float(loss) == pytest.approx(math.sqrt(2) * math.cos(math.radians(80)), rel=1e-3)
    turned = losses.elevation_loss(camera(200, 10), camera(20, 30), ONE)
    assert float(turned) == pytest.approx(math.radians(20), rel=1e-3)


def test_distance_is_compared_by_its_ratio() -> None:
    loss = losses.distance_loss(camera(0, 0, 2.0), camera(50, 10, 4.0), ONE)
    assert float(loss) == pytest.approx(math.log(2), rel=1e-3)


def test_up_is_the_chord_between_unit_vectors() -> None:
    up = torch.tensor([0.0, -1.0, 0.0]).repeat(1, 2, 1)
    turned = torch.tensor([0.0, -math.cos(0.1), math.sin(0.1)]).repeat(1, 2, 1)
    assert float(losses.up_loss(turned, up, ONE)) == pytest.approx(2 * math.sin(0.05), rel=2e-2)


def test_limbs_by_their_direction() -> None:
    vectors = losses.bone_vectors(body(), COCO_LIMBS)
    right = torch.nn.functional.normalize(vectors, dim=-1)
    assert float(losses.limb_loss(right, body(), ONE)) < 1e-5
    assert float(losses.limb_loss(-right, body(), ONE)) == pytest.approx(2, abs=1e-4)


def test_likelihood_is_least_at_the_size_of_the_errors() -> None:
    random = torch.Generator().manual_seed(0)
    error = 0.05 * torch.randn(1, 2, 17, 3, generator=random)
    sigmas = torch.linspace(math.log(0.01), math.log(0.3), 200)
    values = [
        float(losses.likelihood_loss(body() + error, body(), torch.full_like(error, s), ONE))
        for s in sigmas
    ]
    best = math.exp(float(sigmas[int(np.argmin(values))]))
    assert best == pytest.approx(math.sqrt(2) * float(error.abs().mean()), rel=0.03)


def test_likelihood_teaches_sigma_and_not_the_pose() -> None:
    pose = body().requires_grad_()
    log_sigma = torch.full((1, 2, 17, 3), -3.0, requires_grad=True)
    losses.likelihood_loss(pose, body() + 0.1, log_sigma, ONE).backward()
    assert pose.grad is None
    assert log_sigma.grad is not None


def test_velocity_compares_neighbours_of_one_clip() -> None:
    pose = body()
    pose[:, 1] += torch.tensor([0.03, 0.0, 0.0])
    time = torch.tensor([[0.0, 0.1]])
    same, other = torch.tensor([[0, 0]]), torch.tensor([[0, 1]])
    loss = losses.velocity_loss
    assert float(loss(pose, body(), time, same, ONE)) == pytest.approx(0.03, rel=2e-2)
    assert float(loss(pose, body(), time, other, ONE)) == 0


def test_spread_compares_how_far_bones_move_in_a_clip() -> None:
    truth = torch.cat([body(), body()], dim=1)  # 4 frames
    clip, weight = torch.tensor([[0, 0, 1, 1]]), torch.ones(1, 4)
    swing = torch.tensor([-1.0, 1.0, -1.0, 1.0])
    wrist = COCO["left_wrist"]
    truth[0, :, wrist, 2] += 0.1 * swing
    half = truth.clone()
    half[0, :2, wrist, 2] -= 0.05 * swing[:2]  # in the first clip it moves half as far
    loss = losses.spread_loss(half, truth, clip, weight)
    of_one_coordinate = 0.05 / (len(losses.BONES) * 3) / 2
    assert float(loss) == pytest.approx(of_one_coordinate, rel=0.02)
    shifted = truth + torch.tensor([0.0, 0.0, 0.3]) * (clip == 1)[..., None, None]
    shifted[0, 2:, wrist] += 0.2  # a constant within the clip
    assert float(losses.spread_loss(shifted, truth, clip, weight)) == pytest.approx(0, abs=1e-6)
    hidden = torch.tensor([[0.0, 0.0, 1.0, 1.0]])  # the first clip does not count
    assert float(losses.spread_loss(half, truth, clip, hidden)) == pytest.approx(0, abs=1e-6)
    still = body().requires_grad_()
    losses.spread_loss(still, body(), torch.zeros(1, 2, dtype=torch.long), ONE).backward()
    assert torch.isfinite(still.grad).all()


def test_joints_that_are_not_seen_count_in_no_loss() -> None:
    truth, wrist = body(), COCO["left_wrist"]
    truth[:, 1, :, 0] += 0.02
    pose = truth.clone()
    pose[:, :, wrist] += torch.tensor([0.4, 0.2, -0.3])
    pose[:, 1, wrist] -= 0.1
    seen = torch.ones(1, 2, 17)
    seen[..., wrist] = 0
    time, clip = torch.tensor([[0.0, 0.1]]), torch.zeros(1, 2, dtype=torch.long)
    up = torch.tensor([0.0, -1.0, 0.0]).repeat(1, 2, 1)
    where = camera(10, 5)
    vectors = losses.bone_vectors(pose, COCO_LIMBS)
    limbs = torch.nn.functional.normalize(vectors, dim=-1)
    target = Target(truth, up, where, ONE, ONE, time, clip)
    said = Refined(pose.requires_grad_(), where, torch.zeros_like(pose), up, limbs)
    of_pose = ("position", "depth", "bone", "symmetry", "velocity", "spread", "limbs")
    with_it = losses.depth_refiner_losses(said, target, torch.ones(1, 2, 17))
    without = losses.depth_refiner_losses(said, target, seen)
    for name in of_pose:
        assert without[name].item() < 5e-4 < with_it[name].item(), name
    sum(without[name] for name in of_pose).backward()
    assert torch.isfinite(pose.grad).all()
    assert (pose.grad[:, :, wrist] == 0).all()
    sure = said._replace(log_sigma=said.log_sigma.index_fill(2, torch.tensor([wrist]), -5.0))
    both = [losses.depth_refiner_losses(r, target, seen)["likelihood"] for r in (said, sure)]
    assert both[0].item() == both[1].item()


def test_losses_go_with_the_heads() -> None:
    pose, where = body(), camera(10, 5)
    time, clip = torch.tensor([[0.0, 0.1]]), torch.zeros(1, 2, dtype=torch.long)
    up = torch.tensor([0.0, -1.0, 0.0]).repeat(1, 2, 1)
    target = Target(pose, up, where, ONE, ONE, time, clip)
    without = losses.depth_refiner_losses(Refined(pose, where, None, None, None), target, SEEN)
    assert not {"up", "limbs", "likelihood"} & set(without)
    limbs = losses.bone_vectors(pose, COCO_LIMBS)
    full = Refined(pose, where, torch.zeros_like(pose), up, limbs)
    assert {"up", "limbs", "likelihood"} <= set(losses.depth_refiner_losses(full, target, SEEN))
    assert "spread" in without
    assert "spread" not in losses.depth_refiner_losses(full, target, SEEN, spread=False)
