"""Scored joint angles for tests of tables, charts and pages."""

from __future__ import annotations

import numpy as np

from gonio.skeleton import JOINTS
from gonio.training.angle_errors import angle_errors
from gonio.training.angle_scoring import ScoredAngles

_NAMES = [joint.name for joint in JOINTS]


def made_angle_scores(recording: str = "made_test") -> list[ScoredAngles]:
    """Two clips of two cameras; `raw` errs by 10 degrees and 6 to and fro, `better` by half of it.

    The left elbow has no truth, the right knee only that of its flexion.
    """
    clips = []
    for camera in ("c1", "c2"):
        truth = np.tile(20 * np.sin(np.arange(40) / 4)[:, None, None], (1, 12, 3))
        to_and_fro = np.tile([6.0, -6.0], 20)[:, None, None]
        said = {"raw": truth + 10 + to_and_fro, "better": truth + 5 + to_and_fro / 2}
        truth[:, _NAMES.index("elbow_L")] = np.nan
        truth[:, _NAMES.index("knee_R"), 1:] = np.nan
        errors = {row: angle_errors(angles, truth) for row, angles in said.items()}
        clips.append(ScoredAngles(recording, camera, "by hand", errors))
    return clips
