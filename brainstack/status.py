"""The status of an animal: stage by channel, what is done, failed and stale, why, and what the next run makes again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from brainstack.alignment_report import doubtful_sections
from brainstack.approval import differences
from brainstack.brightness import doubts
from brainstack.disk_space import sizes
from brainstack.edits import passed_over
from brainstack.locking import holder_of
from brainstack.mask_areas import beside_edit, doubtful_masks
from brainstack.plan import Plan, slot_named
from brainstack.planning import progress_of
from brainstack.progress import Progress
from brainstack.records import Section, Slide
from brainstack.stack import disagreements, is_unplaced, lost_moves
from brainstack.stages import STAGES
from brainstack.stamps import Step
from brainstack.why import NextRun, sentences, steps_of_section

MOST_FAILURES = 20
"""Failures named; the run's log has them all."""
MOST_RESCANS = 5
MOST_DISAGREEMENTS = 5
MOST_WARNINGS = 10
VERDICTS = {1: "out of focus", 2: "bad tissue", 3: "end of the tissue"}
FULL_STAGES = ("FullClean", "FullAlignment", "FullImage", "FullShards", "FullDownsampling")
MOST_LINES = 20
"""Reasons named for what the next run makes: with the table and the failures they fill a screen."""


def show_failures(failed: Mapping[Step, str], console: Console) -> None:
    """A line for each failed step, with its sentence whole, so that it can be searched for and copied."""
    for step, sentence in sorted(failed.items())[:MOST_FAILURES]:
        console.print(f"[red]failed[/red] {escape(f'{step}: {sentence}')}", highlight=False, soft_wrap=True)
    if len(failed) > MOST_FAILURES:
        console.print(f"and {len(failed) - MOST_FAILURES} more failed")


def show(plan: Plan, failed: Mapping[Step, str], console: Console) -> None:
    """Print the table, what failed in the last run with its sentences, and what to do next."""
    prep_id = plan.folder.prep_id
    for line in heading(plan):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    progress = progress_of(plan)
    console.print(table_of(progress))
    show_failures(failed, console)
    for line in [*doubtful_masks(plan), *doubtful_sections(plan), *differences(plan), *doubts(plan, progress.stamps)]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for line in [*full_resolution(progress), *sizes(plan)]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    lines = NextRun(progress).summary()
    for line in lines[:MOST_LINES]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if len(lines) > MOST_LINES:
        console.print(f"and for {len(lines) - MOST_LINES} more reasons")
    holder = holder_of(plan.folder)
    if holder:
        console.print(f"It is being run now, by {holder}.", markup=False, highlight=False)
    elif not lines and plan.sections:
        console.print(f"All is done. Look at it: brainstack view {prep_id}", highlight=False)
    else:
        console.print(f"To go on: luigi --module tasks Animal --animal {prep_id}", highlight=False)


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


def show_section(plan: Plan, failed: Mapping[Step, str], name: str, console: Console) -> None:
    """Print what people decided about a section and, of each of its steps and its pairs', its state and why."""
    section = slot_named(plan, name)
    prep_id, at = plan.folder.prep_id, f"scene {section.scene} of {section.slide}"
    lines = [f"section {section.number} of {prep_id}: {section.key}, {at}", *decisions(plan, section)]
    progress = progress_of(plan)
    next_run = NextRun(progress)
    for step in steps_of_section(next_run.plan, section.key):
        state, outlook = progress.state(step), next_run.outlook(step)
        words = [failed.get(step, ""), sentences(outlook)]
        if step.stage == "Masks" and section.key in plan.refused:
            words.insert(1, "the mask before stays in force, as the one that a person made cannot be used")
        if state == "stale" and not outlook.reasons:
            words = ["stays as it is, as what it reads will come out the same"]
        lines.append(": ".join([str(step), state, *filter(None, words)]))
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def decisions(plan: Plan, section: Section) -> list[str]:
    """What people said about a section, and their edits."""
    slide = plan.slides[section.slide]
    scene = next(scene for scene in slide.scenes if scene.number == section.scene)
    lines = []
    if section.gap:
        lines.append("it is a gap: its slot stays empty")
    if section.copy:
        lines.append("it is a copy of that scene's section, with a mask of its own")
    if slide.status != "Good":
        lines.append(f"its slide is marked as {slide.status}")
    if scene.qc:
        lines.append(f"its scene is marked as {VERDICTS.get(scene.qc, scene.qc)} (qc {scene.qc})")
    if scene.order:
        lines.append(f"its scene has place {scene.order} on the slide")
    if scene.replicates:
        lines.append(f"its scene is to be copied {scene.replicates} times")
    if section.key in plan.edits:
        lines += ["its mask was made by a person", *beside_edit(plan, section.key)]
    if section.key in plan.refused:
        lines.append(f"a mask that a person made cannot be used: {plan.refused[section.key]}")
    if section.key in plan.approved.get("transforms", {}).get("matrices", {}):
        lines.append("its place in the alignment is approved")
    return lines


def table_of(progress: Progress) -> Table:
    """One row a stage, one column a channel: done of how many, and how many failed, are held up or are stale."""
    plan = progress.plan
    table = Table()
    table.add_column("stage")
    several = [(channel.number, escape(f"{channel.number} {channel.name}")) for channel in plan.channels]
    for title in ["animal", *(name for _, name in several)]:
        table.add_column(title, justify="right")
    for stage in STAGES:
        steps = plan.steps(stage)
        cells = [cell(progress, [one for one in steps if one.channel == number]) for number in (0, *dict(several))]
        if steps:
            table.add_row(stage, *cells)
    return table


def full_resolution(progress: Progress) -> list[str]:
    """How far each channel is at the scan's resolution, where anybody asked for that."""
    plan, lines, is_done = progress.plan, [], True
    for channel in plan.channels:
        words = []
        for stage in FULL_STAGES:
            steps = [one for one in plan.asked(stage) if one.channel in (0, channel.number)]
            if any(progress.stamps.read(one) is not None for one in steps):
                is_done = is_done and all(progress.is_done(one) for one in steps)
                words.append(f"{stage} {Text.from_markup(cell(progress, steps)).plain}")
        if words:
            lines.append(f"channel {channel.number} at the scan's resolution: {'; '.join(words)}")
    if not is_done:
        lines.append(
            f"to go on with that: luigi --module tasks Animal --animal {plan.folder.prep_id} --resolution full"
        )
    return lines


def cell(progress: Progress, steps: list[Step]) -> str:
    """For example "430/440, 2 failed, 8 stale"; empty where there is nothing to make."""
    if not steps:
        return ""
    states = Counter(progress.state(step) for step in steps)
    words = [f"{states['done']}/{len(steps)}"]
    for state, shown, colour in (("failed", "failed", "red"), ("blocked", "held up", "yellow"),
                                 ("stale", "stale", "yellow")):  # fmt: skip
        if states[state]:
            words.append(f"[{colour}]{states[state]} {shown}[/{colour}]")
    return ", ".join(words)
