"""The pipeline `joint_angle_generation`: its parameters, and a run from the catalog."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from gonio.capture.shards import read_shard
from gonio.capture.store import ShardStore
from gonio.training.angle_options import AngleOptions
from gonio.trc import read_trc
from tests.training.angle_fakes import known_shard, shard_store


def kedro(project, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--env", "test", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path, project):
    for name in ("conf", "src", "pyproject.toml", ".telemetry"):
        source = project / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return tmp_path


def test_the_stated_parameters_are_the_defaults(project):
    path = project / "conf" / "base" / "parameters_joint_angle_generation.yml"
    stated = yaml.safe_load(path.read_text())["angles"]
    assert AngleOptions.model_validate(stated) == AngleOptions()
    assert set(stated) == set(AngleOptions.model_fields)


def test_a_run_writes_shards_markers_and_a_report(copy):
    data = copy / "data" / "test"
    shards = [
        known_shard(count=15, sequence=f"w{k}", subject=f"s{k}", noise_m=0.02) for k in range(3)
    ]
    shard_store(data / "05_model_input" / "shards", shards)
    done = kedro(copy, "--pipeline", "joint_angle_generation", "--params", "angles.sources=fake")
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = ShardStore(data / "05_model_input" / "angle_shards").manifest()
    assert len(manifest.with_status("done")) == 3
    report = data / "08_reporting" / "angles"
    errors = pd.read_csv(report / "errors.csv")
    assert len(errors[errors["by"] == "all"]) == 36
    assert json.loads((report / "summary.json").read_text())["shards"]["done"] == 3
    assert (report / "angles.png").read_bytes().startswith(b"\x89PNG")
    assert not pd.read_csv(report / "counts.csv").empty
    files = sorted((data / "05_model_input" / "angle_markers").glob("*.trc"))
    assert [file.stem for file in files] == ["fake_w0__c01_corrupted", "fake_w0__c01_truth"]
    assert len(read_trc(files[0]).names) == 65


@pytest.mark.slow
def test_from_rendered_bodies_to_angles(copy):
    pytest.importorskip("anny")
    for pipeline in ("data_conversion", "joint_angle_generation"):
        done = kedro(copy, "--pipeline", pipeline)
        assert done.returncode == 0, done.stdout + done.stderr
    store = ShardStore(copy / "data" / "test" / "05_model_input" / "angle_shards")
    records = store.manifest().with_status("done")
    assert records
    for record in records:
        assert record.reason.startswith("true angles: markers on the body")
        shard = read_shard(store.manifest().path_of(record))
        assert np.isfinite(shard.ground_truth_angles).mean() > 0.8
        knees = shard.ground_truth_angles[:, 3:5, 0]
        assert np.nanmin(knees) > -20
        assert np.nanmax(knees) < 170
