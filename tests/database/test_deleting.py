from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import inspect, text

from brainstack.database import open_database
from brainstack.database.engine import engine_for
from brainstack.errors import BrainstackError
from brainstack.points import CELLS, AnnotationSession, Point
from brainstack.records import (
    AlignmentEdit,
    Animal,
    ChannelGain,
    Histology,
    PairTransform,
    Ran,
    ScanRun,
    SectionAlignment,
    SlideScan,
)
from brainstack.said import Decision, JournalEntry

NOBODYS = {"alembic_version", "structure", "progress_lookup", "reviewer", "review_session"}
EMPTY_HERE = {"transformation", "structure_com", "polygon_sequences", "mask_approval"}


def fill(url: str, name: str, scan_of: Callable[..., SlideScan]) -> None:
    """Rows in every table that this animal can have some in."""
    with open_database(url) as database:
        if name not in database.animals():
            database.add_animal(Animal(name), Histology(name), ScanRun(name, "/scans"))
        database.take_in_slide(name, scan_of(f"{name}.czi"), slide_number=1, rescan=1, file_size=1)
        database.take_in_pairs(name, [PairTransform("a", "b", 0.0, 0.0, 0.0, 1.0)])
        database.take_in_sections(name, [SectionAlignment("a", 0.0, 0.0, 0.0, False, None, None, None, None, "good")])
        database.add_alignment_edit(name, AlignmentEdit("place", "a"))
        database.take_in_gains(name, [ChannelGain(1, 2.0)])
        database.take_in_log(name, [Ran("Clean", 1, "a", "2024-05-01T10:00:00+00:00", 1.0, 1.0, "node1")])
        database.decide(name, [Decision("rotation", "1")])
        database.close_note(name, database.add_note(name, JournalEntry("torn")))
        state = database.add_state(name, "{}")
        database.add_annotations(name, [AnnotationSession(CELLS, (Point(1, 2, 3),))], state=state)


def counts(url: str) -> dict[str, int]:
    with engine_for(url) as engine, engine.connect() as connection:
        names = set(inspect(connection).get_table_names()) - NOBODYS
        return {name: connection.execute(text("SELECT COUNT(*) FROM " + name)).scalar_one() for name in names}


def test_every_row_about_an_animal_goes_and_no_other(url: str, scan_of: Callable[..., SlideScan]) -> None:
    fill(url, "DK40", scan_of)
    before = counts(url)
    fill(url, "DK39", scan_of)
    assert {name for name, count in counts(url).items() if not count} == EMPTY_HERE
    with open_database(url) as database:
        told = database.rows_about("DK39")
    with open_database(url) as database:
        assert database.delete_animal("DK39") == told
    missing = {"animal", "histology", "scan_run"}
    assert {name: count for name, count in counts(url).items() if name not in missing} == {
        name: count for name, count in before.items() if name not in missing
    }
    with open_database(url) as database:
        assert database.animals() == ["DK40"]
        with pytest.raises(BrainstackError, match="no animal 'DK39'"):
            database.rows_about("DK39")
