from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import PrimaryKeyConstraint, inspect, text
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable

from brainstack.database import create_or_upgrade, open_database, schema
from brainstack.database.engine import engine_for
from brainstack.database.tables import Table
from brainstack.errors import BrainstackError
from brainstack.records import AlignmentEdit, PairTransform, SlideScan


def test_the_migrations_make_what_the_tables_say(empty: str) -> None:
    with engine_for(empty) as engine, engine.connect() as connection:
        options = {"compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Table.metadata) == []


def test_the_migrations_make_the_checks_that_the_tables_say(empty: str) -> None:
    with engine_for(empty) as engine, engine.connect() as connection:
        inspector = inspect(connection)
        for table in Table.metadata.tables.values():
            wanted = {one.name for one in table.constraints if not isinstance(one, PrimaryKeyConstraint)}
            name = table.name
            made = [*inspector.get_check_constraints(name), *inspector.get_unique_constraints(name)]
            assert wanted <= {one["name"] for one in [*made, *inspector.get_foreign_keys(name)]}


def test_the_newest_revision_is_the_one_that_the_code_names(empty: str) -> None:
    with engine_for(empty) as engine, engine.connect() as connection:
        assert ScriptDirectory.from_config(schema.alembic_config(connection)).get_heads() == [schema.HEAD]


def test_a_second_call_changes_nothing_and_leaves_alembic_alone(sqlite_url: str, tmp_path: Path) -> None:
    before = (tmp_path / "brainstack.sqlite").read_bytes()
    code = (
        "import sys; from brainstack.database import create_or_upgrade; create_or_upgrade(sys.argv[1]); "
        "sys.exit('alembic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, sqlite_url], check=True)
    assert (tmp_path / "brainstack.sqlite").read_bytes() == before


def test_the_parent_folder_is_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a 100% new' / 'folder' / 'brainstack.sqlite'}"
    create_or_upgrade(url)
    with open_database(url) as database:
        assert database.animals() == []


def test_two_processes_may_make_the_database_at_once(nothing: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=create_or_upgrade, args=(nothing,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]


def test_the_first_revision_can_be_taken_back(empty: str) -> None:
    taken_back(empty, "0011", "0010", "0009", "0008", "0007", "0006", "0005", "0004")
    with engine_for(empty) as engine, engine.begin() as connection:
        script = ScriptDirectory.from_config(schema.alembic_config(connection)).get_revision("0001")
        with Operations.context(MigrationContext.configure(connection)):
            script.module.downgrade()
    with engine_for(empty) as engine, engine.connect() as connection:
        inspector = inspect(connection)
        left = [*inspector.get_table_names(), *inspector.get_view_names()]
    assert left == ["alembic_version"]


def taken_back(url: str, *revisions: str) -> None:
    """Make the database what an earlier brainstack left. revisions : to take back, the newest first."""
    with engine_for(url) as engine, engine.begin() as connection:
        for revision in revisions:
            script = ScriptDirectory.from_config(schema.alembic_config(connection)).get_revision(revision)
            with Operations.context(MigrationContext.configure(connection)):
                script.module.downgrade()
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{script.down_revision}'"))


@pytest.mark.parametrize(
    "revisions",
    [
        ("0011", "0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003", "0002"),
        ("0011", "0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003"),
    ],
    ids=["0.1.0", "order and copies"],
)
def test_an_older_database_keeps_its_rows(
    url: str, scan_of: Callable[..., SlideScan], revisions: tuple[str, ...]
) -> None:
    """Brought up to date, it knows all that it did, and nothing yet of what the scans say beyond that."""
    with open_database(url) as database:
        database.take_in_slide("DK39", scan_of("a.czi"), slide_number=1, rescan=1, file_size=1)
        database.set_scene_qc("DK39", 1, 2, 1)
        database.add_alignment_edit("DK39", AlignmentEdit("pair", "slide001_S2", "slide001_S1", 0.5, -3.0, 4.0))
        before = database.animal_records("DK39")
    taken_back(url, *revisions)
    create_or_upgrade(url)
    slides = tuple(
        replace(slide, pixel_type="", scenes=tuple(replace(scene, x=None, y=None) for scene in slide.scenes))
        for slide in before.slides
    )
    with open_database(url) as database:
        after = database.animal_records("DK39")
    assert after == replace(before, slides=slides, scan_run=replace(before.scan_run, resolution_given=True))


def test_a_pixel_size_that_an_older_database_does_not_have_nobody_gave(url: str) -> None:
    taken_back(url, "0011", "0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003")
    create_or_upgrade(url)
    with open_database(url) as database:
        assert not database.animal_records("DK39").scan_run.resolution_given


def test_a_pair_of_an_older_database_is_not_judged_yet(url: str) -> None:
    pair = PairTransform("slide001_S1", "slide001_S2", 0.5, -3.0, 4.0, 0.75)
    with open_database(url) as database:
        database.take_in_pairs("DK39", [replace(pair, mirrored=True, metric_before=0.1, overlap=0.9, verdict="good")])
    taken_back(url, "0011", "0010", "0009", "0008", "0007", "0006", "0005")
    create_or_upgrade(url)
    with open_database(url) as database:
        assert database.pairs("DK39") == [pair]


def test_a_migration_that_fails_leaves_no_half_made_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'brainstack.sqlite'}"
    upgrade = schema._upgrade

    def fails_at_the_end(connection: object) -> None:
        upgrade(connection)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "_upgrade", fails_at_the_end)
    with pytest.raises(KeyboardInterrupt):
        create_or_upgrade(url)
    with engine_for(url) as engine, engine.connect() as connection:
        assert connection.scalars(text("SELECT name FROM sqlite_master")).all() == []


def test_the_schema_and_its_migration_are_written_for_mysql_too(empty: str) -> None:
    for table in Table.metadata.sorted_tables:
        statements = [CreateTable(table), *(CreateIndex(index) for index in table.indexes)]
        assert all(str(statement.compile(dialect=mysql.dialect())) for statement in statements)
    written = StringIO()
    context = MigrationContext.configure(dialect_name="mysql", opts={"as_sql": True, "output_buffer": written})
    with engine_for(empty) as engine, engine.connect() as connection, Operations.context(context):
        scripts = ScriptDirectory.from_config(schema.alembic_config(connection))
        for revision in ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011"):
            scripts.get_revision(revision).module.upgrade()
    assert written.getvalue().count("CREATE TABLE") == len(Table.metadata.tables)
    assert "id INTEGER NOT NULL AUTO_INCREMENT" in written.getvalue()
    assert "started_at DATETIME(6) NOT NULL" in written.getvalue()


def test_names_of_constraints_fit_into_the_64_letters_of_mysql() -> None:
    tables = Table.metadata.tables.values()
    names = [str(item.name) for table in tables for item in [*table.constraints, *table.indexes]]
    assert max(map(len, names)) <= 64


def test_a_database_that_is_not_there_is_not_made_by_opening_it(tmp_path: Path) -> None:
    file = tmp_path / "brainstack.sqlite"
    with (
        pytest.raises(BrainstackError, match=r"no database .*brainstack.sqlite; 'brainstack animal add'"),
        open_database(f"sqlite:///{file}"),
    ):
        pass
    assert not file.exists()


def test_a_database_without_tables_says_how_they_are_made(tmp_path: Path) -> None:
    (tmp_path / "brainstack.sqlite").touch()
    with (
        pytest.raises(BrainstackError, match=r"no tables yet; 'brainstack animal add'"),
        open_database(f"sqlite:///{tmp_path / 'brainstack.sqlite'}"),
    ):
        pass


def test_a_database_of_a_newer_brainstack_is_refused_and_left_alone(empty: str) -> None:
    with engine_for(empty) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BrainstackError, match=r"newer brainstack .*9999.*update brainstack"), open_database(empty):
        pass
    with pytest.raises(BrainstackError, match=r"newer brainstack .*9999.*update brainstack"):
        create_or_upgrade(empty)


def test_a_database_of_an_older_brainstack_says_how_it_is_brought_up_to_date(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "HEAD", "9998")
    with pytest.raises(BrainstackError, match=r"older brainstack; 'brainstack database upgrade'"), open_database(empty):
        pass
