"""Nodes of `evaluation` for joint angles: rows of the chain of `inference` against true angles."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gonio.capture.cameras import PlacedCamera
from gonio.capture.shards import Shard
from gonio.capture.store import ShardStore
from gonio.capture.triangulate import DemoTruth
from gonio.datasets.checkpoint import CheckpointFile, own_files
from gonio.errors import InputError
from gonio.markers.augmenter_networks import check_provider
from gonio.models.registry import Refiners
from gonio.options import InferenceOptions, Refiner
from gonio.training import angle_tables
from gonio.training.angle_options import AngleOptions
from gonio.training.angle_pairs import AngleSettings
from gonio.training.angle_record import angle_record
from gonio.training.angle_scoring import (
    AngleScores,
    TrueAngles,
    TruthOf,
    angle_rows,
    load_angle_refiners,
    score_angles,
    shard_angles,
)
from gonio.training.angle_source import convention_in
from gonio.training.demo_angles import DemoAngles, demo_angles_of, demo_clip_angles
from gonio.training.recordings import DEMO, EvaluationOptions
from gonio.types import MarkerTrajectories

Parameters = dict[str, Any]
Recordings = dict[str, list[Shard]]
Networks = dict[Refiner, Refiners]


def angle_networks(
    depth_refiner: CheckpointFile,
    joint_refiner: CheckpointFile,
    main_refiner: CheckpointFile,
    evaluation: Parameters,
) -> Networks:
    """The networks of every choice of refiner that has its checkpoints."""
    if not EvaluationOptions.from_parameters(evaluation).angles:
        return {}
    return load_angle_refiners(
        own_files(
            depth_refiner=depth_refiner, joint_refiner=joint_refiner, main_refiner=main_refiner
        )
    )


def true_demo_angles(
    motion: pd.DataFrame | None, trial: MarkerTrajectories | None, parameters: Parameters
) -> DemoAngles:
    """The demo's true angles; none where they are not asked for or the user has no reference."""
    options = EvaluationOptions.from_parameters(parameters["evaluation"])
    if not options.angles or DEMO not in options.recordings:
        return DemoAngles()
    return demo_angles_of(motion, trial, InferenceOptions.from_parameters(parameters))


def angle_settings(
    recordings: Recordings, shards_folder: Path, parameters: Parameters
) -> AngleSettings:
    """What true angles of shards depend on, as in `joint_angle_generation`."""
    options = AngleOptions.from_parameters(parameters)
    chain = InferenceOptions.from_parameters(parameters)
    settings = options.settings(chain)
    if not _shows_body_surface(recordings, parameters):
        return settings
    try:
        convention = convention_in(options, chain, ShardStore(shards_folder).manifest())
    except InputError as error:
        raise InputError(
            "true angles of bodies with markers on them need constants from the training shards of "
            f"{' or '.join(options.sources)} (angles.true_markers is {options.true_markers}), but "
            f"in {shards_folder} {error}; convert them, or say angles.true_markers=body or "
            "evaluation.angles=false"
        ) from error
    return replace(settings, convention=convention)


def _shows_body_surface(recordings: Recordings, parameters: Parameters) -> bool:
    """Whether angles are measured on a shard with markers on the body."""
    return EvaluationOptions.from_parameters(parameters["evaluation"]).angles and any(
        np.isfinite(shard.markers_truth).any()
        for name, shards in recordings.items()
        for shard in shards
        if name != DEMO
    )


def score(
    recordings: Recordings,
    demo: DemoAngles,
    joints: DemoTruth,
    cameras: dict[str, PlacedCamera],
    settings: AngleSettings,
    networks: Networks,
    parameters: Parameters,
) -> AngleScores:
    """Errors of every row on every clip that has true angles."""
    if not EvaluationOptions.from_parameters(parameters["evaluation"]).angles:
        return AngleScores()
    run = InferenceOptions.from_parameters(parameters)
    check_provider(run.provider)

    def in_demo(shard: Shard) -> TrueAngles:
        return demo_clip_angles(shard, demo, joints.joints, cameras[shard.camera], run)

    truth_of: dict[str, TruthOf] = {
        name: in_demo if name == DEMO else partial(shard_angles, settings=settings)
        for name in recordings
        if name != DEMO or len(demo.angles)
    }
    return score_angles(recordings, truth_of, angle_rows(networks))


def tabulate(scores: AngleScores) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Tables over everything, by joint and angle, and by camera."""
    return (
        angle_tables.whole_angle_table(scores.clips),
        angle_tables.joint_angle_table(scores.clips),
        angle_tables.camera_angle_table(scores.clips),
    )


def describe(
    scores: AngleScores,
    demo: DemoAngles,
    settings: AngleSettings,
    networks: Networks,
    whole: pd.DataFrame,
    evaluation: Parameters,
) -> dict[str, Any]:
    """What the angles were measured against and with, and the figures of every row."""
    options = EvaluationOptions.from_parameters(evaluation)
    if not options.angles:
        return {}
    wanted = DEMO in options.recordings
    return angle_record(scores, demo if wanted else None, settings, networks) | {
        "figures": whole.to_dict("records")
    }
