"""What a person says about the alignment: a section's place, whom it follows, a pair that is left out."""

from __future__ import annotations

import dataclasses
import getpass
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from brainstack.alignment_words import edit_words, named, place_words, said_by
from brainstack.database import Database, open_database, run_in_transaction
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.frames import seen_of, seen_of_pair
from brainstack.plan import Plan, section_named, slot_named
from brainstack.planning import make_plan
from brainstack.records import KINDS_OF_PAIRS, AlignmentEdit, GivenPair, Section, SectionAlignment
from brainstack.stamps import digest

FURTHEST_UM = 20_000.0
"""A shift beyond it, longer than a mouse brain, is a slip of the finger."""
LONGEST_PERSON = 100
"""Letters of the column."""
SEEN_DIGITS = 16
PLACED = ("place", "anchor")
NEXT_RUN = "The next run takes it in."


class ChangedMeanwhileError(BrainstackError):
    """Somebody else said something of the same section or pair meanwhile; nothing was overwritten."""


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


def place(prep_id: str, name: str, given: Place, *, anchor: bool = False, person: str, seen: str | None = None) -> str:
    """Give a section its place in the stack. Returns what to tell the person.

    name : its key or number. given : what it does not say is as the section lies now, or 0 where it lies nowhere yet.
    anchor : the sections around it follow smoothly. seen : `said_of` the section when the person looked; None for
    whatever was said. Raises BrainstackError for no such section, a number that cannot be, and where nothing was said
    of a section that lies nowhere yet; ChangedMeanwhileError where something else was said of it since.
    """
    plan = make_plan(prep_id)
    section = section_named(plan, name)
    _check_numbers(given)
    before = _place_in_force(plan, section, given)
    frame, placement, frame_sections = seen_of(plan, section.key)
    edit = AlignmentEdit(
        "anchor" if anchor else "place",
        section.key,
        rotation_rad=math.remainder(_first(given.rotation_rad, before.rotation_rad), math.tau),
        shift_x_um=_first(given.shift_x_um, before.shift_x_um),
        shift_y_um=_first(given.shift_y_um, before.shift_y_um),
        mirrored=bool(before.mirrored if given.mirrored is None else given.mirrored),
        person=checked_person(person),
        frame=frame,
        placement=placement,
        frame_sections=frame_sections,
    )
    _check_state(plan, edit)
    _keep(plan, edit, seen)
    was = "" if before == Place() else f" Before: {place_words(before)}."
    return f"Set: {edit_words(plan, edit)}.{was} {_when(plan)}"


def said_of(edits: Iterable[AlignmentEdit], section: str, other: str = "") -> str:
    """A word for what is in force of a section's place or, with `other`, of the pair of the two: another one whenever
    somebody said something else of it. "" where nobody said anything."""
    found = [dataclasses.astuple(edit) for edit in _about(edits, section, other)]
    return digest(found)[:SEEN_DIGITS] if found else ""


def _about(edits: Iterable[AlignmentEdit], section: str, other: str = "") -> list[AlignmentEdit]:
    if other:
        return [one for one in edits if one.kind == "leave_out" and {one.section, one.other} == {section, other}]
    return [one for one in edits if one.kind not in KINDS_OF_PAIRS and one.section == section]


def _keep(plan: Plan, edit: AlignmentEdit, seen: str | None) -> None:
    """Write what a person says, if what they saw of it is still so."""
    prep_id, other = plan.folder.prep_id, edit.other if edit.kind == "leave_out" else ""

    def work(database: Database) -> None:
        database.take_turns(prep_id)
        _check_seen(plan, database, seen, edit.section, other)
        if edit.kind == "follow" and (ring := _ring(plan, edit, database.alignment_edits(prep_id))):
            raise ChangedMeanwhileError(ring)
        database.add_alignment_edit(prep_id, edit)

    run_in_transaction(database_url(), work)


def _check_seen(plan: Plan, database: Database, seen: str | None, section: str, other: str = "") -> None:
    if seen is None:
        return
    edits = database.alignment_edits(plan.folder.prep_id)
    if said_of(edits, section, other) == seen:
        return
    about = f"the pair of {named(plan, other)} and {named(plan, section)}" if other else named(plan, section)
    now = [said_by(plan, edit) for edit in _about(edits, section, other)]
    raise ChangedMeanwhileError(
        f"Something was said of {about} since this page showed it: "
        f"{now[0] if now else 'what was said before was taken back'}. Nothing was overwritten; look at it "
        "as it is now, then say it once more."
    )


def _check_numbers(given: Place) -> None:
    if given.rotation_rad is not None and not math.isfinite(given.rotation_rad):
        raise BrainstackError(f"The rotation was given as {given.rotation_rad}; wanted a number of degrees.")
    for axis, shift_um in (("x", given.shift_x_um), ("y", given.shift_y_um)):
        if shift_um is not None and not abs(shift_um) <= FURTHEST_UM:
            raise BrainstackError(
                f"The shift in {axis} was given as {shift_um:g}; wanted micrometres from {-FURTHEST_UM:g} to "
                f"{FURTHEST_UM:g}, as a brain is no larger."
            )


def _check_state(plan: Plan, edit: AlignmentEdit) -> None:
    """Raises BrainstackError for an anchor that nothing could follow."""
    if edit.kind == "anchor" and edit.mirrored and not plan.settings.pair_check.turn_mirrored:
        raise BrainstackError(
            f"{plan.folder.prep_id}: [pair_check] turn_mirrored is false, so that mirrored sections stay as they are "
            "and none could follow one that is placed mirrored; leave --anchor out, or set turn_mirrored = true."
        )


def _first(given: float | None, before: float | None) -> float:
    return given if given is not None else before or 0.0


def _place_in_force(plan: Plan, section: Section, given: Place) -> Place:
    """Where a section lies now: as a person said last, else as the last run had it, which knows too what became of a
    place that was said from another frame or picture. Raises BrainstackError where it lies nowhere, and no number is
    given."""
    now = seen_of(plan, section.key)
    for edit in plan.records.alignment_edits:
        is_as_said = edit.placement is None or (edit.frame, edit.placement, edit.frame_sections) == now
        if edit.kind in PLACED and edit.section == section.key and is_as_said:
            return _place_of(edit)
    known = sections_aligned(plan).get(section.key)
    is_placed = known is not None and (known.verdict != "failed" or known.by_hand)
    if not is_placed and (given.rotation_rad, given.shift_x_um, given.shift_y_um) == (None, None, None):
        why = "could not be aligned" if known else "was not aligned yet"
        raise BrainstackError(
            f"{plan.folder.prep_id}: {named(plan, section.key)} {why}, so that it has no place to keep; "
            "give --rotation-deg, --shift-x-um or --shift-y-um."
        )
    return _place_of(known) if known else Place()


def _place_of(one: AlignmentEdit | SectionAlignment) -> Place:
    return Place(one.rotation_rad, one.shift_x_um, one.shift_y_um, one.mirrored)


def follow(prep_id: str, name: str, neighbour: str, *, person: str, seen: str | None = None) -> str:
    """A section lies as a neighbour does. Returns what to tell the person. Raises BrainstackError where one of them is
    no section that has images, or the neighbour itself follows the section."""
    plan = make_plan(prep_id)
    section, other = (section_named(plan, one) for one in (name, neighbour))
    if section == other:
        raise BrainstackError(f"{prep_id}: {named(plan, section.key)} cannot follow itself; wanted a neighbour.")
    frame, placement, frame_sections = seen_of_pair(plan, other.key, section.key)
    edit = AlignmentEdit(
        "follow",
        section.key,
        other.key,
        person=checked_person(person),
        frame=frame,
        placement=placement,
        frame_sections=frame_sections,
    )
    if ring := _ring(plan, edit, plan.records.alignment_edits):
        raise BrainstackError(ring)
    _keep(plan, edit, seen)
    return f"Set: {edit_words(plan, edit)}. {_when(plan)}"


def _ring(plan: Plan, edit: AlignmentEdit, edits: Iterable[AlignmentEdit]) -> str:
    """Why a section cannot follow another, as that follows it; "" where it can."""
    followed = {one.section: one.other for one in edits if one.kind == "follow"}
    if edit.section not in _followed_from(edit.other, followed):
        return ""
    prep_id = plan.folder.prep_id
    return (
        f"{prep_id}: {named(plan, edit.other)} itself follows {named(plan, edit.section)}, so that neither would "
        f"have a place; take that back first: brainstack align release {prep_id} {edit.other}."
    )


def _followed_from(key: str, followed: Mapping[str, str]) -> set[str]:
    """A section and all that it follows, the one after the other."""
    found: list[str] = []
    while key in followed and key not in found:
        found.append(key)
        key = followed[key]
    return {*found, key}


def leave_out(prep_id: str, fixed: str, moving: str, *, person: str, seen: str | None = None) -> str:
    """A pair is not used. The two may come in either order. Returns what to tell the person. Raises BrainstackError
    where they are no pair of the stack."""
    plan = make_plan(prep_id)
    sections = sorted((section_named(plan, name) for name in (fixed, moving)), key=lambda section: section.number)
    first, second = (section.key for section in sections)
    reach = plan.settings.elastix.reach
    apart = plan.chain.index(second) - plan.chain.index(first)
    if not 1 <= apart <= reach:
        raise BrainstackError(
            f"{prep_id}: {named(plan, first)} and {named(plan, second)} are {apart} apart and no pair; "
            f"wanted two sections 1 to {reach} apart."
        )
    edit = AlignmentEdit("leave_out", second, first, person=checked_person(person))
    _keep(plan, edit, seen)
    return f"Set: {edit_words(plan, edit)}. {_when(plan)}"


def release(prep_id: str, name: str, other: str = "", *, person: str, seen: str | None = None) -> str:
    """Take back what was said of a section or, with `other`, of their pair. Returns what to tell the person. Raises
    BrainstackError for a section that the stack does not have and nobody said anything of."""
    plan = make_plan(prep_id)
    keys = [_key_named(plan, one) for one in (name, other) if one]
    name_of_person = checked_person(person)

    def work(database: Database) -> int:
        database.take_turns(prep_id)
        _check_seen(plan, database, seen, *keys)
        return database.release_alignment_edit(prep_id, *keys, person=name_of_person)

    was = run_in_transaction(database_url(), work)
    about = " and ".join(named(plan, key) for key in keys)
    if not was:
        return f"Nobody had {f'left out the pair of {about}' if other else f'given {about} a place'}; nothing changed."
    return f"Released: {f'the pair of {about}' if other else about}. {_when(plan)}"


def give_pair(prep_id: str, fixed: str, moving: str, given: GivenPair, *, person: str) -> str:
    """Give a pair its transform: where a point of the fixed section lies on the moving one. Returns what to tell the
    person. Raises BrainstackError for no such pair, or a number that cannot be."""
    plan = make_plan(prep_id)
    names = [section_named(plan, name).key for name in (fixed, moving)]
    if f"{names[0]}..{names[1]}" not in {step.item for step in plan.pairs}:
        raise BrainstackError(
            f"{names[0]} and {names[1]} of {prep_id} are no pair in this order; wanted a section and the next one, or "
            f"one up to {plan.settings.elastix.reach} behind it."
        )
    _check_numbers(Place(given.rotation_rad, given.shift_x_um, given.shift_y_um))
    frame, placement, frame_sections = seen_of_pair(plan, *names)
    edit = AlignmentEdit(
        "pair",
        names[1],
        names[0],
        math.remainder(given.rotation_rad, math.tau),
        given.shift_x_um,
        given.shift_y_um,
        given.mirrored,
        checked_person(person),
        frame=frame,
        placement=placement,
        frame_sections=frame_sections,
    )
    _keep(plan, edit, None)
    return f"Set: {edit_words(plan, edit)}. The next run takes this transform, and redoes what it moves."


def take_back_pair(prep_id: str, fixed: str, moving: str, *, person: str) -> str:
    """Take back the transform that a person gave a pair, in either order. Returns what to tell the person."""
    plan, name = make_plan(prep_id), checked_person(person)
    keys = [_key_named(plan, one) for one in (fixed, moving)]

    def work(database: Database) -> int:
        database.take_turns(prep_id)
        return database.release_alignment_edit(prep_id, *keys, person=name, kind="pair")

    was = run_in_transaction(database_url(), work)
    return "The next run registers this pair again." if was else "Nobody had given this pair a transform."


def _when(plan: Plan) -> str:
    """When what was said takes effect."""
    if "transforms" not in plan.approved:
        return NEXT_RUN
    command = f"brainstack approve {plan.folder.prep_id} alignment"
    return f"The alignment is approved, and stays as it is: after the next run, take this in with `{command}`."


def _key_named(plan: Plan, name: str) -> str:
    """A section's key; also of one that is a gap now, or gone, of which a person said something."""
    said = (*plan.records.alignment_edits, *plan.records.pairs_by_hand)
    spoken_of = {key for edit in said for key in (edit.section, edit.other)}
    return name if name in spoken_of else slot_named(plan, name).key


def checked_person(person: str) -> str:
    """A person's name. Raises BrainstackError for one that is empty or too long."""
    if not 0 < len(person.strip()) <= LONGEST_PERSON:
        raise BrainstackError(f"--by was given as {person!r}; wanted a name of 1 to {LONGEST_PERSON} letters.")
    return person.strip()


def sections_aligned(plan: Plan) -> dict[str, SectionAlignment]:
    """How each section lay after the last run, by key."""
    with open_database(database_url()) as database:
        return {one.section: one for one in database.sections_aligned(plan.folder.prep_id)}
