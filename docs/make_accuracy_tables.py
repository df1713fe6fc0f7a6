"""Make the tables of accuracy.md from a run of `evaluation`.

Run `kedro run --pipeline evaluation` first, then `python docs/make_accuracy_tables.py`, with
`<folder>` for the results of another run, with `--only angles` (or `poses`) to take one kind of
tables from it alone, with `--only parts` to take the table of what each part brings. The tables
that the page shows are kept in docs/accuracy, so that the page can be made again without a run.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

import pandas as pd

from gonio.reporting.evaluation_angles import AngleTables, angle_markdown
from gonio.reporting.evaluation_tables import SHORT, as_markdown, evaluation_markdown
from gonio.training.recordings import DEMO, KNOWN_IMAGE, SHIPPED, SHIPPED_MAIN

PAGE = Path(__file__).with_name("accuracy.md")
KEPT = Path(__file__).with_name("accuracy")
RUN = Path(__file__).resolve().parents[1] / "data" / "08_reporting" / "evaluation"
MAIN_TABLES = ("summary.csv", "cameras.csv")
IMAGE_TABLE = "image_errors.csv"
"""Of poses: clips by how far MediaPipe's image points are off."""
PERFORMER_TABLE = "performers.csv"
"""Of poses: by whose movements the clips show."""
TABLES = (*MAIN_TABLES, IMAGE_TABLE, PERFORMER_TABLE)
"""Of poses."""
IMAGE_ROWS = ("raw", SHIPPED, SHIPPED_MAIN, KNOWN_IMAGE)
IMAGE_SHOWN = (
    "clips",
    "frames",
    "depth_mean_cm",
    "depth_vs_raw_percent",
    "position_mean_cm",
    "position_vs_raw_percent",
    "aligned_mean_cm",
    "azimuth_mean_deg",
    "elevation_mean_deg",
    "up_mean_deg",
)
PARTS_TABLE = "parts.csv"
"""Of poses: the networks that say what each part brings, of a run of its own."""
PARTS_SHOWN = (
    *SHORT,
    "limb_mean_deg",
    "jitter_m_s2",
    "azimuth_mean_deg",
    "elevation_mean_deg",
    "up_mean_deg",
    "within_1_sigma_percent",
    "within_2_sigma_percent",
    "milliseconds_a_frame",
)
ANGLE_TABLES = (
    "evaluation_angles.csv",
    "evaluation_angle_joints.csv",
    "evaluation_angle_cameras.csv",
)


def block() -> str:
    """The tables of poses, from the kept CSV files."""
    whole, cameras = (pd.read_csv(KEPT / name) for name in MAIN_TABLES)
    return evaluation_markdown(whole, cameras)


def image_block() -> str:
    """The table of clips by their image points, from its kept CSV file; the demo has too few."""
    table = pd.read_csv(KEPT / IMAGE_TABLE)
    chosen = table["row"].isin(IMAGE_ROWS) & (table["recording"] != DEMO)
    return as_markdown(table[chosen], IMAGE_SHOWN)


def performer_block() -> str:
    """The table by performer, from its kept CSV file; the demo has one."""
    table = pd.read_csv(KEPT / PERFORMER_TABLE)
    chosen = table["row"].isin(("raw", SHIPPED, SHIPPED_MAIN)) & (table["recording"] != DEMO)
    return as_markdown(table[chosen], IMAGE_SHOWN)


def parts_block() -> str:
    """The table of what each part brings, from its kept CSV file."""
    return as_markdown(pd.read_csv(KEPT / PARTS_TABLE), PARTS_SHOWN)


def angle_block() -> str:
    """The tables of joint angles, from the kept CSV files."""
    return angle_markdown(AngleTables(*(pd.read_csv(KEPT / name) for name in ANGLE_TABLES)))


def filled(page: str, tables: str, place: str = "evaluation") -> str:
    """The page with the tables put between the two comments of their place.

    Raises:
        ValueError: the page has no such place.
    """
    pattern = rf"(<!-- {place}: begin -->\n).*?(<!-- {place}: end -->)"
    page, count = re.subn(pattern, lambda m: f"{m[1]}{tables}\n{m[2]}", page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{PAGE.name} has no place for the tables of the {place}")
    return page


def main(run: Path, only: str | None = None) -> None:
    """Take in the tables of a run, of `poses`, `angles` or `parts` only, and make the page."""
    KEPT.mkdir(exist_ok=True)
    if only == "parts":
        table = pd.read_csv(run / TABLES[0])
        table[table["row"] != SHIPPED_MAIN].to_csv(KEPT / PARTS_TABLE, index=False)
    everything = (*TABLES, *ANGLE_TABLES)
    for name in {"poses": TABLES, "angles": ANGLE_TABLES, "parts": (), None: everything}[only]:
        if (run / name).is_file():
            shutil.copyfile(run / name, KEPT / name)
        else:
            print(f"{run / name} is absent: {KEPT / name} is used as it is")
    page = filled(PAGE.read_text(encoding="utf-8"), block())
    page = filled(page, image_block(), "image")
    page = filled(page, performer_block(), "performers")
    if all((KEPT / name).is_file() for name in ANGLE_TABLES):
        page = filled(page, angle_block(), "angles")
    if (KEPT / PARTS_TABLE).is_file():
        page = filled(page, parts_block(), "parts")
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("run", nargs="?", type=Path, default=RUN, help="folder of the results")
    parser.add_argument("--only", choices=("poses", "angles", "parts"))
    main(**vars(parser.parse_args()))
