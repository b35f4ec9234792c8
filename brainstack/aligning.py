"""What a person says about the alignment (a section's place, whom it follows, a pair that is left out), and the table
of what the last run made of it."""

from __future__ import annotations

import getpass
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from brainstack.database import open_database
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.plan import Plan, section_named, slot_named
from brainstack.planning import make_plan
from brainstack.records import VERDICTS, AlignmentEdit, Section, SectionAlignment

FURTHEST_UM = 20_000.0
"""A shift beyond it, longer than a mouse brain, is a slip of the finger."""
LONGEST_PERSON = 100
"""Letters of the column."""
MOST_NAMED = 10
PLACED = ("place", "anchor")
NEXT_RUN = "The next run takes it in."
COLOURS = {"doubtful": "yellow", "failed": "red"}


@dataclass(frozen=True)
class Place:
    """What is said of a section's place, as in SectionAlignment; None for what stays."""

    rotation_rad: float | None = None
    shift_x_um: float | None = None
    shift_y_um: float | None = None
    mirrored: bool | None = None


def user() -> str:
    """Who is at the keyboard, as the computer knows it. Raises BrainstackError where it does not."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:  # no name for this number: in a container
        raise BrainstackError("The computer does not know your name; say it with --by.") from error


# What a person says


def place(prep_id: str, name: str, given: Place, *, anchor: bool = False, person: str) -> str:
    """Give a section its place in the stack. Returns what to tell the person.

    name : its key or number. given : what it does not say is as the section lies now, or 0 where it lies nowhere yet.
    anchor : the sections around it follow smoothly. Raises BrainstackError for no such section, a number that cannot
    be, and where nothing was said of a section that lies nowhere yet.
    """
    plan = make_plan(prep_id)
    section = section_named(plan, name)
    _check_numbers(given)
    before = _place_in_force(plan, section, given)
    kind = "anchor" if anchor else "place"
    edit = AlignmentEdit(
        kind,
        section.key,
        rotation_rad=math.remainder(_first(given.rotation_rad, before.rotation_rad), math.tau),
        shift_x_um=_first(given.shift_x_um, before.shift_x_um),
        shift_y_um=_first(given.shift_y_um, before.shift_y_um),
        mirrored=bool(before.mirrored if given.mirrored is None else given.mirrored),
        person=checked_person(person),
    )
    with open_database(database_url()) as database:
        database.add_alignment_edit(prep_id, edit)
    was = "" if before == Place() else f" Before: {_place_words(before)}."
    return f"Set: {_edit_words(plan, edit)}.{was} {_when(plan)}"


def _check_numbers(given: Place) -> None:
    if given.rotation_rad is not None and not math.isfinite(given.rotation_rad):
        raise BrainstackError(f"--rotation-deg was given as {given.rotation_rad}; wanted a number of degrees.")
    for option, shift_um in (("--shift-x-um", given.shift_x_um), ("--shift-y-um", given.shift_y_um)):
        if shift_um is not None and not abs(shift_um) <= FURTHEST_UM:
            raise BrainstackError(
                f"{option} was given as {shift_um:g}; wanted micrometres from {-FURTHEST_UM:g} to {FURTHEST_UM:g}."
            )


def _first(given: float | None, before: float | None) -> float:
    return given if given is not None else before or 0.0


def _place_in_force(plan: Plan, section: Section, given: Place) -> Place:
    """Where a section lies now: as a person said last, else as the last run had it. Raises BrainstackError where it
    lies nowhere, and no number is given."""
    for edit in plan.records.alignment_edits:
        if edit.kind in PLACED and edit.section == section.key:
            return _place_of(edit)
    known = _sections_aligned(plan).get(section.key)
    is_placed = known is not None and (known.verdict != "failed" or known.by_hand)
    if not is_placed and (given.rotation_rad, given.shift_x_um, given.shift_y_um) == (None, None, None):
        why = "could not be aligned" if known else "was not aligned yet"
        raise BrainstackError(
            f"{plan.folder.prep_id}: {_named(plan, section.key)} {why}, so that it has no place to keep; "
            "give --rotation-deg, --shift-x-um or --shift-y-um."
        )
    return _place_of(known) if known else Place()


def _place_of(one: AlignmentEdit | SectionAlignment) -> Place:
    return Place(one.rotation_rad, one.shift_x_um, one.shift_y_um, one.mirrored)


def follow(prep_id: str, name: str, neighbour: str, *, person: str) -> str:
    """A section lies as a neighbour does. Returns what to tell the person. Raises BrainstackError where one of them is
    no section that has images, or the neighbour itself follows the section."""
    plan = make_plan(prep_id)
    section, other = (section_named(plan, one) for one in (name, neighbour))
    if section == other:
        raise BrainstackError(f"{prep_id}: {_named(plan, section.key)} cannot follow itself; wanted a neighbour.")
    followed = {edit.section: edit.other for edit in plan.records.alignment_edits if edit.kind == "follow"}
    if section.key in _followed_from(other.key, followed):
        raise BrainstackError(
            f"{prep_id}: {_named(plan, other.key)} itself follows {_named(plan, section.key)}, so that neither would "
            f"have a place; take that back first: brainstack align release {prep_id} {other.key}."
        )
    edit = AlignmentEdit("follow", section.key, other.key, person=checked_person(person))
    with open_database(database_url()) as database:
        database.add_alignment_edit(prep_id, edit)
    return f"Set: {_edit_words(plan, edit)}. {_when(plan)}"


def _followed_from(key: str, followed: Mapping[str, str]) -> set[str]:
    """A section and all that it follows, the one after the other."""
    found: list[str] = []
    while key in followed and key not in found:
        found.append(key)
        key = followed[key]
    return {*found, key}


def leave_out(prep_id: str, fixed: str, moving: str, *, person: str) -> str:
    """A pair is not used. The two may come in either order. Returns what to tell the person. Raises BrainstackError
    where they are no pair of the stack."""
    plan = make_plan(prep_id)
    sections = sorted((section_named(plan, name) for name in (fixed, moving)), key=lambda section: section.number)
    first, second = (section.key for section in sections)
    reach = plan.settings.elastix.reach
    apart = plan.chain.index(second) - plan.chain.index(first)
    if not 1 <= apart <= reach:
        raise BrainstackError(
            f"{prep_id}: {_named(plan, first)} and {_named(plan, second)} are {apart} apart and no pair; "
            f"wanted two sections 1 to {reach} apart."
        )
    edit = AlignmentEdit("leave_out", second, first, person=checked_person(person))
    with open_database(database_url()) as database:
        database.add_alignment_edit(prep_id, edit)
    return f"Set: {_edit_words(plan, edit)}. {_when(plan)}"


def release(prep_id: str, name: str, other: str = "", *, person: str) -> str:
    """Take back what was said of a section or, with `other`, of their pair. Returns what to tell the person. Raises
    BrainstackError for a section that the stack does not have and nobody said anything of."""
    plan = make_plan(prep_id)
    keys = [_key_named(plan, one) for one in (name, other) if one]
    with open_database(database_url()) as database:
        was = database.release_alignment_edit(prep_id, *keys, person=checked_person(person))
    about = " and ".join(_named(plan, key) for key in keys)
    if not was:
        return f"Nobody had {f'left out the pair of {about}' if other else f'given {about} a place'}; nothing changed."
    return f"Released: {f'the pair of {about}' if other else about}. {_when(plan)}"


def _when(plan: Plan) -> str:
    """When what was said takes effect."""
    if "transforms" not in plan.approved:
        return NEXT_RUN
    command = f"brainstack approve {plan.folder.prep_id} alignment"
    return f"The alignment is approved, and stays as it is: after the next run, take this in with `{command}`."


def _key_named(plan: Plan, name: str) -> str:
    """A section's key; also of one that is a gap now, or gone, of which a person said something."""
    spoken_of = {key for edit in plan.records.alignment_edits for key in (edit.section, edit.other)}
    return name if name in spoken_of else slot_named(plan, name).key


def checked_person(person: str) -> str:
    """A person's name. Raises BrainstackError for one that is empty or too long."""
    if not 0 < len(person.strip()) <= LONGEST_PERSON:
        raise BrainstackError(f"--by was given as {person!r}; wanted a name of 1 to {LONGEST_PERSON} letters.")
    return person.strip()


# What there is


def show(prep_id: str, console: Console, *, everything: bool = False) -> None:
    """Print how the sections lie, those that are doubtful or failed or all of them, and what people said."""
    plan = make_plan(prep_id)
    aligned = _sections_aligned(plan)
    in_stack = [aligned[key] for key in plan.section if key in aligned]
    shown = [one for one in in_stack if everything or one.verdict in COLOURS]
    lines = [_heading(plan, in_stack), *_not_aligned(plan, aligned)] if in_stack else [
        f"No section of {prep_id} was aligned yet; the next run does it: "
        f"luigi --module tasks Animal --animal {prep_id} --local-scheduler"
    ]  # fmt: skip
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if shown:
        console.print(_table(plan, shown))
    for edit in plan.records.alignment_edits:
        line = f"{_edit_words(plan, edit)} ({edit.person}, {edit.at[:16].replace('T', ' ')} UTC){_lost(plan, edit)}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _sections_aligned(plan: Plan) -> dict[str, SectionAlignment]:
    with open_database(database_url()) as database:
        return {one.section: one for one in database.sections_aligned(plan.folder.prep_id)}


def _heading(plan: Plan, sections: list[SectionAlignment]) -> str:
    counted = Counter(one.verdict for one in sections)
    words = [f"{counted[verdict]} {verdict}" for verdict in VERDICTS if counted[verdict]]
    words += [f"{counted['']} not judged"] if counted[""] else []
    by_hand = sum(one.by_hand for one in sections)
    words += [f"{by_hand} of them placed by hand"] if by_hand else []
    return f"{plan.folder.prep_id}: {len(sections)} sections aligned: {', '.join(words)}"


def _not_aligned(plan: Plan, aligned: Iterable[str]) -> list[str]:
    left = [key for key in plan.section if key not in set(aligned)]
    more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    return [f"not aligned yet: {', '.join(left[:MOST_NAMED])}{more}"] if left else []


def _table(plan: Plan, sections: list[SectionAlignment]) -> Table:
    table = Table()
    for title in ("number", "section", "verdict", "metric", "residual (um)", "rotation (degrees)", "shift x, y (um)"):
        table.add_column(title, justify="left" if title in ("section", "verdict") else "right", no_wrap=True)
    table.add_column("by hand")
    table.add_column("reason")
    for one in sections:
        colour = COLOURS.get(one.verdict)
        table.add_row(
            str(plan.section[one.section].number),
            escape(one.section),
            f"[{colour}]{one.verdict}[/{colour}]" if colour else one.verdict,
            f"{_number(one.metric_before, 3)} -> {_number(one.metric, 3)}",
            _number(one.residual_um, 1),
            f"{math.degrees(one.rotation_rad):.2f}{' mirrored' if one.mirrored else ''}",
            f"{one.shift_x_um:.1f}, {one.shift_y_um:.1f}",
            "yes" if one.by_hand else "",
            escape(one.reason),
        )
    return table


def _number(number: float | None, digits: int) -> str:
    return "-" if number is None else f"{number:.{digits}f}"


# In words


def _named(plan: Plan, key: str) -> str:
    """A section as people know it: by its number as well, where it is in the stack."""
    return f"section {plan.section[key].number} ({key})" if key in plan.section else f"section {key}"


def _place_words(one: Place) -> str:
    turn = math.degrees(one.rotation_rad or 0.0)
    mirrored = "mirrored, " if one.mirrored else ""
    return f"{mirrored}{turn:.2f} degrees, {one.shift_x_um or 0.0:.1f} um in x and {one.shift_y_um or 0.0:.1f} um in y"


def _edit_words(plan: Plan, edit: AlignmentEdit) -> str:
    section, other = _named(plan, edit.section), _named(plan, edit.other)
    if edit.kind == "follow":
        return f"{section} lies as {other}"
    if edit.kind == "leave_out":
        return f"the pair of {other} and {section} is left out"
    others = "the sections around it follow" if edit.kind == "anchor" else "the others do not follow it"
    return f"{section} lies at {_place_words(_place_of(edit))}, and {others}"


def _lost(plan: Plan, edit: AlignmentEdit) -> str:
    gone = [key for key in (edit.section, edit.other) if key and key not in plan.section]
    return f": without effect, as {gone[0]} is not in the stack now" if gone else ""
