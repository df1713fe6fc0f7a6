from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_hex

from gonio.errors import InputError
from gonio.reporting.figures import figure_png, joint_angle_figure
from gonio.reporting.style import LEFT_COLOUR, RIGHT_COLOUR, SINGULAR_COLOUR
from gonio.skeleton import ANGLE_COLUMNS, JOINTS


def _lines(figure):
    """The curves by column; the zero lines have names of matplotlib's own."""
    return {
        line.get_label(): line
        for axes in figure.axes
        for line in axes.lines
        if line.get_label() in ANGLE_COLUMNS
    }


def _panel(figure, heading: str):
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == heading)


def test_every_column_is_drawn_once_with_its_numbers(angles):
    lines = _lines(joint_angle_figure(angles))
    assert set(lines) == set(ANGLE_COLUMNS)
    for column, line in lines.items():
        np.testing.assert_array_equal(line.get_xdata(), angles["time_s"])
        np.testing.assert_array_equal(line.get_ydata(), angles[column])


def test_right_and_left_share_a_panel_and_differ_in_colour(angles):
    figure = joint_angle_figure(angles)
    assert len(figure.axes) == 21
    for joint in JOINTS:
        for column in joint.columns:
            axes = _lines(figure)[column].axes
            colour = to_hex(_lines(figure)[column].get_color()).upper()
            if joint.side == "R":
                assert colour == RIGHT_COLOUR
                assert axes is _lines(figure)[column.replace("_R_", "_L_")].axes
            elif joint.side == "L":
                assert colour == LEFT_COLOUR
            else:
                assert colour not in {RIGHT_COLOUR, LEFT_COLOUR}


def test_panels_say_name_unit_and_positive_direction(angles):
    figure = joint_angle_figure(angles, title="joey.mp4", subtitle="absolute")
    texts = {text.get_text() for text in _panel(figure, "Ankle flexion").texts}
    assert texts == {"ankle_{R,L}_flexion_deg", "dorsiflexion +"}
    assert {text.get_text() for text in _panel(figure, "Pelvis tilt").texts} >= {"pelvis_tilt_deg"}
    assert _panel(figure, "Knee flexion").get_ylabel() == "angle (deg)"
    assert _panel(figure, "Elbow flexion").get_xlabel() == "time (s)"
    assert {"joey.mp4", "absolute"} <= {text.get_text() for text in figure.texts}


def test_gaps_stay_open(angles):
    angles.loc[10:20, "knee_L_flexion_deg"] = np.nan
    line = _lines(joint_angle_figure(angles))["knee_L_flexion_deg"]
    assert np.isnan(line.get_ydata()[10:21]).all()
    assert np.isfinite(line.get_ydata()[[9, 21]]).all()


def test_the_angles_before_a_network_are_dashed_and_lie_below_with_a_band_of_their_own(angles):
    before = angles.copy()
    before["knee_R_flexion_deg"] += 30
    figure = joint_angle_figure(
        angles, computed=before, sigma=angles * 0 + 1, computed_sigma=angles * 0 + 2
    )
    axes = _lines(figure)["knee_R_flexion_deg"].axes
    lines = {line.get_label(): line for line in axes.lines}
    dashed, solid = (lines[f"knee_R_flexion_deg{end}"] for end in (" as computed", ""))
    np.testing.assert_array_equal(dashed.get_ydata(), before["knee_R_flexion_deg"])
    np.testing.assert_array_equal(solid.get_ydata(), angles["knee_R_flexion_deg"])
    assert dashed.is_dashed()
    assert not solid.is_dashed()
    assert dashed.get_zorder() < solid.get_zorder()
    assert dashed.get_color() == solid.get_color()
    bands = [band for band in axes.collections if isinstance(band, FillBetweenPolyCollection)]
    assert len(bands) == 4  # two sides, before and after
    assert axes.get_ylim()[1] > before["knee_R_flexion_deg"].max() + 2
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "as computed" in labels
    assert "as computed" not in [
        text.get_text() for text in joint_angle_figure(angles).legends[0].get_texts()
    ]
    with pytest.raises(InputError, match="computed has 5 rows"):
        joint_angle_figure(angles, computed=before[:5])


def test_shading_covers_the_flagged_time_of_that_joint_only(angles):
    flags = pd.DataFrame(
        {f"{joint.name}_near_singularity": np.zeros(len(angles), bool) for joint in JOINTS}
    )
    flags.loc[30:59, "shoulder_R_near_singularity"] = True
    figure = joint_angle_figure(angles, near_singularity=flags)
    panel = _panel(figure, "Shoulder adduction")
    amber, strip = panel.collections
    assert to_hex(amber.get_facecolor()[0]).upper() == SINGULAR_COLOUR
    assert to_hex(strip.get_facecolor()[0]).upper() == RIGHT_COLOUR
    x = amber.get_paths()[0].vertices[:, 0]
    assert x.min() == pytest.approx(29.5 / 60)
    assert x.max() == pytest.approx(59.5 / 60)
    assert not _panel(figure, "Elbow flexion").collections


def test_the_band_is_one_sigma_wide_has_gaps_and_is_in_the_legend(angles):
    sigma = angles * 0 + 7.0
    sigma.loc[30:40, "trunk_flexion_deg"] = np.nan
    figure = joint_angle_figure(angles, sigma=sigma)
    panel = _panel(figure, "Trunk flexion")
    band = next(c for c in panel.collections if isinstance(c, FillBetweenPolyCollection))
    assert len(band.get_paths()) == 2  # before and after the gap
    edges = np.concatenate([path.vertices for path in band.get_paths()])
    curve = _lines(figure)["trunk_flexion_deg"]
    at_ten = edges[np.isclose(edges[:, 0], angles["time_s"][10]), 1]
    assert (at_ten.min(), at_ten.max()) == pytest.approx(
        (curve.get_ydata()[10] - 7, curve.get_ydata()[10] + 7)
    )
    low, high = panel.get_ylim()
    assert low < edges[:, 1].min()
    assert high > edges[:, 1].max()
    assert "band: ±1 SD" in {text.get_text() for text in figure.legends[0].get_texts()}
    plain = joint_angle_figure(angles).legends[0].get_texts()
    assert "band: ±1 SD" not in {text.get_text() for text in plain}


def test_noise_is_not_blown_up_to_fill_a_panel(angles):
    angles["trunk_rotation_deg"] = 0.1 * np.sin(np.arange(len(angles)))
    low, high = _panel(joint_angle_figure(angles), "Trunk rotation").get_ylim()
    assert high - low >= 20


def test_a_joint_without_data_says_so(angles):
    angles[list(JOINTS[1].columns)] = np.nan
    angles[list(JOINTS[2].columns)] = np.nan
    panel = _panel(joint_angle_figure(angles), "Hip flexion")
    assert "no data" in {text.get_text() for text in panel.texts}


def test_the_isb_shoulder_is_drawn_under_its_own_names(angles):
    names = dict(
        zip(JOINTS[8].angles, ("plane_of_elevation", "elevation", "axial_rotation"), strict=True)
    )
    renamed = angles.rename(
        columns={
            f"shoulder_{side}_{old}_deg": f"shoulder_{side}_{new}_deg"
            for side in "RL"
            for old, new in names.items()
        }
    )
    panel = _panel(joint_angle_figure(renamed), "Shoulder plane of elevation")
    assert "forward +" in {text.get_text() for text in panel.texts}


def test_one_frame_and_a_dollar_in_the_title_can_be_drawn(angles):
    image = figure_png(joint_angle_figure(angles[:1], title="clip_$1_$2.mp4"), dpi=40)
    assert image.startswith(b"\x89PNG")


@pytest.mark.filterwarnings("error")
def test_a_title_in_a_script_that_the_font_lacks_can_be_read_as_far_as_it_goes(angles):
    figure = joint_angle_figure(angles[:1], title="행走_Gang_ü 2.mp4: joint angles")
    assert "??_Gang_ü 2.mp4: joint angles" in {text.get_text() for text in figure.texts}
    assert figure_png(figure, dpi=40).startswith(b"\x89PNG")


def test_a_long_clip_keeps_its_peaks(make_angles):
    long = make_angles(frames=20_000)
    long.loc[7_777, "hip_R_flexion_deg"] = 99.0
    line = _lines(joint_angle_figure(long))["hip_R_flexion_deg"]
    assert len(line.get_xdata()) < 5_000
    assert line.get_ydata().max() == 99.0


def test_the_same_angles_give_the_same_bytes(angles):
    one, other = (figure_png(joint_angle_figure(angles), dpi=60) for _ in range(2))
    assert one == other
    assert int.from_bytes(one[16:20], "big") == 600  # 10 in, 60 dpi


def test_missing_columns_and_wrong_lengths_are_named(angles):
    with pytest.raises(InputError, match="knee_R"):
        joint_angle_figure(angles.drop(columns="knee_R_flexion_deg"))
    with pytest.raises(InputError, match="no frames"):
        joint_angle_figure(angles[:0])
    with pytest.raises(InputError, match="rows"):
        joint_angle_figure(angles, near_singularity=pd.DataFrame({"hip_R": [True]}))
    with pytest.raises(InputError, match="sigma has 3 rows"):
        joint_angle_figure(angles, sigma=angles[:3])


def test_importing_the_figures_leaves_pyplot_and_the_backend_alone():
    code = "import sys, gonio.reporting.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
