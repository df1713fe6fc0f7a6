"""A conversion from its plan to its manifest, as the pipeline does it, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gonio.capture.conversion import ConversionOptions, conversion_events, plan_conversion
from gonio.capture.manifest import Manifest
from gonio.capture.store import ShardStore


def convert(options: ConversionOptions, folders: Mapping[str, Path], root: Path) -> Manifest:
    store = ShardStore(root)
    plan = plan_conversion(options, {"shards": root, **folders})
    for event in conversion_events(plan, store, options.execution):
        store.save(event)
    return store.manifest()
