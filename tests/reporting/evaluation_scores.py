"""Scored clips for tests of tables, charts and pictures."""

from __future__ import annotations

from gonio.training import error_tables
from gonio.training.error_tables import ScoredClip
from gonio.training.scoring import score_clips
from tests.training.evaluation_fakes import FakeRefiner, clip


def made_scores(networks: bool = True) -> list[ScoredClip]:
    """Two clips of two cameras; `plain` is wrong by 4 cm, `best` by 2 cm and knows it."""
    shards = [clip(24, name="a", camera="c1"), clip(36, seed=1, name="b", camera="c2")]
    refiners = {
        "plain": FakeRefiner(shards, noise_m=0.04, sigma_m=float("nan")),
        "best": FakeRefiner(shards, noise_m=0.02, sigma_m=0.02),
    }
    return score_clips({"made_test": shards}, refiners if networks else {})


def made_tables(scores: list[ScoredClip]) -> dict[str, object]:
    return {
        "whole": error_tables.whole_table(scores),
        "cameras": error_tables.grouped_table(scores, "camera", error_tables.by_camera),
        "detectors": error_tables.grouped_table(scores, "detector", error_tables.by_detector),
        "performers": error_tables.grouped_table(scores, "performer", error_tables.by_performer),
        "joints": error_tables.joint_table(scores),
        "azimuths": error_tables.grouped_table(scores, "azimuth_deg", error_tables.by_azimuth),
        "elevations": error_tables.grouped_table(
            scores, "elevation_deg", error_tables.by_elevation
        ),
        "image_errors": error_tables.grouped_table(
            scores, "image_error_cm", error_tables.by_image_error
        ),
        "clips": error_tables.grouped_table(scores, "clip", error_tables.by_clip),
    }
