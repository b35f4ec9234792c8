"""Structures, and what people mark: points, centres, polygons; and the states of Neuroglancer that they come from."""

from __future__ import annotations

import difflib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from brainstack.database.animals import animal_row, wanted
from brainstack.database.tables import (
    AnnotationSessionRow,
    MarkedCellRow,
    NeuroglancerStateRow,
    PolygonSequenceRow,
    StructureComRow,
    StructureRow,
    utc_now,
    with_zone,
    without_zone,
)
from brainstack.errors import BrainstackError
from brainstack.points import CELLS, CENTRES, KINDS, POLYGONS, AnnotationSession, Point, Structure

LONGEST_LAYER = 100
AnyPointRow = PolygonSequenceRow | MarkedCellRow | StructureComRow
TABLES: dict[str, type[AnyPointRow]] = {POLYGONS: PolygonSequenceRow, CELLS: MarkedCellRow, CENTRES: StructureComRow}


def structures(session: Session) -> list[Structure]:
    """All structures that are active, in the lab's order."""
    rows = session.scalars(select(StructureRow).where(StructureRow.active).order_by(StructureRow.id))
    return [
        Structure(row.abbreviation, row.description or "", row.color, row.hexadecimal, row.is_structure) for row in rows
    ]


def add_structure(session: Session, structure: Structure) -> None:
    """A new structure. Raises BrainstackError where there is one of this abbreviation."""
    if structure.abbreviation in _structure_ids(session):
        raise BrainstackError(f"The structure {structure.abbreviation} is in the database already.")
    if not 0 < len(structure.abbreviation.strip()) <= 25:
        raise BrainstackError(f"{structure.abbreviation!r} is no abbreviation; wanted 1 to 25 letters.")
    session.add(
        StructureRow(
            abbreviation=structure.abbreviation,
            description=structure.description,
            color=structure.color,
            hexadecimal=structure.hexadecimal,
            is_structure=structure.is_structure,
        )
    )
    session.flush()


def add_sessions(
    session: Session, prep_id: str, sessions: Iterable[AnnotationSession], *, state: int | None = None
) -> list[int]:
    """What a person marked; what the same person marked before, of the same kind, structure and layer, is replaced, and
    stays as history. state : number of the state it came from. Returns the numbers of the sessions.

    Raises BrainstackError for another kind, a structure that is not known, or a number that is not finite.
    """
    animal_row(session, prep_id)
    made = [(one, _structure_id(session, one.structure)) for one in sessions]
    for one, structure_id in made:  # before any is written: two of them may be of one kind, structure and layer
        _check(prep_id, one)
        if one.active:
            _replace(session, prep_id, one, structure_id)
    return [_add_session(session, prep_id, one, structure_id, state) for one, structure_id in made]


def _replace(session: Session, prep_id: str, one: AnnotationSession, structure_id: int | None) -> None:
    row = AnnotationSessionRow
    same = (row.prep_id == prep_id) & (row.person == one.person) & (row.annotation_type == one.kind)
    of_none = row.structure_id.is_(None) if structure_id is None else row.structure_id == structure_id
    session.execute(update(row).where(same, row.layer == one.layer, of_none).values(active=False))


def _add_session(
    session: Session, prep_id: str, one: AnnotationSession, structure_id: int | None, state: int | None
) -> int:
    row = AnnotationSessionRow(
        prep_id=prep_id,
        person=one.person,
        structure_id=structure_id,
        neuroglancer_state_id=state,
        annotation_type=one.kind,
        layer=one.layer,
        active=one.active,
        created=without_zone(one.at).replace(microsecond=0) if one.at else utc_now(),
    )
    session.add(row)
    session.flush()
    values = [_point_values(row.id, one.kind, point) for point in one.points]
    if values:
        session.execute(insert(TABLES[one.kind]), values)
    return row.id


def _point_values(session_id: int, kind: str, point: Point) -> dict[str, object]:
    values: dict[str, object] = {
        "session_id": session_id,
        "x": float(point.x_um),
        "y": float(point.y_um),
        "z": float(point.z_um),
        "source": point.source,
    }
    if kind == POLYGONS:
        values |= {"polygon_index": point.polygon, "point_order": point.order}
    return values | {"cell_type": point.cell_type} if kind == CELLS else values


def _check(prep_id: str, one: AnnotationSession) -> None:
    wanted("the kind of an annotation", one.kind, KINDS)
    whose = f"{prep_id}: {one.structure or one.layer or one.kind}"
    for number, point in enumerate(one.points, 1):
        if not all(math.isfinite(value) for value in (point.x_um, point.y_um, point.z_um)):
            raise BrainstackError(
                f"{whose}: point {number} is at {point.x_um}, {point.y_um}, {point.z_um}; wanted finite micrometres."
            )
    corners = [(point.polygon, point.order) for point in one.points] if one.kind == POLYGONS else []
    twice = next((corner for corner, count in Counter(corners).items() if count > 1), None)
    if twice is not None:
        raise BrainstackError(
            f"{whose}: polygon {twice[0]} has two corners with the point_order {twice[1]}; number the corners along "
            "the outline."
        )
    if len(one.layer) > LONGEST_LAYER:
        raise BrainstackError(f"{whose}: the layer's name is too long; wanted up to {LONGEST_LAYER} letters.")


def _structure_id(session: Session, abbreviation: str) -> int | None:
    if not abbreviation:
        return None
    known = _structure_ids(session)
    if abbreviation not in known:
        same = [one for one in known if one.casefold() == abbreviation.casefold()]
        near = same or difflib.get_close_matches(abbreviation, known, n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise BrainstackError(
            f"There is no structure {abbreviation!r} in the database.{meant} A new one is added by "
            "`brainstack annotate structure`."
        )
    return known[abbreviation]


def _structure_ids(session: Session) -> dict[str, int]:
    return {row.abbreviation: row.id for row in session.execute(select(StructureRow.abbreviation, StructureRow.id))}


def sessions(
    session: Session,
    prep_id: str,
    *,
    kind: str | None = None,
    structure: str | None = None,
    everything: bool = False,
) -> list[AnnotationSession]:
    """What people marked, with its points, in the order of the sessions. kind, structure : only these. everything :
    also what was replaced since."""
    animal_row(session, prep_id)
    query = (
        select(AnnotationSessionRow, StructureRow.abbreviation)
        .outerjoin(StructureRow, StructureRow.id == AnnotationSessionRow.structure_id)
        .where(AnnotationSessionRow.prep_id == prep_id)
    )
    if kind is not None:
        query = query.where(AnnotationSessionRow.annotation_type == kind)
    if structure is not None:
        query = query.where(StructureRow.abbreviation == structure)
    if not everything:
        query = query.where(AnnotationSessionRow.active)
    found = session.execute(query.order_by(AnnotationSessionRow.id)).all()
    points = _points(session, [row for row, _ in found])
    return [
        AnnotationSession(
            row.annotation_type, tuple(points[row.id]), abbreviation or "", row.layer, row.person, row.id,
            with_zone(row.created), row.active,
        )
        for row, abbreviation in found
    ]  # fmt: skip


def _points(session: Session, rows: Sequence[AnnotationSessionRow]) -> dict[int, list[Point]]:
    points: dict[int, list[Point]] = defaultdict(list)
    for kind, table in TABLES.items():
        wanted_ids = [row.id for row in rows if row.annotation_type == kind]
        query = select(table).where(table.session_id.in_(wanted_ids)).order_by(table.session_id)
        if kind == POLYGONS:
            query = query.order_by(PolygonSequenceRow.polygon_index, PolygonSequenceRow.point_order)
        rows_of_kind: Iterable[AnyPointRow] = session.scalars(query.order_by(table.id)) if wanted_ids else ()
        for row in rows_of_kind:
            points[row.session_id].append(
                Point(
                    row.x,
                    row.y,
                    row.z,
                    getattr(row, "polygon_index", 0),
                    getattr(row, "point_order", 0),
                    row.source,
                    getattr(row, "cell_type", ""),
                )
            )
    return points


def add_state(session: Session, prep_id: str, state: str, *, person: str = "", comments: str = "", at: str = "") -> int:
    """A state of Neuroglancer. state : its JSON. Returns its number."""
    animal_row(session, prep_id)
    row = NeuroglancerStateRow(
        prep_id=prep_id,
        neuroglancer_state=state,
        person=person,
        comments=comments or None,
        created=without_zone(at).replace(microsecond=0) if at else utc_now(),
    )
    session.add(row)
    session.flush()
    return row.id


def keep_state(session: Session, prep_id: str, state: str, *, comments: str) -> int:
    """A state that is kept up to date: it replaces the last one that was kept under the same comments, and is read-only
    for people. state : its JSON. Returns its number."""
    animal_row(session, prep_id)
    row = NeuroglancerStateRow
    same = (row.prep_id == prep_id) & (row.comments == comments) & row.readonly
    found = session.scalars(select(row).where(same).order_by(row.id).with_for_update()).first()
    if found is None:
        number = add_state(session, prep_id, state, comments=comments)
        session.execute(update(row).where(row.id == number).values(readonly=True))
        return number
    if found.neuroglancer_state != state:
        found.neuroglancer_state, found.created = state, utc_now()
        session.flush()
    return found.id


def state_of(session: Session, prep_id: str, number: int) -> str:
    """The JSON of a state. Raises BrainstackError where the animal has none of this number."""
    animal_row(session, prep_id)
    row = session.get(NeuroglancerStateRow, number)
    if row is None or row.prep_id != prep_id:
        raise BrainstackError(f"{prep_id} has no state {number} of Neuroglancer in the database.")
    return row.neuroglancer_state
