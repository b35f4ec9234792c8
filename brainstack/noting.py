"""Problems that people note about an animal or one of its sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brainstack.database import Database, create_or_upgrade, open_database, run_in_transaction
from brainstack.database.note_changes import NoteChange
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.said import JournalEntry

MOST_LETTERS = 4000
"""Of a note or a fix: some pages."""
FURTHEST_UM = 1e6
"""Of a mark: no slide is a metre long."""


class NoteChangedError(BrainstackError):
    """Somebody else closed the note, or opened it again, meanwhile; nothing was changed."""


@dataclass(frozen=True)
class Noted:
    """A problem, and in order each time that it was closed or opened again."""

    note: JournalEntry
    changes: tuple[NoteChange, ...]


def note(
    prep_id: str,
    entry: str,
    *,
    section: str = "",
    channel: int = 0,
    mark_um: tuple[float, float] | None = None,
    person: str,
) -> str:
    """Note a problem. section : its key, "" for the whole animal. mark_um : (x, y) from the top left corner of the
    section's scan, where it is at one place. Returns what to tell the person."""
    return f"noted as {add(prep_id, entry, section=section, channel=channel, mark_um=mark_um, person=person)}"


def add(
    prep_id: str,
    entry: str,
    *,
    section: str = "",
    channel: int = 0,
    mark_um: tuple[float, float] | None = None,
    person: str,
) -> int:
    """Note a problem. Returns its number. Raises BrainstackError for an empty or endless note, and for a mark that is
    nowhere."""
    if not entry.strip():
        raise BrainstackError("An empty note was given; say what is wrong.")
    check_length(entry)
    if mark_um is not None and not (section and all(0 <= um <= FURTHEST_UM for um in mark_um)):
        raise BrainstackError(
            f"The mark was given as {', '.join(f'{um:g}' for um in mark_um)}; wanted micrometres from the top left "
            "corner of the section that the note is about."
        )
    create_or_upgrade(database_url())
    made = JournalEntry(entry.strip(), person, section, channel, mark_um=mark_um)
    return run_in_transaction(database_url(), lambda database: database.add_note(prep_id, made))


def check_length(text: str) -> None:
    """Raises BrainstackError for a text that nobody would read."""
    if len(text) > MOST_LETTERS:
        raise BrainstackError(f"A note of {len(text)} letters was given; wanted at most {MOST_LETTERS}.")


def notes(prep_id: str, *, everything: bool = True) -> Sequence[JournalEntry]:
    """What was noted, what is open first, the latest first. everything : also what is done with."""
    return [one.note for one in histories(prep_id, everything=everything)]


def histories(prep_id: str, *, everything: bool = True) -> Sequence[Noted]:
    """The same, with what became of each."""
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        found = database.notes(prep_id, completed=None if everything else False)
        changes = database.note_changes(prep_id)
    ordered = sorted(found, key=lambda one: (one.completed, -one.number))
    return [Noted(one, changes.get(one.number, ())) for one in ordered]


def listed(prep_id: str, *, everything: bool = False) -> list[str]:
    """A line a note, in the order in which they were noted, and below it one for each time that it was closed or opened
    again. everything : also those that are done with."""
    found = sorted(histories(prep_id, everything=everything), key=lambda one: one.note.number)
    lines = [line for one in found for line in (_line(one.note), *map(_change_line, one.changes))]
    return lines or [f"Nothing {'was noted' if everything else 'is open'} of {prep_id}."]


def _line(one: JournalEntry) -> str:
    where = f", at {one.mark_um[0]:.0f}, {one.mark_um[1]:.0f} um" if one.mark_um else ""
    place = f"{one.section or 'the animal'}{f', channel {one.channel}' if one.channel else ''}{where}"
    return f"{one.number}: {place}: {one.entry} ({one.person or '-'}, {one.at[:10]})"


def _change_line(one: NoteChange) -> str:
    what = f"done{f': {one.fix}' if one.fix else ''}" if one.is_closed else "open again"
    return f"   {what} ({one.person or '-'}, {one.at[:10] or '-'})"


def done(prep_id: str, number: int, fix: str, *, person: str = "", seen: str | None = None) -> None:
    """Nothing is left to be done about a problem. fix : what was done. person : who says so. seen : `version_of` the
    note that they saw. Raises NoteChangedError where it is not so any more."""
    check_length(fix)

    def work(database: Database) -> None:
        database.take_turns(prep_id)
        _check_seen(database, prep_id, number, seen)
        database.close_note(prep_id, number, fix, person=person)

    create_or_upgrade(database_url())
    run_in_transaction(database_url(), work)


def reopen(prep_id: str, number: int, *, person: str = "", seen: str | None = None) -> None:
    """There is something left to be done about a problem after all. person : who says so. Raises BrainstackError for
    one that is open."""

    def work(database: Database) -> None:
        database.take_turns(prep_id)
        _check_seen(database, prep_id, number, seen)
        if not database.note_of(prep_id, number).completed:
            raise BrainstackError(f"Note {number} of {prep_id} is open already; nothing was changed.")
        database.reopen_note(prep_id, number, person=person)

    create_or_upgrade(database_url())
    run_in_transaction(database_url(), work)


def version_of(one: JournalEntry) -> str:
    """A word for whether a note is open, and who closed it: another one whenever that changes."""
    return f"{one.completed} {one.closed_by} {one.closed_at}"


def _check_seen(database: Database, prep_id: str, number: int, seen: str | None) -> None:
    now = database.note_of(prep_id, number)
    if seen is None or version_of(now) == seen:
        return
    *_, last = database.note_changes(prep_id)[number] or [NoteChange(False)]
    did = f"closed it: {last.fix or 'no word of what was done'}" if now.completed else "opened it again"
    raise NoteChangedError(
        f"Note {number} was changed since this page showed it: {last.person or 'somebody'} {did}. Nothing was "
        "overwritten."
    )
