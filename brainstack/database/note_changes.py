"""When a problem that people noted was closed and opened again, by whom, and what had been done each time.

`journals` says only how a problem is now; each change is kept beside it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database import journals
from brainstack.database.tables import JournalChangeRow, utc_now, with_zone, without_zone
from brainstack.said import JournalEntry


@dataclass(frozen=True)
class NoteChange:
    """That a problem was closed, or else opened again. person : "" for nobody named. fix : what had been done about it,
    "" where that was not said. at : ISO 8601, UTC; "" where it is not known."""

    is_closed: bool
    person: str = ""
    fix: str = ""
    at: str = ""


def close(session: Session, prep_id: str, number: int, fix: str, person: str) -> None:
    """Nothing is left to be done about a problem. Raises BrainstackError where there is none of this number."""
    _keep_earlier(session, prep_id, number)
    journals.close_entry(session, prep_id, number, fix, person)
    _keep(session, prep_id, number, NoteChange(True, person, fix, with_zone(utc_now())))


def reopen(session: Session, prep_id: str, number: int, person: str) -> None:
    """There is something left to be done after all. Raises BrainstackError where there is no problem of this number."""
    _keep_earlier(session, prep_id, number)
    journals.open_entry(session, prep_id, number)
    _keep(session, prep_id, number, NoteChange(False, person, at=with_zone(utc_now())))


def changes(session: Session, prep_id: str) -> dict[int, tuple[NoteChange, ...]]:
    """Of each problem of an animal, by its number, the changes in order; () for one that was never closed."""
    kept = defaultdict(list)
    query = select(JournalChangeRow).where(JournalChangeRow.prep_id == prep_id).order_by(JournalChangeRow.id)
    for row in session.scalars(query):
        kept[row.journal_id].append(NoteChange(row.completed, row.person, row.fix or "", with_zone(row.changed)))
    return {one.number: tuple(kept[one.number] or _earlier(one)) for one in journals.entries(session, prep_id)}


def _earlier(note: JournalEntry) -> list[NoteChange]:
    """What a problem says itself: it was closed before changes were kept, or comes from the lab's own database."""
    if not (note.completed or note.fix):
        return []
    closed = NoteChange(True, note.closed_by, note.fix, note.closed_at)
    return [closed] if note.completed else [closed, NoteChange(False)]


def _keep_earlier(session: Session, prep_id: str, number: int) -> None:
    """Before `journals` forgets it."""
    query = select(JournalChangeRow.id).where(JournalChangeRow.journal_id == number).limit(1)
    note = journals.entry_of(session, prep_id, number)
    if session.scalar(query) is None:
        for one in _earlier(note):
            _keep(session, prep_id, number, one)


def _keep(session: Session, prep_id: str, number: int, change: NoteChange) -> None:
    session.add(
        JournalChangeRow(
            prep_id=prep_id, journal_id=number, completed=change.is_closed, person=change.person,
            fix=change.fix or None, changed=without_zone(change.at) if change.at else None,
        )
    )  # fmt: skip
    session.flush()
