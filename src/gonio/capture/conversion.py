"""From options to shards: which source, which tasks are left, and how they run."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from tqdm import tqdm

from gonio import __version__
from gonio.capture.aistpp import AistppOptions, AistppSource
from gonio.capture.executor import ExecutorName, ExecutorOptions, run_tasks
from gonio.capture.manifest import Manifest
from gonio.capture.mtc import MtcOptions, MtcSource
from gonio.capture.observation import ObservationOptions
from gonio.capture.projected.source import ProjectedOptions, ProjectedSource
from gonio.capture.rendered_source import RenderedOptions, RenderedSource
from gonio.capture.schema import SCHEMA_VERSION, SourceName
from gonio.capture.store import ConversionPlan, Outcome, ShardStore
from gonio.capture.tasks import Task, digest
from gonio.errors import InputError
from gonio.landmarks.model_files import model_fingerprint
from gonio.options import Options, RepairOptions, told

logger = logging.getLogger(__name__)

AnySource = AistppSource | MtcSource | RenderedSource | ProjectedSource
PREVIEWS_WANTED = 64
MOST_PREVIEWS_OF_A_TASK = 8


class ConversionOptions(Options):
    """All parameters of the pipeline `data_conversion`."""

    source: SourceName = "rendered"
    model: str = Field("full", description="MediaPipe's model: lite, full, heavy or a path")
    executor: ExecutorName = "pool"
    workers: int = Field(1, ge=1, description="processes of the pool")
    scheduler: str | None = Field(None, description="address of the Dask scheduler")
    max_tasks: int | None = Field(None, ge=1, description="convert at most so many; null for all")
    motion_folder: str | None = Field(
        None, description="of recorded motion; one that is named must be there"
    )
    max_view_error: float = Field(
        0.08, gt=0, description="median 2D error of a view, in units of the person's size"
    )
    preview_seed: int = Field(0, ge=0, description="of the choice of the contact sheet's frames")
    aistpp: AistppOptions = AistppOptions()
    mtc: MtcOptions = MtcOptions()
    rendered: RenderedOptions = RenderedOptions()
    projected: ProjectedOptions = ProjectedOptions()
    repair: RepairOptions = Field(
        RepairOptions(), description="that of `inference`, whose errors `projected` borrows"
    )

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> ConversionOptions:
        """Take this pipeline's parameters out of all parameters of a run and check them.

        Args:
            parameters: all parameters; those of other pipelines are passed over.

        Raises:
            InputError: a value that is not allowed; the message names it.
        """
        own = {key: value for key, value in parameters.items() if key in cls.model_fields}
        try:
            return cls.model_validate(own)
        except ValidationError as error:
            raise InputError(told(error)) from error

    @property
    def execution(self) -> ExecutorOptions:
        """Where the tasks run."""
        return ExecutorOptions(self.executor, self.workers, self.scheduler)


def make_source(options: ConversionOptions, folders: Mapping[str, Path]) -> AnySource:
    """The source that the options name.

    Args:
        options: which source, and what to take from it.
        folders: where each source's files lie; `rendered` is the folder of motion clips,
            `shards` that of the shards, whose errors `projected` borrows, `models` that of
            MediaPipe's models lite and heavy.
    """
    observation = ObservationOptions(
        model=options.model,
        model_folder=folders.get("models"),
        max_view_error=options.max_view_error,
        seed=options.preview_seed,
    )
    if options.source == "aistpp":
        return AistppSource(Path(folders["aistpp"]), options.aistpp, observation)
    if options.source == "mtc":
        return MtcSource(Path(folders["mtc"]), options.mtc, observation)
    named = options.motion_folder is not None
    if options.source == "projected":
        return ProjectedSource(
            Path(folders["rendered"]),
            Path(folders["shards"]),
            options.projected,
            options.repair,
            motion_needed=named,
        )
    return RenderedSource(
        Path(folders["rendered"]), options.rendered, observation, motion_needed=named
    )


def plan_conversion(options: ConversionOptions, folders: Mapping[str, Path]) -> ConversionPlan:
    """All tasks of the chosen source, and the hash of all that their shards depend on.

    Raises:
        MissingFileError: the source's files or the pose model are not there.
        InputError: an annotation or an option cannot be used.
    """
    source = make_source(options, folders)
    tasks = _at_most(source.list_tasks(), options.max_tasks)
    count = max(1, sum(not task.left_out for task in tasks))
    previews = min(MOST_PREVIEWS_OF_A_TASK, -(-PREVIEWS_WANTED // count))
    parameters = {
        "source": options.source,
        "schema_version": SCHEMA_VERSION,
        "gonio": __version__,
        "model": Path(options.model).stem,
        "model_sha256": model_fingerprint(options.model, folders.get("models"))["sha256"],
        "mediapipe": version("mediapipe"),
        "max_view_error": options.max_view_error,
        "options": source.parameters(),
    }
    if not isinstance(source, ProjectedSource):
        source = replace(source, observation=replace(source.observation, previews=previews))
    return ConversionPlan(
        source=source,
        parameters=parameters,
        parameter_hash=digest(parameters),
        tasks=tuple(tasks),
    )


def _at_most(tasks: list[Task], count: int | None) -> list[Task]:
    if count is None:
        return tasks
    kept = {task.key for task in [t for t in tasks if not t.left_out][:count]}
    return [task for task in tasks if task.left_out or task.key in kept]


def conversion_events(
    plan: ConversionPlan, store: ShardStore, options: ExecutorOptions
) -> Iterator[ConversionPlan | Outcome]:
    """Convert what is left of a plan; a run that was stopped goes on where it was.

    A progress bar shows frames, rate and time left.

    Args:
        plan: the source and its tasks.
        store: says what is done already; it is not written to.
        options: where the tasks run.

    Yields:
        The plan, then an outcome for each task: what `ShardStore.save` takes.

    Raises:
        InputError: the Dask cluster cannot be reached.
    """
    yield plan
    remaining = store.still_to_do(plan)
    for task in remaining:
        if task.left_out:
            yield Outcome(task, plan.parameter_hash, "left_out", task.left_out)
    wanted = [task for task in remaining if not task.left_out]
    done_before = len(plan.tasks) - len(remaining)
    logger.info("%s: %d tasks to do, %d done before", plan.source.name, len(wanted), done_before)
    if beside := store.not_asked_for(plan):
        logger.info(
            "%s: %d more shards of earlier runs are not asked for now; they stay on the disk and "
            "are not used until a run asks for them again",
            plan.source.name,
            beside,
        )
    ended: Counter[str] = Counter()
    with tqdm(
        total=sum(task.expected_frames for task in wanted),
        desc=plan.source.name,
        unit=" frames",
        unit_scale=True,
        disable=not wanted,
    ) as bar:
        for outcome in run_tasks(plan, wanted, options):
            ended[outcome.status] += 1
            bar.set_postfix(dict(ended), refresh=False)
            bar.update(outcome.task.expected_frames)
            yield outcome


def log_problems(manifest: Manifest) -> None:
    """Say at the end of a run what failed and what was left out, and why."""
    for record in manifest.with_status("failed"):
        logger.warning("%s %s failed: %s", record.source, record.key, record.reason)
    reasons = Counter(record.reason for record in manifest.with_status("left_out"))
    for reason, count in reasons.most_common(20):
        logger.info("left out %d: %s", count, reason)
    done = manifest.with_status("done")
    pairs = sum(record.paired_frames for record in done)
    logger.info("%d shards with %d pairs", len(done), pairs)
