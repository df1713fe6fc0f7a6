"""Every link of the documentation to a file or a heading of the project leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def headings(page: Path) -> set[str]:
    """The headings of a page as a link names them: lower case, no punctuation, `-` for a space."""
    plain = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    titles = re.findall(r"^#+ +(.*)$", plain, flags=re.MULTILINE)
    texts = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in titles)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


def dead_links(page: Path) -> list[str]:
    """The links of a page to files or headings that are not there."""
    dead = []
    for link in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        known = target.exists() and (
            not heading or target.suffix != ".md" or heading in headings(target)
        )
        if not known:
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert dead_links(page) == []


def test_dead_links_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# The first, `one`\n```sh\n# no heading\n```\n[a](#the-first-one) [b](#no-heading) "
        "[c](other.md) [d](page.md#the-first-one) [e](https://example.org/x)\n"
    )
    assert dead_links(page) == ["#no-heading", "other.md"]
