from __future__ import annotations

from dataclasses import replace

import pytest

from brainstack.database import open_database
from brainstack.errors import BrainstackError
from brainstack.points import CELLS, CENTRES, POLYGONS, AnnotationSession, Point, Structure
from brainstack.said import JournalEntry

CORNERS = tuple(Point(float(corner), 2.5, 20.0, polygon, corner) for polygon in (0, 1) for corner in range(3))
CELL = Point(1, 2, 3, source="UNMARKED", cell_type="round")
SESSIONS = (
    AnnotationSession(CENTRES, (Point(0.1, 1 / 3, 1e5, source="MANUAL"),), "7N_L", "middles", "Zoë 😀"),
    AnnotationSession(CELLS, (CELL, Point(4, 5, 6)), "", "cells", "Ana"),
    AnnotationSession(POLYGONS, CORNERS, "7n_L", "'; DROP TABLE animal", "Ana", at="2024-05-01T10:00:00+00:00"),
)


def add(url: str, *sessions: AnnotationSession) -> list[int]:
    with open_database(url) as database:
        return database.add_annotations("DK39", sessions)


def marked(url: str, **which: object) -> list[AnnotationSession]:
    with open_database(url) as database:
        return database.annotations("DK39", **which)  # type: ignore[arg-type]


def test_what_was_marked_comes_back_as_it_was(url: str) -> None:
    numbers = add(url, *SESSIONS)
    found = marked(url)
    assert [one.number for one in found] == numbers
    assert [replace(one, number=0, at="") for one in found] == [replace(one, at="") for one in SESSIONS]
    assert found[2].at == "2024-05-01T10:00:00+00:00"


def test_corners_come_back_in_their_order_whatever_order_they_came_in(url: str) -> None:
    add(url, replace(SESSIONS[2], points=CORNERS[::-1]))
    assert marked(url)[0].points == CORNERS


def test_only_what_is_asked_for(url: str) -> None:
    add(url, *SESSIONS)
    assert [one.kind for one in marked(url, kind=CELLS)] == [CELLS]
    assert [one.structure for one in marked(url, structure="7n_L")] == ["7n_L"]
    assert marked(url, structure="7N_R") == []


def test_later_work_of_one_person_replaces_and_the_earlier_is_kept(url: str) -> None:
    add(url, *SESSIONS)
    later = replace(SESSIONS[1], points=(Point(7, 8, 9),))
    add(url, later, replace(later, person="Zoë"))
    assert [one.points for one in marked(url, kind=CELLS)] == [later.points, later.points]
    assert [one.active for one in marked(url, kind=CELLS, everything=True)] == [False, True, True]


def test_two_of_one_kind_that_come_together_are_both_kept(url: str) -> None:
    add(url, SESSIONS[0], SESSIONS[0])
    assert len(marked(url)) == 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (replace(SESSIONS[0], structure="7n_l"), "no structure '7n_l'.*Did you mean 7N_L or 7n_L"),
        (replace(SESSIONS[0], kind="BLOB"), "wanted one of POLYGON_SEQUENCE"),
        (replace(SESSIONS[0], points=(Point(1, float("nan"), 3),)), "point 1 is at 1, nan, 3"),
        (replace(SESSIONS[2], points=(CORNERS[0], CORNERS[0])), "two corners with the point_order 0"),
        (replace(SESSIONS[0], layer="x" * 101), "too long"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_of_it_kept(url: str, wrong: AnnotationSession, says: str) -> None:
    with pytest.raises(BrainstackError, match=says):
        add(url, SESSIONS[1], wrong)
    assert marked(url, everything=True) == []


def test_the_labs_structures_are_there_and_letters_count(url: str) -> None:
    with open_database(url) as database:
        known = {one.abbreviation: one for one in database.structures()}
        assert len(known) == 54
        assert sum(one.is_structure for one in known.values()) == 51
        assert known["7N_L"].description != known["7n_L"].description
        assert known["7N_L"].color == known["7N_R"].color
    with open_database(url) as database:
        database.add_structure(Structure("7N_l", "with a small l", 99))
    with open_database(url) as database:
        assert "7N_l" in {one.abbreviation for one in database.structures()}
    with pytest.raises(BrainstackError, match="7N_l is in the database already"), open_database(url) as database:
        database.add_structure(Structure("7N_l"))


def test_a_state_that_is_kept_up_to_date_replaces_itself_only(url: str) -> None:
    with open_database(url) as database:
        anas = database.add_state("DK39", "ana's", person="Ana", comments="all layers")
        first = database.keep_state("DK39", "first", comments="all layers")
    with open_database(url) as database:
        assert database.keep_state("DK39", "second", comments="all layers") == first != anas
        assert database.keep_state("DK39", "another", comments="other layers") != first
    with open_database(url) as database:
        assert [database.state_of("DK39", number) for number in (anas, first)] == ["ana's", "second"]
        with pytest.raises(BrainstackError, match="DK40"):
            database.keep_state("DK40", "first", comments="all layers")


def test_a_state_is_kept_whole_however_long(url: str) -> None:
    text = '{"layers": ["' + "😀" * 100_000 + '"]}'
    with open_database(url) as database:
        number = database.add_state("DK39", text, person="Ana", comments="marks.json")
    with open_database(url) as database:
        assert database.state_of("DK39", number) == text
        with pytest.raises(BrainstackError, match="has no state 99"):
            database.state_of("DK39", 99)


def test_a_problem_is_noted_and_done_with(url: str) -> None:
    with open_database(url) as database:
        first = database.add_note("DK39", JournalEntry("torn", "Zoë", "slide001_S1", 2, at="2024-05-01T10:00:00+00:00"))
        database.add_note("DK39", JournalEntry("too dark"))
    with open_database(url) as database:
        database.close_note("DK39", first, "mended")
    with open_database(url) as database:
        done = JournalEntry("torn", "Zoë", "slide001_S1", 2, "mended", True, first, "2024-05-01T10:00:00+00:00")
        (kept,) = database.notes("DK39", completed=True)
        assert replace(kept, closed_at="") == done
        assert kept.closed_at > done.at
        assert [one.entry for one in database.notes("DK39", completed=False)] == ["too dark"]
        assert [one.entry for one in database.notes("DK39", section="slide001_S1")] == ["torn"]
        with pytest.raises(BrainstackError, match="has no note 99"):
            database.close_note("DK39", 99)
