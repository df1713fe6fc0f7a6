"""What is imported while detection runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gonio.pipelines.inference import imports
from gonio.pipelines.inference.imports import imported_meanwhile

SCRIPT = """
import sys
from gonio.pipelines.inference.imports import imported_meanwhile
with imported_meanwhile({refiner!r}):
    pass
print("torch" in sys.modules)
"""


@pytest.mark.parametrize(("refiner", "there"), [("main", "True"), ("none", "False")])
def test_networks_are_there_when_detection_ends_if_they_are_wanted(refiner, there):
    command = [sys.executable, "-c", SCRIPT.format(refiner=refiner)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == there


def test_an_import_that_fails_is_left_to_the_node_that_needs_it(monkeypatch):
    monkeypatch.setattr(imports, "NETWORKS", "gonio.no_such_module")
    with imported_meanwhile("main"):
        done = True
    assert done


def test_an_error_in_the_body_comes_through():
    with pytest.raises(ValueError, match="in the video"), imported_meanwhile("none"):
        raise ValueError("in the video")
