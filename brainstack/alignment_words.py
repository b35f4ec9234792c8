"""What people said about the alignment, in words."""

from __future__ import annotations

import math
from typing import Protocol

from brainstack.frames import REFERENCE
from brainstack.plan import Plan
from brainstack.records import KINDS_OF_PAIRS, AlignmentEdit


class APlace(Protocol):
    """Where a section lies; None for what is 0."""

    @property
    def rotation_rad(self) -> float | None: ...
    @property
    def shift_x_um(self) -> float | None: ...
    @property
    def shift_y_um(self) -> float | None: ...
    @property
    def mirrored(self) -> bool | None: ...


def named(plan: Plan, key: str) -> str:
    """A section as people know it: by its number as well, where it is in the stack."""
    return f"section {plan.section[key].number} ({key})" if key in plan.section else f"section {key}"


def place_words(one: APlace) -> str:
    turn = math.degrees(one.rotation_rad or 0.0)
    mirrored = "mirrored, " if one.mirrored else ""
    return f"{mirrored}{turn:.2f} degrees, {one.shift_x_um or 0.0:.1f} um in x and {one.shift_y_um or 0.0:.1f} um in y"


def said_by(plan: Plan, edit: AlignmentEdit) -> str:
    """What was said, by whom and when; and whether it is without effect."""
    who = f"{edit.person}, " if edit.person else ""
    then = edit.at[:16].replace("T", " ")
    return f"{edit_words(plan, edit)} ({who}{then} UTC){_other_frame(plan, edit)}{_lost(plan, edit)}"


def edit_words(plan: Plan, edit: AlignmentEdit) -> str:
    section, other = named(plan, edit.section), named(plan, edit.other)
    if edit.kind == "follow":
        return f"{section} lies as {other}"
    if edit.kind == "leave_out":
        return f"the pair of {other} and {section} is left out"
    if edit.kind == "pair":
        return f"{section} lies on {other} at {place_words(edit)}"
    others = "the sections around it follow" if edit.kind == "anchor" else "the others do not follow it"
    return f"{section} lies at {place_words(edit)}, and {others}"


def _other_frame(plan: Plan, edit: AlignmentEdit) -> str:
    """Where a place was said from another section than that which is the middle one now."""
    is_place = edit.kind in ("place", "anchor") and bool(edit.frame) and bool(plan.chain)
    if not is_place or edit.frame == plan.chain[plan.anchor] or edit.frame.startswith(REFERENCE):
        return ""
    return f", from {named(plan, edit.frame)}, which was the middle one then"


def _lost(plan: Plan, edit: AlignmentEdit) -> str:
    keys = [key for key in (edit.section, edit.other) if key]
    if gone := [key for key in keys if key not in plan.section]:
        return f": without effect, as {gone[0]} is not in the stack now"
    if edit.kind in KINDS_OF_PAIRS and set(keys) <= set(plan.chain):
        apart, reach = abs(plan.place_in_chain[keys[0]] - plan.place_in_chain[keys[1]]), plan.settings.elastix.reach
        return f": without effect, as they are {apart} apart now, and pairs reach {reach}" if apart > reach else ""
    return ""
