"""Joint angles of every row of the comparison, and their errors, clip by clip.

Each row goes the way of `inference` from MediaPipe's landmarks to angles, with its parameters.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from gonio.capture.shards import Shard
from gonio.capture.tasks import LeftOutError
from gonio.errors import InputError
from gonio.kinematics.chain import angles_of, augmented, markers_of
from gonio.kinematics.segments import collected_warnings
from gonio.landmarks.repair import repair_landmarks
from gonio.models.joint_refiner import angles_from
from gonio.models.registry import Refiners, checkpoint_of, load_refiners, no_checkpoint
from gonio.options import CHECKPOINTS_OF, InferenceOptions, Refiner
from gonio.training.angle_errors import AngleErrors, angle_errors
from gonio.training.angle_pairs import AngleSettings, at_times, options_of, true_angles
from gonio.training.error_tables import RAW, clip_name
from gonio.training.source_chain import chain_of_source
from gonio.types import FloatArray, LandmarkSequence

_log = logging.getLogger(__name__)

CHOICES: tuple[Refiner, ...] = ("depth", "joint", "both", "main")
"""Choices of refiner with a row of that name, in the order of the table."""


@dataclass(frozen=True)
class AngleRow:
    """What a row of the comparison does on the way from landmarks to angles.

    Attributes:
        refiners: its networks.
        repair: parameters of the repair that differ from those of the run.
        low_pass: whether the markers are low-pass filtered as in the run, or not at all.
    """

    refiners: Refiners
    repair: Mapping[str, bool] = field(default_factory=dict)
    low_pass: bool = True

    @property
    def way(self) -> tuple[object, ...]:
        """Rows with the same way have the same angles before a network corrects these."""
        networks = ("main_refiner", "depth_refiner")
        of_the_pose = tuple(self.refiners.used.get(name) for name in networks)
        return *of_the_pose, self.low_pass, *sorted(self.repair.items())

    def options(self, run: InferenceOptions) -> InferenceOptions:
        """The parameters of `inference` with which the row runs."""
        changes: dict[str, Any] = {"repair": run.repair.model_copy(update=dict(self.repair))}
        if not self.low_pass:
            changes["angle_cutoff_hz"] = None
        return run.model_copy(update=changes)


@dataclass(frozen=True)
class TrueAngles:
    """What the rows of a clip are compared with, and run with.

    Attributes:
        angles: (N, 12, 3) degrees, at the frames of the clip; NaN where unknown.
        options: parameters of `inference`, with the subject of the clip.
        basis: what the true angles rest on.
    """

    angles: FloatArray
    options: InferenceOptions
    basis: str


TruthOf = Callable[[Shard], TrueAngles]


@dataclass(frozen=True)
class ScoredAngles:
    """Errors of the angles of every row on one clip.

    Attributes:
        recording: that it belongs to.
        camera: that saw it.
        basis: what the true angles rest on.
        errors: of each row, by its name, in the order of the table.
    """

    recording: str
    camera: str
    basis: str
    errors: dict[str, AngleErrors]


@dataclass(frozen=True)
class AngleScores:
    """The scored clips, and those that could not be scored.

    Attributes:
        clips: scored.
        left_out: recording -> clip and reason.
    """

    clips: list[ScoredAngles] = field(default_factory=list)
    left_out: dict[str, dict[str, str]] = field(default_factory=dict)


def load_angle_refiners(own: Mapping[str, Path]) -> dict[Refiner, Refiners]:
    """The networks of every choice of refiner that has its checkpoints; the log tells the others.

    Args:
        own: where the user's own checkpoints would be, by their names in the catalog.

    Raises:
        InputError: a checkpoint is broken, foreign, older or of another kind.
    """
    found: dict[Refiner, Refiners] = {}
    for choice in CHOICES:
        absent = [name for name in CHECKPOINTS_OF[choice] if not checkpoint_of(name, own[name])]
        if absent:
            _log.warning(
                "no row %r of joint angles: %s", choice, no_checkpoint(absent[0], own[absent[0]])
            )
        else:
            found[choice] = load_refiners(choice, own)
    return found


def angle_rows(networks: Mapping[Refiner, Refiners]) -> dict[str, AngleRow]:
    """All rows: raw, filtered, repaired, then the networks.

    Args:
        networks: choice of refiner -> its networks.
    """
    none = Refiners("none", {})
    seen_as_is = {"swaps": False, "fill_gaps": False}
    return {
        RAW: AngleRow(none, {**seen_as_is, "filter": False}, low_pass=False),
        "raw + filter": AngleRow(none, seen_as_is),
        "repaired": AngleRow(none),
        **{choice: AngleRow(refiners) for choice, refiners in networks.items()},
    }


def angles_of_rows(
    rows: Mapping[str, AngleRow],
    seen: LandmarkSequence,
    run: InferenceOptions,
    wanted_s: FloatArray,
) -> dict[str, FloatArray]:
    """Joint angles of every row on one clip.

    Args:
        rows: what they do.
        seen: landmarks as MediaPipe gave them.
        run: the parameters of `inference`, with the subject of the clip.
        wanted_s: (N,) times of the truth, seconds.

    Returns:
        (N, 12, 3) degrees of each row; NaN where unknown.

    Raises:
        InputError: the body is in no frame, or the frame rate does not suit the low-pass.
    """
    ways = {row.way: row for row in rows.values()}
    computed = {way: _computed(row, seen, run) for way, row in ways.items()}
    found = {}
    for name, row in rows.items():
        angles, landmarks = computed[row.way]
        time_s, refined = angles_from(row.refiners.angles(angles, landmarks, run.camera))
        found[name] = at_times(refined, time_s, wanted_s)
    return found


def _computed(
    row: AngleRow, seen: LandmarkSequence, run: InferenceOptions
) -> tuple[pd.DataFrame, LandmarkSequence]:
    """Angles as the markers give them, and the repaired landmarks."""
    options = row.options(run)
    landmarks = repair_landmarks(seen, options.repair)
    pose = row.refiners.pose(landmarks.sequence, options.camera)
    scaled = markers_of(pose, landmarks, options)
    markers = augmented([scaled.markers], scaled.stature.height_m, options)[0]
    with collected_warnings():  # what is missing is NaN and counted
        return angles_of(markers, options), landmarks.sequence


def shard_angles(shard: Shard, settings: AngleSettings) -> TrueAngles:
    """The true angles of a shard, as a network that corrects angles learns them.

    Args:
        shard: one sequence of one camera, whole.
        settings: parameters, of any source.

    Raises:
        LeftOutError: the body is not human-sized, or the frames are too few or too far apart.
        InputError: the shard lacks what the angles need.
    """
    settings = replace(settings, chain=chain_of_source(shard.source, settings.chain))
    angles, basis = true_angles(shard, settings)
    return TrueAngles(angles, options_of(shard, settings), basis)


def score_angles(
    recordings: Mapping[str, Sequence[Shard]],
    truth_of: Mapping[str, TruthOf],
    rows: Mapping[str, AngleRow],
) -> AngleScores:
    """Errors of every row on every clip; clips without true angles are left out and named.

    Args:
        recordings: name -> clips.
        truth_of: name -> what gives the true angles of its clips; recordings without are not
            measured.
        rows: by their names.
    """
    jobs = [(name, shard) for name in truth_of for shard in recordings[name]]
    scores = AngleScores()
    for name, shard in tqdm(jobs, desc="evaluate angles", unit=" clips", disable=None):
        try:
            scores.clips.append(score_angle_clip(name, shard, truth_of[name](shard), rows))
        except (LeftOutError, InputError) as error:
            _log.warning("%s has no angle rows: %s", clip_name(shard), error)
            scores.left_out.setdefault(name, {})[clip_name(shard)] = str(error)
    return scores


def score_angle_clip(
    recording: str, shard: Shard, truth: TrueAngles, rows: Mapping[str, AngleRow]
) -> ScoredAngles:
    """Errors of every row on one clip, all over the same samples: those that every row knows.

    Raises:
        InputError: the body is in no frame, or the frame rate does not suit the low-pass.
    """
    found = angles_of_rows(rows, shard.landmark_sequence, truth.options, shard.time_s)
    counted = np.asarray(np.isfinite(np.stack(list(found.values()))).all(axis=0))
    return ScoredAngles(
        recording,
        shard.camera,
        truth.basis,
        {name: angle_errors(angles, truth.angles, counted) for name, angles in found.items()},
    )
