import numpy as np
from scipy.spatial.transform import Rotation

from gonio.markers.complete import complete_hip_centres
from gonio.markers.hip_centres import hip_centres_from_pelvis
from gonio.skeleton import ALL_MARKERS
from gonio.types import MarkerTrajectories

# width 240 mm, depth 150 mm, level: X forward, Y up, Z right
PELVIS = np.array([[0, 1, 0.12], [0, 1, -0.12], [-0.15, 1, 0.05], [-0.15, 1, -0.05]])
# Harrington 2007: -0.24 * 150 - 9.9, -0.30 * 240 - 10.9, 0.33 * 240 + 7.3 mm
EXPECTED = np.array([-0.0459, 1 - 0.0829, 0.0865])


def test_a_worked_example():
    right, left = hip_centres_from_pelvis(*(PELVIS[:, None]))
    np.testing.assert_allclose(right[0], EXPECTED, atol=1e-9)
    np.testing.assert_allclose(left[0], EXPECTED * [1, 1, -1], atol=1e-9)


def test_the_centres_turn_with_the_pelvis():
    turns = Rotation.random(20, random_state=0)
    moved = np.stack([turns.apply(point) for point in PELVIS])
    right, _ = hip_centres_from_pelvis(*moved)
    np.testing.assert_allclose(right, turns.apply(EXPECTED), atol=1e-9)


def test_missing_centres_are_filled_and_flagged():
    positions = np.zeros((3, 65, 3))
    for name, place in zip(("r.ASIS", "L.ASIS", "r.PSIS", "L.PSIS"), PELVIS, strict=True):
        positions[:, ALL_MARKERS.index(f"{name}_study")] = place
    hip = ALL_MARKERS.index("RHJC_study")
    positions[1, hip] = np.nan
    filled = complete_hip_centres(MarkerTrajectories(ALL_MARKERS, positions, 60))
    np.testing.assert_allclose(filled.positions[1, hip], EXPECTED, atol=1e-9)
    assert filled.estimated[:, hip].tolist() == [False, True, False]
    assert (filled.positions[0] == positions[0]).all()
