from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from gonio.capture.rendered import variation
from gonio.capture.rendered.motion import BONE, Motion


def test_local_and_global_orientations_are_inverse(wobbling: Motion) -> None:
    local = variation.local_from_global(wobbling.matrices)
    np.testing.assert_allclose(variation.global_from_local(local), wobbling.matrices, atol=1e-12)


def test_mirroring_exchanges_the_sides_and_twice_is_nothing(wobbling: Motion) -> None:
    mirror = variation.mirrored(wobbling)
    arm = wobbling.matrices[:, BONE["LeftArm"]] @ [1.0, 0, 0]
    other = mirror.matrices[:, BONE["RightArm"]] @ [-1.0, 0, 0]
    np.testing.assert_allclose(other, arm * [-1, 1, 1], atol=1e-12)
    twice = variation.mirrored(mirror)
    np.testing.assert_allclose(twice.matrices, wobbling.matrices, atol=1e-12)
    np.testing.assert_allclose(twice.root, wobbling.root)


def test_a_mixture_has_the_legs_of_one_and_the_arms_of_the_other(wobbling: Motion) -> None:
    other = replace(variation.mirrored(wobbling), name="b", performer="cmu08")
    mixture = variation.mixed(wobbling, other)
    legs = [BONE[name] for name in ("Hips", "LeftLeg", "RightFoot")]
    np.testing.assert_allclose(mixture.matrices[:, legs], wobbling.matrices[:, legs], atol=1e-9)
    local, theirs = (variation.local_from_global(m.matrices) for m in (mixture, other))
    arms = [BONE[name] for name in ("Head", "LeftForeArm", "RightHand")]
    np.testing.assert_allclose(local[:, arms], theirs[:, arms], atol=1e-9)
    assert mixture.performer == "cmu07+cmu08"


def test_offsets_turn_joints_smoothly_by_a_few_degrees(wobbling: Motion) -> None:
    changed = variation.with_offsets(wobbling, seed=1, strength=1.0)
    before, after = (variation.local_from_global(m.matrices) for m in (wobbling, changed))
    elbow = BONE["LeftForeArm"]
    offset = Rotation.from_matrix(np.swapaxes(before[:, elbow], 1, 2) @ after[:, elbow])
    degrees = np.degrees(offset.magnitude())
    assert 3 < degrees.mean() < 60
    steps = np.degrees((offset[:-1].inv() * offset[1:]).magnitude())
    assert steps.max() < 6
    np.testing.assert_allclose(before[:, BONE["Hips"]], after[:, BONE["Hips"]], atol=1e-12)


def test_offsets_depend_on_the_seed_only(wobbling: Motion) -> None:
    first, again, other = (
        variation.with_offsets(wobbling, seed).orientations for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_a_short_clip_runs_backwards_from_its_end(wobbling: Motion) -> None:
    part = variation.segment(wobbling, start=50, frames=20, fps=30.0)
    expected = [*range(50, 60), *range(58, 48, -1)]
    np.testing.assert_array_equal(part.root, wobbling.root[expected])


def test_a_fast_recording_is_thinned(wobbling: Motion) -> None:
    part = variation.segment(replace(wobbling, fps=120.0), start=4, frames=10, fps=30.0)
    assert part.fps == 30.0
    np.testing.assert_array_equal(part.root, wobbling.root[4:44:4])


def test_long_paths_are_drawn_together_and_heights_stay(wobbling: Motion) -> None:
    far = replace(wobbling, root=wobbling.root * [9.0, 1.0, 9.0])
    near = variation.with_short_path(far, longest_m=2.0)
    assert np.ptp(near.root[:, 0]) == 2.0
    np.testing.assert_array_equal(near.root[:, 1], far.root[:, 1])
    assert variation.with_short_path(wobbling, 2.0) is wobbling


def test_made_motion_always_touches_the_floor() -> None:
    lowest = 0.1 * np.sin(np.linspace(0, 6, 120))
    lifted = lowest + variation.footing(lowest, None)
    assert np.abs(lifted).max() < 0.02


def test_a_recorded_jump_stays_a_jump_after_the_pose_was_changed() -> None:
    jump = 0.4 * np.clip(np.sin(np.linspace(0, 9, 120)), 0, None) + 0.05
    changed = jump - 0.08
    lifted = changed + variation.footing(changed, jump)
    assert lifted.max() > 0.35
    assert abs(np.percentile(lifted, 10)) < 0.02
