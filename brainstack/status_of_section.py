"""Of one section: what people decided about it and, of each of its steps and its pairs', its state and why."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console

from brainstack.mask_areas import beside_edit
from brainstack.plan import Plan, slot_named
from brainstack.planning import progress_of
from brainstack.records import Section
from brainstack.stamps import Step
from brainstack.why import NextRun, sentences, steps_of_section

VERDICTS = {1: "out of focus", 2: "bad tissue", 3: "end of the tissue"}


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
