"""Deleting an animal: every row about it, and never a file."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import Session

from brainstack.database.animals import animal_row
from brainstack.database.tables import AnnotationSessionRow, ScanRunRow, SlideRow, Table


def rows_about(session: Session, prep_id: str) -> dict[str, int]:
    """How many rows there are about an animal, by table; tables that have none are left out."""
    animal_row(session, prep_id)
    found = {}
    for table, condition in _tables(prep_id):
        count = session.scalar(select(func.count()).select_from(table).where(condition))
        if count:
            found[table.name] = count
    return found


def delete_animal(session: Session, prep_id: str) -> dict[str, int]:
    """Delete all rows about an animal. Returns how many there were, by table."""
    found = rows_about(session, prep_id)
    for table, condition in _tables(prep_id):
        session.execute(delete(table).where(condition))
    session.expire_all()
    return found


def _tables(prep_id: str) -> list[tuple[SqlTable, ColumnElement[bool]]]:
    """Each table that has rows about animals, those that point at others before them, and which rows are this one's."""
    runs = select(ScanRunRow.id).where(ScanRunRow.prep_id == prep_id)
    slides = select(SlideRow.id).where(SlideRow.scan_run_id.in_(runs))
    marked = select(AnnotationSessionRow.id).where(AnnotationSessionRow.prep_id == prep_id)
    by_key: dict[str, Any] = {"scan_run_id": runs, "slide_id": slides, "session_id": marked}
    found: list[tuple[SqlTable, ColumnElement[bool]]] = []
    for table in reversed(Table.metadata.sorted_tables):
        if "prep_id" in table.c:
            found.append((table, table.c.prep_id == prep_id))
        else:
            keys = [name for name in by_key if name in table.c]
            found += [(table, table.c[name].in_(by_key[name])) for name in keys]
    return found
