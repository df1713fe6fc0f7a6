"""Results of another video of the same name are not replaced without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gonio.errors import InputError
from gonio.same_video import KEPT, check_same_video, video_record

RESULTS = Path("data/08_reporting/short")


def _video(folder, content=b"walking", name="short.mp4"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def _check(video, old, *, overwrite=False, detects=True):
    check_same_video(video, {RESULTS: old}, overwrite=overwrite, detects=detects)


def test_another_video_of_the_same_name_is_refused_with_both_and_the_ways_out(tmp_path):
    old = video_record(_video(tmp_path / "a"))
    other = _video(tmp_path / "b", b"jumping high")
    with pytest.raises(InputError) as error:
        _check(other, old)
    said = str(error.value)
    assert said.startswith(f"{RESULTS} holds the results of a video short.mp4 (7 bytes, SHA-256 ")
    assert f"{other} (12 bytes, SHA-256 " in said
    assert said.endswith("rename short.mp4, or say overwrite=true")


def test_another_ending_is_another_name_in_the_same_folder(tmp_path):
    old = video_record(_video(tmp_path / "a"))
    with pytest.raises(InputError, match=r"video short\.mp4 .* another one, .*short\.mov "):
        _check(_video(tmp_path / "a", b"jumping", "short.mov"), old)


def test_results_of_another_video_are_replaced_if_the_user_says_so(tmp_path):
    old = video_record(_video(tmp_path / "a"))
    _check(_video(tmp_path / "b", b"jumping"), old, overwrite=True)


def test_the_same_video_may_be_run_again_from_anywhere(tmp_path):
    video = _video(tmp_path / "a")
    old = video_record(video)
    link = tmp_path / "short.mp4"
    link.symlink_to(video)
    for detects in (True, False):
        _check(video, old, detects=detects)
        _check(link, old, detects=detects)
        _check(_video(tmp_path / "moved"), old, detects=detects)


def test_a_video_that_was_exported_again_replaces_its_own_results(tmp_path):
    old = video_record(_video(tmp_path / "a"))
    _check(_video(tmp_path / "a", b"walking, cut"), old)


@pytest.mark.parametrize("folder", ["a", "b"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_does_not_go_on_from_results_of_other_pictures(tmp_path, folder, overwrite):
    old = video_record(_video(tmp_path / "a"))
    other = _video(tmp_path / folder, b"jumping")
    with pytest.raises(InputError, match="cannot go on from them; run all steps, without --from"):
        _check(other, old, overwrite=overwrite, detects=False)


def test_results_of_earlier_versions_have_no_record_and_are_replaced(tmp_path):
    for detects in (True, False):
        for old in ({}, {"sha256": "0"}):
            _check(_video(tmp_path / "a"), old, detects=detects)


def test_the_record_holds_no_path_of_the_machine(tmp_path):
    record = video_record(_video(tmp_path / "a"))
    assert set(record) == KEPT
    assert str(tmp_path) not in json.dumps(record)
    assert record["name"] == "short.mp4"
    assert record["size_bytes"] == 7
