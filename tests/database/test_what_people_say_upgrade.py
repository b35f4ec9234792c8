"""Revision 0006: what an older database knew stays, what is new has its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from brainstack.database import create_or_upgrade, open_database, schema
from brainstack.database.engine import engine_for
from brainstack.records import PairTransform, Ran, SlideScan


def as_0005(url: str) -> None:
    """Make the database what the last brainstack left."""
    with engine_for(url) as engine, engine.begin() as connection:
        scripts = ScriptDirectory.from_config(schema.alembic_config(connection))
        with Operations.context(MigrationContext.configure(connection)):
            for revision in ("0011", "0010", "0009", "0008", "0007", "0006"):
                scripts.get_revision(revision).module.downgrade()
        connection.execute(text("UPDATE alembic_version SET version_num = '0005'"))


def sql(url: str, statement: str, **values: Any) -> list[Any]:
    with engine_for(url) as engine, engine.begin() as connection:
        result = connection.execute(text(statement), values)
        return [tuple(row) for row in result] if result.returns_rows else []


def ran(stage: str, item: str, second: int, error: str = "", channel: int = 1) -> Ran:
    return Ran(
        stage, channel, item, f"2024-05-01T10:00:{second:02d}+00:00", 1.5, 1.0, "node1", error, version="0.1.0/3"
    )


@pytest.fixture
def older(url: str, scan_of: Callable[..., SlideScan]) -> str:
    """A database of revision 0005 with rows in its tables."""
    with open_database(url) as database:
        database.take_in_slide("DK39", scan_of("a.czi", scenes=8), slide_number=1, rescan=1, file_size=1)
        database.set_scene_qc("DK39", 1, 2, 1)
        database.take_in_pairs("DK39", [PairTransform("slide001_S1", "slide001_S2", 0.5, -3.0, 4.0, 0.75)])
        database.take_in_log("DK39", [ran("Clean", "slide001_S1", 1)])
    as_0005(url)
    return url


def test_what_an_older_database_knew_stays(older: str) -> None:
    tables = "animal", "histology", "scan_run", "slide", "slide_czi_to_tif", "elastix_transformation", "task_log"
    before = {table: sql(older, "SELECT COUNT(*) FROM " + table) for table in tables}
    create_or_upgrade(older)
    assert {table: sql(older, "SELECT COUNT(*) FROM " + table) for table in tables} == before
    with open_database(older) as database:
        (slide,) = database.animal_records("DK39").slides
        assert [scene.qc for scene in slide.scenes] == [0, 1, 0, 0, 0, 0, 0, 0]
        assert slide.rescan_use == "replaces"
        assert {scene.moved_after for scene in slide.scenes} == {""}
        assert [one.version for one in database.log_of("DK39")] == [""]
        assert len(database.structures()) == 54


@pytest.mark.parametrize(
    ("before", "after", "comments"),
    [
        ("sagittal", "sagittal", "old"),
        (" Coronal ", "coronal", "old"),
        (None, None, "old"),
        ("a bit oblique", None, "old; orientation: a bit oblique"),
    ],
)
def test_how_a_brain_was_cut_is_one_of_four_words_and_nothing_is_lost(
    older: str, before: str | None, after: str | None, comments: str
) -> None:
    sql(older, "UPDATE histology SET orientation = :plane, comments = 'old'", plane=before)
    create_or_upgrade(older)
    assert sql(older, "SELECT orientation, comments FROM histology") == [(after, comments)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE histology SET orientation = 'diagonal'",
        "UPDATE slide SET rescan_use = 'perhaps'",
        "UPDATE slide SET slide_status = 'good'",
        "UPDATE slide SET scene_qc_1 = 4",
        "UPDATE scan_run SET flip = 'Flop'",
        "UPDATE histology SET side_sectioned_first = 'LEFT'",
        "INSERT INTO annotation_session (prep_id, annotation_type) VALUES ('DK39', 'BLOB')",
        "INSERT INTO annotation_session (prep_id, annotation_type) VALUES ('DK99', 'MARKED_CELL')",
        "INSERT INTO structure_com (session_id, x, y, z) VALUES (99, 0, 0, 0)",
        "INSERT INTO structure (abbreviation) VALUES ('7N_L')",
        "INSERT INTO decision (prep_id, what, old_value, new_value, reason) VALUES ('DK99', 'a', 'b', 'c', 'd')",
    ],
)
def test_what_cannot_be_is_refused_by_the_database_itself(older: str, statement: str) -> None:
    create_or_upgrade(older)
    with pytest.raises(DBAPIError):
        sql(older, statement)


def test_names_that_differ_in_an_accent_or_a_capital_are_different(older: str) -> None:
    create_or_upgrade(older)
    for name in ("7N_l", "Ämb", "Amb", "😀"):
        sql(older, "INSERT INTO structure (abbreviation) VALUES (:name)", name=name)
    assert sql(older, "SELECT COUNT(*) FROM structure WHERE abbreviation = :name", name="Amb") == [(1,)]


def test_the_labs_tables_of_what_ran_are_views_of_the_log(older: str) -> None:
    create_or_upgrade(older)
    with open_database(older) as database:
        database.take_in_log(
            "DK39",
            [
                ran("Clean", "slide001_S1", 5, "too dark"), ran("Clean", "slide001_S1", 9), ran("Clean", "b", 7),
                ran("Masks", "b", 8, "no tissue", channel=0), ran("Web", "b", 8, channel=0),
            ],
        )  # fmt: skip
    last = "SELECT progress_id, stage, filename, seconds, version, error FROM file_log ORDER BY stage, filename"
    assert sql(older, last) == [
        (90, "Clean", "b", 1.5, "0.1.0/3", ""),
        (90, "Clean", "slide001_S1", 1.5, "0.1.0/3", ""),
        (80, "Masks", "b", 1.5, "0.1.0/3", "no tissue"),
        (None, "Web", "b", 1.5, "0.1.0/3", ""),
    ]
    tasks = sql(older, "SELECT lookup_id, completed, items, start_date, end_date, seconds FROM task ORDER BY lookup_id")
    assert [tuple(row[:3]) for row in tasks] == [(80, 0, 1), (90, 1, 2)]
    started, ended = (str(moment)[:21] for moment in tasks[1][3:5])
    assert started.startswith("2024-05-01 10:00:01")
    assert ended == "2024-05-01 10:00:10.5"
    assert tasks[1][5] == 6.0
