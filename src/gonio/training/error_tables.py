"""Tables of errors: a line a row of the comparison, over all frames of a recording or a part of it.

Centimetres, degrees and percent, as the columns' names say. A mean is over the samples of all
frames that count, so that clips weigh as their lengths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gonio.capture.shards import Shard
from gonio.skeleton import COCO_JOINTS
from gonio.training.frame_errors import FrameErrors, joined, true_frames
from gonio.training.image_points import image_error_cm
from gonio.training.metrics import share_within
from gonio.types import FloatArray

AZIMUTH_BIN_DEG = 45
"""Bins are centred on 0 (camera in front), 45, 90 (at the subject's right) ..."""
ELEVATION_BIN_DEG = 15
IMAGE_BINS_CM = (0, 4, 5, 6, 8, 12)
"""Lower edges of the bins of `by_image_error`."""
FEWEST_CLIPS, DRAWS = 10, 2000
"""Of the intervals: clips that a recording has at least, and how often clips are drawn."""
RAW = "raw"
"""The row that the others are compared with."""
_COMPARED = {
    "depth_mean_cm": "depth_vs_raw_percent",
    "position_mean_cm": "position_vs_raw_percent",
    "aligned_mean_cm": "aligned_vs_raw_percent",
}


@dataclass(frozen=True)
class ScoredClip:
    """One clip and the errors of every row on it.

    Attributes:
        recording: name of the recording that it belongs to.
        shard: the clip with its truth.
        errors: of each row, by its name, in the order of the table.
        poses: (T, 17, 3) of each row with the clip's scale, metres, for the pictures.
    """

    recording: str
    shard: Shard
    errors: dict[str, FrameErrors]
    poses: dict[str, FloatArray]


Key = Callable[[ScoredClip], NDArray[np.object_]]
"""What the frames of a clip that have a truth are grouped by: (N,)."""


def summary(errors: FrameErrors) -> dict[str, float]:
    """All figures of some frames; NaN where nothing is known, such as the sigma of MediaPipe."""
    depth, sideways, up = errors.depth, np.abs(errors.offset[..., 0]), np.abs(errors.offset[..., 1])
    return {
        "frames": len(errors),
        "missing_frames": int(errors.missing.sum()),
        "swapped_frames": int(errors.swapped.sum()),
        "depth_mean_cm": 100 * mean(depth),
        "depth_median_cm": 100 * _percentile(depth, 50),
        "depth_p95_cm": 100 * _percentile(depth, 95),
        "x_mean_cm": 100 * mean(sideways),
        "y_mean_cm": 100 * mean(up),
        "position_mean_cm": 100 * mean(errors.position),
        "aligned_mean_cm": 100 * mean(errors.aligned),
        "limb_mean_deg": mean(errors.limb_deg),
        "bone_length_cv_percent": 100 * mean(errors.bone_length_cv),
        "jitter_m_s2": mean(errors.acceleration),
        "jitter_of_truth_m_s2": mean(errors.true_acceleration),
        "azimuth_mean_deg": mean(errors.azimuth_deg),
        "azimuth_bias_deg": mean(errors.azimuth_offset_deg),
        "elevation_mean_deg": mean(errors.elevation_deg),
        "up_mean_deg": mean(errors.up_deg),
        **_calibration(errors),
        "milliseconds_a_frame": mean(errors.milliseconds),
        "depth_unscaled_mean_cm": 100 * mean(np.abs(errors.unscaled[..., 2])),
        "position_unscaled_mean_cm": 100 * mean(np.linalg.norm(errors.unscaled, axis=2)),
    }


def _calibration(errors: FrameErrors) -> dict[str, float]:
    """Shares within 1 and 2 sigma, of all coordinates and of depth; the mean sigma."""
    offset, sigma = errors.offset.astype(float), errors.sigma.astype(float)
    shares = {
        f"{name}within_{sigmas}_sigma_percent": 100 * share_within(error, one, sigmas)
        for name, error, one in (("", offset, sigma), ("depth_", offset[..., 2], sigma[..., 2]))
        for sigmas in (1, 2)
    }
    return {
        **shares,
        "sigma_mean_cm": 100 * mean(sigma),
        "depth_sigma_mean_cm": 100 * mean(sigma[..., 2]),
    }


def whole_table(clips: list[ScoredClip]) -> pd.DataFrame:
    """A line a recording and row, over all of its clips."""
    table = _with_shares(_lines(clips, None, ""))
    lows, highs = zip(*_intervals(clips), strict=True) if clips else ((), ())
    place = list(table.columns).index("depth_vs_raw_percent") + 1 if clips else 0
    table.insert(place, "depth_vs_raw_low_percent", np.array(lows, dtype=float))
    table.insert(place + 1, "depth_vs_raw_high_percent", np.array(highs, dtype=float))
    return table


def _intervals(clips: list[ScoredClip]) -> Iterator[tuple[float, float]]:
    """95 % intervals of the change of depth against raw, a line as in `whole_table`.

    Clips are drawn with replacement (bootstrap; Efron and Tibshirani 1993); NaN where there are
    fewer than `FEWEST_CLIPS`. They say how much the choice of clips matters, not that of people.
    """
    rng = np.random.default_rng(0)
    for _, members in _recordings(clips):
        drawn = rng.integers(len(members), size=(DRAWS, len(members)))
        raw = _drawn_means([clip.errors[RAW] for clip in members], drawn)
        for row in members[0].errors:
            own = _drawn_means([clip.errors[row] for clip in members], drawn)
            change = 100 * (own / raw - 1)
            if len(members) < FEWEST_CLIPS or not np.isfinite(change).any():
                yield np.nan, np.nan
                continue
            low, high = np.nanpercentile(change, [2.5, 97.5])
            yield float(low), float(high)


def _drawn_means(errors: list[FrameErrors], drawn: NDArray[np.intp]) -> FloatArray:
    """Mean depth error of each draw of clips, (draws,) metres."""
    depths = [one.depth[np.isfinite(one.depth)].astype(float) for one in errors]
    sums, counts = np.array([d.sum() for d in depths]), np.array([len(d) for d in depths])
    total = counts[drawn].sum(axis=1)
    return np.asarray(np.where(total > 0, sums[drawn].sum(axis=1) / np.maximum(total, 1), np.nan))


def grouped_table(clips: list[ScoredClip], name: str, key: Key) -> pd.DataFrame:
    """A line a recording, group and row.

    Args:
        clips: the scored clips.
        name: column of the group.
        key: the group of each frame; groups are sorted.
    """
    return _with_shares(_lines(clips, key, name), name)


def joint_table(clips: list[ScoredClip]) -> pd.DataFrame:
    """A line a recording, joint and row; joints without a truth are left out."""
    lines = [
        {"recording": recording, "joint": joint, "row": row, **_joint(errors, index)}
        for recording, members in _recordings(clips)
        for row, errors in _joined_rows(members)
        for index, joint in enumerate(COCO_JOINTS)
        if np.isfinite(errors.offset[:, index]).any()
    ]
    columns = None if lines else ["recording", "joint", "row"]
    table = pd.DataFrame(lines, columns=columns)
    table["joint"] = pd.Categorical(table["joint"], COCO_JOINTS)
    order = table.sort_values(["recording", "joint"], kind="stable", ignore_index=True)
    return _with_shares(order.astype({"joint": str}), "joint")


def _joint(errors: FrameErrors, index: int) -> dict[str, float]:
    offset, sigma = (values[:, index].astype(float) for values in (errors.offset, errors.sigma))
    return {
        "depth_mean_cm": 100 * mean(np.abs(offset[:, 2])),
        "depth_bias_cm": 100 * mean(offset[:, 2]),
        "x_mean_cm": 100 * mean(np.abs(offset[:, 0])),
        "y_mean_cm": 100 * mean(np.abs(offset[:, 1])),
        "position_mean_cm": 100 * mean(np.linalg.norm(offset, axis=1)),
        "aligned_mean_cm": 100 * mean(errors.aligned[:, index]),
        "within_1_sigma_percent": 100 * share_within(offset, sigma, 1),
        "within_2_sigma_percent": 100 * share_within(offset, sigma, 2),
        "sigma_mean_cm": 100 * mean(sigma),
    }


def by_camera(clip: ScoredClip) -> NDArray[np.object_]:
    """Name of the camera."""
    return _same(clip, clip.shard.camera)


def by_detector(clip: ScoredClip) -> NDArray[np.object_]:
    """Label of the detector."""
    return _same(clip, clip.shard.detector)


def by_performer(clip: ScoredClip) -> NDArray[np.object_]:
    """Who moved: a subject without its drawn body; all made motion is one."""
    return _same(clip, performer_of(clip.shard))


def performer_of(shard: Shard) -> str:
    """The performer of a shard's movement; `made` for motion that nobody performed."""
    return re.sub(r"\bmade\d+", "made", re.sub(r"\+body\d+$", "", shard.subject))


def by_clip(clip: ScoredClip) -> NDArray[np.object_]:
    """Sequence and camera."""
    return _same(clip, clip_name(clip.shard))


def by_azimuth(clip: ScoredClip) -> NDArray[np.object_]:
    """Middle of the azimuth bin: 0, 45 ... 315 degrees; None where unknown."""
    azimuth = clip.shard.azimuth[true_frames(clip.shard)].astype(float)
    bins = np.round(np.nan_to_num(azimuth) / AZIMUTH_BIN_DEG) * AZIMUTH_BIN_DEG % 360
    return _where_known(azimuth, bins)


def by_elevation(clip: ScoredClip) -> NDArray[np.object_]:
    """Lower edge of the elevation bin, a multiple of 15 degrees; None where unknown."""
    elevation = clip.shard.elevation[true_frames(clip.shard)].astype(float)
    bins = np.floor(np.nan_to_num(elevation) / ELEVATION_BIN_DEG) * ELEVATION_BIN_DEG
    return _where_known(elevation, bins)


def by_image_error(clip: ScoredClip) -> NDArray[np.object_]:
    """Lower edge, cm, of the bin of the clip's `image_error_cm`; None where unknown."""
    error = image_error_cm(clip.shard)
    edge = max((e for e in IMAGE_BINS_CM if e <= error), default=None)
    return _same(clip, edge)


def clip_name(shard: Shard) -> str:
    """How a clip is called in tables and pictures."""
    return f"{shard.sequence} {shard.camera}"


def mean(values: FloatArray | NDArray[np.float32]) -> float:
    """Mean of what is known; NaN where nothing is."""
    there = np.isfinite(values)
    return float(values[there].astype(float).mean()) if there.any() else float("nan")


def _percentile(values: NDArray[np.float32], percent: float) -> float:
    there = values[np.isfinite(values)]
    return float(np.percentile(there, percent)) if len(there) else float("nan")


def _same(clip: ScoredClip, value: str | int | None) -> NDArray[np.object_]:
    return np.full(int(true_frames(clip.shard).sum()), value, dtype=object)


def _where_known(values: FloatArray, bins: FloatArray) -> NDArray[np.object_]:
    whole = bins.astype(int).astype(object)
    whole[~np.isfinite(values)] = None
    return whole


def _recordings(clips: list[ScoredClip]) -> Iterator[tuple[str, list[ScoredClip]]]:
    for recording in dict.fromkeys(clip.recording for clip in clips):
        yield recording, [clip for clip in clips if clip.recording == recording]


def _joined_rows(clips: list[ScoredClip]) -> Iterator[tuple[str, FrameErrors]]:
    for row in clips[0].errors:
        yield row, joined(clip.errors[row] for clip in clips)


def _lines(clips: list[ScoredClip], key: Key | None, name: str) -> pd.DataFrame:
    lines = []
    for recording, members in _recordings(clips):
        number = np.concatenate([np.full(len(c.errors[RAW]), k) for k, c in enumerate(members)])
        groups = np.concatenate([key(c) for c in members]) if key else None
        for row, errors in _joined_rows(members):
            for group, frames in _parts(groups, len(errors)):
                label = {} if groups is None else {name: group}
                counted = {"clips": len(np.unique(number[frames]))}
                figures = summary(errors.select(frames))
                lines.append({"recording": recording, **label, "row": row, **counted, **figures})
    table = pd.DataFrame(lines)
    if key is None or table.empty:
        return table
    order = list(dict.fromkeys(table["recording"]))
    table["recording"] = pd.Categorical(table["recording"], order)
    table = table.sort_values(["recording", name], kind="stable", ignore_index=True)
    return table.astype({"recording": str})


def _parts(
    groups: NDArray[np.object_] | None, frames: int
) -> Iterator[tuple[object, NDArray[np.bool_]]]:
    if groups is None:
        yield "all", np.ones(frames, dtype=bool)
        return
    for group in sorted({g for g in groups if g is not None}):
        yield group, np.asarray(groups == group, dtype=bool)


def _with_shares(table: pd.DataFrame, group: str = "") -> pd.DataFrame:
    """The table with the change against `raw` of the same group, percent, beside each error."""
    if table.empty:
        return table
    keys = ["recording", *([group] if group else [])]
    raw = table[table["row"] == RAW].set_index(keys)
    wanted = pd.MultiIndex.from_frame(table[keys]) if group else pd.Index(table["recording"])
    for error, share in _COMPARED.items():
        base = raw[error].reindex(wanted).to_numpy(dtype=float)
        place = list(table.columns).index(error) + 1
        table.insert(place, share, 100 * (table[error] / base - 1))
    return table
