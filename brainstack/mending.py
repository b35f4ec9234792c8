"""What mends a step that failed: a command, and the file that a person has to open where there is one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from brainstack.exports import kind_of_step
from brainstack.plan import Plan
from brainstack.stamps import Step

MASK_STAGES = ("MaskSearch", "MaskProposal", "Masks")
OF_SLIDES = ("Meta", "Tifs")
OF_PAIRS = ("Elastix", "PairRetry", "PairFiner")
ASKED_BY_NAME = ("DifferentMesh", "SingleHistogram", "TrainMasks")
"""Stages that are asked for by their own command alone."""
FULL_BY_NAME = {
    "FullMasks": "FullMasks --animal {}",
    "FullClean": "Clean --animal {} --resolution full",
    "FullAlignment": "Alignment --animal {} --resolution full",
}
"""Stages at the scan's resolution that the volumes do without, and what asks for them."""
COMMAND = re.compile(r"`((?:brainstack|luigi) [^`]+)`")


@dataclass(frozen=True)
class Mending:
    """command : with words in capitals where a person has to say something. file : to be opened; "" where none is."""

    command: str
    file: str = ""


def mending_of(plan: Plan, step: Step, sentence: str) -> Mending:
    """What to do about a step that failed. sentence : that it failed with; a command in it comes first."""
    named = [one for one in COMMAND.findall(sentence) if not one.startswith("brainstack status")]  # which only tells
    if named:
        return Mending(named[0])
    if step.stage in OF_SLIDES and (command := _slide_is_bad(plan, step.item)):
        return Mending(again(plan, step) if _may_pass(sentence) else command)
    if step.item in plan.section:
        return _of_section(plan, step, sentence)
    if step.stage in OF_PAIRS:
        fixed, moving = (plan.section[key].number for key in step.item.split(".."))
        amounts = "--rotation-deg DEGREES --shift-x-um UM --shift-y-um UM"
        return Mending(f"brainstack animal pair {plan.folder.prep_id} {fixed} {moving} {amounts}")
    return Mending(again(plan, step))


def again(plan: Plan, step: Step | None = None) -> str:
    """The command that makes a step, and all others, again. step : None for those of a usual run."""
    prep_id = plan.folder.prep_id
    if step is not None and step.stage in ASKED_BY_NAME:
        return f"luigi --module tasks {step.stage} --animal {prep_id}"
    if step is not None and step.stage in ("Export", "ExportSection"):
        return kind_of_step(step.item).command(prep_id)
    if step is not None and step.stage in FULL_BY_NAME:
        return f"luigi --module tasks {FULL_BY_NAME[step.stage]}".format(prep_id)
    full = " --resolution full" if step is not None and step.stage.startswith("Full") else ""
    return f"luigi --module tasks Animal --animal {prep_id}{full}"


def _of_section(plan: Plan, step: Step, sentence: str) -> Mending:
    section = plan.section[step.item]
    file = ""
    if step.stage in MASK_STAGES:
        painted, mask = (
            plan.folder.numbered(kind, section.number) for kind in ("thumbnail_colored", "thumbnail_masked")
        )
        file = str(mask if str(mask) in sentence else painted)
        if not Path(file).exists():
            file = ""
    if _may_pass(sentence):
        return Mending(again(plan, step), file)
    if step.stage in MASK_STAGES:
        return Mending(f"brainstack review {plan.folder.prep_id}", file)
    slide = plan.slides[section.slide]
    rescan = f" --rescan {slide.rescan}" if slide.rescan > 1 else ""
    where = f"{slide.number} --scene {section.scene}{rescan}"
    return Mending(f"brainstack slide {plan.folder.prep_id} {where} --bad WHY", file)


def _slide_is_bad(plan: Plan, name: str) -> str:
    """The command that leaves a slide out; "" where no scan has this name."""
    file = next((one for one in plan.czi_files if one.slide == name), None)
    if file is None:
        return ""
    number, scans = plan.slide_number(file), [plan.slide_number(one) for one in plan.czi_files]
    rescan = f" --rescan {plan.slide_rescan(file)}" if scans.count(number) > 1 else ""
    return f"brainstack slide {plan.folder.prep_id} {number}{rescan} --bad WHY"


def _may_pass(sentence: str) -> bool:
    """True for what is no fault of slide or section: a disk that is full, or a fault of brainstack."""
    return sentence.startswith("a fault of brainstack") or "run the same command again" in sentence
