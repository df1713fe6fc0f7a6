import numpy as np
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from gonio.capture.demo import DEMO_CAMERAS
from gonio.capture.shards import write_shard
from gonio.datasets.text import JsonDataset, TableDataset
from gonio.models.depth_refiner import DepthRefinerConfig, PoseAwareDepthRefiner, save_network
from gonio.pipelines.evaluation import create_pipeline, nodes
from gonio.trc import read_trc, write_trc
from gonio.types import MarkerTrajectories
from tests.capture.fakes import small_shard

DEMO_ONLY = {"recordings": ["demo"], "shipped": False}


@pytest.fixture(scope="module")
def clips(shared, demo_landmarks, tmp_path_factory):
    landmarks = {name: demo_landmarks(name) for name in DEMO_CAMERAS}
    cameras = nodes.demo_cameras()
    trial = read_trc(shared / "balancing_trial" / "balancing.trc")
    truth = nodes.true_joints(trial, cameras, landmarks)
    assert truth.source == "reference trial"
    nowhere = tmp_path_factory.mktemp("nothing")
    recordings = nodes.gather(landmarks, cameras, truth, nowhere, "full", DEMO_ONLY)
    return nodes.score(recordings, {})


@pytest.fixture(scope="module")
def tables(clips):
    whole, cameras, *_ = nodes.tabulate(clips)
    return whole, cameras


def row(table, name, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    return table[table["row"] == name].iloc[0]


def test_repair_halves_the_error_of_the_swapped_camera(tables):
    raw, repaired = (row(tables[1], r, camera="cam02") for r in ("raw", "repaired"))
    assert raw["swapped_frames"] > 20
    assert repaired["swapped_frames"] <= 3
    assert repaired["position_mean_cm"] < 0.6 * raw["position_mean_cm"]


def test_repair_does_no_harm_where_nothing_is_swapped(tables):
    for camera in ("cam01", "cam03", "cam04"):
        raw, repaired = (row(tables[1], r, camera=camera) for r in ("raw", "repaired"))
        assert repaired["position_mean_cm"] <= raw["position_mean_cm"]
        assert repaired["missing_frames"] == 0


def test_all_cameras_together(tables):
    whole, cameras = tables
    each = [row(cameras, "raw", camera=name)["depth_mean_cm"] for name in DEMO_CAMERAS]
    assert row(whole, "raw")["depth_mean_cm"] == pytest.approx(np.mean(each), abs=0.01)
    assert row(whole, "raw")["frames"] == 400
    # The cameras look down by up to 25 degrees, which MediaPipe alone does not know.
    assert 10 < row(whole, "repaired")["up_mean_deg"] < 35
    assert row(whole, "repaired")["azimuth_mean_deg"] < row(whole, "raw")["azimuth_mean_deg"]


def test_the_table_as_markdown(tables):
    text = nodes.as_markdown(*tables)
    assert "| demo | cam02 | raw | 100 |" in text
    assert text.endswith("|\n")


def test_without_a_reference_the_views_are_triangulated(demo_landmarks):
    landmarks = {name: demo_landmarks(name) for name in DEMO_CAMERAS}
    truth = nodes.true_joints(None, nodes.demo_cameras(), landmarks)
    assert truth.source == "triangulation of its own four views"
    assert truth.joints.shape == (100, 17, 3)


def test_the_whole_pipeline_on_shards_with_a_checkpoint(tmp_path):
    """No video is looked at where the demo is not asked for."""
    trial = tmp_path / "trial.trc"
    write_trc(trial, MarkerTrajectories(("Nose",), np.zeros((3, 1, 3)), 60.0))
    folder = tmp_path / "shards"
    for k in range(3):
        write_shard(folder / f"{k}.npz", small_shard(20, k, f"walk{k}"))
    checkpoint = tmp_path / "net.safetensors"
    about = {"sigma_scale": 1.0, "metrics": {}, "data": {}, "training": {}, "versions": {}}
    config = DepthRefinerConfig(d_model=16, layers=1, heads=2, up_head=True, sigma_head=True)
    save_network(checkpoint, PoseAwareDepthRefiner(config), about)
    parameters = {
        "recordings": ["folder"],
        "shipped": False,
        "checkpoints": {"mine": str(checkpoint)},
        "max_shards": 2,
    }
    table = TableDataset(str(tmp_path / "summary.csv"))
    record = JsonDataset(str(tmp_path / "evaluation.json"))
    catalog = DataCatalog(
        {
            "params:evaluation": MemoryDataset(parameters),
            "params:model": MemoryDataset("full"),
            "demo_truth": MemoryDataset(read_trc(trial)),
            "evaluation_shards": MemoryDataset(folder),
            "evaluation_table": table,
            "evaluation_record": record,
        }
    )
    outputs = SequentialRunner().run(create_pipeline(), catalog)
    whole = table.load()
    assert list(whole["row"]) == ["raw", "raw + filter + scale", "repaired", "mine"]
    assert set(whole["clips"]) == {2}
    assert whole["milliseconds_a_frame"].notna().tolist() == [False, False, False, True]
    assert row(whole, "mine")["sigma_mean_cm"] == pytest.approx(100 * np.exp(-3), rel=0.2)
    assert record.load()["networks"]["mine"]["config"]["d_model"] == 16
    assert len(record.load()["figures"]) == 4
    assert "mine" in outputs["evaluation_page"].load()
    assert "mine" in outputs["evaluation_markdown"].load()
