import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.errors import InputError
from gonio.kinematics.angles import joint_angles
from gonio.skeleton import ALL_MARKERS, ANGLE_COLUMNS
from gonio.training.convention import convention_of
from gonio.types import MarkerTrajectories
from tests.kinematics.body import body

COLUMNS = list(ANGLE_COLUMNS)
MOVES = {
    "knee_R_flexion_deg": np.linspace(0, 90, 60),
    "hip_L_flexion_deg": np.linspace(0, 60, 60),
    "hip_L_adduction_deg": np.linspace(-20, 20, 60),
    "pelvis_rotation_deg": np.linspace(0, 50, 60),
}


def placed_elsewhere(markers: MarkerTrajectories) -> MarkerTrajectories:
    """The same body with its ASIS lower and its outer malleoli further forward, on both sides."""
    positions = markers.positions.copy()
    for side in ("r", "L"):
        asis, psis = (ALL_MARKERS.index(f"{side}.{part}_study") for part in ("ASIS", "PSIS"))
        back = positions[:, asis] - positions[:, psis]
        right = (
            positions[:, ALL_MARKERS.index("r.ASIS_study")]
            - positions[:, ALL_MARKERS.index("L.ASIS_study")]
        )
        down = np.cross(back, right)
        down[:, 1] = -np.abs(down[:, 1])
        positions[:, asis] += 0.03 * down / np.linalg.norm(down, axis=1, keepdims=True)
    return MarkerTrajectories(ALL_MARKERS, positions, markers.rate_hz)


def test_a_constant_of_the_markers_is_found_and_taken_off():
    said = body(MOVES, count=60)
    moved = placed_elsewhere(said)
    before = joint_angles(moved)[COLUMNS] - joint_angles(said)[COLUMNS]
    assert before["pelvis_tilt_deg"].abs().mean() > 5
    convention = convention_of([(moved, said)])
    after = joint_angles(moved, turns=convention.turns)[COLUMNS] - joint_angles(said)[COLUMNS]
    assert after.abs().to_numpy().max() < 0.5
    assert convention.described()["pelvis"][2] == pytest.approx(
        before["pelvis_tilt_deg"].mean() * -1, abs=0.5
    )


def test_both_sides_get_the_mirrored_turn():
    still = body(count=40)
    random = np.random.default_rng(0).normal(scale=0.01, size=still.positions.shape)
    noisy = MarkerTrajectories(ALL_MARKERS, still.positions + random[:1], still.rate_hz)
    turns = convention_of([(noisy, still)]).turns
    assert set(turns) >= {"pelvis", "trunk", "femur_R", "femur_L", "forearm_L"}
    for part in ("femur", "shank", "foot", "humerus", "forearm"):
        right, left = (Rotation.from_matrix(turns[f"{part}_{s}"]).as_rotvec() for s in "RL")
        np.testing.assert_allclose(left, right * [-1, -1, 1], atol=1e-9)


def test_without_clips_it_says_what_to_choose():
    with pytest.raises(InputError, match=r"angles\.true_markers=body"):
        convention_of([])
