"""When notes were closed and opened again: kept beside them, also of those that are older than that."""

from __future__ import annotations

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import text

from brainstack.database import create_or_upgrade, open_database, schema
from brainstack.database.engine import engine_for
from brainstack.database.note_changes import NoteChange
from brainstack.errors import BrainstackError
from brainstack.said import JournalEntry


def said_of(url: str, number: int) -> list[tuple[bool, str, str]]:
    with open_database(url) as database:
        return [(one.is_closed, one.person, one.fix) for one in database.note_changes("DK39")[number]]


def as_0009(url: str, statement: str) -> None:
    """Make the database what the brainstack before changes were kept left. statement : of what it wrote."""
    with engine_for(url) as engine, engine.begin() as connection:
        scripts = ScriptDirectory.from_config(schema.alembic_config(connection))
        with Operations.context(MigrationContext.configure(connection)):
            for script in scripts.iterate_revisions(schema.HEAD, "0009"):
                script.module.downgrade()
        connection.execute(text("UPDATE alembic_version SET version_num = '0009'"))
        connection.execute(text(statement))


def test_each_change_of_a_note_is_kept_and_no_other_notes(url: str) -> None:
    with open_database(url) as database:
        first, second = (database.add_note("DK39", JournalEntry(entry)) for entry in ("torn", "too dark"))
    for fix, person in (("glued 🧠", "Zoë"), ("", "bo")):
        with open_database(url) as database:
            database.close_note("DK39", first, fix, person=person)
        with open_database(url) as database:
            database.reopen_note("DK39", first, person="anna")
    assert said_of(url, first) == [
        (True, "Zoë", "glued 🧠"), (False, "anna", ""), (True, "bo", ""), (False, "anna", ""),
    ]  # fmt: skip
    assert said_of(url, second) == []
    with open_database(url) as database:
        assert database.note_of("DK39", first).fix == "glued 🧠"
        with pytest.raises(BrainstackError, match="has no note 99"):
            database.reopen_note("DK39", 99)


def test_what_an_older_note_says_of_its_closing_stays_when_it_is_closed_again(url: str) -> None:
    columns = "prep_id, entry, fix, completed, closed_by, closed"
    as_0009(
        url,
        f"INSERT INTO journals ({columns}) VALUES ('DK39', 'torn', 'glued', 1, 'bo', '2024-05-01 10:00:00'), "
        "('DK39', 'dark', NULL, 0, '', NULL), ('DK39', 'bent', 'flattened', 0, '', NULL)",
    )
    create_or_upgrade(url)
    with open_database(url) as database:
        closed, untouched, opened = database.note_changes("DK39").values()
    bo = NoteChange(True, "bo", "glued", "2024-05-01T10:00:00+00:00")
    assert (closed, untouched) == ((bo,), ())
    assert opened == (NoteChange(True, fix="flattened"), NoteChange(False))
    with open_database(url) as database:
        database.reopen_note("DK39", 1, person="anna")
        database.close_note("DK39", 1, "scanned again", person="anna")
        database.close_note("DK39", 3, "pressed", person="anna")
    with open_database(url) as database:
        assert database.note_changes("DK39")[1][0] == bo
    assert said_of(url, 1)[1:] == [(False, "anna", ""), (True, "anna", "scanned again")]
    assert said_of(url, 3) == [(True, "", "flattened"), (False, "", ""), (True, "anna", "pressed")]
