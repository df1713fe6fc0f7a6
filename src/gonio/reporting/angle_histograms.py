"""Where the 36 angles of training data lie: the truth, what is computed, and what is normal."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from gonio.kinematics.normal_ranges import NORMAL_RANGES
from gonio.reporting.style import LEFT_COLOUR, MIDDLE_COLOUR, POSITIVE, RIGHT_COLOUR
from gonio.skeleton import JOINTS, Joint
from gonio.training.angle_statistics import EDGES_DEG, AngleStatistics

PAGE_INCHES = (11.0, 22.0)
_NORMAL = "#DDEFE3"
_TAIL = 0.002
"""Share of the frames at either end that may lie outside of a panel."""
_MIDDLES = (EDGES_DEG[:-1] + EDGES_DEG[1:]) / 2


def angle_histograms(statistics: AngleStatistics) -> Figure:
    """A panel for each angle: truth filled, corrupted as a line, the normal range shaded.

    Args:
        statistics: of the shards with angles.

    Returns:
        A figure that belongs to no window and to no global state.
    """
    figure = Figure(figsize=PAGE_INCHES, layout="constrained", facecolor="white")
    grid = figure.subplots(len(JOINTS), 3)
    for row, joint in enumerate(JOINTS):
        for k in range(3):
            sides = {name: h[3 * row + k] for name, h in statistics.histograms.items()}
            _panel(grid[row, k], joint, k, sides)
    frames = int(statistics.histograms["truth"].sum(axis=1).max(initial=0))
    figure.suptitle(
        f"Joint angles of the training pairs: {frames:,} frames (degrees; share of the frames)"
    )
    figure.legend(handles=_key(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _panel(axes: Axes, joint: Joint, k: int, sides: dict[str, NDArray[np.int64]]) -> None:
    colour = {"R": RIGHT_COLOUR, "L": LEFT_COLOUR, None: MIDDLE_COLOUR}[joint.side]
    normal = NORMAL_RANGES.get(joint.columns[k])
    if normal is not None:
        axes.axvspan(normal.low, normal.high, color=_NORMAL, zorder=0)
    for name, histogram in sides.items():
        shares = histogram / max(int(histogram.sum()), 1)
        if name == "truth":
            axes.stairs(shares, EDGES_DEG, fill=True, color=colour, alpha=0.55)
        else:
            axes.stairs(shares, EDGES_DEG, color="black", linewidth=0.9)
    low, high = _extent(list(sides.values()))
    if normal is not None:
        low, high = min(low, normal.low), max(high, normal.high)
    axes.set_xlim(low - 8, high + 8)
    axes.set_yticks([])
    axes.tick_params(labelsize=7)
    side = {"R": "right ", "L": "left ", None: ""}[joint.side]
    range_text = "" if normal is None else f"   normal {normal.low:g} to {normal.high:g}"
    axes.set_title(f"{side}{joint.title} {joint.angles[k]}{range_text}", fontsize=8, loc="left")
    axes.set_xlabel(f"{POSITIVE[joint.title, joint.angles[k]]} \N{RIGHTWARDS ARROW}", fontsize=7)
    for edge in ("top", "right", "left"):
        axes.spines[edge].set_visible(False)


def _extent(histograms: list[NDArray[np.int64]]) -> tuple[float, float]:
    """Between which angles nearly all frames of all sides lie, degrees."""
    ends = []
    for histogram in histograms:
        if histogram.sum():
            share = np.cumsum(histogram) / histogram.sum()
            ends.append(np.searchsorted(share, [_TAIL, 1 - _TAIL]))
    if not ends:
        return -90.0, 90.0
    return float(_MIDDLES[min(e[0] for e in ends)]), float(_MIDDLES[max(e[1] for e in ends)])


def _key() -> list[Patch | Line2D]:
    return [
        Patch(color=RIGHT_COLOUR, alpha=0.55, label="truth, right"),
        Patch(color=LEFT_COLOUR, alpha=0.55, label="truth, left"),
        Line2D([], [], color="black", linewidth=0.9, label="corrupted"),
        Patch(color=_NORMAL, label="normal range of motion"),
    ]
