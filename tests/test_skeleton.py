from Pose2Sim.markerAugmentation import (
    getMarkers_upperExtremity_noPelvis2,
    getOpenPoseMarkers_lowerExtremity2,
)

from gonio import skeleton


def test_lengths_of_the_lists():
    assert len(skeleton.MEDIAPIPE_LANDMARKS) == 33
    assert len(skeleton.COCO_JOINTS) == 17
    assert len(skeleton.MARKERS) == 22
    assert len(skeleton.AUGMENTED_MARKERS) == 43
    assert len(set(skeleton.ALL_MARKERS)) == 65
    assert len(skeleton.JOINTS) == 12
    assert len(set(skeleton.ANGLE_COLUMNS)) == 36


def test_coco_from_mediapipe_as_in_the_design():
    expected = (0, 2, 5, 7, 8, *range(11, 17), *range(23, 29))
    assert expected == skeleton.COCO_FROM_MEDIAPIPE


def test_augmenter_markers_are_those_of_the_installed_package():
    lower_in, lower_out = getOpenPoseMarkers_lowerExtremity2()
    upper_in, upper_out = getMarkers_upperExtremity_noPelvis2()
    assert tuple(lower_in) == skeleton.AUGMENTER_LOWER_INPUT
    assert tuple(lower_out) == skeleton.AUGMENTED_LOWER
    assert tuple(upper_in) == skeleton.AUGMENTER_UPPER_INPUT
    assert tuple(upper_out) == skeleton.AUGMENTED_UPPER


def test_mirrors_are_involutions_and_swap_sides():
    for mirror in (skeleton.MEDIAPIPE_MIRROR, skeleton.COCO_MIRROR):
        assert [mirror[i] for i in mirror] == list(range(len(mirror)))
    assert skeleton.COCO_MIRROR[skeleton.COCO["left_knee"]] == skeleton.COCO["right_knee"]


def test_every_marker_has_its_twin():
    middle = {"Neck", "Hip", "Nose", "Head", "C7_study"}
    for name in skeleton.ALL_MARKERS:
        other = skeleton.marker_on_other_side(name)
        assert skeleton.marker_on_other_side(other) == name
        assert (other == name) == (name in middle)


def test_columns_are_named_joint_angle_deg():
    assert skeleton.ANGLE_COLUMNS[0] == "pelvis_tilt_deg"
    assert "hip_R_flexion_deg" in skeleton.ANGLE_COLUMNS
    assert skeleton.ANGLE_COLUMNS[-1] == "elbow_L_pronation_deg"
    for joint in skeleton.JOINTS:
        assert skeleton.mirrored_joint(skeleton.mirrored_joint(joint)) == joint
