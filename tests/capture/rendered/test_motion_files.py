from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gonio.capture.rendered.motion import BONE, Motion
from gonio.capture.rendered.motion_files import list_clips, read_clip, write_motions
from gonio.errors import InputError, MissingFileError


def test_written_clips_come_back(tmp_path: Path, wobbling: Motion) -> None:
    other = replace(wobbling, name="other", action="reaching", leg_m=0.77)
    write_motions(tmp_path, "a.npz", [wobbling, other])
    clips = list_clips(tmp_path)
    assert [clip.clip for clip in clips] == ["clip", "other"]
    assert clips[1].action == "reaching"
    assert clips[1].performer == "cmu07"
    assert clips[1].leg_m == pytest.approx(0.77)
    back = read_clip(tmp_path, clips[1])
    np.testing.assert_allclose(back.matrices, wobbling.matrices, atol=2e-3)  # float16 on disk
    np.testing.assert_allclose(back.root, wobbling.root, atol=1e-6)


def test_another_file_keeps_the_rows_of_the_first(tmp_path: Path, wobbling: Motion) -> None:
    write_motions(tmp_path, "a.npz", [replace(wobbling, action="walking")])
    write_motions(tmp_path, "b.npz", [replace(wobbling, performer="unknown")])
    write_motions(tmp_path, "b.npz", [replace(wobbling, performer="unknown", action="sitting")])
    assert [(c.file, c.action, c.performer) for c in list_clips(tmp_path)] == [
        ("a.npz", "walking", "cmu07"),
        ("b.npz", "sitting", "unknown"),
    ]


def test_a_folder_without_table_has_unknown_performers(tmp_path: Path, wobbling: Motion) -> None:
    write_motions(tmp_path, "cmu_walking.npz", [wobbling])
    (tmp_path / "subjects.csv").unlink()
    (clip,) = list_clips(tmp_path)
    assert (clip.performer, clip.action) == ("unknown", "walking")


def test_missing_folders_and_empty_ones_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere"):
        list_clips(tmp_path / "nowhere")
    with pytest.raises(MissingFileError, match=r"no \.npz file"):
        list_clips(tmp_path)


def test_broken_and_foreign_files_are_named(tmp_path: Path, wobbling: Motion) -> None:
    path = write_motions(tmp_path, "a.npz", [wobbling])
    (tmp_path / "b.npz").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"b\.npz is not a motion file"):
        list_clips(tmp_path)
    np.savez(tmp_path / "b.npz", fps=30.0, joint_names=np.array(["Hips"]))
    with pytest.raises(InputError, match="23 bones"):
        list_clips(tmp_path)


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", fps=np.array([print], dtype=object))
    with pytest.raises(InputError, match="without pickles"):
        list_clips(tmp_path)


def test_clips_of_two_rates_do_not_go_into_one_file(tmp_path: Path, wobbling: Motion) -> None:
    with pytest.raises(InputError, match="one frame rate"):
        write_motions(tmp_path, "a.npz", [wobbling, replace(wobbling, name="b", fps=60.0)])


def test_the_cmu_library_walks_forwards_on_bending_knees(shared: Path) -> None:
    clips = list_clips(shared / "motion")
    assert len(clips) == 192
    assert {clip.performer for clip in clips} >= {"cmu01", "cmu60", "cmu135", "unknown"}
    walk = next(clip for clip in clips if clip.action == "walking" and clip.frames > 100)
    motion = read_clip(shared / "motion", walk)
    local = np.swapaxes(motion.matrices[:, BONE["LeftUpLeg"]], 1, 2)
    local = local @ motion.matrices[:, BONE["LeftLeg"]]
    knee_deg = np.degrees(np.arctan2(local[:, 2, 1], local[:, 2, 2]))  # about +X
    assert knee_deg.max() > 45
    assert knee_deg.min() > -8


def test_a_comma_in_an_action_moves_no_column(tmp_path: Path, wobbling: Motion) -> None:
    write_motions(tmp_path, "a.npz", [replace(wobbling, action='walk, "run"', leg_m=0.77)])
    write_motions(tmp_path, "b.npz", [wobbling])
    first = list_clips(tmp_path)[0]
    assert (first.action, first.performer) == ('walk, "run"', "cmu07")
    assert first.leg_m == pytest.approx(0.77)
