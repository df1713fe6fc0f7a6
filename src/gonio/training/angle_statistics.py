"""What `joint_angle_generation` has made: counts, errors of each angle, distributions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gonio.capture.manifest import Manifest, Record
from gonio.capture.shards import read_arrays
from gonio.capture.statistics import counts_table, problems_table
from gonio.kinematics.normal_ranges import NORMAL_RANGES
from gonio.kinematics.unwrapping import wrapped_deg
from gonio.skeleton import ANGLE_COLUMNS, JOINTS
from gonio.training.angle_checks import likely
from gonio.types import FloatArray

BIN_DEG = 4
EDGES_DEG: FloatArray = np.arange(-360.0, 360.0 + BIN_DEG, BIN_DEG)
SIDES: tuple[str, str] = ("truth", "corrupted")
_ARRAYS = {"truth": "ground_truth_angles", "corrupted": "corrupted_angles"}
_JUMP_DEG = 120.0
"""A step of an angle from one frame to the next that is a jump and no motion."""


@dataclass
class _Sums:
    """Sums over frames for the 36 angles."""

    frames: NDArray[np.int64] = field(default_factory=lambda: np.zeros(36, dtype=np.int64))
    error: FloatArray = field(default_factory=lambda: np.zeros(36))
    without_offset: FloatArray = field(default_factory=lambda: np.zeros(36))
    signed: FloatArray = field(default_factory=lambda: np.zeros(36))

    def add(self, difference: FloatArray) -> None:
        """Take in a clip: (T, 36) corrupted minus true, degrees on the circle."""
        there = np.isfinite(difference)
        self.frames += there.sum(axis=0)
        self.error += np.nansum(np.abs(difference), axis=0)
        self.signed += np.nansum(difference, axis=0)
        rest = wrapped_deg(difference - circular_mean_deg(difference))
        self.without_offset += np.nansum(np.abs(rest), axis=0)


@dataclass(frozen=True)
class AngleStatistics:
    """The report of the pipeline.

    Attributes:
        counts: as those of `data_conversion`.
        errors: a row for each source, group and angle: frames, mean absolute error, the same after
            the mean offset of each clip is taken off, mean signed error, percentiles of the truth,
            shares outside of the normal range; degrees and percent.
        problems: what failed or was left out, and why.
        basis: source -> what the true angles rest on -> shards.
        taken_out: joint -> frames whose true angles no body can have.
        jumps: side -> clips in which an angle jumps.
        histograms: side -> (36, bins) frames by `EDGES_DEG`, each pose in its likeliest angles.
    """

    counts: pd.DataFrame
    errors: pd.DataFrame
    problems: pd.DataFrame
    basis: dict[str, dict[str, int]]
    taken_out: dict[str, int]
    jumps: dict[str, int]
    histograms: dict[str, NDArray[np.int64]]


def circular_mean_deg(angles: FloatArray) -> FloatArray:
    """(36,) mean direction of (T, 36) angles, degrees; NaN where there is none."""
    there = np.isfinite(angles).any(axis=0)
    radians = np.radians(angles)
    mean = np.degrees(np.arctan2(np.nansum(np.sin(radians), 0), np.nansum(np.cos(radians), 0)))
    return np.where(there, mean, np.nan)


def angle_statistics(manifest: Manifest) -> AngleStatistics:
    """Go through the shards with angles, one after the other.

    Args:
        manifest: of the shards that `joint_angle_generation` made.

    Raises:
        InputError: a shard is damaged or has no angles.
    """
    sums: dict[tuple[str, str, str], _Sums] = {}
    histograms = {side: np.zeros((36, len(EDGES_DEG) - 1), dtype=np.int64) for side in SIDES}
    basis: dict[str, Counter[str]] = {}
    taken_out: Counter[str] = Counter()
    jumps: Counter[str] = Counter(dict.fromkeys(SIDES, 0))
    for record in manifest.with_status("done"):
        arrays = read_arrays(manifest.path_of(record), list(_ARRAYS.values()))
        angles = {side: arrays[_ARRAYS[side]].astype(float) for side in SIDES}
        difference = wrapped_deg(angles["corrupted"] - angles["truth"]).reshape(-1, 36)
        for by, name in _groups(record):
            sums.setdefault((record.source, by, name), _Sums()).add(difference)
        for side in SIDES:
            _count(histograms[side], likely(angles[side]).reshape(-1, 36))
            steps = np.abs(wrapped_deg(np.diff(angles[side], axis=0)))
            jumps[side] += bool((steps > _JUMP_DEG).any())
        basis.setdefault(record.source, Counter())[basis_of(record)] += 1
        taken_out.update(_taken_out(record))
    return AngleStatistics(
        counts=counts_table(manifest),
        errors=_errors(sums),
        problems=problems_table(_not_done(manifest)),
        basis={source: dict(counter) for source, counter in basis.items()},
        taken_out={j.name: taken_out[j.name] for j in JOINTS if taken_out[j.name]},
        jumps=dict(jumps),
        histograms=histograms,
    )


def basis_of(record: Record) -> str:
    """What the true angles of a shard rest on, as its manifest record says."""
    return record.reason.partition(";")[0].removeprefix("true angles: ")


def _taken_out(record: Record) -> dict[str, int]:
    words = [part.split() for part in record.reason.split("; ")[1:]]
    return {joint: int(count) for count, _, _, joint, *_ in words}


def _groups(record: Record) -> Iterator[tuple[str, str]]:
    yield "all", "all"
    yield "split", record.split
    yield "basis", basis_of(record)


def _count(histogram: NDArray[np.int64], angles: FloatArray) -> None:
    """Add (T, 36) angles to (36, bins)."""
    for column in range(36):
        values = angles[:, column]
        values = values[np.isfinite(values)]
        histogram[column] += np.histogram(np.clip(values, -359.9, 359.9), EDGES_DEG)[0]


def _errors(sums: dict[tuple[str, str, str], _Sums]) -> pd.DataFrame:
    rows = []
    for (source, by, name), total in sums.items():
        count = np.where(total.frames > 0, total.frames, np.nan)
        for k, column in enumerate(ANGLE_COLUMNS):
            rows.append(
                {
                    "source": source,
                    "by": by,
                    "name": name,
                    "angle": column.removesuffix("_deg"),
                    "frames": int(total.frames[k]),
                    "mean_absolute_deg": total.error[k] / count[k],
                    "without_clip_offset_deg": total.without_offset[k] / count[k],
                    "mean_signed_deg": total.signed[k] / count[k],
                }
            )
    columns = ["source", "by", "name", "angle", "frames"]
    table = pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)
    return table.sort_values(["source", "by", "name"], kind="stable", ignore_index=True)


def _not_done(manifest: Manifest) -> Manifest:
    others = tuple(record for record in manifest if record.status != "done")
    return Manifest(others, manifest.folders, manifest.planned)


def outside_percent(histogram: NDArray[np.int64]) -> FloatArray:
    """(36,) share of the frames outside of the normal range; NaN where there is no range or frame.

    Args:
        histogram: (36, bins) frames; a bin counts as inside if its middle is.
    """
    middles = (EDGES_DEG[:-1] + EDGES_DEG[1:]) / 2
    shares = np.full(36, np.nan)
    for k, column in enumerate(ANGLE_COLUMNS):
        normal, total = NORMAL_RANGES.get(column), histogram[k].sum()
        if normal is not None and total:
            outside = (middles < normal.low) | (middles > normal.high)
            shares[k] = 100 * histogram[k][outside].sum() / total
    return shares


def summary(manifest: Manifest, statistics: AngleStatistics) -> dict[str, object]:
    """The few numbers that a reader wants first."""
    overall = statistics.errors[statistics.errors["by"] == "all"]
    weighted = {
        name: float((overall[name] * overall["frames"]).sum() / max(overall["frames"].sum(), 1))
        for name in ("mean_absolute_deg", "without_clip_offset_deg")
        if name in overall
    }
    outside = {
        side: {
            column.removesuffix("_deg"): round(float(share), 2)
            for column, share in zip(ANGLE_COLUMNS, outside_percent(h), strict=True)
            if np.isfinite(share)
        }
        for side, h in statistics.histograms.items()
    }
    done = manifest.with_status("done")
    return {
        "folders": {source: folder.name for source, folder in manifest.folders.items()},
        "tasks_planned": sum(manifest.planned.values()),
        "shards": {s: len(manifest.with_status(s)) for s in ("done", "failed", "left_out")},
        "frames": sum(record.written_frames for record in done),
        "errors": weighted,
        "true_angles_rest_on": statistics.basis,
        "true_angles_taken_out_frames": statistics.taken_out,
        "clips_with_a_jump": statistics.jumps,
        "outside_normal_range_percent": outside,
    }
