"""Chapter: the outlines of all masks, their areas along the stack, and those that stand out."""

from __future__ import annotations

from dataclasses import dataclass

from brainstack.errors import BrainstackError
from brainstack.mask_areas import MaskArea, checked_mask_areas
from brainstack.report.alignment_table import median
from brainstack.report.pictures import Picture, Wanted
from brainstack.report.plots import Curve, Dot, Panel, figure
from brainstack.report.scales import linear
from brainstack.report.sections import side_px, why_mask_is_doubtful
from brainstack.report.source import Source

SHARE_OF_CARD = 0.8
"""Pictures of masks are so large beside those of the contact sheet."""
LOOKS = {"doubtful": "doubtful", "mended": "mended", "edited": "by hand", "no tissue": "failed"}
"""Verdict of a mask -> look of its dot."""


@dataclass(frozen=True)
class MaskCard:
    key: str
    number: int
    picture: Picture
    area_mm2: float | None
    verdict: str
    look: str


@dataclass(frozen=True)
class Outlier:
    """A row of the table, and why it stands out, in a sentence."""

    row: MaskArea
    why: str


@dataclass(frozen=True)
class MasksChapter:
    """outliers : those that stand out. edited : rows of the table, those that people made. mended : numbers of
    sections whose masks were found with their neighbours' help. missing : why there is no table,
    in a sentence. table : its path in the animal's folder."""

    plot: str
    cards: tuple[MaskCard, ...]
    outliers: tuple[Outlier, ...]
    edited: tuple[MaskArea, ...]
    mended: tuple[int, ...]
    largest_mm2: float
    smallest_mm2: float
    middle_mm2: float
    missing: str
    table: str


def masks_chapter(source: Source) -> MasksChapter:
    plan = source.plan
    table, missing = _table(source)
    rows = [one for one in table if one.key in plan.section]
    by_key = {one.key: one for one in rows}
    areas = [one.area_um2 / 1e6 for one in rows]
    return MasksChapter(
        plot=_plot(source, rows) if rows else "",
        cards=tuple(_cards(source, by_key)),
        outliers=tuple(Outlier(one, _why(source, one)) for one in rows if one.verdict in ("doubtful", "no tissue")),
        edited=tuple(one for one in rows if one.edited),
        mended=tuple(plan.section[one.key].number for one in rows if one.verdict == "mended"),
        largest_mm2=max(areas, default=0.0),
        smallest_mm2=min(areas, default=0.0),
        middle_mm2=median(areas) or 0.0,
        missing=missing,
        table=str(plan.folder.mask_areas.relative_to(plan.folder.root)),
    )


def _table(source: Source) -> tuple[list[MaskArea], str]:
    """Its rows, and why there are none."""
    try:
        rows = checked_mask_areas(source.plan.folder.mask_areas)
    except BrainstackError as error:  # a person saved it otherwise: no reason to show no outlines
        return [], str(error)
    return rows, "" if rows else "There is no table of masks: MaskAreas was not made yet."


def _cards(source: Source, rows: dict[str, MaskArea]) -> list[MaskCard]:
    plan, folder, channel = source.plan, source.plan.folder, source.plan.settings.masks.channel
    side = round(SHARE_OF_CARD * side_px(len(plan.sections)))
    keys = list(plan.section)
    pictures = source.box.make([
        Wanted(folder.keyed("normalized", key, channel), side, folder.keyed("thumbnail_masked", key),
               "No picture: its thumbnail was not made yet.")
        for key in keys
    ])  # fmt: skip
    cards = []
    for key, picture in zip(keys, pictures, strict=True):
        row = rows.get(key)
        verdict = row.verdict if row else ("" if picture.outline else "no mask yet")
        area_mm2 = row.area_um2 / 1e6 if row else None
        cards.append(MaskCard(key, plan.section[key].number, picture, area_mm2, verdict, look_of(row) if row else ""))
    return cards


def _why(source: Source, row: MaskArea) -> str:
    if row.verdict == "no tissue":
        return "no tissue was found"
    changed = "it was changed since the last run, which has to look at it again"
    return why_mask_is_doubtful(source, row.key) or changed


def look_of(row: MaskArea) -> str:
    """How the mask of a row is marked; one that a person made and that is doubtful is doubtful."""
    return LOOKS.get(row.verdict, "by hand" if row.edited else "good")


def _plot(source: Source, rows: list[MaskArea]) -> str:
    plan = source.plan
    number = {one.key: plan.section[one.key].number for one in rows}
    rows = sorted(rows, key=lambda one: number[one.key])
    dots = [
        Dot(number[one.key], one.area_um2 / 1e6, look_of(one), _said(number[one.key], one), f"m-{one.key}")
        for one in rows
    ]
    expected = [
        (number[one.key], None if one.expected_area_um2 is None else one.expected_area_um2 / 1e6) for one in rows
    ]
    levels = [*(dot.y or 0.0 for dot in dots), *(y for _, y in expected if y is not None)]
    line = Curve(expected, "#56616c", 1.2, "5 4", label="expected from the neighbours")
    panel = Panel("area of the mask (mm²)", linear(levels, include=(0.0,)), [line], dots, height=210)
    axis = linear([0, len(plan.sections) - 1], most=12, whole=True)
    return figure([panel], axis, "section number", "Area of each mask along the stack")


def _said(number: int, row: MaskArea) -> str:
    expected = "" if row.expected_area_um2 is None else f", expected {row.expected_area_um2 / 1e6:.2f}"
    return f"section {number} ({row.key}): {row.area_um2 / 1e6:.2f} mm²{expected}; {row.verdict}"
