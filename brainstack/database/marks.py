"""Points by the million, as they are marked now: what `annotations` has as records, here one row after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from brainstack.database.animals import animal_row, wanted
from brainstack.database.annotations import TABLES, AnyPointRow
from brainstack.database.tables import (
    AnnotationSessionRow,
    MarkedCellRow,
    PolygonSequenceRow,
    StructureComRow,
    StructureRow,
)
from brainstack.points import KINDS, Mark, Selection

ROWS = 10_000
"""Fetched at once."""


def marks(session: Session, prep_id: str, selection: Selection) -> Iterator[Mark]:
    """All points of a selection, session by session; corners of polygons along their outlines. Ids are the rows'."""
    table = _table_of(selection)
    place = PolygonSequenceRow.polygon_index if table is PolygonSequenceRow else literal(0)
    cell_type = MarkedCellRow.cell_type if table is MarkedCellRow else literal("")
    columns = (
        table.id, table.session_id, table.x, table.y, table.z, func.coalesce(StructureRow.abbreviation, ""),
        func.coalesce(StructureRow.color, 0), AnnotationSessionRow.person, table.source, cell_type, place,
    )  # fmt: skip
    corners = (PolygonSequenceRow.polygon_index, PolygonSequenceRow.point_order) if table is PolygonSequenceRow else ()
    query = _of(select(*columns).join_from(table, AnnotationSessionRow), session, prep_id, selection)
    rows = session.execute(query.order_by(table.session_id, *corners, table.id).execution_options(yield_per=ROWS))
    return (Mark(*row) for row in rows)


def marks_told(session: Session, prep_id: str, selection: Selection) -> list[list[Any]]:
    """What tells one state of a selection from another, without fetching its points: of those of each session of which
    the same is said its number, how many they are, the first and the last of them, the sums of their coordinates in
    whole micrometres, then source, cell type or polygon, structure, label and person."""
    table, row = _table_of(selection), AnnotationSessionRow
    about = select(row.id, StructureRow.abbreviation, StructureRow.color, row.person).select_from(row)
    sessions = {number: said for number, *said in session.execute(_of(about, session, prep_id, selection))}
    alike = [table.session_id, table.source]
    if table is not StructureComRow:
        alike.append(MarkedCellRow.cell_type if table is MarkedCellRow else PolygonSequenceRow.polygon_index)
    counted = (func.count(), func.min(table.id), func.max(table.id))
    sums = (func.sum(column) for column in (table.x, table.y, table.z))
    its = _of(select(row.id).select_from(row), session, prep_id, selection)
    query = select(table.session_id, *counted, *sums, *alike[1:]).where(table.session_id.in_(its))
    found = session.execute(query.group_by(*alike).order_by(*alike))
    return [[*one[:4], *map(round, one[4:7]), *one[7:], *sessions[one[0]]] for one in found]


def _table_of(selection: Selection) -> type[AnyPointRow]:
    wanted("the kind of an annotation", selection.kind, KINDS)
    return TABLES[selection.kind]


def _of(query: Any, session: Session, prep_id: str, selection: Selection) -> Select[Any]:
    animal_row(session, prep_id)
    row = AnnotationSessionRow
    query = query.outerjoin(StructureRow, StructureRow.id == row.structure_id)
    query = query.where(row.prep_id == prep_id, row.active, row.annotation_type == selection.kind)
    if selection.structure is not None:
        query = query.where(StructureRow.abbreviation == selection.structure)
    if selection.layer is not None:
        query = query.where(row.layer == selection.layer)
    found: Select[Any] = query
    return found
