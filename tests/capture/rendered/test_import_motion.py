from __future__ import annotations

from pathlib import Path

import pytest

from gonio.capture.rendered.import_motion import import_folder, import_motion
from gonio.capture.rendered.motion_files import list_clips, read_clip
from gonio.errors import InputError, MissingFileError
from tests.capture.rendered.asf_files import amc_text, asf_text


def _download(folder: Path) -> None:
    for subject in ("02", "35"):
        walking = folder / subject / "walking"
        walking.mkdir(parents=True)
        (walking / f"{subject}.asf").write_text(asf_text())
        for trial in ("01", "02"):
            (walking / f"{subject}_{trial}.amc").write_text(amc_text([{}] * 8))


def test_a_download_becomes_a_motion_folder(tmp_path: Path) -> None:
    _download(tmp_path / "download")
    (tmp_path / "download" / "35" / "walking" / "35_02.amc").write_text("1\nroot 1 2\n")
    problems = import_folder(tmp_path / "download", tmp_path / "motion")
    assert [Path(file).name for file in problems] == ["35_02.amc"]
    assert "frame 1: bone lfemur has 0 values" in next(iter(problems.values()))
    clips = list_clips(tmp_path / "motion")
    assert [(c.clip, c.performer, c.action) for c in clips] == [
        ("02_01", "cmu02", "walking"),
        ("02_02", "cmu02", "walking"),
        ("35_01", "cmu35", "walking"),
    ]
    assert len(read_clip(tmp_path / "motion", clips[0])) == 2


def test_nothing_to_import_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no \.bvh or \.amc"):
        import_folder(tmp_path, tmp_path / "motion")
    (tmp_path / "a.bvh").write_text("nothing")
    with pytest.raises(InputError, match="none of 1 files"):
        import_folder(tmp_path, tmp_path / "motion")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no motion file"):
        import_motion(tmp_path / "a.bvh")
    (tmp_path / "a.c3d").write_text("")
    with pytest.raises(InputError, match=r"a \.c3d file"):
        import_motion(tmp_path / "a.c3d")


def _trial(folder: Path, action: str, name: str, frames: int = 8) -> None:
    place = folder / action
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.asf").write_text(asf_text())
    (place / f"{name}.amc").write_text(amc_text([{}] * frames))


def test_no_clip_is_lost_to_another_of_its_name(tmp_path: Path) -> None:
    for action, name in (("a", "walk"), ("a", "walk_2"), ("b", "walk"), ("c", "walk")):
        _trial(tmp_path / "first", action, name)
    assert import_folder(tmp_path / "first", tmp_path / "motion") == {}
    kept = [(c.clip, c.action) for c in list_clips(tmp_path / "motion")]
    assert kept == [("walk", "a"), ("walk_2", "a"), ("walk_3", "b"), ("walk_4", "c")]
    # The same again changes nothing; what is new, or longer, comes beside it.
    import_folder(tmp_path / "first", tmp_path / "motion")
    assert [(c.clip, c.action) for c in list_clips(tmp_path / "motion")] == kept
    _trial(tmp_path / "second", "a", "walk", frames=16)
    _trial(tmp_path / "second", "d", "run")
    import_folder(tmp_path / "second", tmp_path / "motion")
    now = [(c.clip, c.action) for c in list_clips(tmp_path / "motion")]
    assert now == sorted([*kept, ("walk_5", "a"), ("run", "d")])
