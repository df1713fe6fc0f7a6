"""Choosing one person among several, and following that same person through the clip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gonio.errors import InputError
from gonio.skeleton import MEDIAPIPE, MEDIAPIPE_LANDMARKS
from gonio.types import FloatArray

CHOICES: tuple[str, ...] = ("largest", "central")

REACH = 0.6
"""How far a person may be from where they were last seen, in heights of the person."""
REACH_A_SECOND = 3.0
"""How much farther for each second since, heights a second."""
LONGEST_REACH = 1.0
"""Not farther than this where there are several people, however long ago it was."""
BRIEF_S = 0.5
"""Who was seen for less time than this, and then not for as long, was a mistake of the detector."""

SURROUNDINGS = 0.2
"""How much around the followed person stays visible, as a share of the person's larger side."""
BLANK = 114
"""The grey of the rest."""

_TORSO = [MEDIAPIPE[f"{side}_{part}"] for part in ("shoulder", "hip") for side in ("left", "right")]


def check_person(person: str | int, max_people: int) -> None:
    """Refuse a choice that cannot be made.

    Raises:
        InputError: not `largest`, `central` or an index from 0 below `max_people`, or
            `max_people` is not a whole number from 1 to 20.
    """
    if not (_whole(max_people) and 1 <= max_people <= 20):
        raise InputError(f"max_people is {max_people!r}; allowed are whole numbers from 1 to 20")
    if isinstance(person, str):
        known = person in CHOICES
    else:
        known = _whole(person) and 0 <= person < max_people
    if not known:
        raise InputError(
            f"person is {person!r}; allowed are {', '.join(CHOICES)} or a whole number from 0 to "
            f"{max_people - 1} (max_people is {max_people}), counted from the left"
        )


def _whole(value: object) -> bool:
    """Whether a value is a whole number; true and false are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


class PersonFollower:
    """Picks the wanted person in the first frame that shows people, and that one ever after.

    A person is followed by the box around the landmarks: the candidate whose centre and size are
    nearest to those last seen is taken if it is within reach; otherwise the frame counts as
    without the person. So who leaves is found again where they left, and nobody farther away is
    taken instead.

    Args:
        person: see `check_person`.
        image_size: (width, height), pixels.
        alone: nobody else is in the picture: the reach grows for as long as nobody is seen.
    """

    def __init__(
        self, person: str | int, image_size: tuple[int, int], *, alone: bool = False
    ) -> None:
        self._person = person
        self._longest_reach = np.inf if alone else LONGEST_REACH
        self._image_size = image_size
        self._size = np.asarray(image_size, dtype=float)
        self._last: FloatArray | None = None
        self._points: FloatArray | None = None
        self._first_s = self._last_s = 0.0
        self._most_people = 0

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height) of the frames, pixels."""
        return self._image_size

    @property
    def most_people(self) -> int:
        """How many people one frame has shown at most."""
        return self._most_people

    def choose(self, people: list[FloatArray], time_s: float) -> FloatArray:
        """The row of the followed person.

        Args:
            people: (33, 6) each: image x, y in 0..1, world x, y, z in metres, visibility.
            time_s: of the frame, seconds; not earlier than in the call before.

        Returns:
            (33, 6); all NaN if the person is not among them.
        """
        self._most_people = max(self._most_people, len(people))
        unseen_s = time_s - self._last_s
        if self._last_s - self._first_s < BRIEF_S < unseen_s:
            self._last = self._points = None
        if not people:
            return self._nobody()
        boxes = np.stack([self._box(row) for row in people])
        index = self._first(boxes) if self._last is None else self._nearest(boxes, unseen_s)
        if index is None:
            return self._nobody()
        self._first_s = time_s if self._last is None else self._first_s
        self._last, self._last_s = boxes[index], time_s
        self._points = people[index][:, :2]
        return people[index]

    def blanked_elsewhere(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image with everything outside of the followed person's surroundings in grey.

        Args:
            rgb: (H, W, 3).

        Returns:
            (H, W, 3), a copy; the image itself as long as nobody is followed.
        """
        if self._points is None:
            return rgb
        size = np.array(rgb.shape[1::-1])
        low, high = (self._points.min(axis=0) * size, self._points.max(axis=0) * size)
        margin = SURROUNDINGS * max(high - low)
        left, top = np.maximum(low - margin, 0).astype(int)
        right, bottom = np.minimum(high + margin, size).astype(int)
        blanked = np.full_like(rgb, BLANK)
        blanked[top:bottom, left:right] = rgb[top:bottom, left:right]
        return blanked

    @staticmethod
    def _nobody() -> FloatArray:
        return np.full((len(MEDIAPIPE_LANDMARKS), 6), np.nan)

    def _box(self, row: FloatArray) -> FloatArray:
        """(x, y) of the torso's centre and the height of the box, pixels."""
        points = row[:, :2] * self._size
        spread = points.max(axis=0) - points.min(axis=0)
        return np.concatenate([points[_TORSO].mean(axis=0), [max(np.linalg.norm(spread), 1.0)]])

    def _first(self, boxes: FloatArray) -> int | None:
        if self._person == "largest":
            return int(boxes[:, 2].argmax())
        if self._person == "central":
            return int(np.linalg.norm(boxes[:, :2] - self._size / 2, axis=1).argmin())
        from_left = np.argsort(boxes[:, 0], kind="stable")
        index = int(self._person)
        return int(from_left[index]) if index < len(from_left) else None

    def _nearest(self, boxes: FloatArray, unseen_s: float) -> int | None:
        assert self._last is not None
        height = self._last[2]
        moved = np.linalg.norm(boxes[:, :2] - self._last[:2], axis=1) / height
        grown = np.abs(np.log(boxes[:, 2] / height))
        cost = moved + grown
        best = int(cost.argmin())
        reach = min(REACH + REACH_A_SECOND * unseen_s, self._longest_reach)
        return best if cost[best] <= reach else None
