"""What a person should know of an animal's slides before they trust what is made of them, a sentence each."""

from __future__ import annotations

from collections.abc import Iterable

from brainstack.edits import passed_over
from brainstack.plan import Plan
from brainstack.records import Slide
from brainstack.stack import disagreements, is_unplaced, lost_moves

MOST_RESCANS = 5
MOST_DISAGREEMENTS = 5
MOST_WARNINGS = 10


def heading(plan: Plan) -> list[str]:
    """How many slides and sections there are, which scan is used of slides that were scanned several times,
    whether scenes follow each other as they lie, and which files of people are passed over."""
    slides = len({plan.slide_number(file) for file in plan.czi_files})
    gaps, copies = sum(one.gap for one in plan.sections), sum(one.copy > 0 for one in plan.sections)
    words = [f"{slides} slides", f"{len(plan.sections)} sections"]
    words += [f"{gaps} of them gaps"] if gaps else []
    words += [f"{copies} of them copies"] if copies else []
    lines = [f"{plan.folder.prep_id}: {', '.join(words)}"]
    unread = [file.name for file in plan.czi_files if file.slide not in plan.slides]
    if unread and plan.sections:
        lines.append(
            f"{len(unread)} slides are not read ({unread[0]}{' and others' if unread[1:] else ''}): "
            "numbers and depth of the sections behind them will change"
        )
    for used, others in plan.rescanned[:MOST_RESCANS]:
        instead = f"--slide {used.number} --rescan {used.rescan} --status Bad"
        lines.append(
            f"slide {used.number}: {used.file_name} is used, not {', '.join(one.file_name for one in others)}; "
            f"to change that: brainstack animal set {plan.folder.prep_id} {instead}; where it only has the scenes that "
            f"the other missed: brainstack slide {plan.folder.prep_id} {used.number} --rescan {used.rescan} --adds"
        )
    more = len(plan.rescanned) - MOST_RESCANS
    lines += [f"and {more} more slides that were scanned again"] if more > 0 else []
    return [*lines, *said_of_slides(plan), *passed_over(plan)]


def said_of_slides(plan: Plan) -> list[str]:
    """What a person should know of the slide scans before they trust what is made of them."""
    slides: dict[str, list[str]] = {}
    for slide in plan.slides_in_use.values():
        for warning in slide.warnings:
            slides.setdefault(warning, []).append(slide.file_name)
    lines = [
        f"{names[0]}: {warning}" if len(names) == 1 else f"{len(names)} slides ({names[0]} and others): {warning}"
        for warning, names in slides.items()
    ]
    more = len(lines) - MOST_WARNINGS
    lines[MOST_WARNINGS:] = [f"and {more} more things of other slides: brainstack slide show"] if more > 0 else []
    return [*lines, *lost(plan), *scene_orders(plan)]


def lost(plan: Plan) -> list[str]:
    """Scenes that a person moved behind a section that is not there."""
    return [
        f"slide {slide.number}, scene {scene.number}, was moved behind {scene.moved_after}, which is no section of the "
        "stack: it stays at its slide's place"
        for slide, scene in lost_moves(plan.slides_in_use.values())
    ]


def scene_orders(plan: Plan) -> list[str]:
    """Slides whose scenes the scanner took in another order than they lie in, until a person says which is right."""
    prep_id, used = plan.folder.prep_id, plan.settings.slides.scene_order
    lines = []
    unplaced = [slide for slide in plan.slides_in_use.values() if slide.status == "Good" and is_unplaced(slide)]
    if unplaced and used == "position":
        lines.append(
            f"of {len(unplaced)} slides ({unplaced[0].file_name}{' and others' if unplaced[1:] else ''}) it is not "
            "known yet where the scenes lie: they are in the order of the scan until the next run has read them again"
        )
    found = disagreements(plan.slides_in_use.values())
    for one in found[:MOST_DISAGREEMENTS]:
        rescan = f" --rescan {one.slide.rescan}" if _has_several_scans(plan, one.slide) else ""
        command = f"brainstack animal set {prep_id} --slide {one.slide.number}{rescan} --scene-order"
        other = "position" if used == "scan" else "scan"
        lines.append(
            f"slide {one.slide.number} ({one.slide.file_name}): its scenes were scanned in the order "
            f"{_listed(one.scanned)}, but lie, row by row from the left, in the order {_listed(one.lying)}; "
            f'used is [slides] scene_order = "{used}"; say which is right: {command} {used} to keep it, '
            f"or {command} {other}"
        )
    more = len(found) - MOST_DISAGREEMENTS
    return [*lines, f"and {more} more slides whose scenes lie in another order"] if more > 0 else lines


def _has_several_scans(plan: Plan, slide: Slide) -> bool:
    """True where a slide was scanned more than once."""
    return sum(one.number == slide.number for one in plan.records.slides) > 1


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
