"""What the table of the alignment, preps/alignment/metrics.csv, says to people."""

from __future__ import annotations

from brainstack.errors import BrainstackError
from brainstack.files.alignment_metrics import read_alignment_metrics
from brainstack.plan import Plan
from brainstack.records import SectionAlignment

MOST_DOUBTFUL = 10
"""Sections named: more than a screen holds, nobody reads."""


def doubtful_sections(plan: Plan) -> list[str]:
    """A sentence for each section whose place is doubtful, as of the last run, and what to do about them. Those that
    failed are told as failures."""
    try:
        doubtful = places_in_doubt(plan)
    except BrainstackError as error:  # a person saved it otherwise: no reason to show nothing else
        return [str(error)]
    if not doubtful:
        return []
    lines = [
        f"section {plan.section[one.section].number} ({one.section}): its place in the stack is doubtful: {one.reason}"
        for one in doubtful[:MOST_DOUBTFUL]
    ]
    more = len(doubtful) - MOST_DOUBTFUL
    table, folder = (
        plan.folder.alignment_metrics,
        plan.folder.numbered("thumbnail_aligned", 0, plan.settings.elastix.channel),
    )
    lines += [f"and {more} more sections whose place is doubtful: see {table}"] if more > 0 else []
    return [*lines, f"look at them in {folder.parent}; to mend one: brainstack align --help"]


def places_in_doubt(plan: Plan) -> list[SectionAlignment]:
    """Sections whose place is doubtful, as of the last run. Raises BrainstackError for a table that is none."""
    sections, _ = read_alignment_metrics(plan.folder.alignment_metrics)
    return [one for one in sections if one.verdict == "doubtful" and one.section in plan.section]
