"""These need the built body model: `slow`, since building it takes a minute the first time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gonio.capture.rendered.anny_model import BODY_VERTICES, load_anny
from gonio.capture.rendered.body import Body, make_body, sample_body
from gonio.capture.rendered.motion import BONE, Motion
from gonio.capture.rendered.procedural import make_motion
from gonio.skeleton import AUGMENTED_MARKERS, COCO, marker_on_other_side

pytestmark = pytest.mark.slow


def test_the_t_pose_is_a_t(body: Body, t_pose: Motion) -> None:
    transforms = body.transforms(t_pose)
    joints = body.joints(transforms)[0]
    shoulder, elbow, wrist = (joints[COCO[f"left_{n}"]] for n in ("shoulder", "elbow", "wrist"))
    assert elbow[0] > shoulder[0] + 0.15
    np.testing.assert_allclose(wrist[1:], elbow[1:], atol=1e-9)
    hip, knee, ankle = (joints[COCO[f"right_{n}"]] for n in ("hip", "knee", "ankle"))
    np.testing.assert_allclose(knee[[0, 2]], hip[[0, 2]], atol=1e-9)
    np.testing.assert_allclose(ankle[[0, 2]], hip[[0, 2]], atol=1e-9)
    assert hip[0] < 0 < joints[COCO["left_hip"], 0]
    assert joints[COCO["nose"], 2] > joints[COCO["left_ear"], 2]
    feet = body.feet(transforms)[0]
    assert (feet[[1, 2], 2] > feet[0, 2] + 0.12).all()  # toes before the heel
    assert feet[1, 0] > feet[2, 0]  # the right big toe is nearer to the middle
    assert (feet[:3, 0] < 0).all()
    assert (feet[3:, 0] > 0).all()


def test_the_stature_is_that_of_the_mesh_and_near_the_wished_one(t_pose: Motion) -> None:
    for body_id in (0, 1, 2):
        body = make_body(body_id)
        skin = body.vertices(body.transforms(t_pose)[0])[:BODY_VERTICES, 1]
        assert body.stature_m == pytest.approx(np.ptp(skin), abs=1e-9)
        assert body.stature_m == pytest.approx(body.spec.stature_m, abs=0.02)
        assert 0.42 < body.leg_m / body.stature_m < 0.56


def test_segments_are_as_long_as_the_body_is_to_have_them(t_pose: Motion) -> None:
    for body_id in (0, 3, 7):
        body = make_body(body_id)
        joints = body.joints(body.transforms(t_pose))[0]
        for name, (start, end) in {
            "thigh": ("left_hip", "left_knee"),
            "shank": ("right_knee", "right_ankle"),
            "forearm": ("left_elbow", "left_wrist"),
            "hips": ("left_hip", "right_hip"),
        }.items():
            length = np.linalg.norm(joints[COCO[end]] - joints[COCO[start]])
            wanted = body.spec.segments[name] * body.stature_m
            assert length == pytest.approx(wanted, rel=0.03), name


def test_thighs_and_shanks_are_as_long_as_those_of_people() -> None:
    ratios = []
    for number in range(2000):
        segments = sample_body(number).segments
        ratios.append(segments["shank"] / segments["thigh"])
    assert np.mean(ratios) == pytest.approx(1.02, abs=0.02)
    assert np.std(ratios) < 0.08


def test_stretching_a_body_stretches_its_skin_along_the_bone_only(t_pose: Motion) -> None:
    spec, model = sample_body(2), load_anny()
    longer = replace(spec, segments={**spec.segments, "thigh": 1.1 * spec.segments["thigh"]})
    depths, lengths = [], []
    for each in (spec, longer):
        body = Body(each, model)
        transforms = body.transforms(t_pose)
        joints = body.joints(transforms)[0]
        skin = body.vertices(transforms[0])[:BODY_VERTICES]
        head = np.linalg.norm(joints[COCO["left_ear"]] - joints[COCO["right_ear"]])
        hip, knee = (joints[COCO[f"left_{name}"]] for name in ("hip", "knee"))
        middle = (hip + knee) / 2
        near = (np.abs(skin - middle) < [0.12, 0.02, 0.2]).all(axis=1)
        depths.append(np.ptp(skin[near, 2]) / head)
        lengths.append(np.linalg.norm(knee - hip) / head)
    assert depths[1] == pytest.approx(depths[0], rel=0.05)
    assert lengths[1] > 1.1 * lengths[0]


def test_the_root_is_between_the_hips_and_scaled_by_the_leg(body: Body) -> None:
    motion = make_motion("walk", 1, 20)
    joints = body.joints(body.transforms(motion))
    hips = joints[:, [COCO["left_hip"], COCO["right_hip"]]].mean(axis=1)
    np.testing.assert_allclose(hips, motion.root * body.leg_m / motion.leg_m, atol=1e-9)


def test_limbs_follow_the_bones_of_the_motion_and_keep_their_length(body: Body) -> None:
    motion = make_motion("poses", 2, 40)
    joints = body.joints(body.transforms(motion))
    for start, end, bone, along in (
        ("left_knee", "left_ankle", "LeftLeg", [0, -1, 0]),
        ("right_hip", "right_knee", "RightUpLeg", [0, -1, 0]),
        ("left_elbow", "left_wrist", "LeftForeArm", [1, 0, 0]),
        ("right_elbow", "right_wrist", "RightForeArm", [-1, 0, 0]),
    ):
        limb = joints[:, COCO[end]] - joints[:, COCO[start]]
        length = np.linalg.norm(limb, axis=1)
        np.testing.assert_allclose(length, length[0], rtol=1e-9)
        expected = motion.matrices[:, BONE[bone]] @ np.array(along, dtype=float)
        np.testing.assert_allclose(limb / length[:, None], expected, atol=1e-9)


def test_drawn_joints_lie_inside_the_drawn_skin(body: Body) -> None:
    transforms = body.transforms(make_motion("walk", 4, 1))
    skin = body.vertices(transforms[0])[:BODY_VERTICES]
    for name in ("left_elbow", "right_knee", "left_ankle", "right_hip", "left_shoulder"):
        joint = body.joints(transforms)[0, COCO[name]]
        near = skin[np.linalg.norm(skin - joint, axis=1) < 0.16]
        assert (near.min(axis=0) < joint).all()
        assert (near.max(axis=0) > joint).all()


def test_markers_are_on_the_skin_and_mirrored(body: Body, t_pose: Motion) -> None:
    transforms = body.transforms(t_pose)
    markers = dict(zip(AUGMENTED_MARKERS, body.markers(transforms)[0], strict=True))
    skin = body.vertices(transforms[0])[:BODY_VERTICES]
    for name, place in markers.items():
        other = markers[marker_on_other_side(name)]
        np.testing.assert_allclose(other, place * [-1, 1, 1], atol=2e-3)
        if "HJC" not in name:
            assert np.linalg.norm(skin - place, axis=1).min() < 0.02
    assert markers["r_knee_study"][0] < markers["r_mknee_study"][0] < 0  # the right is at -x
    assert markers["r.ASIS_study"][2] > markers["r.PSIS_study"][2] + 0.1
    assert markers["r_calc_study"][2] < markers["r_5meta_study"][2] < markers["r_toe_study"][2]
    assert markers["C7_study"][1] > markers["r_shoulder_study"][1]


def test_markers_of_a_thigh_do_not_move_against_each_other(body: Body) -> None:
    markers = body.markers(body.transforms(make_motion("bend", 1, 30)))
    thigh = [
        AUGMENTED_MARKERS.index(n) for n in ("r_thigh1_study", "r_thigh3_study", "r_knee_study")
    ]
    sides = np.linalg.norm(np.diff(markers[:, thigh], axis=1), axis=2)
    np.testing.assert_allclose(sides, np.broadcast_to(sides[0], sides.shape), rtol=1e-9)


def test_numbers_are_bodies_of_all_builds() -> None:
    specs = [sample_body(number) for number in range(400)]
    assert specs[5] == sample_body(5)
    assert 0.4 < np.mean([spec.female for spec in specs]) < 0.6
    ages = [spec.age_years for spec in specs]
    assert min(ages) < 20
    assert max(ages) > 76
    statures = [spec.stature_m for spec in specs]
    assert min(statures) < 1.5
    assert max(statures) > 1.9
    assert np.ptp([spec.weight for spec in specs]) > 0.8


def test_heavier_bodies_are_wider(t_pose: Motion) -> None:
    spec = sample_body(1)
    widths = []
    for weight in (0.1, 1.3):
        body = Body(replace(spec, weight=weight), load_anny())
        belly = body.vertices(body.transforms(t_pose)[0])[:BODY_VERTICES]
        level = np.abs(belly[:, 1] - 0.62 * body.stature_m - belly[:, 1].min()) < 0.03
        widths.append(np.ptp(belly[level & (abs(belly[:, 0]) < 0.35), 0]))
    assert widths[1] > widths[0] + 0.05
