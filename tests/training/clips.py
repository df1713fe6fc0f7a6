"""Small prepared clips for tests of the training."""

from __future__ import annotations

from pathlib import Path

from gonio.capture.store import Outcome, ShardStore
from gonio.options import RepairOptions
from gonio.training.clips import ClipList
from gonio.training.options import TrainingOptions
from gonio.training.prepare import PreparedSequence, PreparedStore, clip_list, prepare
from tests.capture.fakes import FakeSource, plan_of

TINY = {
    "d_model": 16,
    "layers": 1,
    "heads": 2,
    "temporal_layers": 1,
    "d_time": 24,
    "time_heads": 3,
    "window": 8,
    "up_head": True,
    "sigma_head": True,
    "limb_head": True,
}


def fake_shards(root: Path, tasks: int = 8, frames: int = 30) -> ShardStore:
    """A converted folder of small shards."""
    plan = plan_of(FakeSource(tasks=tasks, frames=frames))
    store = ShardStore(root)
    store.save(plan)
    for task in plan.tasks:
        outcome = Outcome(task, plan.parameter_hash, "done", converted=plan.source.convert(task))
        store.save(outcome)
    return store


def fake_clips(root: Path, tasks: int = 8, frames: int = 30) -> ClipList[PreparedSequence]:
    """The same, prepared."""
    manifest = fake_shards(root / "shards", tasks, frames).manifest()
    prepared = PreparedStore(root / "prepared")
    for clip in prepare(manifest, prepared, RepairOptions()):
        prepared.save(clip)
    return clip_list(manifest, prepared, RepairOptions())


def tiny_options(**changes: object) -> TrainingOptions:
    """A training of seconds."""
    values: dict[str, object] = {
        "epochs": 3,
        "batch_size": 16,
        "warmup_steps": 2,
        "workers": 0,
        "threads": 1,
        "average_decay": 0.5,
        "network": TINY,
        "sources": ("fake",),
        **changes,
    }
    return TrainingOptions.model_validate(values)
