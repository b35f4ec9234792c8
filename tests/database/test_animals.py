from __future__ import annotations

import pytest
from sqlalchemy import text

from brainstack.database import open_database
from brainstack.errors import BrainstackError
from brainstack.records import Animal, AnimalRecords, Histology, ScanRun


def test_an_animal_comes_back_as_it_was_added(empty: str) -> None:
    animal = Animal("DK39", "rat", "a note\non two lines, 脳")
    histology = Histology("DK39", "DESC", 30.5, "coronal", "NtB")
    scan_run = ScanRun("DK39", "/scans/DK39", 0.452, 3, "flop", 4, 3)
    with open_database(empty) as database:
        database.add_animal(animal, histology, scan_run)
    with open_database(empty) as database:
        assert database.animal_records("DK39") == AnimalRecords(animal, histology, scan_run)


def test_animals_are_listed_by_name(url: str) -> None:
    with open_database(url) as database:
        for name in ("X1", "B2"):
            database.add_animal(Animal(name), Histology(name), ScanRun(name, "/scans"))
    with open_database(url) as database:
        assert database.animals() == ["B2", "DK39", "X1"]


def test_an_animal_is_not_added_twice(url: str) -> None:
    with pytest.raises(BrainstackError, match="DK39 is in the database already"), open_database(url) as database:
        database.add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "/elsewhere"))


@pytest.mark.parametrize("name", ["", "a/b", "x" * 21, " DK39", ".hidden"])
def test_a_name_that_cannot_be_a_folder_is_refused(empty: str, name: str) -> None:
    with pytest.raises(BrainstackError, match="cannot be the name of an animal"), open_database(empty) as database:
        database.add_animal(Animal(name), Histology(name), ScanRun(name, "/scans"))


@pytest.mark.parametrize(
    ("histology", "scan_run", "said"),
    [
        (Histology("B1", "LEFT"), ScanRun("B1", "/s"), "side_sectioned_first is 'LEFT'; wanted one of ASC, DESC"),
        (Histology("B1", "ASC", 0), ScanRun("B1", "/s"), "section_thickness_um is 0"),
        (Histology("B1"), ScanRun("B1", "/s", float("nan")), "resolution_um is nan"),
        (Histology("B1"), ScanRun("B1", "/s", rotation=4), "rotation is 4; wanted one of 0, 1, 2, 3"),
        (Histology("B1"), ScanRun("B1", "/s", flip="mirror"), "flip is 'mirror'; wanted one of none, flip, flop"),
    ],
)
def test_values_that_the_code_does_not_know_are_refused(
    empty: str, histology: Histology, scan_run: ScanRun, said: str
) -> None:
    with pytest.raises(BrainstackError, match=said), open_database(empty) as database:
        database.add_animal(Animal("B1"), histology, scan_run)


def test_an_animal_that_is_not_there_is_told_with_those_of_nearly_that_name(url: str) -> None:
    with (
        pytest.raises(BrainstackError, match=r"no animal 'dk93'.* Did you mean DK39\? .*`brainstack animal add`"),
        open_database(url) as database,
    ):
        database.animal_records("dk93")


def test_orientation_side_and_canvas_are_kept(url: str) -> None:
    with open_database(url) as database:
        database.set_orientation("DK39", 3, "flip")
        database.set_side_sectioned_first("DK39", "DESC")
        database.take_in_canvas("DK39", 74500, 39500)
    with open_database(url) as database:
        records = database.animal_records("DK39")
    assert (records.scan_run.rotation, records.scan_run.flip) == (3, "flip")
    assert records.histology.side_sectioned_first == "DESC"


def test_an_orientation_that_does_not_exist_is_refused(url: str) -> None:
    with open_database(url) as database:
        with pytest.raises(BrainstackError, match="rotation is 5"):
            database.set_orientation("DK39", 5, "none")
        with pytest.raises(BrainstackError, match="flip is 'up'"):
            database.set_orientation("DK39", 0, "up")
        with pytest.raises(BrainstackError, match="side_sectioned_first is 'asc'"):
            database.set_side_sectioned_first("DK39", "asc")


def test_rows_that_another_program_left_out_are_missed_with_the_command_that_adds_them(url: str) -> None:
    with open_database(url) as database:
        for table in ("histology", "scan_run"):
            database._session.execute(text(f"DELETE FROM {table}"))
    for wanted, add in (
        ("animal set DK39 --side-sectioned-first ASC", lambda one: one.set_side_sectioned_first("DK39", "DESC")),
        ("animal set DK39 --rotation 0", lambda one: one.set_orientation("DK39", 1, "flop")),
    ):
        with pytest.raises(BrainstackError, match=wanted), open_database(url) as database:
            database.animal_records("DK39")
        with open_database(url) as database:
            add(database)
    with open_database(url) as database:
        records = database.animal_records("DK39")
    assert (records.histology.side_sectioned_first, records.histology.section_thickness_um) == ("DESC", 20.0)
    assert (records.scan_run.rotation, records.scan_run.flip, records.scan_run.resolution_um) == (1, "flop", None)
