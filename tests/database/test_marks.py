"""Points by the million: as rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from brainstack.database import open_database
from brainstack.errors import BrainstackError
from brainstack.points import CELLS, CENTRES, POLYGONS, AnnotationSession, Mark, Point, Selection

CORNERS = tuple(Point(float(corner), 2.5, 20.0, polygon, corner) for polygon in (0, 1) for corner in range(3))
CELL = Point(1, 2, 3, source="UNMARKED", cell_type="round")
SESSIONS = (
    AnnotationSession(CENTRES, (Point(0.1, 1 / 3, 1e5, source="MANUAL"),), "7N_L", "middles", "Zoë 😀"),
    AnnotationSession(CELLS, (CELL, Point(4, 5, 6)), "", "cells", "Ana"),
    AnnotationSession(POLYGONS, CORNERS[::-1], "7n_L", "outlines", "Ana"),
)


def add(url: str, *sessions: AnnotationSession) -> list[int]:
    with open_database(url) as database:
        return database.add_annotations("DK39", sessions)


def marks(url: str, kind: str, **which: str) -> list[Mark]:
    with open_database(url) as database:
        return list(database.marks("DK39", Selection(kind, **which)))


def told(url: str, kind: str, **which: str) -> list[list[object]]:
    with open_database(url) as database:
        return database.marks_told("DK39", Selection(kind, **which))


def test_every_point_comes_with_what_is_said_of_its_session(url: str) -> None:
    centre, cell, _ = add(url, *SESSIONS)
    with open_database(url) as database:
        label = next(one.color for one in database.structures() if one.abbreviation == "7N_L")
    (found,) = marks(url, CENTRES)
    assert found[1:] == (centre, 0.1, 1 / 3, 1e5, "7N_L", label, "Zoë 😀", "MANUAL", "", 0)
    cells = marks(url, CELLS)
    assert [one[1:] for one in cells] == [
        (cell, 1, 2, 3, "", 0, "Ana", "UNMARKED", "round", 0), (cell, 4, 5, 6, "", 0, "Ana", "", "", 0),
    ]  # fmt: skip
    assert cells[0].number != cells[1].number


def test_corners_come_along_their_outlines(url: str) -> None:
    add(url, *SESSIONS)
    assert [(one.polygon, one.x_um) for one in marks(url, POLYGONS)] == [(p, c) for p in (0, 1) for c in (0, 1, 2)]


def test_only_what_is_asked_for_and_was_not_replaced(url: str) -> None:
    add(url, *SESSIONS)
    add(url, replace(SESSIONS[1], points=(Point(7, 8, 9),)))
    assert [one.x_um for one in marks(url, CELLS)] == [7]
    assert marks(url, CELLS, layer="others") == []
    assert len(marks(url, CENTRES, structure="7N_L", layer="middles")) == 1
    assert marks(url, CENTRES, structure="7N_R") == []


def test_what_is_told_differs_when_the_points_do(url: str) -> None:
    assert told(url, CELLS) == []
    (number,) = add(url, SESSIONS[1])
    first = told(url, CELLS)
    assert first == told(url, CELLS)
    assert [one[:2] for one in first] == [[number, 1], [number, 1]]  # of two cell types
    with open_database(url) as database:
        database._session.execute(text("UPDATE marked_cells SET x = 2000 WHERE x = 4"))
    moved = told(url, CELLS)
    add(url, SESSIONS[1])
    assert len({str(one) for one in (first, moved, told(url, CELLS))}) == 3


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (CENTRES, "UPDATE structure SET color = color + 1 WHERE abbreviation = '7N_L'"),
        (CENTRES, "UPDATE structure SET abbreviation = '7M_L' WHERE abbreviation = '7N_L'"),
        (CENTRES, "UPDATE annotation_session SET structure_id = NULL"),
        (CENTRES, "UPDATE annotation_session SET person = 'Bea'"),
        (CENTRES, "UPDATE structure_com SET source = 'COMPUTER'"),
        (CELLS, "UPDATE marked_cells SET cell_type = 'Round' WHERE cell_type = 'round'"),
        (CELLS, "UPDATE marked_cells SET cell_type = CASE cell_type WHEN '' THEN 'round' ELSE '' END"),
        (CELLS, "UPDATE marked_cells SET source = 'HUMAN_POSITIVE' WHERE x = 4"),
        (POLYGONS, "UPDATE polygon_sequences SET polygon_index = 2 WHERE polygon_index = 1"),
    ],
)
def test_what_is_told_differs_when_what_is_said_of_points_does(url: str, kind: str, change: str) -> None:
    add(url, *SESSIONS)
    before, before_points = told(url, kind), marks(url, kind)
    with open_database(url) as database:
        database._session.execute(text(change))
    assert marks(url, kind) != before_points, "what is made from them is another layer"
    assert told(url, kind) not in ([], before)


def test_a_kind_that_is_none_and_an_animal_that_is_not_there_are_sentences(url: str) -> None:
    with pytest.raises(BrainstackError, match="CELL"):
        marks(url, "CELL")
    with open_database(url) as database, pytest.raises(BrainstackError, match="DK40"):
        list(database.marks("DK40", Selection(CELLS)))
