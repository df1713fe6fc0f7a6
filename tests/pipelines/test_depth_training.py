"""`kedro run --pipeline depth_training` on small shards."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gonio.errors import InputError
from gonio.models.depth_refiner import DepthRefiner
from gonio.project_paths import plain_name
from tests.training.clips import fake_shards

SETTINGS = """
training:
  sources: [fake]
  threads: 1
"""


def kedro(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).parent / "kedro"
    return subprocess.run(
        [str(command), "run", "--env", "test", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def folder(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with small shards of its own."""
    root = tmp_path_factory.mktemp("project")
    for name in ("conf", "src"):
        shutil.copytree(project / name, root / name)
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(project / name, root / name)
    settings = root / "conf" / "test" / "parameters_depth_training_of_the_test.yml"
    stated = (root / "conf" / "test" / "parameters_depth_training.yml").read_text()
    settings.write_text(stated.replace("training:", SETTINGS.strip(), 1))
    (root / "conf" / "test" / "parameters_depth_training.yml").unlink()
    fake_shards(root / "data" / "test" / "05_model_input" / "shards")
    return root


def test_shards_become_a_checkpoint(folder: Path) -> None:
    done = kedro(folder, "--pipeline", "depth_training", "--params", "training.epochs=2")
    assert done.returncode == 0, done.stderr
    data = folder / "data" / "test"
    refiner = DepthRefiner.load(data / "06_models" / "depth_refiner.safetensors")
    assert refiner.header["training"]["epochs"] == 2
    report = data / "08_reporting" / "training" / "depth_refiner"
    metrics = json.loads((report / "metrics.json").read_text())
    assert metrics["validation"]["val_raw_depth_cm"] > 0
    assert metrics["data"]["sources"] == ["fake"]
    assert len((report / "curves.csv").read_text().splitlines()) == 3
    assert (report / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_training_has_a_name_and_spares_the_others(folder: Path) -> None:
    models = folder / "data" / "test" / "06_models"
    before = (models / "depth_refiner.safetensors").read_bytes()
    given = "training.name=small,training.network.temporal_layers=0"
    done = kedro(folder, "--pipeline", "depth_training", "--params", given)
    assert done.returncode == 0, done.stderr
    small = DepthRefiner.load(models / "small.safetensors")
    assert small.network.config.temporal_layers == 0
    assert (models / "depth_refiner.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("training.epochs=0", "epochs"),
        ("training.network.d_model=15", "multiple of heads"),
        ("training.network.depth=3", "there is no parameter training.network.depth"),
        ("training.sources=mtc", "there are no shards of mtc"),
        ("training.precision=8-bit", "precision"),
        ("training.name=a/b", "training.name"),
    ],
)
def test_wrong_parameters_are_told(folder: Path, given: str, said: str) -> None:
    done = kedro(folder, "--pipeline", "depth_training", "--params", given)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", "x" * 61])
def test_names_that_could_lead_elsewhere(name: str) -> None:
    with pytest.raises(InputError, match=r"^joint_training\.name is"):
        plain_name(name, "joint_training.name")
