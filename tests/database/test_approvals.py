from __future__ import annotations

import pytest
from sqlalchemy import text

from brainstack.database import open_database
from brainstack.database.engine import engine_for
from brainstack.errors import BrainstackError

ONE, TWO = "slide001_S1", "slide001_S2"


def approved(url: str) -> dict[str, tuple[str, str]]:
    with open_database(url) as database:
        return {key: (found.mask, found.person) for key, found in database.mask_approvals("DK39").items()}


def test_an_approval_is_of_a_mask_by_a_person(url: str) -> None:
    with open_database(url) as database:
        database.approve_masks("DK39", {ONE: "a" * 32, TWO: "b" * 32}, person="anna")
    assert approved(url) == {ONE: ("a" * 32, "anna"), TWO: ("b" * 32, "anna")}
    with open_database(url) as database:
        assert database.mask_approvals("DK39")[ONE].at.endswith("+00:00")


def test_a_later_approval_takes_the_place_of_the_one_before(url: str) -> None:
    for mask, person in (("a", "anna"), ("b", "ben")):
        with open_database(url) as database:
            database.approve_masks("DK39", {ONE: mask}, person=person)
    assert approved(url) == {ONE: ("b", "ben")}


def test_what_was_approved_can_be_taken_back(url: str) -> None:
    with open_database(url) as database:
        database.approve_masks("DK39", {ONE: "a", TWO: "b"}, person="anna")
    with open_database(url) as database:
        assert database.take_mask_approvals_back("DK39", [ONE, "slide009_S1"], person="ben") == [ONE]
    assert approved(url) == {TWO: ("b", "anna")}


def test_what_was_replaced_or_taken_back_is_kept_with_who_and_when(url: str) -> None:
    for mask, person in (("a", "anna"), ("b", "bo")):
        with open_database(url) as database:
            database.approve_masks("DK39", {ONE: mask}, person=person)
    query = text("SELECT mask, active, released_by, released IS NULL FROM mask_approval ORDER BY id")
    with engine_for(url) as engine, engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(query)] == [("a", 0, "bo", 0), ("b", 1, "", 1)]
    with open_database(url) as database:
        database.take_mask_approvals_back("DK39", [ONE], person="cy")
    with engine_for(url) as engine, engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(query)] == [("a", 0, "bo", 0), ("b", 0, "cy", 0)]


def test_an_animal_that_is_not_there_has_no_approvals(url: str) -> None:
    with open_database(url) as database, pytest.raises(BrainstackError, match="DK40"):
        database.approve_masks("DK40", {ONE: "a"}, person="anna")


def test_approvals_go_with_the_animal(url: str) -> None:
    with open_database(url) as database:
        database.approve_masks("DK39", {ONE: "a"}, person="anna")
    with open_database(url) as database:
        assert database.delete_animal("DK39")["mask_approval"] == 1
