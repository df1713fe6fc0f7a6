"""`kedro run --pipeline joint_training` and `main_refiner` on small shards."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gonio.datasets.checkpoint import CheckpointFile
from gonio.errors import MissingFileError
from gonio.models import registry
from gonio.models.joint_refiner import JointRefiner
from gonio.models.main_refiner import MainRefiner
from gonio.pipelines.main_refiner.nodes import load_joined
from gonio.training.angle_training_options import JointTrainingOptions, MainTrainingOptions
from tests.models.checkpoints import save_network
from tests.models.conftest import FULL, trained_looking
from tests.training.angle_clips import angle_manifest

SMALL = "sources=fake,{0}.threads=1"


def kedro(folder: Path, pipeline: str, given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "kedro",
            "run",
            "--env",
            "test",
            "--pipeline",
            pipeline,
            "--params",
            given,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def folder(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with small shards with angles, and a depth refiner of its own."""
    root = tmp_path_factory.mktemp("project")
    for name in ("conf", "src"):
        shutil.copytree(project / name, root / name)
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(project / name, root / name)
    data = root / "data" / "test"
    angle_manifest(data / "05_model_input" / "angle_shards")
    models = data / "06_models"
    models.mkdir(parents=True)
    save_network(
        models / "depth_refiner.safetensors", trained_looking(FULL), {"sigma_scale": [1.0] * 3}
    )
    return root


def test_shards_with_angles_become_a_joint_refiner_and_a_main_refiner(folder: Path) -> None:
    models = folder / "data" / "test" / "06_models"
    report = folder / "data" / "test" / "08_reporting" / "training"
    small = "joint_training." + SMALL.format("joint_training")
    done = kedro(folder, "joint_training", small)
    assert done.returncode == 0, done.stderr
    joint = JointRefiner.load(models / "joint_refiner.safetensors")
    assert joint.header["training"]["epochs"] == 2
    metrics = json.loads((report / "joint_refiner" / "metrics.json").read_text())
    assert metrics["validation_in_use"]["raw_angle_deg"] > 5
    small = "main_training." + SMALL.format("main_training")
    done = kedro(folder, "main_refiner", small)
    assert done.returncode == 0, done.stderr
    own = {name: models / f"{name}.safetensors" for name in ("depth_refiner", "joint_refiner")}
    main = MainRefiner.load(models / "main_refiner.safetensors", own)
    assert main.joint.path == own["joint_refiner"]
    for name in ("joint_refiner", "main_refiner"):
        assert (report / name / "curves.png").read_bytes().startswith(b"\x89PNG")
        assert len((report / name / "curves.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("pipeline", "given", "said"),
    [
        ("joint_training", "joint_training.network.d_modle=3", "d_modle"),
        ("joint_training", "joint_training.epochs=0", "joint_training"),
        ("joint_training", "joint_training.sources=nowhere", "no shards of nowhere"),
        ("main_refiner", "main_training.fine_tune=all", "fine_tune"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(
    folder: Path, pipeline: str, given: str, said: str
) -> None:
    done = kedro(folder, pipeline, given)
    assert done.returncode == 1
    assert said in done.stderr.splitlines()[-1] + done.stdout


def test_every_option_is_stated(project: Path) -> None:
    for options, file in (
        (JointTrainingOptions, "parameters_joint_training.yml"),
        (MainTrainingOptions, "parameters_main_refiner.yml"),
    ):
        stated = yaml.safe_load((project / "conf" / "base" / file).read_text())
        assert set(stated[options.GROUP]) == set(options.model_fields)
        options.from_parameters(stated)
        gpu = project / "conf" / "gpu" / "parameters_angle_refiners.yml"
        merged = stated[options.GROUP] | yaml.safe_load(gpu.read_text())[options.GROUP]
        assert options.model_validate(merged).accelerator == "gpu"


def test_a_main_refiner_needs_both_refiners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "SHIPPED_FOLDER", tmp_path / "none")
    depth, joint = (
        CheckpointFile(tmp_path / f"{name}.safetensors")
        for name in ("depth_refiner", "joint_refiner")
    )
    with pytest.raises(MissingFileError, match=r"kedro run --pipeline depth_training"):
        load_joined(depth, joint)
    save_network(depth.path, trained_looking(FULL), {"sigma_scale": [1.0] * 3})
    with pytest.raises(MissingFileError, match=r"kedro run --pipeline joint_training"):
        load_joined(depth, joint)
