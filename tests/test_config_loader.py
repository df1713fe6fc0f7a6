"""Where files lie: named after parameters, below the folder of the data."""

from __future__ import annotations

import shutil

import pytest
from kedro.framework.project import configure_project

from gonio.config_loader import configuration

LOCAL = """
training: { name: mine }
joint_training: { name: my_joints }
main_training: { name: my_main }
video: walk.mp4
static_trial: data/01_raw/standing.csv
aistpp_folder: /data/aistpp
"""


@pytest.fixture
def catalog(project, tmp_path):
    """A function that gives the catalog of the project with these parameters in conf/local."""
    configure_project("gonio")
    shutil.copytree(project / "conf", tmp_path / "conf")

    def load(local, data="data", **given):
        (tmp_path / "conf" / "local" / "parameters.yml").write_text(local)
        (tmp_path / "conf" / "local" / "globals.yml").write_text(f"data: {data}")
        loader = configuration(tmp_path / "conf", None, given)
        return {name: entry.get("filepath") for name, entry in loader["catalog"].items()}

    return load


def test_parameters_in_a_file_name_what_they_name_on_the_command_line(catalog):
    files = catalog(LOCAL)
    assert files["trained_refiner"] == "data/06_models/mine.safetensors"
    assert files["training_metrics"] == "data/08_reporting/training/mine/metrics.json"
    assert files["trained_joint_refiner"] == "data/06_models/my_joints.safetensors"
    assert files["trained_main_refiner"] == "data/06_models/my_main.safetensors"
    assert files["video"] == "data/01_raw/walk.mp4"
    assert files["report"] == "data/08_reporting/walk/report.html"
    assert files["static_trial"] == "data/01_raw/standing.csv"
    assert files["aistpp_folder"] == "/data/aistpp"
    assert files["depth_refiner"] == "data/06_models/depth_refiner.safetensors"  # what is read


def test_the_command_line_wins(catalog):
    files = catalog(LOCAL, training={"name": "other"}, video="run.mp4")
    assert files["trained_refiner"] == "data/06_models/other.safetensors"
    assert files["report"] == "data/08_reporting/run/report.html"
    assert files["trained_joint_refiner"] == "data/06_models/my_joints.safetensors"


@pytest.mark.parametrize(("given", "rate"), [({}, None), ({"capture_rate_hz": 240}, 240)])
def test_the_video_is_read_at_the_rate_that_it_was_filmed_at(project, given, rate):
    configure_project("gonio")
    loader = configuration(project / "conf", "test", given)
    assert loader["catalog"]["video"]["capture_rate_hz"] == rate


def test_null_is_the_usual_place(catalog):
    files = catalog("subject: { height: 1.7 }")
    assert files["trained_refiner"] == "data/06_models/depth_refiner.safetensors"
    assert files["static_trial"] == "data/01_raw/static_trial.csv"
    assert files["report"] == "data/08_reporting/cam01/report.html"


def test_everything_lies_in_the_folder_of_the_data(catalog):
    files = catalog("video: walk.mp4", data="/mnt/big")
    assert files["video"] == "/mnt/big/01_raw/walk.mp4"
    assert files["pose_models"] == "/mnt/big/06_models"
    elsewhere = {name: path for name, path in files.items() if path and "/mnt/big/" not in path}
    assert elsewhere == {}
    assert catalog("video: /films/walk.mp4", data="/mnt/big")["video"] == "/films/walk.mp4"
    assert "cam02" in catalog("video: demo/cam02", data="/mnt/big")["video"]
