from __future__ import annotations

import re
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gonio.kinematics.angles import joint_angles
from gonio.kinematics.chain import angles_of
from gonio.kinematics.segments import (
    SEGMENTS,
    KinematicsWarning,
    collected_warnings,
    segment_frames,
)
from gonio.options import InferenceOptions
from gonio.skeleton import JOINTS, MARKERS
from gonio.types import MarkerTrajectories
from tests.kinematics.body import body


def test_every_frame_is_orthonormal_and_right_handed_on_a_real_person(shared):
    from gonio.trc import read_trc

    frames = segment_frames(read_trc(shared / "balancing_trial" / "balancing_LSTM.trc"))
    assert len(frames) == 12
    for name, frame in frames.items():
        product = np.swapaxes(frame.rotation, 1, 2) @ frame.rotation
        assert np.allclose(product, np.eye(3), atol=1e-9), name
        assert np.allclose(np.linalg.det(frame.rotation), 1), name


def test_neutral_frames_point_forward_up_and_to_the_right():
    for name, frame in segment_frames(body()).items():
        assert np.allclose(frame.rotation[0], np.eye(3), atol=1e-9), name


def test_the_table_names_every_segment_that_the_joints_use():
    made = {d.name for d in SEGMENTS}
    used = {joint.child.removesuffix("_R").removesuffix("_L") for joint in JOINTS}
    assert made == used
    assert set(segment_frames(body())) == {joint.child for joint in JOINTS}


@pytest.mark.parametrize("definition", SEGMENTS, ids=lambda d: d.name)
def test_the_table_names_the_markers_that_a_segment_really_needs(definition):
    """Without any one marker of the table its frame is missing, unless a stand-in exists."""
    whole = body()
    stand_ins = {"RHJC", "LHJC", "RShoulder"}
    for pattern in definition.markers:
        marker = pattern.format(r="r", R="R")
        name = marker if marker in whole.names else f"{marker}_study"
        kept = tuple(n for n in whole.names if n != name)
        with collected_warnings() as said:
            frames = segment_frames(MarkerTrajectories(kept, whole.select(kept), 60.0))
        frame = frames[f"{definition.name}_R" if definition.sided else definition.name]
        replaced = marker in stand_ins or (definition.name == "humerus" and marker == "r_shoulder")
        assert np.isnan(frame.rotation).any() == (not replaced), name
        assert replaced or any(marker in sentence for sentence in said)


def test_markers_that_a_recording_lacks_are_named():
    whole = body()
    kept = tuple(name for name in whole.names if name not in ("r_mknee_study", "L_calc_study"))
    said = (
        r"lacks markers of femur_R, shank_R, foot_L \(femur_R: r_mknee\): .* have no angles.*"
        r"augment_markers"
    )
    with pytest.warns(KinematicsWarning, match=said):
        angles = joint_angles(MarkerTrajectories(kept, whole.select(kept), 60.0))
    assert angles["knee_R_flexion_deg"].isna().all()
    assert angles["knee_L_flexion_deg"].notna().all()
    with pytest.warns(KinematicsWarning, match="lacks markers of pelvis, trunk, femur_R"):
        joint_angles(MarkerTrajectories(MARKERS, whole.select(MARKERS), 60.0))


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        (np.eye(3)[[2, 0, 1]], "leans by more than 60 degrees in 100% .* another axis up than Y"),
        (np.diag([1.0, 1.0, -1.0]), "right and left are exchanged, or .* left-handed"),
        (np.diag([1.0, -1.0, -1.0]), "the head is below the hips in 100% .* has Y down"),
    ],
    ids=["Z up", "left-handed", "Y down"],
)
def test_other_axes_are_told_but_not_of_a_video(axes, said):
    whole = body(count=20)
    turned = MarkerTrajectories(whole.names, whole.positions @ axes.T, 60.0)
    with pytest.warns(KinematicsWarning) as told:
        joint_angles(turned)
    assert len(told) == 1
    assert re.search(said, str(told[0].message))
    with collected_warnings() as of_a_run:  # somebody who lies is no other recording
        angles_of(turned, InferenceOptions())
    assert of_a_run == []


def test_a_marker_that_is_never_seen_is_not_put_down_to_what_stands_in_for_another():
    whole = body(count=20)
    whole.positions[:, whole.names.index("r_knee_study")] = np.nan
    kept = tuple(name for name in whole.names if name != "RHJC_study")
    with collected_warnings() as said:
        angles = joint_angles(MarkerTrajectories(kept, whole.select(kept), 60.0))
    assert said == []
    assert angles["knee_R_flexion_deg"].isna().all()


def test_what_stands_in_for_a_marker_needs_no_word():
    whole = body()
    kept = tuple(name for name in whole.names if name not in ("RHJC_study", "RShoulder"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        angles = joint_angles(MarkerTrajectories(kept, whole.select(kept), 60.0))
    assert angles.notna().all().all()


@pytest.mark.parametrize(
    ("marker", "onto", "segment", "prefixes"),
    [
        ("r_5meta_study", ("r_calc_study", "r_toe_study", 0.5), "foot_R", ("ankle_R",)),
        (
            "r.PSIS_study",
            ("r.ASIS_study", "L.ASIS_study", 0.5),
            "pelvis",
            ("pelvis", "hip", "trunk"),
        ),
        ("L_mwrist_study", ("L_lwrist_study", "L_lwrist_study", 0.0), "forearm_L", ("elbow_L",)),
    ],
)
def test_markers_on_one_line_give_nan_and_a_warning(marker, onto, segment, prefixes):
    markers = body(count=10)
    positions = markers.positions.copy()
    first, second, share = onto
    flat = (1 - share) * markers[first] + share * markers[second]
    positions[2:5, markers.names.index(marker)] = flat[2:5]
    if segment == "pelvis":
        positions[2:5, markers.names.index("L.PSIS_study")] = flat[2:5]
    spoilt = MarkerTrajectories(markers.names, positions, 60.0)
    with pytest.warns(KinematicsWarning, match=f"{segment} lie on one line in 3 of 10 frames"):
        angles = joint_angles(spoilt, cutoff_hz=None)
    touched = [c for c in angles if c.startswith(prefixes)]
    assert angles.loc[2:4, touched].isna().all().all()
    assert angles.drop(index=[2, 3, 4])[touched].notna().all().all()


def test_missing_markers_give_no_warning_about_lines():
    markers = body(count=4)
    markers.positions[1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        angles = joint_angles(markers)
    assert angles.loc[1].drop("time_s").isna().all()


def test_warnings_are_collected_each_once_and_by_each_thread_alone():
    flat = body(count=4)
    flat.positions[:, flat.names.index("L_mwrist_study")] = flat["L_lwrist_study"]
    with collected_warnings() as said:
        segment_frames(flat)
        segment_frames(flat)
        with (
            collected_warnings() as elsewhere,
            ThreadPoolExecutor() as pool,
            pytest.warns(KinematicsWarning, match="forearm_L lie on one line in 4 of 4 frames"),
        ):
            pool.submit(segment_frames, flat).result()
    assert len(said) == 1
    assert "forearm_L lie on one line in 4 of 4 frames" in said[0]
    assert elsewhere == []
    with pytest.warns(KinematicsWarning):
        segment_frames(flat)
