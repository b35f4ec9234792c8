"""The table of all masks, preps/masks/areas.csv, and what it says to people."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from brainstack.files.whole import whole_file
from brainstack.plan import Plan

MOST_DOUBTFUL = 10
"""Sections named: more than a screen holds, nobody reads."""


@dataclass(frozen=True)
class MaskArea:
    """One row. section : its number in the stack now, for display. expected_area_um2 : what its neighbours make
    expected; None where none can say. pieces : how many the mask has. verdict : "as proposed"; "mended", with the help
    of its neighbours; "doubtful", far from what they make expected; "no tissue"; "edited", by a person."""

    section: int
    key: str
    area_um2: int
    expected_area_um2: float | None
    pieces: int
    verdict: str
    edited: bool


def write_mask_areas(path: Path, rows: Sequence[MaskArea]) -> None:
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [field.name for field in fields(MaskArea)], lineterminator="\n")
        table.writeheader()
        for one in rows:
            expected = "" if one.expected_area_um2 is None else round(one.expected_area_um2)
            table.writerow(asdict(one) | {"expected_area_um2": expected, "edited": int(one.edited)})


def read_mask_areas(path: Path) -> list[MaskArea]:
    """The rows of the table; none where it was not made yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            MaskArea(
                section=int(row["section"]),
                key=row["key"],
                area_um2=int(row["area_um2"]),
                expected_area_um2=float(row["expected_area_um2"]) if row["expected_area_um2"] else None,
                pieces=int(row["pieces"]),
                verdict=row["verdict"],
                edited=row["edited"] == "1",
            )
            for row in csv.DictReader(file)
        ]


def doubtful_masks(plan: Plan) -> list[str]:
    """A sentence for each section whose mask is far from what its neighbours make expected, and one that names those
    that were mended with their help; nothing of what a person has edited since."""
    rows = [
        one for one in read_mask_areas(plan.folder.mask_areas) if one.key in plan.section and one.key not in plan.edits
    ]
    doubtful = [one for one in rows if one.verdict == "doubtful"]
    lines = [_sentence(plan, one) for one in doubtful[:MOST_DOUBTFUL]]
    more = len(doubtful) - MOST_DOUBTFUL
    lines += [f"and {more} more masks that are doubtful: see {plan.folder.mask_areas}"] if more > 0 else []
    mended = [plan.section[one.key].number for one in rows if one.verdict == "mended"]
    if mended:
        lines.append(
            f"the masks of sections {_listed(mended)} were found with their neighbours' help; look at them in "
            f"{plan.folder.numbered('thumbnail_colored', 0).parent}"
        )
    return lines


def _sentence(plan: Plan, row: MaskArea) -> str:
    number = plan.section[row.key].number
    expected = f"{row.expected_area_um2 / 1e6:.1f}" if row.expected_area_um2 is not None else "none"
    return (
        f"section {number} ({row.key}): its mask has {row.area_um2 / 1e6:.1f} mm2 in {row.pieces} "
        f"piece{'s' * (row.pieces != 1)}, its neighbours make {expected} mm2 and another outline expected; "
        f"look at {plan.folder.numbered('thumbnail_colored', number)}"
    )


def _listed(numbers: Iterable[int]) -> str:
    found = list(numbers)
    shown = ", ".join(map(str, found[:MOST_DOUBTFUL]))
    return f"{shown} and {len(found) - MOST_DOUBTFUL} more" if len(found) > MOST_DOUBTFUL else shown
