"""A text file with one damaged line: what a download or an editor does to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from gonio.errors import GonioError

WORDS = ("nan", "inf", "-inf", "0", "-1", "1e400", "foo", "\u00b2", ":", "{", "}")


def damaged(text: str, choice: random.Random) -> str:
    """The text with a line gone, twice, shortened, or with another word in it."""
    lines = text.splitlines()
    place = choice.randrange(len(lines))
    words = lines[place].split()
    kind = choice.choice(("gone", "twice", "short", "word", "word", "word"))
    if kind == "gone" or not words:
        del lines[place]
    elif kind == "twice":
        lines.insert(place, lines[place])
    elif kind == "short":
        lines[place] = " ".join(words[:-1])
    else:
        words[choice.randrange(len(words))] = choice.choice((*WORDS, *text.split()[:200]))
        lines[place] = " ".join(words)
    return "\n".join(lines)


def times_refused(path: Path, tries: int, read: Callable[[], object]) -> int:
    """How often a file with one damaged line is refused; in another way than Gonio's it fails."""
    text, choice, refused = path.read_text(), random.Random(0), 0
    for _ in range(tries):
        path.write_text(damaged(text, choice))
        try:
            read()
        except GonioError:
            refused += 1
    return refused
