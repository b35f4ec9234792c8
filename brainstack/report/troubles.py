"""Chapter: every failure with its sentence, what it holds up, and every warning."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from brainstack.alignment_report import doubtful_sections
from brainstack.approval import differences
from brainstack.brightness import doubts
from brainstack.mask_areas import doubtful_masks
from brainstack.report.source import Source
from brainstack.slide_notes import heading
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
    holds_up: int


@dataclass(frozen=True)
class TroublesChapter:
    """next_run : what the next run makes, and why."""

    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]
    next_run: tuple[str, ...]


def troubles_chapter(source: Source) -> TroublesChapter:
    plan = source.plan
    held_up = Counter(
        cause
        for stage in (STAGES if plan.failed else ())
        for step in plan.steps(stage)
        if step not in source.failed and (cause := plan.blocked_by(step)) is not None
    )
    failures = tuple(
        _failure(source, step, sentence, held_up[step]) for step, sentence in sorted(source.failed.items())
    )
    warnings = [
        *heading(plan)[1:],
        *doubtful_masks(plan),
        *doubtful_sections(plan),
        *differences(plan),
        *doubts(plan, source.progress.stamps),
    ]
    return TroublesChapter(failures, tuple(dict.fromkeys(warnings)), tuple(NextRun(source.progress).summary()))


def _failure(source: Source, step: Step, sentence: str, holds_up: int) -> Failure:
    known = {section.key: section for section in source.plan.sections}
    keys = tuple(key for key in step.item.split("..") if key in known)
    number = " and ".join(str(known[key].number) for key in keys)
    return Failure(step.stage, step.channel, step.item, number, keys, sentence, holds_up)
