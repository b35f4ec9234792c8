from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError, OperationalError

from brainstack.database import create_or_upgrade, open_database, waiting
from brainstack.database.engine import engine_for, shown
from brainstack.database.trouble import readable_errors
from brainstack.database.waiting import DatabaseBusy
from brainstack.errors import BrainstackError
from brainstack.records import Animal, Histology, ScanRun


def read_only(url: str) -> str:
    return url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"


def test_a_database_that_may_only_be_read_is_read(sqlite_url: str) -> None:
    create_or_upgrade(read_only(sqlite_url))
    with open_database(read_only(sqlite_url)) as database:
        assert database.animals() == ["DK39"]


def test_writing_where_one_may_only_read_is_a_sentence(sqlite_url: str) -> None:
    with (
        pytest.raises(BrainstackError, match=r"brainstack\.sqlite.* may only be read\. Give yourself the right"),
        open_database(read_only(sqlite_url)) as database,
    ):
        database.set_orientation("DK39", 1, "none")


def test_a_locked_database_is_a_sentence(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BUSY_TIMEOUT_S", 0.05)
    other = sqlite3.connect(make_url(sqlite_url).database or "", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(BrainstackError, match=r"held by another process. Wait"), open_database(sqlite_url):
            pass
    finally:
        other.close()


def test_one_block_that_writes_waits_for_another(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BUSY_TIMEOUT_S", 0.05)
    with open_database(url) as first:
        first.set_orientation("DK39", 1, "none")
        with pytest.raises(DatabaseBusy, match=r"held by another process"), open_database(url) as second:
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
    name = shown("sqlite:////data/brainstack.sqlite")
    with pytest.raises(BrainstackError, match=f"/data/brainstack.sqlite .*{sentence}"), readable_errors(name):
        raise OperationalError("INSERT ...", {}, sqlite3.OperationalError(said))


def test_what_no_person_can_mend_is_not_hidden() -> None:
    with pytest.raises(IntegrityError), readable_errors("this"):
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


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://lab:ge@heim@server/brains", "an @ in a password is written %40"),
        ("mysql+pymysql://lab:geheim@server", r"lab:\*\*\*@server names a server but no database"),
    ],
)
def test_a_url_that_cannot_be_used_says_what_is_wrong(url: str, sentence: str) -> None:
    with pytest.raises(BrainstackError, match=sentence) as caught:
        create_or_upgrade(url)
    assert "heim" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("mysql://lab:geheim@server:3306/brains?ssl_ca=x&password=geheim", "mysql://lab:***@server:3306/brains"),
        ("mysql+pymysql://lab@server/brains", "mysql+pymysql://lab@server/brains"),
        ("mysql://lab:ge:h@e/im@server/brains", "mysql://lab:***@server/brains"),
        ("sqlite:////data/a@b?c.db", "/data/a@b"),
        ("sqlite://", "sqlite://"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_database_is_named_without_its_password(url: str, name: str) -> None:
    assert shown(url) == name


def test_a_block_that_raises_keeps_nothing(url: str) -> None:
    def fails() -> None:
        with open_database(url) as database:
            database.add_animal(Animal("B2"), Histology("B2"), ScanRun("B2", "/scans"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    with open_database(url) as database:
        assert database.animals() == ["DK39"]


def test_foreign_keys_hold_and_no_write_ahead_log_is_kept(sqlite_url: str) -> None:
    with engine_for(sqlite_url) as opened, opened.connect() as connection:
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA journal_mode")) == "delete"


# What both engines refuse, whatever writes it

WRONG = [
    ("UPDATE scan_run SET flip = 'over'", "CHECK"),
    ("UPDATE scan_run SET rotation = 4", "CHECK"),
    ("UPDATE histology SET side_sectioned_first = 'LEFT'", "CHECK"),
    ("UPDATE histology SET section_thickness = 0", "CHECK"),
    ("INSERT INTO histology (prep_id) VALUES ('nobody')", "FOREIGN KEY"),
    ("DELETE FROM animal", "FOREIGN KEY"),
    ("INSERT INTO histology (prep_id) VALUES ('DK39')", "UNIQUE|Duplicate"),
    ("INSERT INTO animal (prep_id) VALUES (NULL)", "NULL"),
]


@pytest.mark.parametrize(("statement", "said"), WRONG)
def test_what_may_not_be_is_refused(url: str, statement: str, said: str) -> None:
    refused = pytest.raises((IntegrityError, OperationalError), match=rf"(?i){said}|CONSTRAINT")
    with refused, engine_for(url) as opened, opened.begin() as connection:
        connection.execute(text(statement))


NAMES = ['O\'Brien "the" \\ %s :x', "Zoë Żółć 🧠", "x'); DROP TABLE animal; --", "a\nb\tc ", "a_b%", "ab\\'"]


@pytest.mark.parametrize("words", NAMES)
def test_any_words_come_back_as_they_were(empty: str, words: str) -> None:
    histology = Histology("DK39", counterstain=words)
    with open_database(empty) as database:
        database.add_animal(Animal("DK39", words, words), histology, ScanRun("DK39", words))
    with open_database(empty) as database:
        records = database.animal_records("DK39")
    assert (records.animal.species, records.animal.comments, records.histology.counterstain) == (words,) * 3
    assert records.scan_run.slide_folder_path == words


def test_names_that_differ_in_size_of_letters_or_accents_only_are_different(empty: str) -> None:
    with open_database(empty) as database:
        for name in ("DK39", "dk39"):
            database.add_animal(Animal(name), Histology(name), ScanRun(name, "/scans"))
        assert set(database.animals()) == {"DK39", "dk39"}
        database.set_orientation("dk39", 1, "none")
        assert database.animal_records("DK39").scan_run.rotation == 0
