"""What only a server can do wrong, on a real one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import mariadb_server
import pytest
from mariadb_server import Server
from sqlalchemy import event, make_url, text

from brainstack.database import create_or_upgrade, open_database, run_in_transaction, schema, servers, waiting
from brainstack.database.checking import check
from brainstack.database.engine import engine_for
from brainstack.database.session import Database
from brainstack.database.waiting import DatabaseBusy
from brainstack.errors import BrainstackError
from brainstack.records import Animal, Histology, ScanRun

DRIVERS = "mysqlconnector", "pymysql"
PASSWORD = "ge%40heim"
"""As a URL has it."""


@pytest.fixture(params=DRIVERS)
def driven_url(request: pytest.FixtureRequest, server_url: str) -> str:
    """As url, through each driver."""
    return server_url.replace("mysqlconnector", request.param)


@pytest.fixture
def user(server: Server, server_url: str) -> Iterator[Callable[[str], str]]:
    """The URL of a user with a password and these rights on the database, such as "SELECT, INSERT"; "" for none."""
    name = make_url(server_url).database

    def with_rights(rights: str) -> str:
        server.sql("CREATE USER lab@'127.0.0.1' IDENTIFIED BY 'ge@heim'")
        if rights:
            server.sql(f"GRANT {rights} ON {name}.* TO lab@'127.0.0.1'")
        return server_url.replace("root@", f"lab:{PASSWORD}@")

    server.sql("DROP USER IF EXISTS lab@'127.0.0.1'")
    yield with_rights
    server.sql("DROP USER IF EXISTS lab@'127.0.0.1'")


def value(url: str, query: str) -> object:
    with engine_for(url) as engine, engine.connect() as connection:
        return connection.scalar(text(query))


def rotation(url: str) -> int:
    with open_database(url) as database:
        return database.animal_records("DK39").scan_run.rotation


def refused(url: str, sentence: str) -> None:
    with pytest.raises(BrainstackError, match=sentence) as caught, open_database(url):
        pass
    assert "heim" not in str(caught.value)


# What brainstack asks for, whatever the server's own defaults are (the tests' server has the worst)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("time_zone", "+00:00"),
        ("character_set_client", "utf8mb4"),
        ("character_set_results", "utf8mb4"),
        ("collation_connection", "utf8mb4_bin"),
        ("tx_isolation", "READ-COMMITTED"),
        ("innodb_lock_wait_timeout", 30),
    ],
)
def test_each_connection_is_as_brainstack_needs_it(driven_url: str, name: str, wanted: object) -> None:
    assert value(driven_url, f"SELECT @@{name}") == wanted


def test_what_does_not_fit_is_refused_and_not_cut(driven_url: str) -> None:
    assert "STRICT_ALL_TABLES" in str(value(driven_url, "SELECT @@sql_mode"))
    told = pytest.raises(BrainstackError, match="cannot keep a text that is so long")
    with told, engine_for(driven_url) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE animal SET species = :words"), {"words": "m" * 101})


def test_all_tables_have_foreign_keys_and_compare_texts_letter_by_letter(server: Server, server_url: str) -> None:
    rows = server.sql(
        "SELECT DISTINCT engine, table_collation FROM information_schema.tables "
        f"WHERE table_schema = '{make_url(server_url).database}' AND table_name <> 'alembic_version' "
        "AND table_type = 'BASE TABLE'"
    )
    assert rows == [("InnoDB", "utf8mb4_bin")]


def test_a_time_is_kept_in_utc_where_the_server_lives_elsewhere(server_url: str) -> None:
    hours = value(server_url, "SELECT ABS(TIMESTAMPDIFF(SECOND, created, UTC_TIMESTAMP())) FROM animal")
    assert hours < 600  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "mariadb+pymysql", "mysql+mysqlconnector"])
def test_both_names_are_understood_and_a_driver_needs_no_naming(server_url: str, kind: str) -> None:
    assert rotation(server_url.replace("mysql+mysqlconnector", kind)) == 0


def test_a_socket_serves_as_well(server: Server, server_url: str) -> None:
    name = make_url(server_url).database
    assert rotation(f"mysql://root@/{name}?unix_socket={server.socket}") == 0


def test_the_check_says_what_runs_it(driven_url: str) -> None:
    state = check(driven_url)
    assert state.kind.startswith("MariaDB 10.")
    assert state.warnings == ()


# What can go wrong


def test_a_server_that_is_down(driven_url: str) -> None:
    refused(driven_url.replace(f":{make_url(driven_url).port}", ":1"), r"127\.0\.0\.1:1/test\w+ cannot be reached")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_server_that_does_not_exist(driver: str) -> None:
    refused(f"mysql+{driver}://lab:{PASSWORD}@nowhere.invalid/brains", r"nowhere\.invalid/brains cannot be reached")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_wrong_password(user: Callable[[str], str], driver: str) -> None:
    url = user("SELECT").replace(PASSWORD, "wrongheim").replace("mysqlconnector", driver)
    refused(url, r"lab:\*\*\*@.* refuses the user or the password")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_user_without_rights(user: Callable[[str], str], driver: str) -> None:
    refused(user("").replace("mysqlconnector", driver), "may not be used in this way by this user")


def test_a_user_who_may_only_read(user: Callable[[str], str]) -> None:
    url = user("SELECT")
    create_or_upgrade(url)
    assert rotation(url) == 0
    with pytest.raises(BrainstackError, match="may not be used in this way"), open_database(url) as database:
        database.set_orientation("DK39", 1, "none")
    assert [one for one in check(url).warnings if "Nothing can be written" in one]
    assert rotation(url) == 0


def test_a_user_who_may_change_rows_and_not_tables_can_do_all_but_upgrade(
    user: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    url = user("SELECT, INSERT, UPDATE, DELETE")
    create_or_upgrade(url)
    with open_database(url) as database:
        database.set_orientation("DK39", 1, "none")
    assert (rotation(url), check(url).warnings) == (1, ())
    server.sql("UPDATE alembic_version SET version_num = '0005'", database=make_url(url).database or "")
    with pytest.raises(BrainstackError, match="may not be used in this way by this user"):
        create_or_upgrade(url)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_database_that_is_not_on_the_server(server: Server, driver: str) -> None:
    refused(server.url("nowhere", driver=driver), r"/nowhere is not there .* 'brainstack database create'")


def test_a_server_that_is_too_old(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "OLDEST_MARIADB", (99, 1))
    refused(server_url, r"The server is MariaDB 10\.[\d.]+; brainstack needs MariaDB 99\.1 or newer")


def kill_all(server: Server, url: str) -> None:
    name = make_url(url).database
    for (number,) in server.sql(f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"):
        server.sql(f"KILL {number}")


def test_a_connection_that_is_lost_keeps_nothing_and_the_next_one_works(server: Server, driven_url: str) -> None:
    def lost() -> None:
        with open_database(driven_url) as database:
            database.set_orientation("DK39", 1, "none")
            database.animal_records("DK39")
            kill_all(server, driven_url)
            database.set_section_thickness("DK39", 50)

    with pytest.raises(BrainstackError, match="broke off the connection") as caught:
        lost()
    assert not isinstance(caught.value, DatabaseBusy)
    assert rotation(driven_url) == 0


def test_a_connection_that_is_lost_at_the_end_keeps_nothing(server: Server, driven_url: str) -> None:
    def lost() -> None:
        with open_database(driven_url) as database:
            database.set_orientation("DK39", 1, "none")
            database.animal_records("DK39")
            kill_all(server, driven_url)

    with pytest.raises(BrainstackError, match="broke off the connection"):
        lost()
    assert rotation(driven_url) == 0


@pytest.mark.slow
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_server_that_falls_over_keeps_what_was_whole(tmp_path: Path, driver: str) -> None:
    if reason := mariadb_server.why_not():
        pytest.skip(reason)
    own = mariadb_server.start(tmp_path)
    own.sql("CREATE DATABASE brains")
    url = own.url("brains", driver=driver)
    create_or_upgrade(url)
    with open_database(url) as database:
        database.add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "/scans", rotation=1))

    def lost() -> None:
        with open_database(url) as database:
            database.set_orientation("DK39", 2, "none")
            database.animal_records("DK39")
            mariadb_server.stop(own, how=signal.SIGKILL)
            database.animal_records("DK39")

    with pytest.raises(BrainstackError, match="broke off the connection"):
        lost()
    refused(url, "cannot be reached")
    again = mariadb_server.start(tmp_path)
    try:
        assert rotation(again.url("brains", driver=driver)) == 1
    finally:
        mariadb_server.stop(again, how=signal.SIGKILL)


# Several who write


def test_a_deadlock_is_told_as_such_and_the_work_is_done_again(driven_url: str) -> None:
    """Two write to the same two rows in another order, one of them not through brainstack."""
    first_has_one, tries = threading.Event(), []
    rows = "UPDATE scan_run SET height = height + 1", "UPDATE histology SET comments = 'x'"

    def stranger() -> None:
        with engine_for(driven_url) as engine, engine.begin() as connection:
            connection.execute(text(rows[1]))
            connection.execute(text(rows[1]))
            strangers_turn.set()
            first_has_one.wait(10)
            connection.execute(text(rows[0]))

    strangers_turn = threading.Event()
    other = threading.Thread(target=stranger)

    def work(database: Database) -> None:
        tries.append(1)
        if len(tries) == 1:
            other.start()
            strangers_turn.wait(10)
        database.set_orientation("DK39", 1, "none")
        database.animal_records("DK39")  # written so far
        first_has_one.set()
        database.set_section_thickness("DK39", 50)

    run_in_transaction(driven_url, work)
    other.join()
    assert rotation(driven_url) == 1
    assert value(driven_url, "SELECT section_thickness FROM histology") == 50
    assert value(driven_url, "SELECT height FROM scan_run") in (0, 1)


def test_a_lock_that_is_not_let_go_is_a_sentence(driven_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BUSY_TIMEOUT_S", 1.0)
    with engine_for(driven_url) as engine, engine.begin() as stranger:
        stranger.execute(text("UPDATE scan_run SET height = 1"))
        with pytest.raises(DatabaseBusy, match="held by another process"), open_database(driven_url) as database:
            database.set_orientation("DK39", 1, "none")
    assert rotation(driven_url) == 0


# Tables on a server


def test_an_upgrade_that_was_cut_short_is_finished_by_the_next(server: Server, new_database: Callable[[], str]) -> None:
    """A server keeps each statement that makes or changes a table."""
    url = server.url(new_database())
    left, cuts = 0, 0

    def stop(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal left
        if statement.lstrip().startswith(("CREATE", "ALTER", "INSERT", "UPDATE")):
            left -= 1
            if left == 0:
                raise KeyboardInterrupt

    with engine_for(url) as engine:
        event.listen(engine, "after_cursor_execute", stop)
        while True:
            cuts += 1
            left = 12 * cuts
            with suppress(KeyboardInterrupt):
                create_or_upgrade(url)
                break
        event.remove(engine, "after_cursor_execute", stop)
    assert cuts > 2
    assert check(url).warnings == ()


def test_tables_of_the_labs_own_are_left_alone(nothing: str) -> None:
    with engine_for(nothing) as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE animal (prep_id VARCHAR(20) PRIMARY KEY)"))
    with pytest.raises(BrainstackError, match=r"not brainstack's \(animal\); .*'brainstack database import'"):
        create_or_upgrade(nothing)
    with engine_for(nothing) as engine, engine.connect() as connection:
        assert schema.version_of(connection) is None


def test_a_database_is_made_on_the_server(server: Server) -> None:
    url = server.url("O'Brien-brains")
    try:
        schema.make_on_server(url)
        schema.make_on_server(url)
        create_or_upgrade(url)
        assert check(url).warnings == ()
    finally:
        server.sql("DROP DATABASE IF EXISTS `O'Brien-brains`")
