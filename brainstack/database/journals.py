"""Problems that people note about an animal or one of its sections."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database.animals import animal_row
from brainstack.database.tables import JournalRow, utc_now, with_zone, without_zone
from brainstack.errors import BrainstackError
from brainstack.said import JournalEntry


def add_entry(session: Session, prep_id: str, entry: JournalEntry) -> int:
    """Note a problem. Returns its number."""
    animal_row(session, prep_id)
    row = JournalRow(
        prep_id=prep_id,
        person=entry.person,
        section=entry.section,
        channel=entry.channel,
        entry=entry.entry,
        fix=entry.fix or None,
        completed=entry.completed,
        created=without_zone(entry.at).replace(microsecond=0) if entry.at else utc_now(),
    )
    session.add(row)
    session.flush()
    return row.id


def close_entry(session: Session, prep_id: str, number: int, fix: str) -> None:
    """Nothing is left to be done about a problem. Raises BrainstackError where there is none of this number."""
    animal_row(session, prep_id)
    row = session.get(JournalRow, number)
    if row is None or row.prep_id != prep_id:
        raise BrainstackError(f"{prep_id} has no note {number}; `brainstack journal list {prep_id}` lists them.")
    row.completed = True
    row.fix = fix or row.fix
    session.flush()


def entries(
    session: Session, prep_id: str, *, section: str = "", completed: bool | None = None
) -> Sequence[JournalEntry]:
    """What was noted, in order. section : only of this key. completed : only what is, or is not, done with."""
    animal_row(session, prep_id)
    query = select(JournalRow).where(JournalRow.prep_id == prep_id, JournalRow.active)
    if section:
        query = query.where(JournalRow.section == section)
    if completed is not None:
        query = query.where(JournalRow.completed == completed)
    return [
        JournalEntry(
            row.entry, row.person, row.section, row.channel, row.fix or "", row.completed, row.id,
            with_zone(row.created),
        )
        for row in session.scalars(query.order_by(JournalRow.id))
    ]  # fmt: skip
