"""How a database is reached: a file of SQLite, or a MySQL or MariaDB server."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from brainstack.database import network_disk, servers, waiting
from brainstack.database.trouble import readable_errors
from brainstack.errors import BrainstackError

SQLITE_FILE = "sqlite:////data/brainstack.sqlite"
SERVER = "mysql+mysqlconnector://lab@server/brainstack"
WRITES = "brainstack_writes"
"""Execution option of a connection whose transaction will write."""


@contextmanager
def engine_for(url: str) -> Iterator[Engine]:
    """An engine without a pool: it holds no connection that a fork could share, and leaves none open.

    Raises BrainstackError for a URL that cannot be read or whose driver is not installed, and for what goes wrong
    inside the block and a person can mend.
    """
    with readable_errors(shown(url)):
        yield _engine(url, os.getpid())


@lru_cache(maxsize=16)  # it remembers how statements are written, and what it asked the server at first
def _engine(url: str, _process: int) -> Engine:
    parsed = parse(url)
    is_server = servers.is_server(parsed)
    try:
        engine = create_engine(parsed, poolclass=NullPool)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise BrainstackError(
            f"The database {shown(url)} needs a Python package that is missing: {error}; install it with pip, or "
            "correct the URL."
        ) from error
    if is_server:
        servers.listen(engine)
    elif parsed.get_backend_name() == "sqlite":
        _listen(engine)
    event.listen(engine, "begin", _lock_at_once)
    return engine


def parse(url: str) -> URL:
    """The URL in its parts. Raises BrainstackError, which does not repeat it, as it may hold a password."""
    wanted = f"wanted one such as {SQLITE_FILE} or {SERVER}"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BrainstackError(f"The database's URL cannot be read; {wanted}.") from error
    if "@" in (parsed.host or ""):
        raise BrainstackError("The database's URL cannot be read: an @ in a password is written %40 there, a / %2F.")
    if not servers.is_server(parsed):
        return parsed
    if not parsed.database:
        raise BrainstackError(f"The database's URL {shown(url)} names a server but no database on it; {wanted}.")
    return servers.with_driver(parsed)


def shown(url: str | URL) -> str:
    """The database as a sentence names it: its file, or its URL without the password and all that follows a "?"."""
    text = url.render_as_string(hide_password=False) if isinstance(url, URL) else url
    if not text.startswith("sqlite"):
        return re.sub(r"://([^:/@]*):.*@", r"://\1:***@", text).partition("?")[0]
    try:
        file = sqlite_file(make_url(text))
    except (ArgumentError, ValueError):
        file = None
    return str(file) if file else text


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite database that is named plainly; None for memory, SQLite's own URIs and servers."""
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def lock_for_writing(connection: Connection) -> None:
    """From here to the end of its transaction no other process of brainstack writes to this database: what was read
    under the lock stays true. Waits up to BUSY_TIMEOUT_S of waiting.py, then raises DatabaseBusy.

    A file of SQLite has such a lock by itself, but for disks in a network.
    """
    if connection.dialect.name == "sqlite":
        network_disk.lock(connection)
    else:
        servers.lock(connection)


def _lock_at_once(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    if writes:
        lock_for_writing(connection)
    if connection.dialect.name == "sqlite":  # a transaction that will write takes SQLite's own lock at once as well
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _listen(engine: Engine) -> None:
    file = sqlite_file(engine.url)
    on_network = file is not None and network_disk.is_on_network(file)
    event.listen(engine, "do_connect", _wait)
    event.listen(engine, "connect", _prepare)
    if file is not None and on_network:
        network_disk.listen(engine, file)


def _wait(_dialect: object, _record: object, _arguments: object, named: dict[str, Any]) -> None:
    named["timeout"] = waiting.BUSY_TIMEOUT_S


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    """Foreign keys hold. The journal stays SQLite's own: write-ahead logs need memory shared by all, which network
    disks do not have."""
    connection.isolation_level = None  # the module would begin transactions late and by itself
    connection.execute("PRAGMA foreign_keys = ON")
