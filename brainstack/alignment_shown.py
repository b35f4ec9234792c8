"""The table of what the last run made of the alignment, and what people said about it, in a terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from brainstack.aligning import sections_aligned
from brainstack.alignment_report import symmetry_words
from brainstack.alignment_words import said_by
from brainstack.plan import Plan
from brainstack.planning import make_plan
from brainstack.records import VERDICTS, SectionAlignment

MOST_NAMED = 10
COLOURS = {"doubtful": "yellow", "failed": "red"}


def show(prep_id: str, console: Console, *, everything: bool = False) -> None:
    """Print how the sections lie, those that are doubtful or failed or all of them, and what people said."""
    plan = make_plan(prep_id)
    aligned = sections_aligned(plan)
    in_stack = [aligned[key] for key in plan.section if key in aligned]
    shown = [one for one in in_stack if everything or one.verdict in COLOURS]
    said = [_heading(plan, in_stack), symmetry_words(plan), *_not_aligned(plan, aligned)]
    lines = [one for one in said if one] if in_stack else [
        f"No section of {prep_id} was aligned yet; the next run does it: "
        f"luigi --module tasks Animal --animal {prep_id} --local-scheduler"
    ]  # fmt: skip
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if shown:
        console.print(_table(plan, shown))
    for edit in (*plan.records.alignment_edits, *plan.records.pairs_by_hand):
        console.print(said_by(plan, edit), markup=False, highlight=False, soft_wrap=True)


def _heading(plan: Plan, sections: list[SectionAlignment]) -> str:
    counted = Counter(one.verdict for one in sections)
    words = [f"{counted[verdict]} {verdict}" for verdict in VERDICTS if counted[verdict]]
    words += [f"{counted['']} not judged"] if counted[""] else []
    by_hand = sum(one.by_hand for one in sections)
    words += [f"{by_hand} of them placed by hand"] if by_hand else []
    return f"{plan.folder.prep_id}: {len(sections)} sections aligned: {', '.join(words)}"


def _not_aligned(plan: Plan, aligned: Iterable[str]) -> list[str]:
    left = [key for key in plan.section if key not in set(aligned)]
    more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    return [f"not aligned yet: {', '.join(left[:MOST_NAMED])}{more}"] if left else []


def _table(plan: Plan, sections: list[SectionAlignment]) -> Table:
    table = Table()
    for title in ("number", "section", "verdict", "metric", "residual (um)", "rotation (degrees)", "shift x, y (um)"):
        table.add_column(title, justify="left" if title in ("section", "verdict") else "right", no_wrap=True)
    table.add_column("by hand")
    table.add_column("reason")
    for one in sections:
        colour = COLOURS.get(one.verdict)
        table.add_row(
            str(plan.section[one.section].number),
            escape(one.section),
            f"[{colour}]{one.verdict}[/{colour}]" if colour else one.verdict,
            f"{_number(one.metric_before, 3)} -> {_number(one.metric, 3)}",
            _number(one.residual_um, 1),
            f"{math.degrees(one.rotation_rad):.2f}{' mirrored' if one.mirrored else ''}",
            f"{one.shift_x_um:.1f}, {one.shift_y_um:.1f}",
            "yes" if one.by_hand else "",
            escape(one.reason),
        )
    return table


def _number(number: float | None, digits: int) -> str:
    return "-" if number is None else f"{number:.{digits}f}"
