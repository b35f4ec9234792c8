"""The table of the alignment as of the last run, for the chapters that read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.alignment_metrics import read_alignment_metrics
from brainstack.plan import Plan
from brainstack.records import PairTransform, SectionAlignment


@dataclass(frozen=True)
class AlignmentTable:
    """sections, pairs : of the sections that are in the stack now, in its order. trouble : why it cannot be read."""

    sections: Sequence[SectionAlignment] = ()
    pairs: Sequence[PairTransform] = ()
    trouble: str = ""

    def neighbours(self) -> list[PairTransform]:
        """Pairs of sections that follow each other among those that are aligned."""
        place = {one.section: place for place, one in enumerate(self.sections)}
        return [one for one in self.pairs if place[one.moving] - place[one.fixed] == 1]


def alignment_table(plan: Plan) -> AlignmentTable:
    try:
        sections, pairs = read_alignment_metrics(plan.folder.alignment_metrics)
    except (BrainstackError, ValueError) as error:  # a person saved it otherwise: the rest of the report stands
        return AlignmentTable(trouble=str(error))
    known = sorted((one for one in sections if one.section in plan.section),
                   key=lambda one: plan.section[one.section].number)  # fmt: skip
    keys = {one.section for one in known}
    return AlignmentTable(known, [one for one in pairs if one.fixed in keys and one.moving in keys])


def median(values: Sequence[float | None]) -> float | None:
    """Of what is known; None where nothing is."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.median(known)) if known else None
