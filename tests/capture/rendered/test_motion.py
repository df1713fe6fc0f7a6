from __future__ import annotations

import numpy as np
import pytest

from gonio.capture.rendered.motion import BONES, PARENTS, Motion, quaternions_from_matrices
from gonio.errors import InputError


def test_parents_come_before_children() -> None:
    assert PARENTS[0] == -1
    assert all(parent < bone for bone, parent in enumerate(PARENTS))
    assert BONES[PARENTS[BONES.index("RightHand")]] == "RightForeArm"
    assert BONES[PARENTS[BONES.index("LeftUpLeg")]] == "Hips"


def test_quaternions_are_continuous_and_give_the_matrices_back(wobbling: Motion) -> None:
    quaternions = quaternions_from_matrices(wobbling.matrices)
    assert np.sum(quaternions[1:] * quaternions[:-1], axis=2).min() > 0.9
    again = Motion("a", "b", "c", 30, 3 * quaternions / 3, wobbling.root)
    np.testing.assert_allclose(again.matrices, wobbling.matrices, atol=1e-12)


def test_lengths_of_quaternions_do_not_matter(wobbling: Motion) -> None:
    scaled = Motion("a", "b", "c", 30, 1.01 * wobbling.orientations, wobbling.root)
    np.testing.assert_allclose(scaled.matrices, wobbling.matrices, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"root": np.zeros((59, 3))}, "allowed are"),
        ({"orientations": np.zeros((60, 22, 4))}, "allowed are"),
        ({"orientations": np.zeros((60, 23, 4))}, "not unit"),
        ({"root": np.full((60, 3), np.nan)}, "not finite"),
        ({"leg_m": 82.0}, "leg_m 82"),
        ({"fps": 0.0}, "fps 0"),
    ],
)
def test_impossible_motion_is_refused(
    wobbling: Motion, change: dict[str, object], message: str
) -> None:
    from dataclasses import replace

    with pytest.raises(InputError, match=message):
        replace(wobbling, **change)  # type: ignore[arg-type]
