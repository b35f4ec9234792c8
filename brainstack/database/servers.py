"""MySQL and MariaDB servers: the driver, what each connection asks for, the lock of those who write, old versions."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import URL, Connection, Engine, event, text

from brainstack.database import waiting
from brainstack.database.option_files import login
from brainstack.errors import BrainstackError

DRIVER = "mysqlconnector"
CONNECT_TIMEOUT_S = 10
CHARSET, COLLATION = "utf8mb4", "utf8mb4_bin"
"""Texts are compared byte by byte, as SQLite does: DK39 is not dk39. MySQL and MariaDB both know this collation."""
SQL_MODE = "STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""What does not fit is refused, never cut. (Without NO_BACKSLASH_ESCAPES, which the connector would not notice.)"""
OLDEST_MARIADB, OLDEST_MYSQL = (10, 5), (8, 0, 16)
"""MySQL reads CHECK before 8.0.16 and does not act on it; MariaDB before 10.5 gets no mends any more."""
LOCK = text("SELECT GET_LOCK(CONCAT('brainstack.', MD5(DATABASE())), :seconds)")
PREPARE = (
    "SET collation_connection = %s, time_zone = '+00:00', sql_mode = %s, "
    "innodb_lock_wait_timeout = %s, lock_wait_timeout = %s"
)


def is_server(url: URL) -> bool:
    """Whether it is MySQL or MariaDB."""
    return url.get_backend_name() in ("mysql", "mariadb")


def with_driver(url: URL) -> URL:
    """One name for both kinds (which of them it is, the server says), and mysql-connector where none is named."""
    driver = url.drivername.partition("+")[2] or DRIVER
    return url.set(drivername=f"mysql+{driver}")


def listen(engine: Engine) -> None:
    """From here on, each connection of the engine is as brainstack needs it."""
    event.listen(engine, "do_connect", _arguments)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _refuse_old)


def _arguments(dialect: Any, _record: object, _positional: object, named: dict[str, Any]) -> None:
    named.update(login(named.pop("defaults_file", ""), named))
    named["charset"] = CHARSET
    if dialect.driver == "mysqlconnector":
        # Its C part is not to be relied on: it needs a newer OpenSSL than the one that Debian's Python has loaded.
        named.update(use_pure=True, collation=COLLATION, connection_timeout=CONNECT_TIMEOUT_S)
    else:
        named["connect_timeout"] = CONNECT_TIMEOUT_S
    if dialect.driver == "pymysql" and _is_here(named) and not any(name.startswith("ssl") for name in named):
        named["ssl_disabled"] = True  # it reads all certificates of the system for each connection: 25 ms


def _is_here(named: dict[str, Any]) -> bool:
    return "unix_socket" in named or named.get("host", "localhost") in ("localhost", "127.0.0.1", "::1")


def _prepare(connection: Any, _record: object) -> None:
    """Times in UTC, texts in utf8mb4, nothing cut to fit, no endless wait for a lock; whatever the server's own are."""
    seconds = _whole_seconds()
    cursor = connection.cursor()
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    cursor.execute(PREPARE, (COLLATION, SQL_MODE, seconds, seconds))
    cursor.close()


def _whole_seconds() -> int:
    return max(1, math.ceil(waiting.BUSY_TIMEOUT_S))


def _refuse_old(connection: Connection) -> None:
    dialect: Any = connection.dialect
    name, oldest = ("MariaDB", OLDEST_MARIADB) if dialect.is_mariadb else ("MySQL", OLDEST_MYSQL)
    version = dialect.server_version_info
    if version < oldest:
        found, wanted = (".".join(map(str, numbers)) for numbers in (version, oldest))
        raise BrainstackError(f"The server is {name} {found}; brainstack needs {name} {wanted} or newer. Update it.")


def lock(connection: Connection) -> None:
    """The lock of those who write to this database; it ends with the connection, so also with a kill."""
    if "brainstack_lock" in connection.info:
        return
    if connection.scalar(LOCK, {"seconds": waiting.BUSY_TIMEOUT_S}) != 1:
        raise waiting.DatabaseBusy(
            "The database is held by another process. Wait until it has ended, then run the same command again."
        )
    connection.info["brainstack_lock"] = True
