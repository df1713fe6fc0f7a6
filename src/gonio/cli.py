"""`kedro run` as Gonio has it: plain errors, and a folder of videos one by one."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import permutations, product
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import click
import kedro.runner
import yaml  # type: ignore[import-untyped]
from kedro.config import MissingConfigException
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import KedroCliError
from kedro.framework.project import pipelines, settings
from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Node, Pipeline
from kedro.utils import find_kedro_project
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import gonio.pipelines
from gonio.config_loader import configuration
from gonio.errors import GonioError, InputError
from gonio.landmarks.video import videos_in
from gonio.memory import share_arenas
from gonio.project_paths import stem_of, video_path

INFERENCE = "inference"

RUN_KEDRO: Callable[..., Any] = kedro_run.callback or (lambda **_: None)
RUN_ERRORS = (
    DatasetError,
    KedroCliError,
    MissingConfigException,
    OmegaConfBaseException,
    yaml.YAMLError,
    RuntimeError,
    ValueError,
    OSError,
)
"""What Kedro, OmegaConf and the libraries below raise; a `GonioError` may be their cause. Of a file
of the configuration that is a list Kedro raises an `AttributeError`."""

RUNNERS = ("ThreadRunner", "SequentialRunner")
"""Runners that suit; the first is taken for inference where none is asked for."""

CHECKPOINT = "gonio.datasets.checkpoint.CheckpointDataset"

logger = logging.getLogger(__name__)


@click.group(name="gonio")
def cli() -> None:
    """Command line of the project."""


def _run(**arguments: Any) -> None:
    """Run a pipeline; with a folder as `video`, `inference` runs for each video in it."""
    share_arenas()
    # At the end the system takes all memory back; to look for garbage in it takes most of a second.
    atexit.register(gc.freeze)
    if arguments.get("pipeline"):  # Kedro warns of the old spelling on every run
        arguments["pipelines"] = [*(arguments.get("pipelines") or ()), arguments.pop("pipeline")]
        arguments["pipeline"] = None
    # By its name Kedro imports this pipeline alone; as the default it would import all.
    arguments["pipelines"] = arguments.get("pipelines") or [INFERENCE]
    try:
        _check_pipelines(arguments["pipelines"])
        _check_runner(arguments)
        _check_environment(arguments)
        _check_order(arguments)
        folder = _folder_of_videos(arguments)
        if folder is None:
            _run_once(arguments)
            return
        videos = _distinct(videos_in(folder))
    except (*RUN_ERRORS, AttributeError) as error:
        told = _told_to_the_user(error, arguments)
        if told is None:
            raise
        raise click.ClickException(str(told)) from error
    failed = _run_each(arguments, videos)
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(videos)} videos failed")


run = click.Command(
    name="run",
    params=kedro_run.params,
    callback=_run,
    help="Run a pipeline. inference: --params video=<name in data/01_raw | absolute path | "
    "folder>,subject.height=<m>,subject.mass=<kg>",
)
cli.add_command(run)


def _check_pipelines(names: Iterable[str]) -> None:
    known = [module.name for module in iter_modules(gonio.pipelines.__path__) if module.ispkg]
    for name in names:
        if name not in (*known, "__default__"):
            raise InputError(f"there is no pipeline {name!r}; there are {', '.join(known)}")


def _check_runner(arguments: dict[str, Any]) -> None:
    """Refuse a runner that there is not, and the one of processes: they cannot share results."""
    name = str(arguments.get("runner") or RUNNERS[0])
    processes = name.rpartition(".")[2] == "ParallelRunner"
    if processes:
        raise InputError(
            f"runner is {name!r}, but steps of a pipeline cannot be spread over processes; allowed "
            f"are {', '.join(RUNNERS)}. How many processes work is said by parameters: workers for "
            "data_conversion, angles.workers, and workers and devices of each training"
        )
    if "." not in name and not hasattr(kedro.runner, name):
        raise InputError(
            f"runner is {name!r}, but there is none such; allowed are {', '.join(RUNNERS)}"
        )


def _check_environment(arguments: dict[str, Any]) -> None:
    conf, env = _configuration_of(arguments)
    if not conf.exists():
        raise InputError(
            f"there is no configuration at {conf}; start in the project's folder, or say where its "
            "folder conf is, or an archive of it: --conf-source=<path>"
        )
    if env and conf.is_dir() and not (conf / env).is_dir():
        there = ", ".join(sorted(path.name for path in conf.iterdir() if path.is_dir()))
        raise InputError(f"there is no environment {env!r} in {conf}; there are {there}")


def _check_order(arguments: dict[str, Any]) -> None:
    """Refuse pipelines of which one reads, under another name, what another one writes.

    Kedro orders steps by the names of what they read and write. Of such two it knows no order, and
    what an earlier run has left might be read.
    """
    names = list(dict.fromkeys(arguments["pipelines"]))
    if len(names) < 2:
        return
    catalog = configuration(*_configuration_of(arguments), arguments.get("params"))["catalog"]
    for writer, reader in permutations(names, 2):
        outputs, inputs = pipelines[writer].all_outputs(), pipelines[reader].inputs()
        for written, read in product(sorted(outputs), sorted(inputs - outputs)):
            if _may_be_one(catalog.get(written, {}), catalog.get(read, {})):
                raise InputError(
                    f"{writer} writes {written}, {reader} may read its file, and a run of both "
                    "does not know which comes first; run them one after the other: kedro run "
                    f"--pipeline {writer}, then kedro run --pipeline {reader}"
                )


def _may_be_one(written: Mapping[str, Any], read: Mapping[str, Any]) -> bool:
    """Whether two entries of the catalog may be the same file.

    Checkpoints may be wherever they lie: parameters name them, those that are read too.
    """
    if "filepath" not in written or "filepath" not in read:
        return False
    if written["type"] == read["type"] == CHECKPOINT:
        return True
    there, here = (_project() / str(entry["filepath"]) for entry in (written, read))
    return here.resolve().is_relative_to(there.resolve())


def _project() -> Path:
    return Path(find_kedro_project(Path.cwd()) or Path.cwd())


def _configuration_of(arguments: dict[str, Any]) -> tuple[Path, str | None]:
    """Where the configuration of a run lies, and its environment if one is asked for."""
    conf = Path(arguments.get("conf_source") or _project() / settings.CONF_SOURCE)
    return conf, arguments.get("env") or os.getenv("KEDRO_ENV")


def _only_inference(arguments: dict[str, Any]) -> bool:
    return set(arguments["pipelines"]) <= {INFERENCE, "__default__"}


def _folder_of_videos(arguments: dict[str, Any]) -> Path | None:
    """The folder that the parameter `video` of this run means, if it is one."""
    if not _only_inference(arguments):
        return None
    config = configuration(*_configuration_of(arguments), arguments.get("params"))
    path = _project() / video_path(config["parameters"]["video"], config["globals"]["data"])
    return path.resolve() if path.is_dir() else None


def _distinct(videos: list[Path]) -> list[Path]:
    """The videos, if no two of them would write to the same place.

    Raises:
        InputError: names two that would.
    """
    seen: dict[str, Path] = {}
    for video in videos:
        other = seen.setdefault(stem_of(str(video)), video)
        if other != video:
            raise InputError(
                f"{other} and {video} would write their results to the same folder; rename one"
            )
    return videos


def _run_once(arguments: dict[str, Any]) -> None:
    """Run Kedro; of an error, let out what was written for the user.

    `inference` runs in threads unless told otherwise: the overlay is drawn on one core while the
    markers are augmented on another. PyTorch's threads then sleep while they wait, for others are
    there to take the core.

    Raises:
        GonioError: the first in the chain of causes, if there is one.
    """
    if _only_inference(arguments):
        arguments = {**arguments, "runner": arguments.get("runner") or RUNNERS[0]}
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        RUN_KEDRO(**arguments)
    except GonioError:
        raise
    except (*RUN_ERRORS, AttributeError) as error:
        told = _told_to_the_user(error, arguments)
        if told is None:
            raise
        raise told from error


def _told_to_the_user(error: BaseException, arguments: dict[str, Any]) -> GonioError | None:
    """The error that was written for the user, or what Kedro means; None where neither is known."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, GonioError):
            return link
        link = link.__cause__ or link.__context__
    said = str(error)
    if isinstance(error, yaml.YAMLError | AttributeError):
        return _of_broken_file(arguments)
    if isinstance(error, MissingConfigException | OmegaConfBaseException):
        return _of_configuration(error)
    if said.startswith("Pipeline input(s)"):
        return _of_missing_inputs(set(re.findall("'([^']+)'", said)), arguments)
    if said.startswith(("Pipeline does not contain", "Pipeline contains no nodes")):
        steps = ", ".join(node.name for node in _nodes(arguments))
        return InputError(f"{said.rstrip('.')}; the steps of this pipeline are {steps}")
    return None


def _of_configuration(error: MissingConfigException | OmegaConfBaseException) -> GonioError:
    """What is wrong with the configuration: a folder that is not there, or a reference."""
    if isinstance(error, MissingConfigException):
        return InputError(f"{' '.join(str(error).split())}; check --env and --conf-source")
    reason = ", ".join(line.strip() for line in str(error).splitlines()[:2])
    return InputError(
        f"the configuration cannot be read: {reason}; ${{...}} stands for another value there, "
        "in the name of a video too: rename such a file, or put the reference right"
    )


def _of_broken_file(arguments: dict[str, Any]) -> GonioError | None:
    """The first file of the configuration that is no YAML, or no mapping; None where all are."""
    conf, env = _configuration_of(arguments)
    names = (settings.CONFIG_LOADER_ARGS[name] for name in ("base_env", "default_run_env"))
    for folder in {name: conf / name for name in (*names, env) if name}.values():
        for path in sorted(folder.rglob("*.yml")):
            try:
                content = OmegaConf.load(path)
            except yaml.MarkedYAMLError as error:
                line = (
                    "" if error.problem_mark is None else f" in line {error.problem_mark.line + 1}"
                )
                return InputError(
                    f"{path} cannot be read as YAML: {error.problem}{line}; put the file right"
                )
            if not isinstance(content, DictConfig):
                return InputError(f"{path} is a list; allowed are lines of a name and a value")
    return None


def _of_missing_inputs(missing: set[str], arguments: dict[str, Any]) -> GonioError:
    """A run cannot begin after steps whose results no file keeps: they have to run again."""
    whole = Pipeline(_nodes(arguments))
    config = configuration(*_configuration_of(arguments), arguments.get("params"))
    kept = DataCatalog.from_config(config["catalog"])
    begin = list(arguments.get("from_nodes") or ())
    lacking = set(missing)
    while makers := [node.name for node in whole.nodes if lacking.intersection(node.outputs)]:
        begin += makers
        inputs = whole.from_nodes(*begin).inputs()
        lacking = {name for name in inputs if not name.startswith("param") and name not in kept}
    return InputError(
        f"a run cannot begin there: {', '.join(sorted(missing))} would be missing, which no file "
        f"keeps; say --from-nodes {','.join(dict.fromkeys(begin))}, so that it is made again"
    )


def _nodes(arguments: dict[str, Any]) -> list[Node]:
    return [node for name in arguments["pipelines"] for node in pipelines[name].nodes]


def _run_each(arguments: dict[str, Any], videos: list[Path]) -> list[Path]:
    """Run `inference` for each video, go on after a bad one, and say at the end how it went.

    Whatever goes wrong with one video, the others run; only who stops the run stops them.
    """
    outcome: dict[Path, str | None] = {}
    for video in videos:
        params = {**(arguments.get("params") or {}), "video": str(video)}
        try:
            _run_once({**arguments, "params": params})
            outcome[video] = None
        except Exception as error:
            outcome[video] = _in_words(error)
            # What was not written for the user is told with the place where it happened
            unforeseen = None if isinstance(error, GonioError) else error
            logger.error("%s failed: %s", video.name, outcome[video], exc_info=unforeseen)
    click.echo(f"\n{len(videos)} videos of {videos[0].parent}:")
    for video, reason in outcome.items():
        click.echo(
            f"  ok      {video.name}" if reason is None else f"  failed  {video.name}: {reason}"
        )
    return [video for video, reason in outcome.items() if reason is not None]


def _in_words(error: Exception) -> str:
    """What an error says; its kind first where it is not of those whose messages are sentences."""
    if isinstance(error, (GonioError, *RUN_ERRORS)):
        return str(error)
    return f"{type(error).__name__}: {error}"
