import numpy as np
import pandas as pd
import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from gonio.capture.demo import DEMO_CAMERAS
from gonio.capture.shards import write_shard
from gonio.datasets.checkpoint import CheckpointDataset
from gonio.datasets.motion import OptionalMotDataset
from gonio.datasets.text import JsonDataset, TableDataset
from gonio.models.depth_network import DepthRefinerConfig, PoseAwareDepthRefiner
from gonio.pipelines.evaluation import create_pipeline, nodes
from gonio.training.recordings import EvaluationOptions
from gonio.trc import read_trc
from tests.capture.fakes import small_shard
from tests.models.checkpoints import save_network
from tests.training.angle_fakes import known_shard, shard_store

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
    return nodes.score(recordings, {}, DEMO_ONLY)


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
    assert row(whole, "raw")["frames"] == 396  # the trial lacks the first of 100
    # The cameras look down by up to 25 degrees, which MediaPipe alone does not know.
    assert 10 < row(whole, "repaired")["up_mean_deg"] < 35
    assert row(whole, "repaired")["azimuth_mean_deg"] < row(whole, "raw")["azimuth_mean_deg"]


def test_the_table_as_markdown(tables):
    text = nodes.as_markdown(*tables, *[pd.DataFrame()] * 3)
    assert "| demo | cam02 | raw | 99 |" in text
    assert text.endswith("|\n")


def test_without_a_reference_the_views_are_triangulated(demo_landmarks):
    landmarks = {name: demo_landmarks(name) for name in DEMO_CAMERAS}
    truth = nodes.true_joints(None, nodes.demo_cameras(), landmarks)
    assert truth.source == "triangulation of its own four views"
    assert truth.joints.shape == (100, 17, 3)


def evaluated(tmp_path, shards, given, parameters, **datasets):
    """What comes out of the pipeline on a folder of shards, by the names of the catalog."""
    nowhere = tmp_path / "nowhere"
    catalog = DataCatalog(
        {
            "parameters": MemoryDataset({**parameters, "evaluation": given}),
            "params:evaluation": MemoryDataset(given),
            "params:model": MemoryDataset("full"),
            "pose_models": MemoryDataset(nowhere),
            "demo_truth": MemoryDataset(None),
            "demo_angles": OptionalMotDataset(str(nowhere / "absent.mot")),
            "evaluation_shards": MemoryDataset(shards),
            **{
                name: CheckpointDataset(str(nowhere / f"{name}.safetensors"))
                for name in ("depth_refiner", "joint_refiner", "main_refiner")
            },
            **datasets,
        }
    )
    return SequentialRunner().run(create_pipeline(), catalog)


@pytest.fixture
def no_shipped_network(tmp_path, monkeypatch):
    from gonio.models import registry

    monkeypatch.setattr(registry, "SHIPPED_FOLDER", tmp_path / "nothing_shipped")


def test_the_whole_pipeline_on_shards_with_a_checkpoint(tmp_path, no_shipped_network):
    """No video is looked at where the demo is not asked for."""
    folder = tmp_path / "shards"
    for k in range(3):
        write_shard(folder / f"{k}.npz", small_shard(20, k, f"walk{k}"))
    checkpoint = tmp_path / "net.safetensors"
    about = {
        "sigma_scale": [1.0, 1.0, 1.0],
        "metrics": {},
        "data": {},
        "training": {},
        "versions": {},
    }
    config = DepthRefinerConfig(d_model=16, layers=1, heads=2, up_head=True, sigma_head=True)
    save_network(checkpoint, PoseAwareDepthRefiner(config), about)
    parameters = {
        "recordings": ["folder"],
        "shipped": False,
        "checkpoints": {"mine": str(checkpoint)},
        "max_shards": 2,
        "angles": False,
    }
    table = TableDataset(str(tmp_path / "summary.csv"))
    record = JsonDataset(str(tmp_path / "evaluation.json"))
    angles = TableDataset(str(tmp_path / "evaluation_angles.csv"))
    outputs = evaluated(
        tmp_path,
        folder,
        parameters,
        {},
        evaluation_table=table,
        evaluation_record=record,
        evaluation_angles=angles,
    )
    whole = table.load()
    assert list(whole["row"]) == ["raw", "raw + filter + scale", "repaired", "mine"]
    assert set(whole["clips"]) == {2}
    assert whole["milliseconds_a_frame"].notna().tolist() == [False, False, False, True]
    assert row(whole, "mine")["sigma_mean_cm"] == pytest.approx(100 * np.exp(-3), rel=0.2)
    assert record.load()["networks"]["mine"]["config"]["d_model"] == 16
    assert len(record.load()["figures"]) == 4
    assert "mine" in outputs["evaluation_page"].load()
    assert "mine" in outputs["evaluation_markdown"].load()
    assert not angles.path.exists()
    assert record.load()["angles"] == {}


def test_joint_angles_through_the_whole_chain(tmp_path, no_shipped_network):
    """Truth in the augmenter's convention, which comes from the training shards."""
    folder = tmp_path / "shards"
    bend = {"knee_R_flexion_deg": 30 + 20 * np.sin(np.arange(40) / 4)}
    shards = [
        known_shard(bend, count=40, noise_m=0.02, sequence=f"w{k}", subject=f"s{k}")
        for k in range(3)
    ]
    shard_store(folder, shards)
    given = {"recordings": ["fake_test"], "shipped": False}
    angles = {"sources": ["fake"], "true_markers": "aligned"}
    record = JsonDataset(str(tmp_path / "evaluation.json"))
    tables = {
        name: TableDataset(str(tmp_path / f"{name}.csv"))
        for name in ("evaluation_angles", "evaluation_angle_joints")
    }
    outputs = evaluated(
        tmp_path, folder, given, {"angles": angles}, evaluation_record=record, **tables
    )
    whole = tables["evaluation_angles"].load()
    assert list(whole["row"]) == ["raw", "raw + filter", "repaired"]
    assert whole["without_offset_deg"].between(0, 30).all()
    assert row(whole, "repaired")["without_offset_deg"] < row(whole, "raw")["without_offset_deg"]
    assert len(tables["evaluation_angle_joints"].load()) == 12 * 4 * 3
    said = record.load()["angles"]
    assert said["truth_rests_on"] == {"fake_test": {"markers on the body, aligned": 1}}
    assert said["convention_deg"]["femur_R"]
    assert len(said["figures"]) == 3
    assert "joint, both, main" in record.load()["notes"][-1]
    assert "angles-0" in outputs["evaluation_page"].load()
    assert "**Joint angles**" in outputs["evaluation_markdown"].load()


def test_the_stated_parameters_are_the_defaults(project):
    path = project / "conf" / "base" / "parameters_evaluation.yml"
    stated = yaml.safe_load(path.read_text())["evaluation"]
    assert EvaluationOptions.model_validate(stated) == EvaluationOptions()
    assert set(stated) == set(EvaluationOptions.model_fields)
