"""How many pairs there are, and how wrong MediaPipe is on them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gonio.capture.manifest import Manifest, Record
from gonio.capture.shards import read_arrays
from gonio.errors import GonioError
from gonio.skeleton import COCO_JOINTS

_log = logging.getLogger(__name__)

AZIMUTH_BIN_DEG = 30
ELEVATION_EDGES_DEG = (-90, -15, 0, 15, 30, 45, 90)
_COUNTED = ("split", "camera", "subject")


@dataclass(frozen=True)
class ConversionStatistics:
    """What the report of a conversion says.

    Attributes:
        counts: tasks, frames and detection rate by source, split, camera and subject.
        errors: distance of MediaPipe's joints from the truth, metres, by joint, azimuth,
            elevation and split.
        problems: tasks that are not done, or done with a note, with the reason.
        viewpoints: (12, 6) number of pairs by azimuth and elevation.
    """

    counts: pd.DataFrame
    errors: pd.DataFrame
    problems: pd.DataFrame
    viewpoints: NDArray[np.int64]


@dataclass
class _Sums:
    """Running sums of errors for one row of the table."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    largest: float = 0.0
    depth: float = 0.0

    def add(self, distance: NDArray[np.float64], depth: NDArray[np.float64]) -> None:
        self.count += distance.size
        self.total += float(distance.sum())
        self.squares += float((distance**2).sum())
        self.largest = max(self.largest, float(distance.max(initial=0.0)))
        self.depth += float(depth.sum())

    def row(self) -> dict[str, float]:
        mean = self.total / self.count
        return {
            "joints": self.count,
            "mean_m": mean,
            "std_m": float(np.sqrt(max(0.0, self.squares / self.count - mean**2))),
            "max_m": self.largest,
            "mean_depth_error_m": self.depth / self.count,
        }


@dataclass
class _Table:
    sums: dict[tuple[str, str, str], _Sums] = field(default_factory=dict)

    def add(
        self, key: tuple[str, str, str], distance: NDArray[np.float64], depth: NDArray[np.float64]
    ) -> None:
        if distance.size:
            self.sums.setdefault(key, _Sums()).add(distance, depth)

    def frame(self) -> pd.DataFrame:
        rows = [
            {"source": source, "by": by, "name": name, **sums.row()}
            for (source, by, name), sums in self.sums.items()
        ]
        columns = ["source", "by", "name", *_Sums(1).row()]
        return pd.DataFrame(rows, columns=columns)


def measured_sources(manifest: Manifest, source: str) -> tuple[Manifest, ConversionStatistics]:
    """The statistics of a source, and those of all others whose shards can be read.

    Another source that has lost a shard is left out with a warning: what was converted now stands.

    Args:
        manifest: of all sources.
        source: the one that was converted now.

    Returns:
        The part of the manifest that was measured, and its statistics.

    Raises:
        MissingFileError, InputError: a shard of `source` is gone or damaged.
    """
    measured: dict[str, ConversionStatistics] = {}
    for name in manifest.folders:
        try:
            measured[name] = conversion_statistics(manifest.select([name]))
        except GonioError as error:
            if name == source:
                raise
            _log.warning(
                "%s is left out of the report: %s. Convert it again with its own parameters: kedro "
                "run --pipeline data_conversion --params source=%s,...",
                name,
                error,
                name,
            )
    part = manifest.select(measured)
    return part, _together(list(measured.values())) if measured else conversion_statistics(part)


def _together(parts: Sequence[ConversionStatistics]) -> ConversionStatistics:
    def rows(name: str) -> pd.DataFrame:
        tables: list[pd.DataFrame] = [getattr(part, name) for part in parts]
        full = [table for table in tables if len(table)] or tables[:1]
        return pd.concat(full, ignore_index=True)

    return ConversionStatistics(
        counts=rows("counts"),
        errors=rows("errors"),
        problems=rows("problems"),
        viewpoints=np.sum([part.viewpoints for part in parts], axis=0),
    )


def conversion_statistics(manifest: Manifest) -> ConversionStatistics:
    """Go through all shards of a manifest once.

    Errors are taken over frames in which MediaPipe found the person and all joints have a truth,
    as they are: not scaled, not aligned, mid-hip on mid-hip, in the ray frame.
    """
    table = _Table()
    elevations = len(ELEVATION_EDGES_DEG) - 1
    viewpoints = np.zeros((360 // AZIMUTH_BIN_DEG, elevations), dtype=np.int64)
    for record in manifest.with_status("done"):
        arrays = read_arrays(
            manifest.path_of(record), ("corrupted", "ground_truth", "azimuth", "elevation")
        )
        difference = arrays["corrupted"].astype(float) - arrays["ground_truth"]
        paired = np.isfinite(difference).all(axis=(1, 2)) & np.isfinite(arrays["azimuth"])
        distance = np.linalg.norm(difference[paired], axis=2)
        depth = np.abs(difference[paired, :, 2])
        azimuth = (arrays["azimuth"][paired] // AZIMUTH_BIN_DEG).astype(int)
        edges = np.array(ELEVATION_EDGES_DEG[1:-1])
        elevation = np.digitize(arrays["elevation"][paired], edges)
        np.add.at(viewpoints, (azimuth, elevation), 1)
        for by, name, rows in _groups(record, azimuth, elevation):
            table.add((record.source, by, name), distance[rows], depth[rows])
        for index, joint in enumerate(COCO_JOINTS):
            table.add((record.source, "joint", joint), distance[:, index], depth[:, index])
    order = ["source", "by"]
    return ConversionStatistics(
        counts=counts_table(manifest),
        errors=table.frame().sort_values(order, kind="stable", ignore_index=True),
        problems=problems_table(manifest),
        viewpoints=viewpoints,
    )


def _groups(
    record: Record, azimuth: NDArray[np.int64], elevation: NDArray[np.int64]
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    everything = np.ones(len(azimuth), dtype=bool)
    yield "all", "all", everything
    yield "split", record.split, everything
    for k in range(360 // AZIMUTH_BIN_DEG):
        low = k * AZIMUTH_BIN_DEG
        yield "azimuth_deg", f"{low:03d}-{low + AZIMUTH_BIN_DEG:03d}", azimuth == k
    for k, (low, high) in enumerate(pairwise(ELEVATION_EDGES_DEG)):
        yield "elevation_deg", f"{low} to {high}", elevation == k


def counts_table(manifest: Manifest) -> pd.DataFrame:
    """How many tasks ended how, frames and pairs; by source, split, camera and subject."""
    rows: dict[tuple[str, str, str], dict[str, float]] = {}
    for record in manifest:
        names = [("all", "all"), *((by, str(getattr(record, by))) for by in _COUNTED)]
        for by, name in names:
            row = rows.setdefault((record.source, by, name), _no_counts())
            row[record.status] += 1
            row["expected_frames"] += record.expected_frames
            row["frames"] += record.written_frames
            row["detected"] += record.detected_frames
            row["pairs"] += record.paired_frames
    table = [
        {
            "source": source,
            "by": by,
            "name": name,
            **row,
            "detection_rate": row["detected"] / row["frames"] if row["frames"] else float("nan"),
        }
        for (source, by, name), row in rows.items()
    ]
    columns = ["source", "by", "name", *_no_counts(), "detection_rate"]
    return pd.DataFrame(table, columns=columns).sort_values(
        ["source", "by", "name"], ignore_index=True
    )


def _no_counts() -> dict[str, float]:
    names = ("done", "failed", "left_out", "expected_frames", "frames", "detected", "pairs")
    return dict.fromkeys(names, 0)


def problems_table(manifest: Manifest) -> pd.DataFrame:
    """Every task that the manifest has something to say about, and what."""
    columns = ["source", "sequence", "camera", "status", "reason"]
    rows = [[getattr(r, name) for name in columns] for r in manifest if r.reason]
    return pd.DataFrame(rows, columns=columns)


def summary(manifest: Manifest, statistics: ConversionStatistics) -> dict[str, object]:
    """The few numbers that a reader wants first, for each source."""
    found: dict[str, object] = {}
    for source in manifest.folders:
        counts = _row(statistics.counts, source)
        errors = _row(statistics.errors, source)
        ended = len([record for record in manifest if record.source == source])
        reasons = statistics.problems[statistics.problems["source"] == source]
        found[source] = {
            "folder": manifest.folders[source].name,
            "tasks_planned": manifest.planned[source],
            "tasks_ended": ended,
            **counts,
            **{f"error_{name}": value for name, value in errors.items()},
            "problems": reasons[["sequence", "camera", "status", "reason"]]
            .head(100)
            .to_dict(orient="records"),
        }
    return found


def _row(table: pd.DataFrame, source: str) -> dict[str, float]:
    rows = table[(table["source"] == source) & (table["by"] == "all")]
    if rows.empty:
        return {}
    return {str(k): float(v) for k, v in rows.iloc[0].drop(["source", "by", "name"]).items()}
