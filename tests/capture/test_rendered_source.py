"""Rendered bodies as a source: splits, names, hashes, and one sequence from end to end."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gonio.capture.rendered_source as module
from gonio.capture.conversion import ConversionOptions, make_source
from gonio.capture.executor import convert_one
from gonio.capture.manifest import Manifest, Record
from gonio.capture.observation import ObservationOptions
from gonio.capture.rendered_source import RenderedOptions, RenderedSource
from gonio.errors import MissingFileError
from tests.capture.converting import convert


@pytest.fixture
def without_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing tasks builds the body model; only the list is under test."""
    monkeypatch.setattr(module, "load_anny", lambda: None)


@pytest.mark.usefixtures("without_body")
def test_no_performer_and_no_body_is_in_two_splits(shared: Path) -> None:
    source = RenderedSource(shared / "motion", RenderedOptions(frames=90 * 1500))
    tasks = source.list_tasks()
    assert len(tasks) == 1500
    records = tuple(Record.of(task, "p", "done") for task in tasks)
    Manifest(records, {}, {}).check_splits()
    shares = {split: sum(t.split == split for t in tasks) / 1500 for split in ("train", "test")}
    assert 0.75 < shares["train"] < 0.93
    assert all("+body" in task.subject for task in tasks)


@pytest.mark.usefixtures("without_body")
def test_a_longer_list_begins_with_the_shorter_one(tmp_path: Path) -> None:
    source = RenderedSource(tmp_path, RenderedOptions(frames=900))
    longer = replace(source, options=RenderedOptions(frames=1800))
    assert longer.list_tasks()[:10] == source.list_tasks()
    assert len(longer.list_tasks()) == 20
    other = replace(source, options=RenderedOptions(frames=900, seed=1)).list_tasks()
    assert not {t.source_hash for t in other} & {t.source_hash for t in source.list_tasks()}


@pytest.mark.usefixtures("without_body")
def test_a_motion_folder_that_is_named_must_have_clips(tmp_path: Path) -> None:
    folders = {"rendered": tmp_path / "nowhere", "shards": tmp_path}
    named = ConversionOptions.from_parameters({"motion_folder": str(folders["rendered"])})
    with pytest.raises(MissingFileError, match=r"no motion folder .*nowhere"):
        make_source(named, folders).list_tasks()
    (tmp_path / "nowhere").mkdir()
    with pytest.raises(MissingFileError, match=r"nowhere has no \.npz file"):
        make_source(named, folders).list_tasks()
    default = ConversionOptions.from_parameters({"motion_folder": None})
    assert all(t.details["rendered"].made for t in make_source(default, folders).list_tasks())


@pytest.mark.slow
def test_a_rendered_sequence_becomes_a_shard() -> None:
    pytest.importorskip("anny", reason="rendering needs gonio[render]")
    pytest.importorskip("moderngl", reason="rendering needs gonio[render]")
    options = RenderedOptions(frames=6 * 24, sequence_frames=24)
    source = RenderedSource(Path("none"), options, ObservationOptions(previews=2))
    outcomes = [convert_one(source, task, "p") for task in source.list_tasks()]
    done = [outcome.converted for outcome in outcomes if outcome.converted is not None]
    assert len(done) >= 3
    for converted in done:
        shard = converted.shard
        assert len(shard) == 24
        assert len(converted.previews) == 2
        assert np.isfinite(shard.markers_truth).all()
        assert np.isfinite(shard.feet_truth).all()
        assert np.isfinite(shard.azimuth).all()
        assert 1.3 < shard.stature_m < 2.2
        right_heel, left_heel = shard.feet_truth[:, 0], shard.feet_truth[:, 3]
        right, left = shard.ground_truth[:, 16], shard.ground_truth[:, 15]
        assert np.linalg.norm(right_heel - right, axis=1).max() < 0.2
        assert np.linalg.norm(left_heel - left, axis=1).max() < 0.2


@pytest.mark.slow
def test_conversions_in_this_process_can_follow_each_other(tmp_path: Path) -> None:
    pytest.importorskip("anny", reason="rendering needs gonio[render]")
    pytest.importorskip("moderngl", reason="rendering needs gonio[render]")
    options = ConversionOptions(
        executor="inline", rendered=RenderedOptions(frames=24, sequence_frames=12)
    )
    folders = {"rendered": tmp_path / "none"}
    runs = [convert(options, folders, tmp_path / name) for name in ("a", "b")]
    for manifest in runs:
        assert not manifest.with_status("failed")
    first, second = ([path.read_bytes() for path in m.shards()] for m in runs)
    assert first == second
    assert first
