from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError, OperationalError

from brainstack.database import create_or_upgrade, engine, open_database
from brainstack.database.engine import engine_for, readable_errors
from brainstack.errors import BrainstackError
from brainstack.records import Animal, Histology, ScanRun


def read_only(url: str) -> str:
    return url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"


def test_a_database_that_may_only_be_read_is_read(url: str) -> None:
    create_or_upgrade(read_only(url))
    with open_database(read_only(url)) as database:
        assert database.animals() == ["DK39"]


def test_writing_where_one_may_only_read_is_a_sentence(url: str) -> None:
    with (
        pytest.raises(BrainstackError, match=r"brainstack\.sqlite.* may only be read\. Give yourself the right"),
        open_database(read_only(url)) as database,
    ):
        database.set_orientation("DK39", 1, "none")


def test_a_locked_database_is_a_sentence(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.05)
    other = sqlite3.connect(make_url(url).database or "", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(BrainstackError, match=r"held by another process. Wait"), open_database(url):
            pass
    finally:
        other.close()


def test_one_block_that_writes_waits_for_another(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.05)
    with open_database(url) as first:
        first.set_orientation("DK39", 1, "none")
        with pytest.raises(BrainstackError, match=r"held by another process"), open_database(url) as second:
            second.set_orientation("DK39", 2, "none")
    with open_database(url) as database:
        assert database.animal_records("DK39").scan_run.rotation == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"not a database at all" * 100, "is not an SQLite database"), (None, "cannot be opened")],
)
def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    file = tmp_path / "brainstack.sqlite"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(BrainstackError, match=sentence):
        create_or_upgrade(f"sqlite:///{file}")


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrainstackError, match=r"folder of the database .* cannot be made"):
        create_or_upgrade(f"sqlite:///{tmp_path / 'file' / 'below' / 'brainstack.sqlite'}")


def test_a_missing_table_is_a_sentence(url: str) -> None:
    with engine_for(url) as opened, opened.begin() as connection:
        connection.execute(text("DROP TABLE task_log"))
    with pytest.raises(BrainstackError, match=r"lacks a table.*task_log"), open_database(url) as database:
        database.log_of("DK39")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("database or disk is full", "the disk is full. Free some space"),
        ("disk I/O error", "Check the disk"),
        ("database disk image is malformed", "is damaged. Restore a copy"),
    ],
)
def test_trouble_with_the_disk_is_a_sentence(said: str, sentence: str) -> None:
    parsed = make_url("sqlite:////data/brainstack.sqlite")
    with pytest.raises(BrainstackError, match=f"/data/brainstack.sqlite .*{sentence}"), readable_errors(parsed):
        raise OperationalError("INSERT ...", {}, sqlite3.OperationalError(said))


def test_what_no_person_can_mend_is_not_hidden() -> None:
    with pytest.raises(IntegrityError), readable_errors(make_url("sqlite://")):
        raise IntegrityError("INSERT ...", {}, sqlite3.IntegrityError("CHECK constraint failed"))


def test_a_url_that_cannot_be_read_is_a_sentence_without_the_password() -> None:
    with pytest.raises(BrainstackError, match=r"wanted one such as sqlite:///") as caught:
        create_or_upgrade("secret@nothing")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["nosuchdatabase", "mysql+nosuchdriver"])
def test_a_missing_driver_is_a_sentence_without_the_password(kind: str) -> None:
    with pytest.raises(BrainstackError, match=r"Python package that is missing") as caught:
        create_or_upgrade(f"{kind}://lab:secret@server/brains")
    assert "secret" not in str(caught.value)


def test_a_block_that_raises_keeps_nothing(url: str) -> None:
    def fails() -> None:
        with open_database(url) as database:
            database.add_animal(Animal("B2"), Histology("B2"), ScanRun("B2", "/scans"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    with open_database(url) as database:
        assert database.animals() == ["DK39"]


def test_foreign_keys_hold_and_no_write_ahead_log_is_kept(url: str) -> None:
    with engine_for(url) as opened, opened.connect() as connection:
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA journal_mode")) == "delete"
