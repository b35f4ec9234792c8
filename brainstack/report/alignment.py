"""Chapter: how the sections lay, how well they fit on each other now, and the pairs that fit worst."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.alignment_report import symmetry_words
from brainstack.files.miniatures import data_uri, png_uri, read_picture
from brainstack.records import PairTransform, SectionAlignment
from brainstack.report.alignment_table import AlignmentTable, alignment_table, median
from brainstack.report.pictures import Picture, Wanted
from brainstack.report.plots import Curve, Dot, Panel, figure
from brainstack.report.scales import Axis, linear, logarithmic
from brainstack.report.source import Source
from brainstack.stamps import Step

WORST = 5
"""Pairs that are shown as flicker pictures."""
FLICKER_PX = 520
VIEWS_PX = (1410, 1600)
"""(rows, columns) of the picture that has a view in each quarter: those of `brainstack.images.stack_views`, which takes
too long to import."""
WHITE, MARGIN_PX = 250, 8
"""What is brighter is empty paper; so many rows of it are kept."""
SMALLEST_UM = 0.1
"""Smaller residuals are all alike: a hundredth of a thumbnail's pixel."""
RANKS = {"failed": 0, "doubtful": 1, "": 2, "good": 2}


@dataclass(frozen=True)
class Doubt:
    """A section to be looked at. metric, residual_um : None where they could not be measured."""

    key: str
    number: int
    verdict: str
    reason: str
    metric: float | None
    residual_um: float | None


@dataclass(frozen=True)
class Flicker:
    """Two neighbours on top of each other. first, second : (number, key, picture)."""

    first: tuple[int, str, Picture]
    second: tuple[int, str, Picture]
    metric: float | None
    metric_before: float | None
    verdict: str


@dataclass(frozen=True)
class AlignmentChapter:
    """views : see `_views`; none where AlignmentPictures was not made. pairs : the address of its other picture, ""
    where there is none. symmetry : what the axes of the sections say of drift and jitter. stale : where the pictures
    are of an earlier alignment. trouble : why there is no table."""

    verdicts: dict[str, int]
    doubts: tuple[Doubt, ...]
    places: str
    similarity: str
    views: tuple[Picture, ...]
    pairs: str
    stale: bool
    worst: tuple[Flicker, ...]
    metric: float | None
    metric_before: float | None
    residual_um: float | None
    neighbours: int
    middle: int | None
    held_by: tuple[str, ...]
    symmetry: str
    table: str
    trouble: str = ""


def alignment_chapter(source: Source) -> AlignmentChapter:
    plan, table = source.plan, alignment_table(source.plan)
    folder, beside = plan.folder, table.neighbours()
    has_any = bool(table.sections)
    return AlignmentChapter(
        verdicts=dict(Counter(one.verdict or "not judged" for one in table.sections)),
        doubts=tuple(_doubts(source, table)),
        places=_places(source, table.sections) if has_any else "",
        similarity=_similarity(source, beside) if beside else "",
        views=_views(source) if has_any else (),
        pairs=_embedded(source, "pairs") if has_any else "",
        stale=not source.progress.is_done(Step("AlignmentPictures")),
        worst=tuple(_worst(source, table)),
        metric=median([one.metric for one in beside]),
        metric_before=median([one.metric_before for one in beside]),
        residual_um=median([one.residual_um for one in beside]),
        neighbours=len(beside),
        middle=plan.section[plan.chain[plan.anchor]].number if has_any and plan.chain else None,
        held_by=plan.settings.shape.kinds,
        symmetry=symmetry_words(plan, "µm"),
        table=str(folder.alignment_metrics.relative_to(folder.root)),
        trouble=table.trouble,
    )


def _views(source: Source) -> tuple[Picture, ...]:
    """Its quarters, from the side and from above, before and after alignment, each in its own picture: so that they lie
    below each other where the page is narrow, and on two pages where one has no room for all. One that an earlier
    version made has no quarters, and is left whole."""
    path = source.plan.folder.alignment_picture("views")
    if not path.exists():
        return ()

    def made() -> list[dict[str, Any]]:
        picture = read_picture(path)
        parts = 2 if picture.shape[:2] == VIEWS_PX else 1
        rows = [_without_margins(one) for one in np.vsplit(picture, parts)]
        cells = [cell for row in rows for cell in np.hsplit(row, parts)]
        return [{"uri": png_uri(one), "width": one.shape[1], "height": one.shape[0]} for one in cells]

    return tuple(Picture(**one) for one in source.box.remembered("parts of views", [path], made))


def _without_margins(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """But for a few rows, without those above and below that are white."""
    drawn = np.flatnonzero((picture < WHITE).any(axis=(1, 2)))
    return picture[max(drawn[0] - MARGIN_PX, 0) : drawn[-1] + MARGIN_PX] if drawn.size else picture


def _embedded(source: Source, name: str) -> str:
    path = source.plan.folder.alignment_picture(name)
    if not path.exists():
        return ""
    return str(source.box.remembered(f"alignment {name}", [path], lambda: data_uri("image/png", path.read_bytes())))


def _doubts(source: Source, table: AlignmentTable) -> list[Doubt]:
    rows = [one for one in table.sections if one.verdict in ("doubtful", "failed")]
    numbers = {one.section: source.plan.section[one.section].number for one in rows}
    rows.sort(key=lambda one: (RANKS[one.verdict], numbers[one.section]))
    return [
        Doubt(one.section, numbers[one.section], one.verdict, one.reason, one.metric, one.residual_um) for one in rows
    ]


# Plots


def _numbers(source: Source) -> Axis:
    return linear([0, len(source.plan.sections) - 1], most=12, whole=True)


def _places(source: Source, sections: Sequence[SectionAlignment]) -> str:
    """Rotation and shifts along the stack; a section that failed has none."""
    series = (
        ("rotation, clockwise\n(degrees)", [math.degrees(one.rotation_rad) for one in sections], "°"),
        ("shift to the right\n(µm)", [one.shift_x_um for one in sections], " µm"),
        ("shift downwards\n(µm)", [one.shift_y_um for one in sections], " µm"),
    )
    panels = []
    for label, values, unit in series:
        dots = [_place(source, one, value, unit) for one, value in zip(sections, values, strict=True)]
        curve = Curve([(dot.x, dot.y) for dot in dots])
        levels = linear([dot.y for dot in dots if dot.y is not None], most=5)
        panels.append(Panel(label, levels, [curve], dots, height=124))
    return figure(panels, _numbers(source), "section number", "Rotation and shift of each section along the stack")


def _place(source: Source, one: SectionAlignment, value: float, unit: str) -> Dot:
    number = source.plan.section[one.section].number
    look = "by hand" if one.by_hand else one.verdict
    said = f"section {number} ({one.section}): {value:.4g}{unit}" + (
        f"; {one.verdict}: {one.reason}" if one.reason else ""
    )
    return Dot(number, None if one.verdict == "failed" else value, look, said, f"s-{one.section}")


def _similarity(source: Source, pairs: Sequence[PairTransform]) -> str:
    """Correlation before and after, shared tissue, and residual, of each pair of neighbours."""
    before = [_pair(source, one, one.metric_before, "before") for one in pairs]
    after = [_pair(source, one, one.metric) for one in pairs]
    links = [Curve([(one.x, one.y), (other.x, other.y)]) for one, other in zip(before, after, strict=True)]
    overlap = [_pair(source, one, one.overlap) for one in pairs]
    levels = [None if one.residual_um is None else max(one.residual_um, SMALLEST_UM) for one in pairs]
    residual = [_pair(source, one, level) for one, level in zip(pairs, levels, strict=True)]
    known = [dot.y for dot in (*before, *after) if dot.y is not None]
    panels = [
        Panel("correlation\n(1 is best)", linear([*known, 0.0], include=(1.0,), most=5), links, [*before, *after],
              height=150),
        Panel("shared tissue\n(share)", linear([], include=(0.0, 1.0), most=4), (), overlap, height=84),
        Panel("residual\n(µm)",
              logarithmic([one for one in levels if one], lowest=0.6 * SMALLEST_UM, least_top=100), (), residual,
              height=110),
    ]  # fmt: skip
    return figure(panels, _numbers(source), "section number; each dot lies between the two sections of its pair",
                  "How well neighbouring sections fit on each other")  # fmt: skip


def _pair(source: Source, one: PairTransform, value: float | None, look: str = "") -> Dot:
    fixed, moving = (source.plan.section[key].number for key in (one.fixed, one.moving))
    words = "" if value is None else f": {value:.3g}"
    return Dot(
        (fixed + moving) / 2, value, look or one.verdict, f"sections {fixed} and {moving}{words}", f"s-{one.moving}"
    )


# Flicker pictures


def _worst(source: Source, table: AlignmentTable) -> list[Flicker]:
    """Doubtful ones first, then those that are least alike; of pairs whose both sections lie in the stack."""
    plan, channel = source.plan, source.plan.settings.web.channel
    verdict = {one.section: one.verdict for one in table.sections}

    def rank(pair: PairTransform) -> tuple[int, float]:
        worst = min(RANKS[word] for word in (pair.verdict, verdict[pair.fixed], verdict[pair.moving]))
        return worst, -1.0 if pair.metric is None else pair.metric

    def picture(key: str) -> Path:
        return plan.folder.keyed("web", key, channel, ".png")

    ranked = sorted(table.neighbours(), key=rank)
    chosen = [one for one in ranked if picture(one.fixed).exists() and picture(one.moving).exists()][:WORST]
    pictures = source.box.make([Wanted(picture(key), FLICKER_PX) for one in chosen for key in (one.fixed, one.moving)])
    found = []
    for place, one in enumerate(chosen):
        sides = [
            (plan.section[key].number, key, pictures[2 * place + side])
            for side, key in enumerate((one.fixed, one.moving))
        ]
        words = {one.verdict, verdict[one.fixed], verdict[one.moving]}
        word = next((known for known in ("failed", "doubtful") if known in words), "")
        found.append(Flicker(sides[0], sides[1], one.metric, one.metric_before, word))
    return found
