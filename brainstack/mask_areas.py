"""The table of all masks, preps/masks/areas.csv, and what it says to people."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from brainstack.errors import BrainstackError
from brainstack.files.own_tables import read_own_table
from brainstack.files.whole import whole_file
from brainstack.plan import Plan

MOST_DOUBTFUL = 10
"""Sections named: more than a screen holds, nobody reads."""
COLUMNS = "section", "key", "area_um2", "expected_area_um2", "pieces", "verdict", "edited"
"""That a table has in any case; one of an earlier brainstack has no more."""


@dataclass(frozen=True)
class MaskArea:
    """One row; the table has areas in whole um2. section : its number in the stack now, for display. area_um2 : 0 of an
    empty mask. expected_area_um2 : what its neighbours make expected; None where none can say. pieces : how many the
    mask has. verdict : "as proposed"; "mended", with the help of its neighbours; "doubtful", far from what they make
    expected, also where a person made it; "no tissue"; "edited", by a person. proposal_differs_um2 : of an edited
    section, the area that is in either the proposal or the person's mask, not in both; None of any other.
    proposal_changed : whether the proposal is another one than when the person made the mask. edit_refused : whether a
    person made a mask that cannot be used, so that the section goes no further."""

    section: int
    key: str
    area_um2: float
    expected_area_um2: float | None
    pieces: int
    verdict: str
    edited: bool
    proposal_differs_um2: float | None = None
    proposal_changed: bool = False
    edit_refused: bool = False


def write_mask_areas(path: Path, rows: Sequence[MaskArea]) -> None:
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [field.name for field in fields(MaskArea)], lineterminator="\n")
        table.writeheader()
        for one in rows:
            numbers = {
                "area_um2": round(one.area_um2),
                "expected_area_um2": _whole(one.expected_area_um2),
                "edited": int(one.edited),
                "proposal_differs_um2": _whole(one.proposal_differs_um2),
                "proposal_changed": int(one.proposal_changed),
                "edit_refused": int(one.edit_refused),
            }
            table.writerow(asdict(one) | numbers)


def _whole(area_um2: float | None) -> int | str:
    return "" if area_um2 is None else round(area_um2)


def read_mask_areas(path: Path) -> list[MaskArea]:
    """The rows of the table; none where it was not made yet, or where a person saved it otherwise, which
    `doubtful_masks` says: no reason to show nothing else."""
    try:
        return checked_mask_areas(path)
    except BrainstackError:
        return []


def checked_mask_areas(path: Path) -> list[MaskArea]:
    """The rows of the table; none where it was not made yet. Raises BrainstackError where it is another table."""
    return read_own_table(path, COLUMNS, _row_of, name="the table of the masks' areas") if path.exists() else []


def _row_of(row: Mapping[str, str]) -> MaskArea:
    return MaskArea(
        section=int(row["section"]),
        key=row["key"],
        area_um2=float(row["area_um2"]),
        expected_area_um2=float(row["expected_area_um2"]) if row["expected_area_um2"] else None,
        pieces=int(row["pieces"]),
        verdict=row["verdict"],
        edited=row["edited"] == "1",
        proposal_differs_um2=float(differs) if (differs := row.get("proposal_differs_um2")) else None,
        proposal_changed=row.get("proposal_changed") == "1",
        edit_refused=row.get("edit_refused") == "1",
    )


def doubtful_masks(plan: Plan) -> list[str]:
    """A sentence for each section whose mask is far from what its neighbours make expected, one that names those that
    were mended with their help, and one of proposals that changed since people made other masks. Nothing of what a
    person has edited since the table was made, or edits no more. Of a table that is none any more: what to do about it.
    """
    try:
        rows = _that_hold(plan, checked_mask_areas(plan.folder.mask_areas))
    except BrainstackError as error:
        return [str(error)]
    doubtful = rows_in_doubt(plan)
    lines = [_sentence(plan, one) for one in doubtful[:MOST_DOUBTFUL]]
    more = len(doubtful) - MOST_DOUBTFUL
    lines += (
        [f"and {more} more masks that are doubtful: brainstack mask list {plan.folder.prep_id}"] if more > 0 else []
    )
    mended = [plan.section[one.key].number for one in rows if one.verdict == "mended"]
    if mended:
        masks = "the mask of section" if len(mended) == 1 else "the masks of sections"
        found = "was found with its" if len(mended) == 1 else "were found with their"
        lines.append(
            f"{masks} {_listed(mended)} {found} neighbours' help: look there, in "
            f"{plan.folder.numbered('thumbnail_colored', 0).parent}"
        )
    return [*lines, *_changed_proposals(plan, [one for one in rows if one.proposal_changed])]


def said_of_mask(plan: Plan, key: str) -> str:
    """The sentence of a section whose mask is in doubt, as of the last run; "" of any other."""
    return next((_sentence(plan, one) for one in rows_in_doubt(plan) if one.key == key), "")


def rows_in_doubt(plan: Plan) -> list[MaskArea]:
    """The rows of sections whose masks are far from what their neighbours make expected, as of the last run."""
    return [one for one in _rows_that_hold(plan) if one.verdict == "doubtful"]


def _rows_that_hold(plan: Plan) -> list[MaskArea]:
    return _that_hold(plan, read_mask_areas(plan.folder.mask_areas))


def _that_hold(plan: Plan, rows: Iterable[MaskArea]) -> list[MaskArea]:
    return [one for one in rows if one.key in plan.section and one.edited == (one.key in plan.edits)]


def _changed_proposals(plan: Plan, rows: Sequence[MaskArea]) -> list[str]:
    """A line of the edited sections whose proposals are others than when people made their masks, by how much both
    differ."""
    if not rows:
        return []
    largest = sorted(rows, key=lambda one: -(one.proposal_differs_um2 or 0))
    named = [f"{plan.section[one.key].number} ({_mm2(one.proposal_differs_um2)} mm2)" for one in largest]
    return [
        f"the proposals of sections whose masks people made have changed since, and differ from these: section "
        f"{_listed(named)}; people's masks stay in force; `brainstack status {plan.folder.prep_id} --why N` says where "
        "the proposal is"
    ]


def beside_edit(plan: Plan, key: str) -> list[str]:
    """How the proposal of a section differs from the mask that a person made of it, as of the last run."""
    row = next((one for one in read_mask_areas(plan.folder.mask_areas) if one.key == key and one.edited), None)
    if row is None or key not in plan.edits:
        return []
    changed = ", and has changed since" if row.proposal_changed else ""
    return [
        f"its proposal, {plan.folder.keyed('proposal', key)}, differs from that by {_mm2(row.proposal_differs_um2)} mm2"
        f"{changed}; to go back to it, delete {plan.folder.edit(key)}"
    ]


def _sentence(plan: Plan, row: MaskArea) -> str:
    number = plan.section[row.key].number
    mask = "mask was edited, and is far from what its neighbours make expected: it" if row.edited else "mask"
    return (
        f"section {number} ({row.key}): its {mask} has {_mm2(row.area_um2)} mm2 in {row.pieces} "
        f"piece{'s' * (row.pieces != 1)}, its neighbours make {_mm2(row.expected_area_um2)} mm2 and another outline "
        "expected; "
        f"look at {plan.folder.numbered('thumbnail_colored', number)}"
    )


def _mm2(area_um2: float | None) -> str:
    return "none" if area_um2 is None else f"{area_um2 / 1e6:.1f}"


def _listed(numbers: Iterable[object]) -> str:
    found = list(numbers)
    shown = ", ".join(map(str, found[:MOST_DOUBTFUL]))
    return f"{shown} and {len(found) - MOST_DOUBTFUL} more" if len(found) > MOST_DOUBTFUL else shown
