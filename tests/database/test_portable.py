from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.dialects import mysql

from brainstack.database import Database, open_database
from brainstack.points import POLYGONS, AnnotationSession, Point, Structure
from brainstack.records import (
    AlignmentEdit,
    Animal,
    Histology,
    PairTransform,
    Ran,
    ScanRun,
    SectionAlignment,
    SlideScan,
    TifFile,
)
from brainstack.said import Decision, JournalEntry


def test_every_statement_is_written_for_mysql_too(empty: str, scan_of: Callable[..., SlideScan]) -> None:
    statements: list[Any] = []

    def remember(_connection: object, statement: Any, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_execute", remember)
    try:
        use_everything(empty, scan_of)
    finally:
        event.remove(Engine, "before_execute", remember)
    written = [str(statement.compile(dialect=mysql.dialect())) for statement in statements]
    assert {statement.split()[0] for statement in written} == {"SELECT", "INSERT", "UPDATE", "DELETE"}


def use_everything(url: str, scan_of: Callable[..., SlideScan]) -> None:
    ran = Ran("clean", 1, "a_S1", "2024-05-01T10:00:00+00:00", 1.0, 1.0, "node1")
    for scenes in (8, 7):
        with open_database(url) as database:
            if not database.animals():
                database.add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "/scans"))
            scan = scan_of("a.czi", scenes=scenes)
            database.take_in_slide("DK39", scan, slide_number=1, rescan=1, file_size=1, checksum=("quick", "0a"))
            database.take_in_tifs("DK39", [TifFile("a_S1_C1.tif", 1, 1, 1, 1.0)])
            database.take_in_pairs("DK39", [PairTransform("a_S1", "a_S2", 0.0, 0.0, 0.0, 1.0)])
            place = SectionAlignment("a_S1", 0.0, 0.0, 0.0, False, None, None, None, None, "good")
            database.take_in_sections("DK39", [place])
            for edit in (AlignmentEdit("place", "a_S1"), AlignmentEdit("leave_out", "a_S2", "a_S1")):
                database.add_alignment_edit("DK39", edit)
            database.release_alignment_edit("DK39", "a_S1", "a_S2")
            database.take_in_canvas("DK39", 10, 10)
            database.take_in_log("DK39", [ran])
            database.set_slide_status("DK39", 1, "Good")
            database.set_scene_qc("DK39", 1, 1, 1)
            database.set_scene_qc("DK39", 1, 7, 1)
            database.set_scene_order("DK39", 1, 2, 1)
            database.set_order_of_scenes("DK39", 1, (2, 1))
            database.set_orientation("DK39", 1, "flip")
            database.set_side_sectioned_first("DK39", "DESC")
            database.animal_records("DK39")
            database.pairs("DK39")
            database.sections_aligned("DK39")
            database.alignment_edits("DK39")
            database.log_of("DK39", stage="clean", channel=1, item="a_S1", failed=False)
            use_what_people_say(database)


def use_what_people_say(database: Database) -> None:
    database.decide("DK39", [Decision("verdict", "bad", 1, 3), Decision("flip", "none")], person="Ana")
    database.undo("DK39", slide=1)
    database.decided("DK39", 1)
    note = database.add_note("DK39", JournalEntry("torn"))
    database.close_note("DK39", note)
    database.reopen_note("DK39", note)
    database.note_changes("DK39")
    database.notes("DK39", section="a_S1", completed=True)
    state = database.add_state("DK39", "{}")
    database.add_annotations("DK39", [AnnotationSession(POLYGONS, (Point(1, 2, 3),), "SC")], state=state)
    database.annotations("DK39", kind=POLYGONS, structure="SC")
    if "mine" not in {one.abbreviation for one in database.structures()}:
        database.add_structure(Structure("mine"))
    database.rows_about("DK39")
