"""Kedro-Viz builds a static site of the pipelines, with the data layers and with results."""

import json
import os
import shutil
import subprocess
import sys


def test_viz_builds_and_shows_layers_and_results(tmp_path, project):
    for name in ("conf", "src", "pyproject.toml", ".telemetry", "README.md"):
        source = project / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    angles = tmp_path / "data" / "07_model_output" / "cam01" / "joint_angles.csv"
    angles.parent.mkdir(parents=True)
    angles.write_text("time_s,knee_R_flexion_deg\n0.0,61.5\n0.1,\n")
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "viz", "build", "--include-previews"],
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
    nodes = [json.loads(path.read_text()) for path in (tmp_path / "build/api/nodes").iterdir()]
    (shown,) = (node for node in nodes if str(node.get("filepath")).endswith(f"/{angles.name}"))
    assert shown["preview_type"] == "TablePreview"
    assert shown["preview"]["data"] == [[0.0, 61.5], [0.1, None]]
