"""The pipeline `data_conversion`: its shape, and a run from a catalog."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.runner import SequentialRunner
from nbclient import NotebookClient

from gonio.capture.conversion import conversion_events
from gonio.capture.executor import ExecutorOptions
from gonio.capture.store import ConversionPlan, ShardStore
from gonio.datasets.shards import FolderDataset, ImageDataset, ShardFolderDataset
from gonio.datasets.text import JsonDataset, PngDataset, TableDataset
from gonio.pipelines.data_conversion import create_pipeline, nodes
from tests.capture.fakes import FakeSource, plan_of, small_shard
from tests.training.angle_fakes import shard_store


def catalog(root: Path, parameters: dict[str, Any]) -> DataCatalog:
    report = root / "report"
    shards = str(root / "shards")
    folders = ("aistpp_folder", "mtc_folder", "motion_folder", "pose_models")
    return DataCatalog(
        {
            **{name: FolderDataset(str(root / name)) for name in folders},
            "parameters": MemoryDataset(parameters),
            "training_shards_so_far": ShardFolderDataset(shards),
            "training_shards": ShardFolderDataset(shards),
            "conversion_counts": TableDataset(str(report / "counts.csv")),
            "conversion_errors": TableDataset(str(report / "errors.csv")),
            "conversion_problems": TableDataset(str(report / "problems.csv")),
            "conversion_summary": JsonDataset(str(report / "summary.json")),
            "conversion_error_figure": PngDataset(str(report / "errors.png")),
            "conversion_coverage_figure": PngDataset(str(report / "coverage.png")),
            "contact_sheet": ImageDataset(str(report / "contact_sheet.jpg")),
        }
    )


@pytest.fixture
def fake_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(options: Any, folders: Any) -> ConversionPlan:
        trouble = (("walk01", "fail"),)
        return plan_of(FakeSource(5, behaviour=trouble))

    monkeypatch.setattr(nodes, "plan_conversion", plan)


@pytest.mark.usefixtures("fake_plan")
def test_a_run_writes_shards_and_a_report(tmp_path: Path) -> None:
    parameters = {"executor": "inline", "source": "mtc"}
    SequentialRunner().run(create_pipeline(), catalog(tmp_path, parameters))
    names = {p.name for p in (tmp_path / "report").iterdir()}
    assert names == {
        "counts.csv",
        "errors.csv",
        "problems.csv",
        "summary.json",
        "errors.png",
        "coverage.png",
        "contact_sheet.jpg",
    }
    manifest = ShardStore(tmp_path / "shards").manifest()
    assert len(manifest.with_status("done")) == 4
    assert "the video is broken" in (tmp_path / "report" / "problems.csv").read_text()


@pytest.mark.usefixtures("fake_plan")
def test_a_second_run_does_only_what_failed(tmp_path: Path) -> None:
    data = catalog(tmp_path, {"executor": "inline"})
    SequentialRunner().run(create_pipeline(), data)
    shards = {p: p.stat().st_mtime_ns for p in (tmp_path / "shards").rglob("*.npz")}
    SequentialRunner().run(create_pipeline(), catalog(tmp_path, {"executor": "inline"}))
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "shards").rglob("*.npz")} == shards
    lines = next((tmp_path / "shards").rglob("manifest.jsonl")).read_text().splitlines()
    assert len(lines) == 5 + 1


@pytest.mark.usefixtures("fake_plan")
def test_a_lost_shard_of_another_source_does_not_stop_a_run(tmp_path: Path) -> None:
    other = shard_store(tmp_path / "shards", [replace(small_shard(5), source="mtc")])
    other.manifest().shards()[0].unlink()
    SequentialRunner().run(create_pipeline(), catalog(tmp_path, {"executor": "inline"}))
    summary = JsonDataset(str(tmp_path / "report" / "summary.json")).load()
    assert list(summary) == ["fake"]


def test_the_pipeline_needs_what_the_catalog_has() -> None:
    pipeline = create_pipeline()
    assert pipeline.inputs() == {
        "aistpp_folder",
        "mtc_folder",
        "motion_folder",
        "pose_models",
        "parameters",
        "training_shards_so_far",
    }
    assert [node.name for node in pipeline.nodes] == [
        "plan_conversion",
        "convert",
        "measure_conversion",
        "draw_conversion",
    ]


def test_a_folder_to_read_is_not_written(tmp_path: Path) -> None:
    dataset = FolderDataset(str(tmp_path))
    assert dataset.load() == tmp_path
    with pytest.raises(DatasetError, match="nothing is written"):
        dataset.save("x")


def test_a_picture_comes_back(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    dataset = ImageDataset(str(tmp_path / "a.png"))
    dataset.save(picture)
    np.testing.assert_array_equal(dataset.load(), picture)
    with pytest.raises(DatasetError, match=r"\.png and \.jpg"):
        ImageDataset(str(tmp_path / "a.tiff")).save(picture)


@pytest.mark.slow
def test_the_notebook_draws_a_pair(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("conf", "src", "notebooks", "pyproject.toml", ".telemetry"):
        source = project / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    store = ShardStore(tmp_path / "data" / "test" / "05_model_input" / "shards")
    for event in conversion_events(plan_of(FakeSource(3)), store, ExecutorOptions("inline")):
        store.save(event)
    monkeypatch.setenv("GONIO_ENV", "test")
    read: Any = nbformat.read
    notebook = read(tmp_path / "notebooks" / "training_pair.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.execute(cwd=str(tmp_path / "notebooks"))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 1
    assert any("20 of 20 frames are pairs" in str(output.get("text")) for output in outputs)
