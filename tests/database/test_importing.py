from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import inspect, text

from brainstack.database import open_database, run_in_transaction
from brainstack.database.engine import engine_for
from brainstack.database.lab import Lab, Report, read_lab
from brainstack.errors import BrainstackError
from brainstack.points import CELLS, CENTRES, POLYGONS
from brainstack.stack import scans_in_use, stack_of


def labs() -> ModuleType:
    """lab_database.py, which lies beside this file."""
    path = Path(__file__).with_name("lab_database.py")
    spec = importlib.util.spec_from_file_location("lab_database", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def source(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database for the lab's tables."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'lab.sqlite'}"
    return str(request.getfixturevalue("server").url(request.getfixturevalue("new_database")()))


def content(url: str) -> dict[str, list[Any]]:
    with engine_for(url) as engine, engine.connect() as connection:
        names = inspect(connection).get_table_names()
        return {name: [tuple(row) for row in connection.execute(text("SELECT * FROM " + name))] for name in names}


def imported(empty: str, source: str, make: Callable[[str], None]) -> Report:
    """All animals of a lab's database, which stays as it was."""
    make(source)
    before = content(source)
    lab = read_lab(source)
    report = take_in(empty, lab)
    assert content(source) == before
    return report


def take_in(empty: str, lab: Lab) -> Report:
    total = Report()
    for row in lab.of("animal"):
        total.add(run_in_transaction(empty, lambda database: database.take_in_lab_animal(lab, row["prep_id"])))  # noqa: B023
    return total


def test_an_animal_of_2021_is_taken_over_as_it_was(empty: str, source: str) -> None:
    report = imported(empty, source, labs().lab_of_2021)
    with open_database(empty) as database:
        assert database.animals() == ["DK39"]
        records = database.animal_records("DK39")
        notes, (pair,) = database.notes("DK39"), database.pairs("DK39")
    assert (records.histology.side_sectioned_first, records.histology.counterstain) == ("DESC", "NtB")
    scan_run = records.scan_run
    assert (scan_run.resolution_um, scan_run.resolution_given, scan_run.rotation, scan_run.flip) == (
        0.5,
        True,
        3,
        "flop",
    )
    assert [slide.status for slide in records.slides] == ["Good", "Good", "Bad"]
    keys = ["slide002_S2", "slide002_S1", "slide001_S2", "slide001_S3", "slide001_S1_copy1", "slide001_S1"]
    sections = stack_of(scans_in_use(records.slides), records.histology)
    assert [section.key for section in sections] == keys
    assert [section.gap for section in sections] == [False, True, False, False, False, False]
    # the lab's own numbers leave the bad one out: 000 is slide002_S2, 001 slide001_S2
    assert [(note.section, note.person, note.completed) for note in notes] == [("slide001_S2", "zoë", True)]
    assert (pair.fixed, pair.moving, pair.rotation_rad) == ("slide002_S2", "slide001_S2", 0.25)
    assert (pair.shift_x_um, pair.shift_y_um) == (2 * 32 * 0.5, -1 * 32 * 0.5)
    assert report.placed["slide_czi_to_tif"] == 7


def test_centres_in_pixels_and_sections_become_micrometres(empty: str, source: str) -> None:
    imported(empty, source, labs().lab_of_2021)
    with open_database(empty) as database:
        found = {one.kind: one for one in database.annotations("DK39")}
        assert "PM nucleus" in {one.abbreviation for one in database.structures()}
    centre = found[CENTRES]
    assert (centre.structure, centre.person) == ("7N_L", "zoë")
    (point,) = centre.points
    assert (point.x_um, point.y_um, point.z_um, point.source) == (500.0, 1000.0, 200.0, "MANUAL")
    assert found[CELLS].structure == ""


def test_what_could_not_be_placed_is_said(empty: str, source: str) -> None:
    said = "\n".join(imported(empty, source, labs().lab_of_2021).lines())
    assert "'DK 40/..': not taken over" in said
    assert "scene_qc_2 is 9, which cannot be; it is taken as 0" in said
    assert "a row of elastix_transformation has no pair" in said
    assert read_lab(source).others == {"transformation": 1}


def test_an_animal_of_2023_is_taken_over_as_it_was(empty: str, source: str) -> None:
    report = imported(empty, source, labs().lab_of_2023)
    with open_database(empty) as database:
        records, (pair,) = database.animal_records("DK41"), database.pairs("DK41")
        marked = database.annotations("DK41", everything=True)
    sections = stack_of(scans_in_use(records.slides), records.histology)
    assert [section.key for section in sections] == ["slide001_S2", "slide001_S1", "slide001_rescan2_S1"]
    assert records.histology.orientation == ""
    assert (pair.rotation_rad, pair.metric) == (0.5, -0.75)
    assert [(one.kind, one.structure, one.active) for one in marked] == [
        (CELLS, "", True), (POLYGONS, "7n_L", True), (CENTRES, "7n_L", False),
    ]  # fmt: skip
    (cell,) = marked[0].points
    assert (cell.x_um, cell.source, cell.cell_type) == (1.5, "MACHINE_SURE", "round")
    assert [(one.polygon, one.order, one.x_um) for one in marked[1].points] == [(1, 0, 1.0), (1, 1, 2.0), (1, 2, 3.0)]
    said = "\n".join(report.lines())
    assert "histology.orientation is 'diagonal', which cannot be" in said
    assert "its scenes were put to another scan" in said
    assert report.placed["neuroglancer_state"] == 1


def test_an_animal_that_is_here_already_stays_as_it_is(empty: str, source: str) -> None:
    imported(empty, source, labs().lab_of_2021)
    with open_database(empty) as database:
        before = database.animal_records("DK39")
        database.set_side_sectioned_first("DK39", "ASC")
    again = take_in(empty, read_lab(source))
    assert "DK39: is in the database already and stays as it is" in again.lines()
    with open_database(empty) as database:
        assert database.animal_records("DK39").histology.side_sectioned_first == "ASC"
        assert database.animal_records("DK39").slides == before.slides


def test_the_source_cannot_be_written_while_it_is_read(source: str) -> None:
    from brainstack.database.lab import _may_only_read

    labs().lab_of_2021(source)
    with engine_for(source) as engine, engine.connect() as connection:
        _may_only_read(connection)
        with pytest.raises(Exception, match=r"(?i)read.?only"):
            connection.execute(text("DELETE FROM journals"))
    assert len(content(source)["journals"]) == 1


def test_a_database_that_is_not_the_labs_is_refused(empty: str, source: str) -> None:
    with pytest.raises(BrainstackError, match="is one of brainstack's own"):
        read_lab(empty)
    with pytest.raises(BrainstackError, match=r"has no table animal|There is no database"):
        read_lab(source)
