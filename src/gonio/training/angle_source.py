"""Shards in, shards with joint angles out: the source that `joint_angle_generation` converts.

It runs on the machinery of `data_conversion` (tasks, executors, store, manifest), one task a shard.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from tqdm import tqdm

from gonio import __version__
from gonio.capture.manifest import Manifest, Record
from gonio.capture.schema import SCHEMA_VERSION
from gonio.capture.shards import Shard, read_shard
from gonio.capture.store import ConversionPlan, ShardStore
from gonio.capture.tasks import Converted, LeftOutError, Task, digest
from gonio.errors import InputError, MissingFileError
from gonio.markers.augmenter_networks import check_provider
from gonio.models.registry import (
    checkpoint_of,
    checkpoint_record,
    load_refiners,
    no_checkpoint,
)
from gonio.options import CHECKPOINTS_OF, InferenceOptions, Refiner, RepairOptions, told
from gonio.training.angle_options import AngleOptions
from gonio.training.angle_pairs import (
    PAIRS_VERSION,
    AnglePair,
    AngleSettings,
    Refine,
    angle_pair,
    true_both_ways,
)
from gonio.training.convention import Convention, convention_of
from gonio.training.detector_errors import AS_IN_USE, DetectorErrors
from gonio.training.source_chain import chain_of_source, repair_of_source
from gonio.types import MarkerTrajectories

_log = logging.getLogger(__name__)
DETECTOR_ERRORS = "detector_errors"
"""Among the parameters of a folder of shards: how the detector errs in the training split."""
_CHAIN = (
    "repair",
    "estimate_missing",
    "min_visibility",
    "augmentation_cycles",
    "augmentation_noise_m",
    "augmentation_symmetric",
    "force_complete",
    "angle_cutoff_hz",
)
"""Parameters of `inference` that the angles depend on; the provider changes last digits only."""


@dataclass(frozen=True)
class AngleSource:
    """The done shards of one source as tasks, and their extension by angles.

    Attributes:
        name: of the source whose shards they are, e.g. `rendered`.
        shards_folder: where its shards lie.
        settings: what the angles depend on.
        refiner: what corrects the pose: none, depth or main.
        own: name in the catalog and file of each of the user's own checkpoints, there or not.
        max_shards: at most so many, spread evenly over the manifest.
    """

    name: str
    shards_folder: Path
    settings: AngleSettings
    refiner: Refiner = "none"
    own: tuple[tuple[str, Path], ...] = ()
    max_shards: int | None = None

    def list_tasks(self) -> list[Task]:
        """One task for each done shard; splits and subjects are those of the shards.

        Raises:
            InputError: the source was not converted, or its manifest is damaged.
        """
        manifest = ShardStore(self.shards_folder).manifest().select([self.name])
        done = evenly(manifest.with_status("done"), self.max_shards)
        return [
            Task(
                source=self.name,
                sequence=record.sequence,
                camera=record.camera,
                subject=record.subject,
                split=record.split,
                source_hash=digest([record.parameter_hash, record.source_hash, record.bytes]),
                expected_frames=record.written_frames,
                details={"path": manifest.path_of(record), "view_error": record.view_error},
            )
            for record in done
        ]

    def pair(self, task: Task) -> tuple[Shard, AnglePair]:
        """A shard and its angles.

        Raises:
            LeftOutError, InputError: as `angle_pair`.
            MissingFileError: the shard or the checkpoint is gone.
        """
        shard = read_shard(task.details["path"])
        settings = self.settings
        if task.split != "train":  # the others are seen as in use
            settings = replace(settings, detector_errors=AS_IN_USE)
        return shard, angle_pair(shard, settings, _refine(self.refiner, self.own))

    def convert(self, task: Task) -> Converted:
        """The shard with its angles.

        Raises:
            LeftOutError, InputError, MissingFileError: as `pair`.
        """
        shard, pair = self.pair(task)
        extended = replace(
            shard,
            corrupted_angles=pair.corrupted.astype("<f4"),
            ground_truth_angles=pair.truth.astype("<f4"),
        )
        error = task.details["view_error"]
        return Converted(extended, float("nan") if error is None else error, note=pair.note)


def detector_errors_in(shards: ShardStore, source: str) -> DetectorErrors:
    """How the detector errs in the training split of a source.

    Args:
        shards: with angles.
        source: e.g. `rendered`.

    Raises:
        InputError: the folder's parameters are damaged.
    """
    try:
        return DetectorErrors.model_validate(shards.parameters(source).get(DETECTOR_ERRORS, {}))
    except ValidationError as error:
        raise InputError(
            f"the parameters of the {source} shards in {shards.root} are damaged or of an earlier "
            f"version ({DETECTOR_ERRORS}: {told(error)}); make the shards again"
        ) from error


def check_same_chain(
    shards: ShardStore, source: str, repair: RepairOptions, depth_hash: str | None = None
) -> None:
    """See that the angles of a source were computed as a training prepares what it sees of them.

    Args:
        shards: with angles.
        source: e.g. `rendered`.
        repair: as `inference` repairs.
        depth_hash: of the depth refiner whose poses the training sees, where it sees any: it may
            be another one than the angles are of, but then the log says so.

    Raises:
        InputError: the landmarks were repaired otherwise.
    """
    made = shards.parameters(source)
    kept = _value_in(made.get("chain"), "repair")
    own = repair_of_source(source, repair).model_dump()
    if isinstance(kept, dict) and kept != own:
        others = [
            f"repair.{name} was {kept.get(name)}" for name in own if kept.get(name) != own[name]
        ]
        raise InputError(
            f"the angles of the {source} shards in {shards.root} were computed with another repair "
            f"({', '.join(others)}): give the same, or make them again "
            "(kedro run --pipeline joint_angle_generation)"
        )
    hashes = [str(_value_in(record, "sha256")) for record in made.get("checkpoints") or []]
    if depth_hash is not None and made and depth_hash not in hashes:
        _log.warning(
            "the angles of the %s shards were computed with %s, not with the depth refiner that "
            "this training sees: make them again (kedro run --pipeline joint_angle_generation)",
            source,
            "another depth refiner" if hashes else "MediaPipe's own pose",
        )


def _value_in(record: Any, name: str) -> Any:
    return record.get(name) if isinstance(record, dict) else None


def evenly(records: tuple[Record, ...], count: int | None) -> tuple[Record, ...]:
    """At most `count` records, spread evenly; all where it is None."""
    if count is None or count >= len(records):
        return records
    return tuple(records[k * len(records) // count] for k in range(count))


@lru_cache(maxsize=2)
def _refine(choice: Refiner, own: tuple[tuple[str, Path], ...]) -> Refine:
    return load_refiners(choice, dict(own)).pose


def plan_angles(
    options: AngleOptions, chain: InferenceOptions, shards: ShardStore, own: Mapping[str, Path]
) -> list[ConversionPlan]:
    """All tasks of each source, and the hash of all that their angles depend on.

    The convention of markers on the body holds for all sources (`convention_in`).

    Args:
        options: of this pipeline.
        chain: the parameters of `inference`.
        shards: what `data_conversion` made.
        own: where the user's own checkpoints would be, by their names in the catalog; else the
            shipped ones are taken.

    Raises:
        MissingFileError: there is no checkpoint of the refiner.
        InputError: a source was not converted, or the provider is not installed.
    """
    check_provider(chain.provider)
    used: dict[str, Path] = {}
    for name in CHECKPOINTS_OF[options.refiner]:
        path = checkpoint_of(name, own[name])
        if path is None:
            advice = no_checkpoint(name, own[name])
            raise MissingFileError(advice.replace("refiner=none", "angles.refiner=none"))
        used[name] = path
    manifest = shards.manifest().select(options.sources)
    settings = {name: options.settings(chain_of_source(name, chain)) for name in options.sources}
    convention = convention_in(options, chain, manifest)
    plans = []
    for name in options.sources:
        source = AngleSource(
            name,
            shards.root,
            replace(settings[name], convention=convention),
            options.refiner,
            tuple(own.items()),
            options.max_shards,
        )
        parameters = {
            "source": name,
            "shards": manifest.folders[name].name,
            "schema_version": SCHEMA_VERSION,
            "pairs": PAIRS_VERSION,
            "gonio": __version__,
            "augmenter": version("pose2sim"),
            "refiner": options.refiner,
            "checkpoints": [checkpoint_record(path, own[name]) for name, path in used.items()],
            "chain": settings[name].chain.model_dump(include=set(_CHAIN)),
            "convention_deg": convention.described() if convention else None,
            DETECTOR_ERRORS: options.detector_errors.model_dump(),
            **options.model_dump(
                include={"bmi", "true_markers", "shortest_m", "tallest_m", "beyond_normal_deg"}
            ),
        }
        plans.append(
            ConversionPlan(source, parameters, digest(parameters), tuple(source.list_tasks()))
        )
    return plans


def convention_in(
    options: AngleOptions, chain: InferenceOptions, manifest: Manifest
) -> Convention | None:
    """The convention of markers on the body, which holds for all sources.

    It is found on the first of them that has such markers.

    Args:
        options: of this pipeline.
        chain: the parameters of `inference`.
        manifest: of what `data_conversion` made.

    Returns:
        None where none is wanted, or no training shard has such markers.
    """
    if options.true_markers != "aligned":
        return None
    for source in options.sources:
        settings = options.settings(chain_of_source(source, chain))
        found = calibrated(manifest.select([source]), settings, options.calibration_shards)
        if found is not None:
            return found
    return None


def calibrated(manifest: Manifest, settings: AngleSettings, count: int) -> Convention | None:
    """How markers on the body are turned against augmented ones, over training shards.

    Args:
        manifest: of the sources.
        settings: parameters.
        count: shards at most, spread evenly.

    Returns:
        None where no training shard has markers on the body: then there is nothing to align.
    """
    train = tuple(r for r in manifest.with_status("done") if r.split == "train")
    clips = []
    for record in tqdm(evenly(train, count), desc="calibrate", unit=" shards"):
        shard = read_shard(manifest.path_of(record))
        if np.isfinite(shard.markers_truth).any():
            with suppress(LeftOutError):
                clips.append(true_both_ways(shard, settings))
    return convention_of(clips) if clips else None


def sampled_markers(
    plans: Sequence[ConversionPlan], manifest: Manifest, count: int
) -> dict[str, MarkerTrajectories]:
    """The 65 markers of both sides of some of the shards that are done.

    They are computed anew: markers of all sequences would be many times as large as the shards.

    Args:
        plans: as `plan_angles` gives them.
        manifest: of the shards with angles.
        count: sequences of each source, spread evenly.

    Returns:
        `<key>_corrupted` and `<key>_truth` -> (T, 65, 3) metres, each in its lab frame.
    """
    found: dict[str, MarkerTrajectories] = {}
    for plan in plans:
        source = plan.source
        if not isinstance(source, AngleSource):
            continue
        tasks = {task.key: task for task in plan.tasks}
        done = [
            record
            for record in manifest.select([source.name]).with_status("done")
            if record.key in tasks
        ]
        for record in evenly(tuple(done), count):
            _, pair = source.pair(tasks[record.key])
            found[f"{record.source}_{record.key}_corrupted"] = pair.corrupted_markers
            found[f"{record.source}_{record.key}_truth"] = pair.true_markers
    return found
