"""The project as Kedro sees it: registry, layers, parameters, environments."""

import ast
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from kedro.framework.project import configure_project, pipelines
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from gonio import cli, hooks
from gonio.capture.conversion import ConversionOptions
from gonio.config_loader import configuration
from gonio.errors import InputError
from gonio.options import InferenceOptions
from gonio.project_paths import REPORT_FOLDERS
from gonio.training.angle_options import AngleOptions
from gonio.training.angle_training_options import JointTrainingOptions, MainTrainingOptions
from gonio.training.options import TrainingOptions
from gonio.training.recordings import EvaluationOptions

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


IN_MEMORY = {
    "gait_found",
    "joint_angles_of_markers",
    "kinematics_warnings",
    "opensim_angles",
    "opensim_quality",
    "zero_record",
}
"""What is handed on and kept nowhere; all else stands in the catalog."""


@pytest.mark.parametrize("env", ["base", "local", "gpu", "test", "recipe"])
def test_every_environment_loads(registered, project, env):
    catalog = DataCatalog.from_config(_loader(project, env)["catalog"])
    for name, pipeline in registered.items():
        unknown = {
            dataset
            for dataset in pipeline.datasets()
            if not dataset.startswith("param") and dataset not in catalog
        }
        assert unknown == (IN_MEMORY if name in ("inference", "__default__") else set()), name


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("data_conversion.convert", "depth_training.prepare_clips"),
        ("data_conversion.convert", "joint_angle_generation.plan_angle_shards"),
        ("joint_angle_generation.generate_angles", "joint_training.prepare_joint_clips"),
        ("joint_angle_generation.generate_angles", "main_refiner.prepare_main_clips"),
    ],
)
def test_what_a_pipeline_reads_is_made_before_by_the_one_that_makes_it(registered, first, then):
    (maker, step), (reader, later) = first.split("."), then.split(".")
    both = registered[maker] + registered[reader]
    assert step in {node.name for node in both.to_nodes(later).nodes}


def test_only_who_writes_a_folder_reads_what_stands_in_it_so_far(registered):
    for pipeline in registered.values():
        for dataset in pipeline.inputs():
            if dataset.endswith("_so_far"):
                assert dataset.removesuffix("_so_far") in pipeline.all_outputs()


def test_no_two_pipelines_share_a_file_without_being_ordered_or_refused(registered, project):
    """One after the other they may; in one run Kedro orders them by name, or they are refused."""
    catalog = _loader(project, "base")["catalog"]
    names = sorted(set(registered) - {"__default__"})
    for maker, reader in permutations(names, 2):
        outputs, inputs = registered[maker].all_outputs(), registered[reader].inputs()
        places = {catalog[name].get("filepath") for name in outputs & set(catalog)} - {None}
        hidden = {
            name
            for name in inputs & set(catalog) - outputs
            if catalog[name].get("filepath") in places
        }
        if hidden:
            with pytest.raises(InputError, match=f"--pipeline {maker}, then .* {reader}$"):
                cli._check_order({"pipelines": [maker, reader], "conf_source": project / "conf"})


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
    hooks.GonioHooks().after_context_created(SimpleNamespace(config_loader=loader))


def test_every_dataset_of_the_catalog_has_a_layer(registered, project):
    for name, entry in _loader(project, "base")["catalog"].items():
        if not name.startswith("_"):
            assert entry["metadata"]["kedro-viz"]["layer"] in LAYERS, name


def test_the_hooks_know_every_step_of_inference_and_no_other(registered):
    told = hooks.steps_of_inference
    unknown = {n.name for n in registered["inference"].nodes if not told(Pipeline([n]))}
    assert unknown == set()
    others = {"__default__", "inference"}
    assert {
        name for name, other in registered.items() if name not in others and told(other)
    } == set()


def test_no_video_may_have_the_name_of_another_pipelines_reports(registered, project):
    catalog = _loader(project, "base")["catalog"]
    folders = {
        Path(catalog[name]["filepath"]).relative_to("data/08_reporting").parts[0]
        for pipeline in set(registered) - {"__default__", "inference"}
        for name in registered[pipeline].all_outputs() & set(catalog)
        if "08_reporting" in str(catalog[name].get("filepath"))
    }
    assert folders == set(REPORT_FOLDERS)


READ_BY_THE_CATALOG = {
    "video",
    "static_trial",
    "aistpp_folder",
    "mtc_folder",
    "motion_folder",
    "demo_truth",
    "demo_angles",
    "shards_folder",
}
OF_INFERENCE = {"model", "repair"}
"""Its parameters that other pipelines take as they are."""


@pytest.mark.parametrize(
    ("file", "group", "options"),
    [
        ("parameters", None, InferenceOptions),
        ("parameters_data_conversion", None, ConversionOptions),
        ("parameters_joint_angle_generation", "angles", AngleOptions),
        ("parameters_evaluation", "evaluation", EvaluationOptions),
        ("parameters_depth_training", "training", TrainingOptions),
        ("parameters_joint_training", "joint_training", JointTrainingOptions),
        ("parameters_main_refiner", "main_training", MainTrainingOptions),
    ],
)
def test_every_option_stands_in_a_file_with_its_default(project, file, group, options):
    """The configuration and the code name the same things with the same values."""
    stated = yaml.safe_load((project / "conf" / "base" / f"{file}.yml").read_text())
    defaults = options().model_dump(mode="json")
    if group is not None:
        assert set(stated) - READ_BY_THE_CATALOG == {group}
        stated = stated[group]
    if options is ConversionOptions:
        defaults = {key: value for key, value in defaults.items() if key not in OF_INFERENCE}
        stated = {
            key: stated[key] for key in stated if key not in READ_BY_THE_CATALOG - {*defaults}
        }
    # Networks of checkpoints that lack an option are built with the code's default: names alone
    networks = [values.pop("network") for values in (stated, defaults) if "network" in values]
    assert len({frozenset(network) for network in networks}) == min(len(networks), 1)
    assert stated == defaults


def test_every_parameter_of_inference_is_read(project):
    package = project / "src" / "gonio"
    others = [
        *(package / "kinematics" / name for name in ("chain.py", "bands.py")),
        package / "hooks.py",
    ]
    readers = [*(package / "pipelines").rglob("*.py"), *others]
    sources = "\n".join(path.read_text() for path in readers)
    read = {node.attr for node in ast.walk(ast.parse(sources)) if isinstance(node, ast.Attribute)}
    assert set(InferenceOptions.model_fields) - read <= READ_BY_THE_CATALOG


def test_nodes_are_named_by_their_functions(registered):
    for node in registered["inference"].nodes:
        assert node.name == node.func.__name__
        assert node.func.__doc__
