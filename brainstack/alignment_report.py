"""What the table of the alignment, preps/alignment/metrics.csv, says to people."""

from __future__ import annotations

from brainstack.errors import BrainstackError
from brainstack.files.alignment_metrics import read_alignment_metrics
from brainstack.frames import last_transforms
from brainstack.plan import Plan
from brainstack.records import SectionAlignment

MOST_DOUBTFUL = 10
"""Sections named: more than a screen holds, nobody reads."""

GAVE_UP = "as it was begun: "
"""What the reason of a pair says before the sentence of elastix, which gave up on it."""


def reason_of_pair(verdict: str, engine_error: str) -> str:
    """Why a pair is not good, with why elastix gave up on it; "" where there is neither."""
    return "; ".join(part for part in (verdict, engine_error and f"{GAVE_UP}{engine_error}") if part)


def doubtful_sections(plan: Plan) -> list[str]:
    """A sentence for each section whose place is doubtful, as of the last run, and what to do about them; and one about
    pairs that elastix gave up on. Sections that failed are told as failures."""
    try:
        doubtful, given_up = places_in_doubt(plan), _given_up(plan)
    except BrainstackError as error:  # a person saved it otherwise: no reason to show nothing else
        return [str(error)]
    if not doubtful:
        return given_up
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
    return [*lines, *given_up, f"look at them in {folder.parent}; to mend one: brainstack align --help"]


def places_in_doubt(plan: Plan) -> list[SectionAlignment]:
    """Sections whose place is doubtful, as of the last run. Raises BrainstackError for a table that is none."""
    sections, _ = read_alignment_metrics(plan.folder.alignment_metrics)
    return [one for one in sections if one.verdict == "doubtful" and one.section in plan.section]


def symmetry_words(plan: Plan, unit: str = "um") -> str:
    """What the axes of the sections say of drift and jitter, as of the last run; "" where they hold nothing."""
    found = last_transforms(plan).get("symmetry")
    if not found:
        return ""
    drift, jitter = (f"{one:.0f} {unit} ({most:.0f} at most)" for one, most in (found["drift_um"], found["jitter_um"]))
    return (
        f"By the axes of symmetry of {found['axes']} sections, the stack drifts by {drift} and sections differ from "
        f"those around them by {jitter}, in rotation and from left to right; of what goes from top to bottom they say "
        "nothing."
    )


def _given_up(plan: Plan) -> list[str]:
    """A sentence about the pairs in use, as of the last run, that elastix did not refine as it gave up on them."""
    _, pairs = read_alignment_metrics(plan.folder.alignment_metrics)
    named = [
        f"{plan.section[one.fixed].number} and {plan.section[one.moving].number}"
        for one in pairs
        if GAVE_UP in one.reason and one.verdict != "failed" and {one.fixed, one.moving} <= set(plan.section)
    ]
    if not named:
        return []
    more = f" and {len(named) - MOST_DOUBTFUL} more" if len(named) > MOST_DOUBTFUL else ""
    return [
        f"elastix gave up on pairs of sections, which are less exact than others: {', '.join(named[:MOST_DOUBTFUL])}"
        f"{more}; {plan.folder.alignment_metrics} says why"
    ]
