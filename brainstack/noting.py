"""Problems that people note about an animal or one of its sections."""

from __future__ import annotations

from brainstack.database import create_or_upgrade, open_database, run_in_transaction
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.said import JournalEntry


def note(prep_id: str, entry: str, *, section: str = "", channel: int = 0, person: str) -> str:
    """Note a problem. section : its key, "" for the whole animal. Returns what to tell the person."""
    if not entry.strip():
        raise BrainstackError("An empty note was given; say what is wrong.")
    create_or_upgrade(database_url())
    made = JournalEntry(entry.strip(), person, section, channel)
    number = run_in_transaction(database_url(), lambda database: database.add_note(prep_id, made))
    return f"noted as {number}"


def listed(prep_id: str, *, everything: bool = False) -> list[str]:
    """A line a note. everything : also those that are done with."""
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        notes = database.notes(prep_id, completed=None if everything else False)
    return [
        f"{one.number}: {one.section or 'the animal'}{f', channel {one.channel}' if one.channel else ''}: {one.entry} "
        f"({one.person or '-'}, {one.at[:10]}){f'; done: {one.fix or one.at[:10]}' if one.completed else ''}"
        for one in notes
    ] or [f"Nothing {'was noted' if everything else 'is open'} of {prep_id}."]


def done(prep_id: str, number: int, fix: str) -> None:
    """Nothing is left to be done about a problem. fix : what was done."""
    create_or_upgrade(database_url())
    run_in_transaction(database_url(), lambda database: database.close_note(prep_id, number, fix))
