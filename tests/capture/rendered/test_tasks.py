from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from gonio.capture.rendered.motion_files import ClipInfo
from gonio.capture.rendered.tasks import RenderedOptions, list_tasks, split_performers
from gonio.errors import InputError, MissingFileError


def test_the_same_options_give_the_same_tasks(motion_folder: Path) -> None:
    options = RenderedOptions(frames=9_000, motion_folder=str(motion_folder))
    tasks = list_tasks(options)
    assert len(tasks) == 100
    assert tasks == list_tasks(options)
    assert tasks[:40] == list_tasks(replace(options, frames=3_600))
    assert tasks != list_tasks(replace(options, seed=1))
    assert len({task.task_id for task in tasks}) == 100
    assert pickle.loads(pickle.dumps(tasks[3])) == tasks[3]


@pytest.mark.parametrize("seeds", [(0, 1), (0, 100), (2000, 3000), (199, 1099)])
def test_no_two_seeds_share_a_made_movement(seeds: tuple[int, int]) -> None:
    """Of a large seed and another too, so that what is made with another seed is new."""

    def made(seed: int) -> set[tuple[str, int]]:
        tasks = list_tasks(RenderedOptions(frames=9_000, seed=seed))
        return {task.made for task in tasks if task.made is not None}

    one, other = map(made, seeds)
    assert len(one) == len(other) == 100
    assert not one & other


def test_the_place_of_the_motion_folder_does_not_change_the_ids(
    motion_folder: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    first = list_tasks(RenderedOptions(frames=900, motion_folder=str(motion_folder)))
    motion_folder.rename(moved)
    second = list_tasks(RenderedOptions(frames=900, motion_folder=str(moved)))
    assert [task.task_id for task in first] == [task.task_id for task in second]


def test_splits_share_neither_performer_nor_body(motion_folder: Path) -> None:
    options = RenderedOptions(
        frames=90_000, motion_folder=str(motion_folder), split_shares=(0.4, 0.3, 0.3)
    )
    owner: dict[str, str] = {}
    for task in list_tasks(options):
        performers, body = task.subject.rsplit("_", 1)
        for subject in (body, *performers.split("+")):
            assert owner.setdefault(subject, task.split) == task.split
    assert set(owner.values()) == {"train", "val", "test"}
    assert len(owner) > 900


def test_without_a_motion_folder_all_motion_is_made() -> None:
    tasks = list_tasks(RenderedOptions(frames=18_000, split_shares=(0.4, 0.3, 0.3)))
    assert all(task.made is not None and task.clip is None for task in tasks)
    assert len({task.made for task in tasks}) == len(tasks)
    assert len({task.made[0] for task in tasks if task.made}) == 6


def _clip(performer: str, action: str, frames: int) -> ClipInfo:
    return ClipInfo("a.npz", f"{performer}{action}", performer, action, frames, 0.8)


def test_kinds_of_made_motion_are_drawn_by_their_weights() -> None:
    options = RenderedOptions(frames=27_000)
    usual = Counter(task.made[0] for task in list_tasks(options) if task.made)
    assert "one_leg" not in usual  # else what was rendered before would be outdated
    kinds = {"one_leg": 3.0, "sit": 1.0}
    made = Counter(task.made[0] for task in list_tasks(options, kinds) if task.made)
    assert set(made) == set(kinds)
    assert 0.65 < made["one_leg"] / sum(made.values()) < 0.85


@pytest.mark.parametrize("kinds", [{"fly": 1.0}, {"walk": -1.0, "sit": 2.0}, {"walk": 0.0}])
def test_impossible_kinds_are_refused(kinds: dict[str, float]) -> None:
    with pytest.raises(InputError, match="one_leg"):
        list_tasks(RenderedOptions(frames=900), kinds)


def test_unknown_performers_are_for_training_and_every_split_gets_somebody() -> None:
    clips = (
        _clip("unknown", "walking", 300),
        _clip("cmu60", "salsa", 500),
        _clip("cmu02", "walking", 40),
        _clip("cmu02", "jumping", 40),
        _clip("cmu94", "dance", 100),
        _clip("cmu135", "kata", 110),
    )
    split = split_performers(clips)
    assert split["unknown"] == split["cmu60"] == "train"
    assert split["cmu02"] == "test"  # the most actions
    assert split["cmu94"] == "val"
    assert set(split_performers(clips[:2]).values()) == {"train"}


def test_actions_with_many_clips_do_not_crowd_out_the_others(shared: Path) -> None:
    options = RenderedOptions(frames=90_000, motion_folder=str(shared / "motion"), made_share=0.0)
    train = [task for task in list_tasks(options) if task.split == "train"]
    actions = Counter(task.clip.info.action for task in train if task.clip)
    assert max(actions.values()) < 2 * min(actions.values())
    assert {"walking", "salsa", "washwindow"} <= set(actions)


def test_impossible_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="frames 0"):
        RenderedOptions(frames=0)
    with pytest.raises(InputError, match="seed -1"):
        RenderedOptions(seed=-1)
    with pytest.raises(InputError, match="training_seed -4"):
        RenderedOptions(training_seed=-4)
    with pytest.raises(InputError, match="sum to 1"):
        RenderedOptions(split_shares=(0.8, 0.1, 0.2))
    with pytest.raises(MissingFileError, match="nowhere"):
        list_tasks(RenderedOptions(motion_folder=str(tmp_path / "nowhere")))


def test_training_may_have_other_people_beside_the_same_held_out_ones(motion_folder: Path) -> None:
    options = RenderedOptions(frames=18_000, motion_folder=str(motion_folder), seed=3)
    first = list_tasks(options)
    other = list_tasks(replace(options, training_seed=4))
    assert [task.split for task in first] == [task.split for task in other]
    for one, two in zip(first, other, strict=True):
        assert (one == two) == (one.split != "train")
    assert not {t.body_id for t in first if t.split == "train"} & {
        t.body_id for t in other if t.split == "train"
    }
    assert list_tasks(replace(options, training_seed=3)) == first
