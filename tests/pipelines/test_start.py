"""What a run waits for before its first step."""

from __future__ import annotations

import subprocess
import sys

NEEDED_BY_FEW = ("lightning", "anny", "moderngl", "opensim")
SCRIPT = f"""
import sys
from gonio.pipeline_registry import register_pipelines
from kedro.framework.project import configure_project
configure_project("gonio")
assert len(register_pipelines()) > 6
print([name for name in {NEEDED_BY_FEW} if name in sys.modules])
"""


def test_no_run_waits_for_packages_that_only_some_steps_need() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert run.stdout.strip().splitlines()[-1] == "[]"
