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
        mark_x=entry.mark_um and entry.mark_um[0],
        mark_y=entry.mark_um and entry.mark_um[1],
        closed_by=entry.closed_by,
        closed=without_zone(entry.closed_at) if entry.closed_at else None,
        created=without_zone(entry.at).replace(microsecond=0) if entry.at else utc_now(),
    )
    session.add(row)
    session.flush()
    return row.id


def close_entry(session: Session, prep_id: str, number: int, fix: str, person: str) -> None:
    """Nothing is left to be done about a problem. Raises BrainstackError where there is none of this number."""
    row = _row(session, prep_id, number)
    row.completed, row.closed_by, row.closed = True, person, utc_now()
    row.fix = fix or row.fix
    session.flush()


def open_entry(session: Session, prep_id: str, number: int) -> None:
    """There is something left to be done after all; what was done stays. Raises BrainstackError where there is no
    problem of this number."""
    row = _row(session, prep_id, number)
    row.completed, row.closed_by, row.closed = False, "", None
    session.flush()


def entry_of(session: Session, prep_id: str, number: int) -> JournalEntry:
    """A problem by its number. Raises BrainstackError where there is none."""
    return _entry(_row(session, prep_id, number))


def _row(session: Session, prep_id: str, number: int) -> JournalRow:
    animal_row(session, prep_id)
    row = session.get(JournalRow, number)
    if row is None or row.prep_id != prep_id or not row.active:
        raise BrainstackError(f"{prep_id} has no note {number}; `brainstack journal list {prep_id} --all` lists them.")
    return row


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
    return [_entry(row) for row in session.scalars(query.order_by(JournalRow.id))]


def _entry(row: JournalRow) -> JournalEntry:
    mark_um = None if row.mark_x is None or row.mark_y is None else (row.mark_x, row.mark_y)
    return JournalEntry(
        row.entry, row.person, row.section, row.channel, row.fix or "", row.completed, row.id, with_zone(row.created),
        mark_um, row.closed_by, with_zone(row.closed),
    )  # fmt: skip
