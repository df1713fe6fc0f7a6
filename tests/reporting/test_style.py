from __future__ import annotations

from gonio.reporting.style import (
    LEFT_COLOUR,
    MIDDLE_COLOUR,
    POSITIVE,
    RIGHT_COLOUR,
    ROW_TITLES,
    joints_of_row,
    rgb_of,
)
from gonio.skeleton import JOINTS


def test_the_rows_hold_every_joint_once_right_before_left():
    shown = [joint for title in ROW_TITLES for joint in joints_of_row(title)]
    assert sorted(j.name for j in shown) == sorted(j.name for j in JOINTS)
    assert all(
        [j.side for j in joints_of_row(title)] in ([None], ["R", "L"]) for title in ROW_TITLES
    )


def test_every_angle_says_where_it_grows():
    wanted = {(joint.title, angle) for joint in JOINTS for angle in joint.angles}
    assert wanted <= set(POSITIVE)


def test_the_sides_differ_in_lightness_and_hue():
    def luminance(colour: str) -> float:
        red, green, blue = rgb_of(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert rgb_of("#0072B2") == (0, 114, 178)
    assert abs(luminance(RIGHT_COLOUR) - luminance(LEFT_COLOUR)) > 15  # told apart in grey print
    assert len({RIGHT_COLOUR, LEFT_COLOUR, MIDDLE_COLOUR}) == 3
