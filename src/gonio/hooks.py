"""What happens around a run: parameters are checked by name, output folders before the work."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines, settings
from kedro.io import CatalogProtocol, DatasetError
from kedro.pipeline import Pipeline

from gonio.config_loader import configuration
from gonio.datasets.base import FileDataset
from gonio.errors import GonioError, InputError, OutputError
from gonio.kinematics.chain import check_static_trial
from gonio.markers.augmenter_networks import check_provider
from gonio.memory import give_back
from gonio.models.registry import TRAINED_BY, check_refiners
from gonio.options import InferenceOptions, check_names
from gonio.project_paths import check_own_folder
from gonio.same_video import check_same_video
from gonio.steps import READ_BY, check_same_parameters

INFERENCE_RESULT = "landmarks_detected"
"""What only the pipeline `inference` makes, from the video."""
logger = logging.getLogger(__name__)


class GonioHooks:
    """Checks before a run starts, so that nothing fails after minutes of work; and at its end."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Refuse parameters that nothing reads.

        All that there are stand in conf/base. Below the names that a file gives there may be data,
        such as names of checkpoints; the options of each pipeline know those that are none.

        Raises:
            InputError: names the parameter and those that come close.
        """
        loader = context.config_loader
        env = loader.env or settings.CONFIG_LOADER_ARGS["default_run_env"]
        base_env = settings.CONFIG_LOADER_ARGS["base_env"]
        base = configuration(loader.conf_source, base_env)["parameters"]
        # Last: Kedro takes globals from the newest loader
        stated = configuration(loader.conf_source, env)["parameters"]
        check_names(dict.fromkeys(stated), base, str(Path(loader.conf_source) / env))
        check_names(loader.runtime_params or {}, stated, "the command line")

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """See that the parameters can be used and that the results can be written.

        Raises:
            InputError: a parameter of `inference` that is not allowed, a video with the name of
                another pipeline's reports or of another video that has results, a provider that is
                not installed, a checkpoint that is broken, or a static trial that cannot be used.
            MissingFileError: a checkpoint that the parameters ask for is not there.
            OutputError: a folder cannot be made or written to.
        """
        detects = INFERENCE_RESULT in pipeline.all_outputs()
        if steps := steps_of_inference(pipeline):
            _check_results(catalog, detects, recorded="video_record" in pipeline.inputs())
            _check_parameters(pipeline, steps, catalog)
        if detects:
            options = InferenceOptions.from_parameters(catalog.load("parameters"))
            check_own_folder(catalog["video"].path)
            check_provider(options.provider)
            check_refiners(options.refiner, {name: catalog.load(name).path for name in TRAINED_BY})
            check_static_trial(catalog.load("static_trial"), options)
        for dataset in _outputs(pipeline, catalog):
            path = getattr(dataset, "path", None)
            if isinstance(path, Path):
                _check_folder(path.parent)

    @hook_impl
    def after_node_run(self) -> None:
        """Leave what a node no longer needs to the next ones."""
        give_back()

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """See that everything is written that is written beside the run.

        Raises:
            OutputError: something cannot be written.
        """
        for dataset in _files(pipeline, catalog):
            dataset.finish()

    @hook_impl
    def on_pipeline_error(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Wait for what is written beside a run that has failed, and say what of it failed too.

        The run ends with its own error.
        """
        for dataset in _files(pipeline, catalog):
            try:
                dataset.finish()
            except GonioError as error:
                logger.error("%s is not written: %s", dataset.path, error)
            except (RuntimeError, ValueError, TypeError, OSError):
                logger.exception("%s is not written", dataset.path)


def steps_of_inference(pipeline: Pipeline) -> set[str]:
    """The names of the steps of `inference` that are in a pipeline; none of another pipeline."""
    inference = pipelines.get("inference", Pipeline([]))  # Kedro loads those of the run alone
    return {node.name for node in set(pipeline.nodes) & set(inference.nodes)}


def _outputs(pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> list[Any]:
    """The datasets of the catalog that a pipeline writes."""
    return [catalog.get(name) for name in sorted(pipeline.all_outputs()) if name in catalog]


def _check_results(catalog: CatalogProtocol[Any, Any], detects: bool, recorded: bool) -> None:
    """See that the results that lie in the place of a run's are of the same video.

    Args:
        catalog: of the run.
        detects: whether the run begins with the detection; else it goes on from what lies there.
        recorded: whether a step needs the record of which video that is.

    Raises:
        InputError: they are of another one, which the parameters do not allow to replace, or a run
            that goes on from them needs a record that an earlier version did not keep.
    """
    video = catalog["video"].path
    if not video.is_file():  # who opens it says so
        return
    options = InferenceOptions.from_parameters(catalog.load("parameters"))
    of_report = _mapping(_kept(catalog, "quality").get("video"))
    detected = _kept(catalog, "video_record")
    record = catalog["video_record"].path
    if recorded and not detected and any(record.parent.glob("*")):
        raise InputError(
            f"{record.parent} holds results of an earlier version, which do not say of which video "
            f"they are ({record.name} is not there); run all steps"
        )
    found = {
        catalog["quality"].path.parent: _mapping(of_report.get("file")),
        record.parent: detected,
    }
    check_same_video(video, found, overwrite=options.overwrite, detects=detects)


def _check_parameters(
    pipeline: Pipeline, steps: set[str], catalog: CatalogProtocol[Any, Any]
) -> None:
    """See that what the run goes on from was made with its parameters.

    Args:
        pipeline: that is run.
        steps: of `inference` that are in it.
        catalog: of the run.

    Raises:
        InputError: a step that does not run again ran with others, or its record is not there.
    """
    record = catalog["video_record"].path
    lacking = [
        catalog[name].path.name
        for name in sorted(pipeline.inputs())
        if name.endswith("_run") and not catalog[name].exists()
    ]
    if lacking and any(record.parent.glob("*")):
        raise InputError(
            f"{record.parent} lacks {', '.join(lacking)}, which the steps of this run need: its "
            "results are of an earlier version, or of a run that did not get so far; run all steps"
        )
    before = {node.name for node in pipelines["inference"].to_nodes(*steps).nodes} - steps
    if "record_quality" in steps:  # the model's motion stands beside the report
        before |= {"solve_model"} - steps
    skipped = {step: _kept(catalog, f"{step}_run") for step in READ_BY if step in before}
    detected = _kept(catalog, "video_record")
    if detected and "detect" in before and not skipped["detect"]:  # of an earlier version
        skipped["detect"] = {"parameters": {"capture_rate_hz": None} | detected}
    check_same_parameters(skipped, InferenceOptions.from_parameters(catalog.load("parameters")))


def _kept(catalog: CatalogProtocol[Any, Any], name: str) -> dict[str, Any]:
    """A record of an earlier run; empty where there is none that can be read."""
    if not catalog[name].exists():
        return {}
    try:
        return _mapping(catalog.load(name))
    except DatasetError:
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _files(pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> list[FileDataset[Any, Any]]:
    """Those of them that are Gonio's files, which may be written beside the run."""
    return [file for file in _outputs(pipeline, catalog) if isinstance(file, FileDataset)]


def _check_folder(folder: Path) -> None:
    """See that a folder can be made and written to; it is made with the first file in it."""
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not there.is_dir():
        raise OutputError(
            f"the output folder {folder} cannot be made: {there} is no folder; choose another "
            "place or remove what stands there"
        )
    if not os.access(there, os.W_OK):
        raise OutputError(
            f"the output folder {folder} is not writable; change its permissions or run the "
            "project from a folder of your own"
        )
