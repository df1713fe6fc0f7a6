import numpy as np
import pytest

from gonio.markers.known import FOOT_MARKERS, known_trajectories, markers_of_known_points
from gonio.skeleton import COCO, COCO_FROM_MEDIAPIPE, MARKERS, MEDIAPIPE
from gonio.types import known
from tests.markers.bodies import STATURE, standing

NO_EXTRA = np.full((5, 43, 3), np.nan)


def body(small_toes=True):
    """Joints and feet of one who stands, origin at mid-hip, axes of the room."""
    room = standing(n=5)[1]
    middle = room[:, [MEDIAPIPE["left_hip"], MEDIAPIPE["right_hip"]]].mean(axis=1, keepdims=True)
    points = room - middle
    feet = np.full((5, 6, 3), np.nan)
    for first, side in ((0, "right"), (3, "left")):
        feet[:, first] = points[:, MEDIAPIPE[f"{side}_heel"]]
        feet[:, first + 1] = points[:, MEDIAPIPE[f"{side}_foot_index"]]
        if small_toes:
            outward = 0.07 if side == "right" else -0.07
            feet[:, first + 2] = feet[:, first + 1] + [-0.05, 0.0, outward]
    return points[:, list(COCO_FROM_MEDIAPIPE)], feet, middle[:, 0]


def trajectories(joints, feet, path, turn=None):
    turns = np.tile(np.eye(3) if turn is None else turn, (5, 1, 1))
    return known_trajectories(
        joints, feet, NO_EXTRA, turns, path, rate_hz=30.0, height_m=STATURE, start_s=0.5
    )


def test_known_points_stay_where_they_are_and_the_crown_is_estimated():
    joints, feet, _ = body()
    markers, estimated = markers_of_known_points(joints, feet, STATURE)
    np.testing.assert_array_equal(markers[:, MARKERS.index("RKnee")], joints[:, COCO["right_knee"]])
    columns = [MARKERS.index(name) for name in FOOT_MARKERS]
    np.testing.assert_array_equal(markers[:, columns], feet)
    assert [MARKERS[i] for i in np.flatnonzero(estimated.any(axis=0))] == ["Head"]


def test_a_small_toe_that_is_not_known_is_placed_as_in_use():
    joints, feet, _ = body(small_toes=False)
    markers, estimated = markers_of_known_points(joints, feet, STATURE)
    assert estimated[:, MARKERS.index("RSmallToe")].all()
    toe, small = (markers[:, MARKERS.index(name)] for name in ("RBigToe", "RSmallToe"))
    assert ((small - toe)[:, 2] > 0.02).all()  # outward


def test_the_body_stands_on_the_floor_over_the_origin_whatever_its_axes():
    joints, feet, path = body()
    markers = trajectories(joints, feet, path + np.linspace(0, 1, 5)[:, None] * [0.4, 0, 0])
    assert markers["RHeel"][0, 1] == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(markers["Hip"][0, [0, 2]], 0, atol=1e-9)
    np.testing.assert_allclose((markers["Hip"][4] - markers["Hip"][0]), [0.4, 0, 0], atol=1e-9)
    assert markers.time_s[0] == 0.5
    turn = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    turned = trajectories(joints @ turn, feet @ turn, path, turn)
    still = trajectories(joints, feet, path)
    np.testing.assert_allclose(turned.positions, still.positions, atol=1e-9)


def test_feet_that_nobody_knows_are_completed_and_flagged_and_joints_are_not():
    joints, feet, path = body()
    joints[2, COCO["left_elbow"]] = np.nan
    markers = trajectories(joints, np.full_like(feet, np.nan), path)
    assert markers.estimated[:, MARKERS.index("RHeel")].all()
    assert (markers["RBigToe"] - markers["RHeel"])[0, 0] > 0.15  # ahead
    assert np.isnan(markers["LElbow"][2]).all()
    assert known(markers["LElbow"])[[0, 1, 3, 4]].all()
