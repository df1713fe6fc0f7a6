from dataclasses import replace

import numpy as np
import pytest

from gonio.capture.tasks import LeftOutError
from gonio.errors import InputError
from gonio.skeleton import ANGLE_COLUMNS, JOINTS
from gonio.training.angle_checks import SizeLimits, body_of, impossible, likely
from tests.training.angle_fakes import STATURE, known_shard

NAMES = [joint.name for joint in JOINTS]


def pose(**degrees):
    """(1, 12, 3) with some columns, the rest as in a typical pose."""
    flat = np.array([joint.typical for joint in JOINTS]).reshape(-1)
    for name, value in degrees.items():
        flat[ANGLE_COLUMNS.index(f"{name}_deg")] = value
    return flat.reshape(1, 12, 3)


def test_a_body_of_three_metres_is_left_out():
    shard = known_shard(count=2)
    tall = replace(
        shard, ground_truth=shard.ground_truth * np.float32(3 / STATURE), stature_m=float("nan")
    )
    with pytest.raises(LeftOutError, match=r"stature is 2\.9.* m; allowed are 0\.9 to 2\.4 m"):
        body_of(tall, SizeLimits())
    with pytest.raises(LeftOutError, match="stated stature is 170 m"):
        body_of(replace(shard, stature_m=170.0), SizeLimits())
    with pytest.raises(LeftOutError, match="stated stature is 1 m, but its true joints"):
        body_of(replace(shard, stature_m=1.0), SizeLimits())


def test_stature_is_the_stated_one_or_follows_from_the_joints():
    shard = known_shard(count=2)
    stated = body_of(shard, SizeLimits())
    assert (stated.stature_m, stated.stated) == (STATURE, True)
    found = body_of(replace(shard, stature_m=float("nan")), SizeLimits())
    assert not found.stated
    assert found.stature_m == pytest.approx(STATURE, abs=0.05)
    with pytest.raises(InputError, match="below the tallest"):
        SizeLimits(2.0, 1.0)


@pytest.mark.parametrize(
    "unusual",
    [
        {"hip_R_flexion": 160.0},  # one leg straight up
        {"elbow_L_flexion": -25.0},  # hyper-extended
        {"knee_R_flexion": -20.0},
        {"shoulder_R_flexion": 0.0, "shoulder_R_adduction": -170.0},
        {"shoulder_L_flexion": -60.0, "shoulder_L_rotation": 90.0},  # hand on the back
        {"pelvis_tilt": 100.0, "pelvis_rotation": 700.0},  # lies on the back after two turns
    ],
)
def test_unusual_is_not_impossible(unusual):
    assert not impossible(pose(**unusual), 60.0).any()


@pytest.mark.parametrize(
    ("joint", "columns"),
    [
        ("ankle_R", {"ankle_R_flexion": 12.0, "ankle_R_adduction": -153.0}),  # sole up
        ("ankle_L", {"ankle_L_flexion": -156.0}),  # points backward
        ("knee_L", {"knee_L_flexion": -100.0}),
    ],
)
def test_what_no_body_can_do_is_found(joint, columns):
    found = impossible(pose(**columns), 60.0)
    assert [NAMES[k] for k in np.flatnonzero(found[0])] == [joint]
    assert not impossible(pose(**columns), None).any()


def test_the_likely_angles_of_an_elbow_told_the_other_way():
    told = pose(elbow_L_flexion=-61.0, elbow_L_deviation=-138.0, elbow_L_pronation=-44.0)
    np.testing.assert_allclose(likely(told)[0, NAMES.index("elbow_L")], [119, -42, 136])
