from __future__ import annotations

from gonio.capture.rendered.anny_model import BODY_VERTICES
from gonio.capture.rendered.marker_table import read_marker_table
from gonio.skeleton import AUGMENTED_MARKERS, marker_on_other_side


def test_every_marker_has_a_place_and_a_meaning() -> None:
    table = read_marker_table()
    assert set(table) == set(AUGMENTED_MARKERS)
    for row in table.values():
        assert row.landmark
        assert bool(row.vertices) != bool(row.joint_centre)
        assert all(0 <= vertex < BODY_VERTICES for vertex in row.vertices)
    used = [vertex for row in table.values() for vertex in row.vertices]
    assert len(set(used)) == len(used) == 41


def test_both_sides_ride_on_mirrored_bones() -> None:
    table = read_marker_table()
    for name, row in table.items():
        other = table[marker_on_other_side(name)]
        swapped = row.bone.replace("Left", "?").replace("Right", "Left").replace("?", "Right")
        assert other.bone == swapped
