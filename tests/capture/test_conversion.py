"""Options are checked, parameters hashed, tasks chosen; the report counts what is there."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from gonio.capture.conversion import ConversionOptions, conversion_events, make_source
from gonio.capture.executor import ExecutorOptions
from gonio.capture.figures import coverage_figure, error_figure
from gonio.capture.manifest import Manifest
from gonio.capture.observation import ObservationOptions
from gonio.capture.rendered_source import RenderedOptions, RenderedSource
from gonio.capture.shards import read_shard, write_shard
from gonio.capture.statistics import conversion_statistics, measured_sources, summary
from gonio.capture.store import ShardStore
from gonio.capture.tasks import Task
from gonio.errors import InputError, MissingFileError
from tests.capture.fakes import FakeSource, plan_of


def test_parameters_of_other_pipelines_are_passed_over() -> None:
    parameters = {"source": "mtc", "workers": 3, "video": "demo", "mtc": {"min_inside": 0.5}}
    options = ConversionOptions.from_parameters(parameters)
    assert options.source == "mtc"
    assert options.execution == ExecutorOptions("pool", 3)
    assert options.mtc.min_inside == 0.5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"source": "coco"}, "parameter source is 'coco'"),
        ({"workers": 0}, "parameter workers is 0"),
        ({"workers": "many"}, "parameter workers is 'many'"),
        ({"max_view_error": -1}, "max_view_error"),
        ({"aistpp": {"camera": ["c01"]}}, r"parameter aistpp\.camera"),
        ({"rendered": {"frame": 10}}, r"parameter rendered\.frame is 10"),
        ({"rendered": {"fps": 1}}, "fps"),
        ({"rendered": {"motion_folder": "a"}}, r"rendered\.motion_folder is 'a'"),
        ({"projected": {"cameras": True}}, r"projected\.cameras is True: .*no numbers"),
        ({"mtc": {"min_confidence": -1}}, r"parameter mtc\.min_confidence is -1"),
    ],
)
def test_parameters_that_cannot_be_are_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ConversionOptions.from_parameters(parameters)


@pytest.mark.parametrize("name", ["aistpp", "mtc", "rendered"])
def test_each_source_can_be_chosen(tmp_path: Path, name: str) -> None:
    folders = dict.fromkeys(("aistpp", "mtc", "rendered"), tmp_path)
    options = ConversionOptions.from_parameters({"source": name, "model": "heavy"})
    source = make_source(options, folders)
    assert source.name == name
    assert source.observation.model == "heavy"


def test_downloaded_models_are_taken_from_the_folder_of_the_run(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "pose_landmarker_lite.task", "w") as model:
        model.writestr("net", b"x")
    wanted = {"source": "rendered", "rendered": {"detectors": ["lite"]}}
    options = ConversionOptions.from_parameters(wanted)
    folders = {"rendered": tmp_path, "models": tmp_path}
    (detector,) = make_source(options, folders).parameters()["detectors"]
    assert detector["model"] == "pose_landmarker_lite"
    with pytest.raises(MissingFileError, match="pose_landmarker_lite"):
        make_source(options, {**folders, "models": tmp_path / "none"}).parameters()


def test_more_frames_do_not_make_other_shards(tmp_path: Path) -> None:
    few = RenderedSource(tmp_path, RenderedOptions(frames=100), ObservationOptions())
    assert few.parameters() == replace(few, options=RenderedOptions(frames=900)).parameters()
    other = replace(few, options=RenderedOptions(frames=100, seed=1))
    assert few.parameters() != other.parameters()
    (tmp_path / "clip.npz").write_bytes(b"x")
    assert few.parameters()["motion"] != other.parameters()["seed"]


def rows(table: pd.DataFrame, by: str, name: str) -> dict[str, Any]:
    """The row of a table of the report."""
    found = table[(table["by"] == by) & (table["name"] == name)].to_dict(orient="records")
    assert len(found) == 1
    return {str(key): value for key, value in found[0].items()}


def run(root: Path, source: FakeSource) -> Manifest:
    store = ShardStore(root)
    for event in conversion_events(plan_of(source), store, ExecutorOptions("inline")):
        store.save(event)
    return store.manifest()


def test_the_report_counts_what_is_there(tmp_path: Path) -> None:
    trouble = (("walk01", "fail"), ("walk06", "leave_out"))
    manifest = run(tmp_path, FakeSource(8, frames=10, behaviour=trouble))
    statistics = conversion_statistics(manifest)
    counts = statistics.counts
    everything = rows(counts, "all", "all")
    assert [everything[name] for name in ("done", "failed", "left_out")] == [6, 1, 1]
    assert rows(counts, "split", "train")["pairs"] == 30
    assert rows(counts, "split", "test")["pairs"] == 20
    assert rows(counts, "subject", "s0")["done"] == 2
    assert rows(counts, "camera", "c01")["detection_rate"] == 1
    assert int(statistics.viewpoints.sum()) == 60
    assert statistics.problems["reason"].tolist() == [
        "the video is broken",
        "the view is mirrored",
    ]
    said = summary(manifest, statistics)["fake"]
    assert isinstance(said, dict)
    assert (said["tasks_planned"], said["tasks_ended"], said["pairs"]) == (8, 8, 60)


def test_errors_are_those_of_the_shards(tmp_path: Path) -> None:
    manifest = run(tmp_path, FakeSource(3, frames=10))
    shards = [read_shard(path) for path in manifest.shards()]
    difference = np.concatenate([s.corrupted - s.ground_truth for s in shards])
    distance = np.linalg.norm(difference.astype(float), axis=2)
    errors = conversion_statistics(manifest).errors
    everything = rows(errors, "all", "all")
    assert everything["mean_m"] == pytest.approx(distance.mean())
    assert everything["std_m"] == pytest.approx(distance.std())
    assert everything["max_m"] == pytest.approx(distance.max())
    assert everything["mean_depth_error_m"] == pytest.approx(np.abs(difference[..., 2]).mean())
    wrist = rows(errors, "joint", "left_wrist")
    assert wrist["mean_m"] == pytest.approx(distance[:, 9].mean())
    assert errors.loc[errors["by"] == "azimuth_deg", "joints"].sum() == distance.size


def test_rows_without_a_pair_do_not_count(tmp_path: Path) -> None:
    manifest = run(tmp_path, FakeSource(1, frames=10))
    path = manifest.shards()[0]
    shard = read_shard(path)
    corrupted = shard.corrupted.copy()
    corrupted[:4] = np.nan
    write_shard(path, replace(shard, corrupted=corrupted))
    errors = conversion_statistics(manifest).errors
    assert rows(errors, "all", "all")["joints"] == 6 * 17


class OtherSource(FakeSource):
    """The same under another name."""

    @property
    def name(self) -> str:
        return "other"

    def list_tasks(self) -> list[Task]:
        return [replace(task, source="other") for task in super().list_tasks()]


def test_a_shard_that_is_gone_leaves_the_report_of_other_sources(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(tmp_path, FakeSource(3, frames=10))
    manifest = run(tmp_path, OtherSource(4, frames=10, behaviour=(("walk01", "fail"),)))
    whole = conversion_statistics(manifest)
    part, statistics = measured_sources(manifest, "other")
    assert part == manifest
    for name in ("counts", "errors", "problems"):
        pd.testing.assert_frame_equal(getattr(statistics, name), getattr(whole, name))
    np.testing.assert_array_equal(statistics.viewpoints, whole.viewpoints)
    manifest.select(["fake"]).shards()[0].unlink()
    part, statistics = measured_sources(manifest, "other")
    assert list(part.folders) == ["other"]
    assert set(statistics.counts["source"]) == {"other"}
    assert list(summary(part, statistics)) == ["other"]
    assert "fake is left out of the report: there is no shard" in caplog.text
    assert "source=fake" in caplog.text
    with pytest.raises(MissingFileError, match="there is no shard"):
        measured_sources(manifest, "fake")


def test_an_empty_folder_has_an_empty_report(tmp_path: Path) -> None:
    part, statistics = measured_sources(ShardStore(tmp_path).manifest(), "rendered")
    assert len(part) == len(statistics.counts) == 0


@pytest.mark.parametrize("tasks", [0, 3])
def test_figures_are_drawn_with_and_without_pairs(tmp_path: Path, tasks: int) -> None:
    statistics = conversion_statistics(run(tmp_path, FakeSource(tasks)))
    bars = error_figure(statistics).axes[0].containers
    assert len(bars) == (2 if tasks else 0)
    pairs = np.asarray(coverage_figure(statistics).axes[0].images[0].get_array())
    assert pairs.sum() == 20 * tasks


def test_previews_are_those_of_shards_that_are_done(tmp_path: Path) -> None:
    run(tmp_path, FakeSource(5))
    store = ShardStore(tmp_path)
    assert len(store.previews("fake")) == 5
    assert len(store.previews("fake", count=2)) == 2
    assert store.previews("mtc") == []
    run(tmp_path, FakeSource(5, frames=21, behaviour=(("walk01", "fail"),)))
    assert len(store.previews("fake")) == 4
