import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gonio.reporting.evaluation_figures import worst_clips_figure, worst_frames
from gonio.reporting.figures import figure_png
from tests.reporting.evaluation_scores import made_scores


@pytest.fixture(scope="module")
def scores():
    return made_scores()


def test_the_worst_clip_comes_first_at_its_worst_frame(scores):
    frames = worst_frames(scores, 6)
    assert [frame.clip_cm[1] for frame in frames] == sorted(
        (frame.clip_cm[1] for frame in frames), reverse=True
    )
    for frame in frames:
        assert frame.rows == ("truth", "raw", "best")
        assert frame.errors_cm[1] >= frame.clip_cm[1]
        truth, _, best = frame.poses
        distance = 100 * np.linalg.norm(best - truth, axis=1).mean()
        assert distance == pytest.approx(frame.errors_cm[1], rel=1e-3)
    assert len(worst_frames(scores, 1)) == 1
    assert worst_frames([], 3) == []


@pytest.mark.parametrize("count", [0, 1, 2])
def test_each_clip_has_a_front_and_a_side_view(scores, count):
    figure = worst_clips_figure(worst_frames(scores, count))
    panels = [axes for axes in figure.axes if axes.axison]
    assert len(panels) == 2 * count
    assert [axes.get_title().split(":")[0] for axes in panels] == ["front", "side"] * count
    for axes in panels:
        assert axes.get_xlabel().endswith("(m)")
        width, height = np.diff(axes.get_xlim()), np.diff(axes.get_ylim())
        assert width == pytest.approx(height)
    picture = Image.open(io.BytesIO(figure_png(figure)))
    assert picture.size[0] >= 1000


def test_the_legend_names_what_is_drawn(scores):
    figure = worst_clips_figure(worst_frames(scores, 2))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["truth", "raw", "best", "right and middle", "left"]


def test_the_head_is_up(scores):
    figure = worst_clips_figure(worst_frames(scores, 1))
    front = figure.axes[0]
    points = next(line for line in front.lines if line.get_marker() == "o")
    nose, ankle = points.get_ydata()[0], points.get_ydata()[15]
    assert nose > 0.4
    assert ankle < 0


@pytest.mark.parametrize("count", [1, 2])
def test_what_stands_above_a_clip_stays_in_its_column_and_in_the_picture(scores, count):
    long = {
        "name": "folder, " + "a_long_name_of_a_recording_" * 4 + " c02",
        "rows": ("truth", "raw", "shipped + true image points"),
    }
    figure = worst_clips_figure([replace(f, **long) for f in worst_frames(scores, count)])
    figure.draw_without_rendering()
    starts, ends = [], []
    for axes in figure.axes[::2]:
        assert [text.get_text().split()[0] for text in axes.texts] == ["folder,", "0.37", "mean"]
        boxes = [text.get_window_extent() for text in axes.texts]
        starts.append(min(box.x0 for box in boxes))
        ends.append(max(box.x1 for box in boxes))
        lines = np.sort([box.y0 for box in boxes])
        assert np.diff(lines).min() > max(box.height for box in boxes)
    assert starts[0] >= 0
    assert (np.array(ends) < [*starts[1:], figure.bbox.width]).all()
    assert figure.legends[0].get_window_extent().x1 <= figure.bbox.width
