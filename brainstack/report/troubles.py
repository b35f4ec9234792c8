"""Chapter: every failure with its sentence, what it holds up, and every warning."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from brainstack.report.attempts import attempted
from brainstack.report.source import Source
from brainstack.report.warnings import Warnings, warnings_of
from brainstack.stages import STAGES
from brainstack.stamps import Step
from brainstack.why import NextRun


@dataclass(frozen=True)
class Failure:
    """number : of the section in the stack, "" where it is of no section. keys : of its sections that the page shows.
    holds_up : how many steps cannot be made for want of it."""

    stage: str
    channel: int
    item: str
    number: str
    keys: tuple[str, ...]
    sentence: str
    holds_up: int = 0


@dataclass(frozen=True)
class TroublesChapter:
    """next_run : what the next run makes, and why; or the sentence that says why that is not known."""

    failures: tuple[Failure, ...]
    warnings: tuple[Warnings, ...]
    next_run: tuple[str, ...]


def troubles_chapter(source: Source) -> TroublesChapter:
    plan = source.plan
    held_up = Counter(
        cause
        for stage in (STAGES if plan.failed else ())
        for step in plan.steps(stage)
        if step not in source.failed and (cause := plan.blocked_by(step)) is not None
    )
    next_run, trouble = attempted(lambda: NextRun(source.progress).summary(), "This list", source.prep_id)
    return TroublesChapter(
        failures_of(source, held_up), warnings_of(source), (trouble,) if next_run is None else tuple(next_run)
    )


def failures_of(source: Source, held_up: Counter[Step] | None = None) -> tuple[Failure, ...]:
    """held_up : how many steps wait for each that failed, where that is known."""
    known = {section.key: section for section in source.plan.sections}
    found = []
    for step, sentence in sorted(source.failed.items()):
        keys = tuple(key for key in step.item.split("..") if key in known)
        number = " and ".join(str(known[key].number) for key in keys)
        waits = held_up[step] if held_up else 0
        found.append(Failure(step.stage, step.channel, step.item, number, keys, sentence, waits))
    return tuple(found)
