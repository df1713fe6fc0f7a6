"""What is to be rendered: a list of small, frozen tasks, the same for the same seed and options.

Splits share neither a performer of motion nor a body.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field, field_validator

from gonio.capture.rendered.made_kinds import KINDS
from gonio.capture.rendered.motion import UNKNOWN_PERFORMER
from gonio.capture.rendered.motion_files import ClipInfo, list_clips
from gonio.errors import InputError
from gonio.options import Options

SPLITS: tuple[str, ...] = ("train", "val", "test")
BODIES_A_SPLIT = 100_000
"""Body numbers of a split start at its index times this."""
HELD_OUT_SHARE = 0.08
"""Least share of the recorded time that validation and test get, each from whole performers."""
SHORTEST_CLIP = 30
"""Clips with fewer frames are left out."""
MADE_WEIGHTS: dict[str, float] = {
    "poses": 0.22,
    "walk": 0.24,
    "reach": 0.2,
    "bend": 0.16,
    "sit": 0.12,
    "lie": 0.06,
}
"""How likely each kind of made motion is, unless other weights are asked for."""


Share = Annotated[float, Field(ge=0, le=1)]


class RenderedOptions(Options):
    """What to render: the parameters below `rendered`."""

    model_config = ConfigDict(allow_inf_nan=False)

    frames: int = Field(
        60_000, ge=1, description="wanted in all; whole sequences are made, so a few more may come"
    )
    seed: int = Field(0, ge=0, description="of everything")
    training_seed: int | None = Field(
        None,
        ge=0,
        description="of the training split, where it is to have other people and movements beside "
        "the same validation and test splits; None: `seed`",
    )
    sequence_frames: int = Field(90, ge=2, description="frames a sequence")
    frame_rates: tuple[Annotated[float, Field(ge=5, le=120)], ...] = Field(
        (30.0,), min_length=1, description="frames a second; each sequence takes one of them"
    )
    detectors: tuple[str, ...] = Field(
        (),
        description="MediaPipe's models (lite, full, heavy or paths); each sequence takes one of "
        "them, and a name that stands twice is taken twice as often. None: the run's `model`",
    )
    made_share: Share = Field(
        0.4, description="of sequences with made motion where there is a motion folder"
    )
    split_shares: tuple[Share, Share, Share] = Field(
        (0.84, 0.08, 0.08), description="of train, validation and test"
    )
    mix_share: Share = Field(0.25, description="of recorded sequences that mix two clips")
    offset_share: Share = Field(
        0.6, description="of recorded sequences whose joints are turned by smooth random offsets"
    )

    @field_validator("split_shares")
    @classmethod
    def _whole(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if abs(sum(value) - 1) > 1e-6:
            raise ValueError("allowed are three shares that sum to 1")
        return value


@dataclass(frozen=True)
class ClipPart:
    """A stretch of a recorded clip.

    Attributes:
        info: which clip.
        start: first frame, in frames of the clip.
    """

    info: ClipInfo
    start: int


@dataclass(frozen=True)
class RenderedTask:
    """One sequence to render; all that it depends on, but for the motion folder's content.

    Attributes:
        task_id: unique in the list, and the same for the same content.
        split: `train`, `val` or `test`.
        subject: performer and body.
        body_id: as in `body.sample_body`.
        scene_seed: as in `scene.sample_scene`.
        n_frames: frames.
        fps: frames a second.
        motion_folder: of the clips, None for made motion.
        clip: recorded motion, None for made motion.
        arms: a second clip for trunk, head and arms, or None.
        made: kind and seed of made motion, None for recorded motion.
        mirrored: whether left and right are exchanged.
        offsets: strength of the random offsets of the joints, 0 for none.
        detector: MediaPipe's model; empty for the run's own.
    """

    task_id: str
    split: str
    subject: str
    body_id: int
    scene_seed: int
    n_frames: int
    fps: float
    motion_folder: str | None
    clip: ClipPart | None
    arms: ClipPart | None
    made: tuple[str, int] | None
    mirrored: bool
    offsets: float
    detector: str = ""


def list_tasks(
    options: RenderedOptions,
    made_kinds: Mapping[str, float] = MADE_WEIGHTS,
    *,
    motion_folder: str | Path | None = None,
) -> list[RenderedTask]:
    """The sequences to render, the same for the same options and motion folder.

    A longer list begins with the shorter one. Recorded clips are sampled by action first, so that
    an action with many clips does not crowd out the others.

    Args:
        options: what to render.
        made_kinds: how likely each kind of made motion is, in any unit.
        motion_folder: clips in the format of `motion_files.list_clips`; None for made motion only.

    Raises:
        MissingFileError: there is no such motion folder.
        InputError: a file in it is not in the format, a split would have no performer, or there is
            no such kind of made motion.
    """
    kinds = checked_kinds(made_kinds)
    folder = None if motion_folder is None else str(motion_folder)
    pools = _pools(folder)
    count = -(-options.frames // options.sequence_frames)
    tasks = [_task(options, pools, kinds, index) for index in range(count)]
    return [replace(task, motion_folder=folder) if task.clip else task for task in tasks]


def checked_kinds(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights of kinds of made motion, which sum to 1.

    Raises:
        InputError: no such kind, a weight that is no number of 0 or more, or none above 0.
    """
    total = sum(weights.values())
    numbers = math.isfinite(total) and all(weight >= 0 for weight in weights.values())
    if not set(weights) <= set(KINDS) or not numbers or total <= 0:
        raise InputError(
            f"made_kinds is {dict(weights)}; allowed are weights of 0 or more, not all 0, of "
            f"{', '.join(KINDS)}"
        )
    return {kind: weight / total for kind, weight in weights.items()}


def split_performers(clips: tuple[ClipInfo, ...]) -> dict[str, str]:
    """The split of each performer.

    Performers with the most actions, and of those the ones with the least recorded time, go to
    test and validation in turn until each has its share; all others, and the unknown performer
    (who may be anybody), are for training.
    """
    frames: dict[str, int] = {}
    actions: dict[str, set[str]] = {}
    for clip in clips:
        frames[clip.performer] = frames.get(clip.performer, 0) + clip.frames
        actions.setdefault(clip.performer, set()).add(clip.action)
    split = dict.fromkeys(frames, "train")
    known = [performer for performer in frames if performer != UNKNOWN_PERFORMER]
    known.sort(key=lambda performer: (-len(actions[performer]), frames[performer], performer))
    wanted = HELD_OUT_SHARE * sum(frames.values())
    have = {"test": 0, "val": 0}
    for performer in known[: max(len(known) - 1, 0)]:
        poorest = min(have, key=lambda name: (have[name], name != "test"))
        if have[poorest] >= wanted:
            break
        split[performer] = poorest
        have[poorest] += frames[performer]
    return split


_Pool = dict[str, list[ClipInfo]]


def _pools(folder: str | None) -> dict[str, _Pool]:
    """Clips of each split by action."""
    pools: dict[str, _Pool] = {split: {} for split in SPLITS}
    if folder is None:
        return pools
    clips = tuple(clip for clip in list_clips(folder) if clip.frames >= SHORTEST_CLIP)
    split = split_performers(clips)
    for clip in clips:
        pools[split[clip.performer]].setdefault(clip.action, []).append(clip)
    return pools


def _task(
    options: RenderedOptions, pools: dict[str, _Pool], kinds: dict[str, float], index: int
) -> RenderedTask:
    seed_of_all = options.seed
    rng = np.random.default_rng([0x7A5C, seed_of_all, index])
    split = str(rng.choice(SPLITS, p=options.split_shares))
    if split == "train" and options.training_seed is not None:
        seed_of_all = options.training_seed
        rng = np.random.default_rng([0x7A5C, seed_of_all, index])
        rng.random()  # what the split was drawn with
    pool = pools[split]
    made = not pool or rng.random() < options.made_share
    clip = arms = None
    kind: tuple[str, int] | None = None
    if made:
        # Numbers of made performers follow those of the bodies: no split shares one.
        block, seed = divmod(seed_of_all, 100)
        number = (3 * block + SPLITS.index(split)) * 10_000_000 + seed * 100_000 + index
        kind = (str(rng.choice(list(kinds), p=list(kinds.values()))), number)
        performers = [f"made{number}"]
    else:
        clip = _part(rng, pool, options)
        arms = _part(rng, pool, options) if rng.random() < options.mix_share else None
        performers = sorted({part.info.performer for part in (clip, arms) if part})
    body_id = SPLITS.index(split) * BODIES_A_SPLIT + int(rng.integers(BODIES_A_SPLIT))
    changed = not made and rng.random() < options.offset_share
    seed, mirror = int(rng.integers(2**31)), bool(rng.random() < 0.5)
    offsets = float(rng.uniform(0.4, 1.2)) if changed else 0.0
    task = RenderedTask(
        task_id="",
        split=split,
        subject=f"{'+'.join(performers)}_body{body_id:06d}",
        body_id=body_id,
        scene_seed=seed,
        n_frames=options.sequence_frames,
        fps=options.frame_rates[rng.integers(len(options.frame_rates))],
        motion_folder=None,
        clip=clip,
        arms=arms,
        made=kind,
        mirrored=mirror,
        offsets=offsets,
        detector=_any(rng, options.detectors),
    )
    return replace(task, task_id=f"rendered_{index:06d}_{_fingerprint(task)}")


def _any(rng: np.random.Generator, names: tuple[str, ...]) -> str:
    return names[rng.integers(len(names))] if names else ""


def _part(rng: np.random.Generator, pool: _Pool, options: RenderedOptions) -> ClipPart:
    actions = sorted(pool)
    clips = pool[actions[rng.integers(len(actions))]]
    lengths = np.array([clip.frames for clip in clips], dtype=float)
    info = clips[int(rng.choice(len(clips), p=lengths / lengths.sum()))]
    spare = max(info.frames - options.sequence_frames, 0)
    return ClipPart(info, int(rng.integers(spare + 1)))


def _fingerprint(task: RenderedTask) -> str:
    content = {**asdict(task), "motion_folder": None, "detector": Path(task.detector).stem}
    return hashlib.sha256(repr(content).encode()).hexdigest()[:8]


assert set(MADE_WEIGHTS) <= set(KINDS)
