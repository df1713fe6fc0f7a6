"""The project as Kedro sees it: registry, layers, parameters, environments."""

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from kedro.framework.project import configure_project, pipelines
from kedro.io import DataCatalog

from gonio.config_loader import configuration
from gonio.hooks import GonioHooks
from gonio.options import InferenceOptions
from gonio.project_paths import REPORT_FOLDERS

LAYERS = {"raw", "intermediate", "model_input", "models", "model_output", "reporting"}


@pytest.fixture(scope="module")
def registered(project):
    configure_project("gonio")
    return dict(pipelines)


def _loader(project, env):
    return configuration(project / "conf", env)


def test_inference_is_the_default(registered):
    assert {"inference", "evaluation"} <= set(registered)
    names = {node.name for node in registered["__default__"].nodes}
    assert names == {node.name for node in registered["inference"].nodes}


@pytest.mark.parametrize("env", ["base", "local", "gpu", "test", "recipe"])
def test_every_environment_loads(registered, project, env):
    loader = _loader(project, env)
    catalog = DataCatalog.from_config(loader["catalog"])
    for name in registered:
        for dataset in registered[name].datasets():
            if not dataset.startswith(("params:", "parameters")):
                assert dataset in catalog or dataset.endswith("_seconds") or _in_memory(dataset)


def _in_memory(dataset):
    return dataset in {
        "joint_angles_of_markers",
        "demo_joints",
        "gait_found",
        "kinematics_warnings",
        "opensim_quality",
        "opensim_angles",
        "zero_record",
    } or dataset.startswith("conversion_")


def test_environments_differ_where_they_should(registered, project):
    assert _loader(project, "base")["parameters"]["provider"] == "cpu"
    assert _loader(project, "gpu")["parameters"]["provider"] == "cuda"
    test = _loader(project, "test")
    assert test["parameters"]["report"]["overlay_max_side"] == 240
    assert test["parameters"]["provider"] == "cpu"  # merged, not replaced
    assert "data/test/" in test["catalog"]["report"]["filepath"]


@pytest.mark.parametrize("env", ["base", "local", "gpu", "test", "recipe"])
def test_every_environment_names_parameters_that_there_are(registered, project, env):
    loader = _loader(project, env)
    assert set(loader["parameters"]) <= set(_loader(project, "base")["parameters"])
    GonioHooks().after_context_created(SimpleNamespace(config_loader=loader))


def test_every_dataset_of_the_catalog_has_a_layer(registered, project):
    for name, entry in _loader(project, "base")["catalog"].items():
        if not name.startswith("_"):
            assert entry["metadata"]["kedro-viz"]["layer"] in LAYERS, name


def test_no_video_may_have_the_name_of_another_pipelines_reports(registered, project):
    catalog = _loader(project, "base")["catalog"]
    folders = {
        Path(catalog[name]["filepath"]).relative_to("data/08_reporting").parts[0]
        for pipeline in set(registered) - {"__default__", "inference"}
        for name in registered[pipeline].all_outputs() & set(catalog)
        if "08_reporting" in str(catalog[name].get("filepath"))
    }
    assert folders == set(REPORT_FOLDERS)


def test_every_parameter_is_read_and_every_option_has_its_default(project):
    """parameters.yml and InferenceOptions name the same things with the same defaults."""
    stated = yaml.safe_load((project / "conf" / "base" / "parameters.yml").read_text())
    assert stated == InferenceOptions().model_dump()
    package = project / "src" / "gonio"
    chain = [package / "kinematics" / name for name in ("chain.py", "bands.py")]
    readers = [*(package / "pipelines").rglob("*.py"), *chain]
    sources = "\n".join(path.read_text() for path in readers)
    read = {node.attr for node in ast.walk(ast.parse(sources)) if isinstance(node, ast.Attribute)}
    # the catalog reads the video and the static trial
    assert set(InferenceOptions.model_fields) - read <= {"video", "static_trial"}


def test_nodes_are_named_by_their_functions(registered):
    for node in registered["inference"].nodes:
        assert node.name == node.func.__name__
        assert node.func.__doc__
