"""One guess of what is not seen, whichever step makes it."""

import numpy as np

from gonio.markers.complete import complete_inputs
from gonio.markers.from_pose import build_markers
from gonio.markers.proportions import DEFAULT_MASS_KG
from gonio.skeleton import MARKERS, MEDIAPIPE
from gonio.types import MarkerTrajectories

STATURE_M = 1.8


def trunk() -> np.ndarray:
    """(3, 33, 3) landmarks of somebody whose trunk alone is seen, shoulders and hips askew."""
    body = np.full((3, 33, 3), np.nan)
    for name, place in (
        ("left_shoulder", (0.05, 1.45, -0.2)),
        ("right_shoulder", (-0.05, 1.47, 0.2)),
        ("left_hip", (0.0, 0.95, -0.1)),
        ("right_hip", (0.02, 0.95, 0.1)),
    ):
        body[:, MEDIAPIPE[name]] = place
    return body


def test_the_head_that_nobody_saw_is_one_guess():
    body, nobody = trunk(), np.zeros((3, 33), dtype=bool)
    estimated, flags = build_markers(body, nobody, STATURE_M, estimate_missing=True)
    bare, _ = build_markers(body, nobody, STATURE_M, estimate_missing=False)
    completed = complete_inputs(MarkerTrajectories(MARKERS, bare, 30.0), STATURE_M)
    for name in ("Head", "Nose"):
        column = MARKERS.index(name)
        assert np.isnan(bare[:, column]).all()
        assert flags[:, column].all()
        assert completed.estimated[:, column].all()
        np.testing.assert_allclose(completed[name], estimated[:, column], atol=1e-12)


def test_the_mass_that_nobody_told_is_one_guess():
    from gonio.kinematics import opensim_ik
    from gonio.markers import augment

    assert augment.DEFAULT_MASS_KG is opensim_ik.DEFAULT_MASS_KG is DEFAULT_MASS_KG
