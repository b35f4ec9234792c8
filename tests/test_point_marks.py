from __future__ import annotations

import pytest

from brainstack import point_marks
from brainstack.errors import BrainstackError
from brainstack.point_marks import layer_of_marks, marks_of
from brainstack.points import CELLS, CENTRES, POLYGONS, AnnotationSession, Mark, Point


def mark(number: int, *, session: int = 1, label: int = 0, structure: str = "", polygon: int = 0) -> Mark:
    return Mark(number, session, float(number), 2.0, 3.0, structure, label, "Ana", "", "", polygon)


def test_points_keep_their_numbers_and_what_is_said_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(point_marks, "ROWS", 2)
    marks = [mark(7, structure="SC", label=5), mark(9), mark(11, structure="IC", label=6)]
    found = layer_of_marks(iter(marks), CENTRES, "the database")
    assert (found.kind, found.ids.tolist()) == ("point", [7, 9, 11])
    assert found.places_um.tolist() == [[7, 2, 3], [9, 2, 3], [11, 2, 3]]
    said = {one.name: [one.labels[value] for value in one.values] for one in found.properties}
    assert said == {"structure": ["SC", "", "IC"], "person": ["Ana"] * 3}  # nobody said anything else
    assert [(one.name, one.counts.tolist(), one.ids.tolist()) for one in found.relationships] == [
        ("structure", [1, 0, 1], [5, 6])
    ]


def test_a_polygon_is_a_polyline_that_ends_where_it_began() -> None:
    marks = [mark(1), mark(2), mark(3), mark(4, polygon=1), mark(5, polygon=1), mark(6, session=2, polygon=1, label=4)]
    found = layer_of_marks(marks, POLYGONS, "the database")
    assert (found.kind, found.starts.tolist()) == ("polyline", [0, 4, 7, 9])
    assert found.places_um[:, 0].tolist() == [1, 2, 3, 1, 4, 5, 4, 6, 6]
    assert found.ids.tolist() == [1, 2, 3]
    assert found.relationships[0].counts.tolist() == [0, 0, 1]


def test_nothing_is_a_sentence() -> None:
    with pytest.raises(BrainstackError, match="the database has no points of the type MARKED_CELL"):
        layer_of_marks([], CELLS, "the database")


def test_sessions_of_one_kind_become_marks_along_their_outlines() -> None:
    corners = (Point(1, 0, 0, 1, 0), Point(2, 0, 0, 0, 1), Point(3, 0, 0, 0, 0))
    sessions = [
        AnnotationSession(CELLS, (Point(9, 9, 9),)),
        AnnotationSession(POLYGONS, corners, "SC", person="Ana"),
    ]
    found = list(marks_of(sessions, POLYGONS))
    assert [(one.number, one.x_um, one.polygon, one.structure) for one in found] == [
        (1, 3, 0, "SC"), (2, 2, 0, "SC"), (3, 1, 1, "SC"),
    ]  # fmt: skip
