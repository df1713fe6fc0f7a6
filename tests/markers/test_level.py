"""A pose whose depth agrees with the gravity that the user knows."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gonio.frames import ray_from_camera, up_from_camera_angles
from gonio.landmarks.pose import mid_hip_rays, pose_without_refiner
from gonio.markers.gravity import gravity_of
from gonio.markers.level import SHARE_OF_POSE, levelled
from gonio.options import CameraOptions
from gonio.types import LandmarkSequence, RefinedPose
from tests.markers.bodies import standing

PITCH_DEG = 12.0
KNOWN = CameraOptions(pitch_deg=PITCH_DEG, roll_deg=0.0)


def said_by_a_network(
    lean: str = "towards the camera", error_deg: float = 6.0
) -> tuple[RefinedPose, RefinedPose, LandmarkSequence]:
    """Truth; the pose of a network that errs about gravity, and leans; landmarks of 40 frames."""
    path = np.column_stack([np.zeros(40), np.zeros(40), np.linspace(-1, 1, 40)])
    landmarks, _ = standing(n=40, pitch_deg=PITCH_DEG, path=path)
    turns = ray_from_camera(mid_hip_rays(landmarks, CameraOptions()))
    up, forward = up_from_camera_angles(PITCH_DEG, 0.0), np.array([1.0, 0.0, 0.0])
    feet = np.random.default_rng(0).normal(0, 0.1, (40, 2, 2, 3))
    truth = replace(
        pose_without_refiner(landmarks),
        up=turns @ up,
        feet=feet,
        refiner="depth",
    )

    def leaning(share: float):
        axis = forward if lean == "towards the camera" else np.cross(up, forward)
        turn = Rotation.from_rotvec(np.radians(share * error_deg) * axis).as_matrix()
        return turns @ turn @ np.swapaxes(turns, 1, 2)

    positions, toes = truth.positions.copy(), feet.copy()
    positions[..., 2] = np.einsum("tij,tkj->tki", leaning(SHARE_OF_POSE), positions)[..., 2]
    toes[..., 2] = np.einsum("tij,tfpj->tfpi", leaning(SHARE_OF_POSE), toes)[..., 2]
    up_said = np.einsum("tij,tj->ti", leaning(1.0), truth.up)
    said = replace(truth, positions=positions, feet=toes, up=up_said)
    return truth, said, landmarks


@pytest.mark.parametrize("error_deg", [-6.0, 6.0])
@pytest.mark.parametrize("lean", ["towards the camera", "sideways"])
def test_a_body_that_leans_is_put_right(lean, error_deg):
    truth, said, landmarks = said_by_a_network(lean, error_deg)
    pose = levelled(said, landmarks, KNOWN)
    wrong, left = (np.abs(p.positions - truth.positions).max() for p in (said, pose))
    assert left < 0.1 * wrong + 1e-4
    assert np.abs(pose.feet - truth.feet).max() < 0.004
    if lean == "towards the camera":
        assert wrong > 0.05
    np.testing.assert_array_equal(pose.positions[..., :2], said.positions[..., :2])
    np.testing.assert_allclose(pose.up, truth.up, atol=1e-4)
    elevation = np.degrees(np.arcsin(-truth.up[:, 2]))
    np.testing.assert_allclose(pose.elevation_deg, elevation, atol=0.01)
    gravity = gravity_of(pose, landmarks, CameraOptions())
    assert (gravity.pitch_deg, gravity.roll_deg) == pytest.approx((PITCH_DEG, 0.0), abs=0.01)


def test_what_the_user_does_not_know_is_as_predicted():
    _, said, landmarks = said_by_a_network("sideways")
    pose = levelled(said, landmarks, CameraOptions(pitch_deg=PITCH_DEG))
    before, after = (gravity_of(p, landmarks, CameraOptions()) for p in (said, pose))
    assert after.pitch_deg == pytest.approx(PITCH_DEG, abs=0.01)
    assert after.roll_deg == pytest.approx(before.roll_deg, abs=0.01)
    assert abs(after.roll_deg) > 3


def test_who_knows_nothing_changes_nothing():
    _, said, landmarks = said_by_a_network()
    assert levelled(said, landmarks, CameraOptions()) is said
    assert levelled(said, landmarks, None) is said
    silent = replace(said, up=np.full_like(said.up, np.nan))
    assert levelled(silent, landmarks, KNOWN) is silent


def test_the_right_gravity_leaves_the_pose_alone():
    truth, _, landmarks = said_by_a_network()
    pose = levelled(truth, landmarks, KNOWN)
    np.testing.assert_allclose(pose.positions, truth.positions, atol=1e-6)


def test_what_is_missing_stays_missing():
    _, said, landmarks = said_by_a_network()
    gaps, up = said.positions.copy(), said.up.copy()
    gaps[3:9] = np.nan
    gaps[:, 15] = np.nan
    up[3:9] = np.nan
    pose = levelled(replace(said, positions=gaps, up=up), landmarks, KNOWN)
    np.testing.assert_array_equal(np.isnan(pose.positions), np.isnan(gaps))
    np.testing.assert_array_equal(np.isnan(pose.up), np.isnan(up))
    np.testing.assert_array_equal(np.isnan(pose.elevation_deg), np.isnan(up[:, 0]))
