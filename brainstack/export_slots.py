"""Which section is where in an export, and which slots of it are empty."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from brainstack.errors import BrainstackError
from brainstack.exports import export_kind
from brainstack.files.whole import whole_file
from brainstack.plan import Plan
from brainstack.stages.outputs import export_section_files
from brainstack.stamps import Step

SECTION, COPY, GAP, MISSING = "section", "copy", "gap", "missing"
"""What is in a slot: a section, a copy of one, nothing as a person decided, or nothing as the section failed."""

COLUMNS = ("number", "z_um", "key", "slide", "scene", "content")


@dataclass(frozen=True)
class Slot:
    """number : from 0. z_um : depth of the section. piece : what the export takes of it, None where it is empty."""

    number: int
    z_um: float
    key: str
    slide: str
    scene: int
    content: str
    piece: Path | None

    @property
    def is_missing(self) -> bool:
        return self.content == MISSING


def slots_of(plan: Plan, step: Step) -> list[Slot]:
    """All slots of the stack, in order. step : of Export. Raises BrainstackError where none has a section."""
    kind = export_kind(step.item)
    there = {one.step.item for one in plan.inputs(step) if one.step.stage == "ExportSection"}
    slots = []
    for section in plan.sections:
        item = kind.piece(section.key).item
        content = GAP if section.gap else MISSING if item not in there else COPY if section.copy else SECTION
        is_there = content in (SECTION, COPY)
        piece = export_section_files(plan, Step("ExportSection", 0, item))[0] if is_there else None
        slots.append(Slot(section.number, section.z_um, section.key, section.slide, section.scene, content, piece))
    if not there:
        raise BrainstackError(
            f"No section of {plan.folder.prep_id} could be exported; see what failed with `brainstack status "
            f"{plan.folder.prep_id}`."
        )
    return slots


def write_slots(path: Path, slots: Iterable[Slot]) -> None:
    """A table (CSV) of which section is where."""
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows([getattr(slot, name) for name in COLUMNS] for slot in slots)
