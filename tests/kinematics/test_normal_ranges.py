from gonio.kinematics.normal_ranges import NORMAL_RANGES
from gonio.skeleton import ANGLE_COLUMNS, JOINTS


def test_ranges_hold_the_typical_pose_and_belong_to_columns():
    assert set(NORMAL_RANGES) <= set(ANGLE_COLUMNS)
    for joint in JOINTS:
        for column, typical in zip(joint.columns, joint.typical, strict=True):
            if column in NORMAL_RANGES:
                assert NORMAL_RANGES[column].low <= typical <= NORMAL_RANGES[column].high
                assert NORMAL_RANGES[column].source


def test_both_sides_have_the_same_range():
    for column, normal in NORMAL_RANGES.items():
        assert NORMAL_RANGES[column.replace("_R_", "_L_")] == normal
