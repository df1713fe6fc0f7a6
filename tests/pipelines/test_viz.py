"""Kedro-Viz builds a static site of the pipelines, with the data layers."""

import json
import os
import shutil
import subprocess
import sys


def test_viz_builds_and_shows_layers(tmp_path, project):
    for name in ("conf", "src", "pyproject.toml", ".telemetry", "README.md"):
        source = project / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "viz", "build"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DO_NOT_TRACK": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    main = json.loads((tmp_path / "build" / "api" / "main").read_text())
    assert {"raw", "intermediate", "model_output", "reporting"} <= set(main["layers"])
    assert {"inference", "evaluation"} <= {entry["id"] for entry in main["pipelines"]}
    assert (tmp_path / "build" / "index.html").is_file()
    assert "circular dependency" not in done.stdout + done.stderr
    for path in (tmp_path / "build" / "api" / "pipelines").iterdir():
        assert "reporting" in json.loads(path.read_text())["layers"], path.name
