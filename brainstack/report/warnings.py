"""Every warning about an animal: of many sections or slides all, where the terminal names the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from brainstack.alignment_report import GAVE_UP, places_in_doubt
from brainstack.approval import differences
from brainstack.brightness import doubts_in_full
from brainstack.edits import passed_over
from brainstack.files.alignment_metrics import read_alignment_metrics
from brainstack.mask_approvals import is_required, not_approved
from brainstack.mask_areas import MaskArea, checked_mask_areas
from brainstack.plan import Plan
from brainstack.report.attempts import attempted
from brainstack.report.source import Source
from brainstack.slide_notes import lost, scene_orders

MOST_OPEN = 10
"""Lines, and sections of a line, that are not folded away."""


@dataclass(frozen=True)
class Line:
    """named : sections or slides that the sentence is about and does not name, or not all of them."""

    sentence: str
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class Warnings:
    """Of one kind. first : those that everybody sees; more : those that are folded away."""

    title: str
    lines: tuple[Line, ...]

    @property
    def first(self) -> tuple[Line, ...]:
        return self.lines[:MOST_OPEN]

    @property
    def more(self) -> tuple[Line, ...]:
        return self.lines[MOST_OPEN:]


def warnings_of(source: Source) -> tuple[Warnings, ...]:
    """Kinds of which there are none are left out. One that cannot be told is a sentence, beside the others."""
    kinds: tuple[tuple[str, Callable[[Source], Iterable[Line]]], ...] = (
        ("Slides", _slides),
        ("Masks", _masks),
        ("Places", _places),
        ("What people approved", lambda one: map(Line, differences(one.plan))),
        ("Brightness", _brightness),
    )
    found = []
    for title, make in kinds:
        lines, trouble = attempted(partial(_listed, make, source), f"The list “{title}”", source.prep_id)
        found.append(Warnings(title, (Line(trouble),) if lines is None else lines))
    return tuple(one for one in found if one.lines)


def _listed(make: Callable[[Source], Iterable[Line]], source: Source) -> tuple[Line, ...]:
    """Each line once."""
    return tuple(dict.fromkeys(make(source)))


# Slides


def _slides(source: Source) -> list[Line]:
    plan = source.plan
    return [
        *_unread(plan),
        *_scanned_again(plan),
        *_said_of_scans(plan),
        *map(Line, lost(plan)),
        *_scene_orders(plan),
        *map(Line, passed_over(plan)),
    ]


def _unread(plan: Plan) -> list[Line]:
    names = tuple(file.name for file in plan.czi_files if file.slide not in plan.slides)
    if not (names and plan.sections):
        return []
    slides, them = ("slide is", "it") if len(names) == 1 else ("slides are", "them")
    change = f"numbers and depth of the sections behind {them} will change"
    return [Line(f"{len(names)} {slides} not read yet: {change}", names)]


def _scanned_again(plan: Plan) -> list[Line]:
    prep_id = plan.folder.prep_id
    return [
        Line(
            f"slide {used.number}: {used.file_name} is used, not {', '.join(one.file_name for one in others)}; to "
            f"change that: brainstack animal set {prep_id} --slide {used.number} --rescan {used.rescan} --status Bad; "
            "where it only has the scenes that the other missed: "
            f"brainstack slide {prep_id} {used.number} --rescan {used.rescan} --adds"
        )
        for used, others in plan.rescanned
    ]


def _said_of_scans(plan: Plan) -> list[Line]:
    slides: dict[str, list[str]] = {}
    for slide in plan.slides_in_use.values():
        for warning in slide.warnings:
            slides.setdefault(warning, []).append(slide.file_name)
    return [
        Line(f"{names[0]}: {warning}") if len(names) == 1 else Line(f"{len(names)} slides: {warning}", tuple(names))
        for warning, names in slides.items()
    ]


def _scene_orders(plan: Plan) -> list[Line]:
    """Slide by slide: of all at once the first few are named."""
    found = [Line(line) for line in scene_orders(plan) if line.startswith("of ")]
    for number in dict.fromkeys(slide.number for slide in plan.slides_in_use.values()):
        scans = tuple(one for one in plan.records.slides if one.number == number)
        alone = replace(plan, records=replace(plan.records, slides=scans))
        found += [Line(line) for line in scene_orders(alone) if not line.startswith("of ")]
    return found


# Sections


def _masks(source: Source) -> list[Line]:
    plan = source.plan
    rows = [
        one for one in checked_mask_areas(plan.folder.mask_areas)
        if one.key in plan.section and one.edited == (one.key in plan.edits)
    ]  # fmt: skip
    mended = tuple(_named(plan, one) for one in rows if one.verdict == "mended")
    changed = sorted((one for one in rows if one.proposal_changed), key=lambda one: -(one.proposal_differs_um2 or 0))
    lines = [*_not_approved(source), *map(Line, source.mask_doubts.values())]
    if mended:
        were = "mask was found with its" if len(mended) == 1 else "masks were found with their"
        folder = plan.folder.numbered("thumbnail_colored", 0).parent
        lines.append(Line(f"{len(mended)} {were} neighbours' help; look there, in {folder}", mended))
    if changed:
        named = tuple(f"{_named(plan, one)}, by {(one.proposal_differs_um2 or 0) / 1e6:.1f} mm²" for one in changed)
        lines.append(
            Line(
                f"of {len(changed)} section{'s' * (len(changed) != 1)} whose mask a person made, the proposal has "
                "changed since, and differs from that mask, which stays in force",
                named,
            )
        )
    return lines


def _named(plan: Plan, row: MaskArea) -> str:
    return f"{plan.section[row.key].number} ({row.key})"


def _not_approved(source: Source) -> list[Line]:
    plan = source.plan
    missing = not_approved(plan, source.progress.stamps) if is_required(plan) else []
    if not missing:
        return []
    name = plan.folder.prep_id
    return [
        Line(
            f"{len(missing)} of {len(plan.section)} masks {'is' if len(missing) == 1 else 'are'} not approved yet; "
            "Clean, and what follows from it, waits for that: approve them on the page of "
            f"`brainstack review {name}`, or with `brainstack mask approve {name} SECTION ...`, and run it again",
            tuple(f"{one.number} ({one.key})" for one in missing),
        )
    ]


def _places(source: Source) -> list[Line]:
    plan = source.plan
    doubtful = places_in_doubt(plan)
    lines = [
        Line(f"section {plan.section[one.section].number} ({one.section}): its place is doubtful: {one.reason}")
        for one in doubtful
    ]
    folder = plan.folder.numbered("thumbnail_aligned", 0, plan.settings.elastix.channel).parent
    todo = Line(f"look at these in {folder}; to mend one: brainstack align --help")
    first = MOST_OPEN - 2
    return [*lines[:first], *_given_up(plan), *([todo] if lines else []), *lines[first:]]


def _given_up(plan: Plan) -> list[Line]:
    _, pairs = read_alignment_metrics(plan.folder.alignment_metrics)
    named = tuple(
        f"{plan.section[one.fixed].number} and {plan.section[one.moving].number}: {one.reason}"
        for one in pairs
        if GAVE_UP in one.reason and one.verdict != "failed" and {one.fixed, one.moving} <= set(plan.section)
    )
    what = f"elastix gave up on {len(named)} pair{'s' * (len(named) != 1)} of sections, less exact than others are"
    return [Line(what, named)] if named else []


def _brightness(source: Source) -> list[Line]:
    return [
        Line(str(one), one.sections if one.more else ()) for one in doubts_in_full(source.plan, source.progress.stamps)
    ]
