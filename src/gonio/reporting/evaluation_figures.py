"""Pictures of the clips on which a pose is worst: true, raw and refined skeleton, two views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gonio.reporting.style import LEFT_COLOUR, MIDDLE_COLOUR, RIGHT_COLOUR
from gonio.skeleton import BONES, COCO
from gonio.training.error_tables import RAW, ScoredClip, clip_name, mean
from gonio.training.frame_errors import true_frames
from gonio.types import FloatArray

TRUE_COLOUR, RAW_COLOUR, REFINED_COLOUR = MIDDLE_COLOUR, RIGHT_COLOUR, LEFT_COLOUR
_HEAD = (
    ("nose", "left_shoulder"),
    ("nose", "right_shoulder"),
    *((f"{side}_eye", end) for side in ("left", "right") for end in ("nose", f"{side}_ear")),
)
_VIEWS = (("front", 0, "to the right of the image (m)"), ("side", 2, "away from the camera (m)"))
_VIEW_WORDS = {"front": "front: as the camera sees it", "side": "side: seen along the image's x"}
_WIDTHS = (4.0, 2.6, 1.4)
"""Of the lines of truth, raw and refined, drawn in this order: what lies below stays to be seen."""
_SOFT, _GRID = "#6B7480", "#E7EAEE"
_COLUMNS = 2  # clips beside each other
_LETTERS = 66
"""Of a title in bold, which is as wide as the two views below it."""


@dataclass(frozen=True)
class WorstFrame:
    """The worst frame of a clip.

    Attributes:
        name: recording, sequence and camera.
        time_s: seconds in the video.
        azimuth_deg: of the camera seen from the pelvis.
        poses: (17, 3) metres of the truth, of `raw` and of the row it was chosen by, in this order.
        rows: what the three are called.
        errors_cm: mean 3D error in this frame of `raw` and of the row it was chosen by.
        clip_cm: the same over the clip.
    """

    name: str
    time_s: float
    azimuth_deg: float
    poses: tuple[FloatArray, FloatArray, FloatArray]
    rows: tuple[str, str, str]
    errors_cm: tuple[float, float]
    clip_cm: tuple[float, float]


def worst_frames(clips: Sequence[ScoredClip], count: int) -> list[WorstFrame]:
    """The clips with the largest 3D error of the last row, each at its worst frame.

    Args:
        clips: the scored clips.
        count: how many, at most.

    Returns:
        The worst first; clips without any known error are left out.
    """
    last = {id(clip): mean(clip.errors[_last(clip)].position) for clip in clips}
    known = [clip for clip in clips if np.isfinite(last[id(clip)])]
    known.sort(key=lambda clip: last[id(clip)], reverse=True)
    return [_worst_frame(clip) for clip in known[:count]]


def _last(clip: ScoredClip) -> str:
    return list(clip.errors)[-1]


def _worst_frame(clip: ScoredClip) -> WorstFrame:
    row, shard = _last(clip), clip.shard
    by_frame = [[mean(f) for f in clip.errors[r].position] for r in (RAW, row)]
    worst = int(np.nanargmax(by_frame[1]))
    at = int(np.flatnonzero(true_frames(shard))[worst])
    truth = shard.ground_truth[at].astype(float)
    return WorstFrame(
        name=f"{clip.recording}, {clip_name(shard)}",
        time_s=float(shard.time_s[at]),
        azimuth_deg=float(shard.azimuth[at]),
        poses=(truth, clip.poses[RAW][at], clip.poses[row][at]),
        rows=("truth", RAW, row),
        errors_cm=(100 * by_frame[0][worst], 100 * by_frame[1][worst]),
        clip_cm=(
            100 * mean(clip.errors[RAW].position),
            100 * mean(clip.errors[row].position),
        ),
    )


def worst_clips_figure(frames: Sequence[WorstFrame]) -> Figure:
    """One picture of the worst clips: each from the front, as the camera sees it, and the side.

    Left limbs are dashed, so that exchanged sides show.

    Args:
        frames: in the order in which they are drawn; without any, the picture says so.
    """
    columns = max(1, min(_COLUMNS, len(frames)))
    lines = max(1, -(-len(frames) // columns))
    height = 4.6 * lines + 0.6
    figure = Figure(figsize=(7 * columns, height), facecolor="white")
    if not frames:
        figure.text(0.5, 0.5, "no clip has a known error", ha="center", color=_SOFT)
        return figure
    grid = figure.subplots(lines, 2 * columns, squeeze=False)
    edge = 0.09 / columns
    figure.subplots_adjust(edge, 0.5 / height, 0.99, 1 - 1.35 / height, 0.22, 0.48)
    panels = grid.reshape(-1, 2)
    for pair, frame in zip(panels, frames, strict=False):
        for axes, view in zip(pair, _VIEWS, strict=True):
            _draw(axes, frame, view)
        pair[0].set_ylabel("up in the image (m)", fontsize=8.5)
        words = {"transform": pair[0].transAxes, "ha": "left", "va": "bottom", "parse_math": False}
        pair[0].text(-0.2, 1.225, _shortened(frame.name), **words, fontsize=10, weight="bold")
        for up, line in ((1.15, _when(frame)), (1.075, _numbers(frame))):
            pair[0].text(-0.2, up, line, **words, fontsize=9, color=_SOFT)
    for axes in panels[len(frames) :].flat:
        axes.set_axis_off()
    _legend(figure, frames[0].rows)
    return figure


def _shortened(name: str) -> str:
    """A name without its middle, if it is too long: recording and camera stay."""
    half = _LETTERS // 2
    return name if len(name) <= _LETTERS else f"{name[: half - 1]}…{name[-half:]}"


def _when(frame: WorstFrame) -> str:
    return f"{frame.time_s:.2f} s, camera at azimuth {frame.azimuth_deg:.0f}°"


def _numbers(frame: WorstFrame) -> str:
    each = zip((RAW, frame.rows[-1]), frame.errors_cm, frame.clip_cm, strict=True)
    errors = ", ".join(f"{row} {here:.1f} ({clip:.1f}) cm" for row, here, clip in each)
    return f"mean 3D error here (over the clip): {errors}"


def _draw(axes: Axes, frame: WorstFrame, view: tuple[str, int, str]) -> None:
    name, axis, label = view
    colours = (TRUE_COLOUR, RAW_COLOUR, REFINED_COLOUR)
    for pose, colour, width in zip(frame.poses, colours, _WIDTHS, strict=True):
        points = np.stack([pose[:, axis], -pose[:, 1]], axis=1)
        for near, far in (*BONES, *_HEAD):
            ends = points[[COCO[near], COCO[far]]]
            dashed = "left" in near and "left" in far
            style = (0, (2.2, 1.1)) if dashed else "-"
            axes.plot(*ends.T, color=colour, linewidth=width, linestyle=style, alpha=0.9)
        axes.plot(*points.T, "o", color=colour, markersize=1.6 + 0.9 * width)
    _dress(axes, np.stack(frame.poses), axis)
    axes.set_xlabel(label, fontsize=8.5)
    axes.set_title(_VIEW_WORDS[name], fontsize=9, color=_SOFT, pad=3)


def _dress(axes: Axes, poses: FloatArray, axis: int) -> None:
    """The same scale in both views of a clip, so that they can be compared."""
    sides = np.stack([poses[..., 0], poses[..., 2], -poses[..., 1]], axis=-1).reshape(-1, 3)
    low, high = np.nanmin(sides, axis=0), np.nanmax(sides, axis=0)
    middle, half = (low + high) / 2, (high - low).max() / 2 * 1.06
    across = 0 if axis == 0 else 1
    axes.set_xlim(middle[across] - half, middle[across] + half)
    axes.set_ylim(middle[2] - half, middle[2] + half)
    axes.set_aspect("equal")
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, colors=_SOFT, length=2.5)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(figure: Figure, rows: tuple[str, str, str]) -> None:
    colours = (TRUE_COLOUR, RAW_COLOUR, REFINED_COLOUR)
    handles = [
        Line2D([], [], color=c, lw=w, label=n)
        for c, n, w in zip(colours, rows, _WIDTHS, strict=True)
    ]
    handles += [
        Line2D([], [], color=_SOFT, lw=1.8, label="right and middle"),
        Line2D([], [], color=_SOFT, lw=1.8, ls=(0, (2.2, 1.1)), label="left"),
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.015, 0.997),
        ncols=len(handles) if figure.get_figwidth() > 7 else 3,
        frameon=False,
        fontsize=10,
        handlelength=2.6,
    )
