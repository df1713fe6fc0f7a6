"""The notebooks run from top to bottom on the results of a run."""

import shutil

import nbformat
import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from nbclient import NotebookClient


@pytest.fixture
def copy(tmp_path, project):
    for name in ("conf", "src", "notebooks", "pyproject.toml", ".telemetry", "README.md"):
        source = project / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / "data").mkdir()
    return tmp_path


def test_results_notebook(copy, project, monkeypatch):
    monkeypatch.chdir(copy)
    bootstrap_project(copy)
    with KedroSession.create(project_path=copy, env="test") as session:
        session.run(pipeline_name="inference")
    monkeypatch.setenv("GONIO_ENV", "test")
    notebook = nbformat.read(copy / "notebooks" / "results.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(
        cwd=str(copy / "notebooks")
    )
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    assert any("range_of_motion_deg" in str(output.get("data", "")) for output in outputs)
    monkeypatch.chdir(project)
    bootstrap_project(project)
