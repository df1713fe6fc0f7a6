import numpy as np
import pandas as pd
import pytest

from gonio.reporting.angle_histograms import angle_histograms
from gonio.skeleton import ANGLE_COLUMNS
from gonio.training.angle_statistics import EDGES_DEG, AngleStatistics


def statistics(frames):
    histograms = {
        side: np.zeros((36, len(EDGES_DEG) - 1), dtype=np.int64) for side in ("truth", "corrupted")
    }
    for histogram in histograms.values():
        histogram[:, np.searchsorted(EDGES_DEG, 12)] = frames
    empty = pd.DataFrame()
    return AngleStatistics(empty, empty, empty, {}, {}, {}, histograms)


@pytest.mark.parametrize("frames", [0, 500])
def test_every_angle_has_a_panel_with_its_normal_range(frames):
    figure = angle_histograms(statistics(frames))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert len(titles) == len(ANGLE_COLUMNS) == 36
    assert "right knee flexion   normal -10 to 135" in titles
    assert "pelvis tilt" in titles
    knee = figure.axes[titles.index("right knee flexion   normal -10 to 135")]
    low, high = knee.get_xlim()
    assert low < -10
    assert high > 135
    assert f"{frames:,} frames" in figure.get_suptitle()
