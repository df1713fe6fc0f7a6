import numpy as np
import pytest

from gonio.errors import InputError
from gonio.landmarks.person import CHOICES, PersonFollower, check_person

SIZE = (1000, 500)


def body(x, height, tag):
    """33 points around x (0..1) of the given height (0..1); `tag` marks the person."""
    rng = np.random.default_rng(0)
    points = np.zeros((33, 6))
    points[:, 0] = x + 0.02 * rng.uniform(-1, 1, 33)
    points[:, 1] = 0.5 + height * np.linspace(-0.5, 0.5, 33)
    points[:, 5] = tag
    return points


def tag_of(row):
    return row[0, 5]


@pytest.mark.parametrize(("choice", "tag"), [("largest", 2), ("central", 3), (0, 1), (2, 2)])
def test_the_choice_is_made_in_the_first_frame(choice, tag):
    people = [body(0.55, 0.4, 3), body(0.9, 0.8, 2), body(0.1, 0.3, 1)]
    assert tag_of(PersonFollower(choice, SIZE).choose(people, 0.0)) == tag


def test_the_same_person_is_followed_past_a_larger_one():
    follower = PersonFollower("largest", SIZE)
    followed = []
    for k in range(40):
        mine, other = body(0.2 + 0.015 * k, 0.5, 1), body(0.8 - 0.015 * k, 0.45 + 0.01 * k, 2)
        people = [other, mine] if k % 2 else [mine, other]
        followed.append(tag_of(follower.choose(people, k / 30)))
    assert set(followed) == {1}


@pytest.fixture
def followed():
    """A follower of the larger of two people, who has seen both for a second."""
    follower = PersonFollower("largest", SIZE)
    for k in range(31):
        follower.choose([body(0.1, 0.4, 1), body(0.9, 0.3, 2)], k / 30)
    return follower


@pytest.mark.parametrize("rate", [10, 30, 240])
def test_a_stranger_far_away_is_never_taken_for_the_person(followed, rate):
    """However long the person is away, and however many frames that takes."""
    for k in range(1, 20 * rate):
        assert np.isnan(followed.choose([body(0.9, 0.3, 2)], 1 + k / rate)).all()
    assert np.isnan(followed.choose([], 21.0)).all()
    assert tag_of(followed.choose([body(0.12, 0.4, 1), body(0.9, 0.3, 2)], 21.1)) == 1


@pytest.mark.parametrize(("away_s", "moved"), [(0.05, 0.6), (0.5, 0.8), (60.0, 0.8)])
def test_who_comes_back_near_to_where_they_left_is_followed(followed, away_s, moved):
    """`moved` in heights of the person: 200 of 1000 pixels."""
    back = body(0.1 + 0.2 * moved, 0.4, 1)
    assert tag_of(followed.choose([body(0.9, 0.3, 2), back], 1 + away_s)) == 1


def test_one_who_is_alone_is_found_again_everywhere():
    follower = PersonFollower("largest", SIZE, alone=True)
    for k in range(31):
        follower.choose([body(0.1, 0.4, 1)], k / 30)
    assert np.isnan(follower.choose([body(0.9, 0.4, 1)], 1.05)).all()
    assert tag_of(follower.choose([body(0.9, 0.4, 1)], 3.0)) == 1


def test_what_was_seen_for_a_moment_only_is_given_up():
    follower = PersonFollower("largest", SIZE)
    follower.choose([body(0.9, 0.3, 2)], 0.0)
    assert np.isnan(follower.choose([body(0.1, 0.4, 1)], 0.4)).all()
    assert tag_of(follower.choose([body(0.1, 0.4, 1)], 0.6)) == 1


@pytest.mark.parametrize(
    ("person", "people"),
    [
        ("biggest", 4),
        (4, 4),
        (-1, 4),
        (1.5, 4),
        (True, 4),
        (None, 4),
        ("largest", 0),
        ("largest", 21),
        ("largest", 2.0),
        ("largest", True),
        ("largest", None),
        ("largest", "4"),
    ],
)
def test_choices_that_cannot_be_made(person, people):
    with pytest.raises(InputError, match="allowed"):
        check_person(person, people)


@pytest.mark.parametrize("person", [*CHOICES, 0, 3, np.int64(2)])
def test_choices_that_can_be_made(person):
    check_person(person, 4)
