"""What the joint angles of an evaluation were measured against and with, for its record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gonio.models.checkpoint_io import file_digest
from gonio.models.registry import Refiners
from gonio.options import Refiner
from gonio.training.angle_pairs import AngleSettings
from gonio.training.angle_scoring import CHOICES, AngleScores
from gonio.training.demo_angles import DemoAngles


def angle_record(
    scores: AngleScores,
    demo: DemoAngles | None,
    settings: AngleSettings,
    networks: Mapping[Refiner, Refiners],
) -> dict[str, Any]:
    """The record, with what to know before reading under `notes`.

    Args:
        scores: of all clips.
        demo: its true angles; None where the demo is not measured.
        settings: what the true angles of shards depend on.
        networks: choice of refiner -> its networks.
    """
    truth: dict[str, Counter[str]] = {}
    for clip in scores.clips:
        truth.setdefault(clip.recording, Counter())[clip.basis] += 1
    return {
        "notes": _notes(scores, demo, networks),
        "truth_rests_on": {name: dict(counter) for name, counter in truth.items()},
        "true_markers": settings.true_markers,
        "convention_deg": settings.convention.described() if settings.convention else None,
        "left_out": scores.left_out,
        "checkpoints": {
            choice: {
                name: {"file": path.name, "sha256": file_digest(path)}
                for name, path in refiners.used.items()
            }
            for choice, refiners in networks.items()
        },
    }


def _notes(
    scores: AngleScores, demo: DemoAngles | None, networks: Mapping[Refiner, Refiners]
) -> list[str]:
    notes = []
    absent = [choice for choice in CHOICES if choice not in networks]
    if absent:
        notes.append(f"No rows of joint angles for want of a checkpoint: {', '.join(absent)}.")
    if demo is not None and not len(demo.angles):
        notes.append(
            "The demo has no angle rows: there is no truth. Give the reference motion with "
            "demo_angles=<path of the .mot>, or its markers with demo_truth=<path of the .trc>."
        )
    elif demo is not None:
        notes.append(f"The true joint angles of the demo are {demo.source}.")
    notes += [
        f"{len(clips)} clips of {name} have no angle rows; the record says why."
        for name, clips in scores.left_out.items()
    ]
    return notes
