from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gonio.capture.rendered.motion_files import ClipInfo
from gonio.capture.rendered.tasks import RenderedOptions, RenderedTask, list_tasks, split_performers
from gonio.errors import InputError, MissingFileError


def test_the_same_options_give_the_same_tasks(motion_folder: Path) -> None:
    def listed(**changes: int) -> list[RenderedTask]:
        options = RenderedOptions(**{"frames": 9_000, **changes})
        return list_tasks(options, motion_folder=motion_folder)

    tasks = listed()
    assert len(tasks) == 100
    assert tasks == listed()
    assert tasks[:40] == listed(frames=3_600)
    assert tasks != listed(seed=1)
    assert {task.motion_folder for task in tasks if task.clip} == {str(motion_folder)}
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
    first = list_tasks(RenderedOptions(frames=900), motion_folder=motion_folder)
    motion_folder.rename(moved)
    second = list_tasks(RenderedOptions(frames=900), motion_folder=moved)
    assert [task.task_id for task in first] == [task.task_id for task in second]


def test_splits_share_neither_performer_nor_body(motion_folder: Path) -> None:
    options = RenderedOptions(frames=90_000, split_shares=(0.4, 0.3, 0.3))
    owner: dict[str, str] = {}
    for task in list_tasks(options, motion_folder=motion_folder):
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
    options = RenderedOptions(frames=90_000, made_share=0.0)
    tasks = list_tasks(options, motion_folder=shared / "motion")
    train = [task for task in tasks if task.split == "train"]
    actions = Counter(task.clip.info.action for task in train if task.clip)
    assert max(actions.values()) < 2 * min(actions.values())
    assert {"walking", "salsa", "washwindow"} <= set(actions)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frames": 0}, "rendered: parameter frames is 0"),
        ({"frames": True}, "parameter frames is True: .*no numbers"),
        ({"made_share": True}, "parameter made_share is True: .*no numbers"),
        ({"made_share": float("nan")}, "parameter made_share is nan"),
        ({"seed": -1}, "parameter seed is -1"),
        ({"training_seed": -4}, "parameter training_seed is -4"),
        ({"frame_rates": []}, "parameter frame_rates is "),
        ({"frame_rates": [30, 240]}, "parameter frame_rates.1 is 240"),
        ({"frame_rates": [30, True]}, "parameter frame_rates is .*no numbers"),
        ({"split_shares": (0.8, 0.1, 0.2)}, "parameter split_shares is .*sum to 1"),
        ({"motion_folder": "a"}, "parameter motion_folder is 'a'"),
    ],
)
def test_impossible_options_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        RenderedOptions.of_group("rendered", values)


def test_a_motion_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="nowhere"):
        list_tasks(RenderedOptions(), motion_folder=tmp_path / "nowhere")


def test_training_may_have_other_people_beside_the_same_held_out_ones(motion_folder: Path) -> None:
    def listed(training_seed: int | None) -> list[RenderedTask]:
        options = RenderedOptions(frames=18_000, seed=3, training_seed=training_seed)
        return list_tasks(options, motion_folder=motion_folder)

    first, other = listed(None), listed(4)
    assert [task.split for task in first] == [task.split for task in other]
    for one, two in zip(first, other, strict=True):
        assert (one == two) == (one.split != "train")
    assert not {t.body_id for t in first if t.split == "train"} & {
        t.body_id for t in other if t.split == "train"
    }
    assert listed(3) == first
