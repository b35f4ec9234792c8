"""How a database is reached, and what is said when it cannot be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from brainstack.errors import BrainstackError

BUSY_TIMEOUT_S = 30.0  # a transaction takes below 2 s; network disks are slow to hand a lock over
WRITES = "brainstack_writes"
"""Execution option of a connection whose transaction will write."""


@contextmanager
def engine_for(url: str) -> Iterator[Engine]:
    """An engine without a pool: it holds no connection that a fork could share, and leaves none open.

    Raises BrainstackError for a URL that cannot be read or whose driver is not installed, and for what goes wrong
    inside the block and a person can mend.
    """
    parsed = _parse(url)
    try:
        sqlite = parsed.get_backend_name() == "sqlite"
        arguments = {"timeout": BUSY_TIMEOUT_S} if sqlite else {}
        engine = create_engine(parsed, poolclass=NullPool, connect_args=arguments)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise BrainstackError(
            f"The database {shown(parsed)} needs a Python package that is missing: {error}."
        ) from error
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        with readable_errors(parsed):
            yield engine
    finally:
        engine.dispose()


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:  # the URL is not repeated: it may hold a password
        raise BrainstackError(
            "The database's URL cannot be read; wanted one such as sqlite:////data/brainstack.sqlite."
        ) from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Foreign keys hold. The journal stays SQLite's own: write-ahead logs need memory shared by all, which network
    disks do not have."""
    connection.isolation_level = None  # the module would begin transactions late and by itself
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    """A transaction that will write takes the lock at once, so that what it reads first stays true."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite database that is named plainly; None for memory, SQLite's own URIs and servers."""
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def shown(url: URL) -> str:
    """The database as a sentence names it: its file, or its URL without the password."""
    file = sqlite_file(url)
    return str(file) if file else url.render_as_string(hide_password=True)


TOLD = {
    "no such table": "lacks a table; it is not brainstack's or was cut short. Choose another file or restore a copy",
    "no such column": "lacks a column; it is not brainstack's or was changed by hand. Restore a copy",
    "locked": "is held by another process. Wait until it has ended, then run the same command again",
    "unable to open": "cannot be opened. Check that its folder is there and that you may write in it",
    "readonly": "may only be read. Give yourself the right to write the file and its folder",
    "disk is full": "has no room: the disk is full. Free some space, then run the same command again",
    "disk i/o error": "cannot be read or written: the disk says so. Check the disk, its quota and its mount",
    "not a database": "is not an SQLite database. Choose another file",
    "malformed": "is damaged. Restore a copy",
}
"""What SQLite says -> what a person reads."""


@contextmanager
def readable_errors(url: URL) -> Iterator[None]:
    """Turn what a person can mend into a sentence; all other errors are faults of brainstack and pass."""
    try:
        yield
    except DBAPIError as error:
        said = str(error.orig)
        for sign, sentence in TOLD.items():
            if sign in said.lower():
                raise BrainstackError(f"The database {shown(url)} {sentence} ({said}).") from error
        raise
