"""Looking at a database without changing it: what runs it, its version, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, update

from brainstack.database.engine import WRITES, engine_for, shown, sqlite_file
from brainstack.database.network_disk import filesystem_of, is_on_network
from brainstack.database.schema import HEAD, alembic_config, check_version, refuse_missing, refuse_newer, version_of
from brainstack.database.tables import AnimalRow, Table
from brainstack.database.trouble import readable_errors
from brainstack.errors import BrainstackError


@dataclass(frozen=True)
class DatabaseState:
    """name : as sentences have it. kind : such as "MariaDB 10.11.19". version : its revision, "" without tables.
    warnings : what a person should know or do, a sentence each; good databases have none."""

    name: str
    kind: str
    version: str
    warnings: tuple[str, ...]


def version_in(url: str) -> str:
    """The revision of a database; "" where there is none, or no tables in it.

    Raises BrainstackError where it is of a newer brainstack, or cannot be reached.
    """
    with engine_for(url) as engine:
        file = sqlite_file(engine.url)
        if file and not file.is_file():
            return ""
        with engine.connect() as connection:
            version = version_of(connection)
            refuse_newer(version, alembic_config(connection), shown(url))
            return version or ""


def check(url: str) -> DatabaseState:
    """The state of a database of this version. Raises BrainstackError where it is missing, of another version, or
    cannot be reached."""
    with engine_for(url) as engine:
        refuse_missing(engine.url)
        with engine.connect() as connection:
            check_version(connection)
            dialect: Any = connection.dialect
            names = {"sqlite": "SQLite", "mysql": "MariaDB" if getattr(dialect, "is_mariadb", False) else "MySQL"}
            kind = f"{names[dialect.name]} {'.'.join(map(str, dialect.server_version_info))}"
            missing = _missing(connection)
        with engine.connect().execution_options(**{WRITES: True}) as connection:
            cannot_write = _cannot_write(connection, shown(url))
        return DatabaseState(shown(url), kind, HEAD, (*missing, *cannot_write, *_network(engine.url)))


def _missing(connection: Connection) -> list[str]:
    """What brainstack's tables should have and these do not."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    found = compare_metadata(MigrationContext.configure(connection), Table.metadata)
    changes = [one[0] if isinstance(one, list) else one for one in found]
    return [_sentence(one) for one in changes if not str(one[0]).startswith("remove")]


def _sentence(change: Any) -> str:
    what, thing = str(change[0]), change[-1]
    if what == "add_column":
        return f"The column {change[2]}.{thing.name} is missing; restore a copy."
    if what == "add_table":
        return f"The table {thing.name} is missing; restore a copy."
    if what.startswith("add_"):
        return f"{thing.name} is missing on the table {thing.table.name}; restore a copy."
    return f"The column {change[2]}.{change[3]} is not as brainstack made it ({what}); restore a copy."


def _cannot_write(connection: Connection, name: str) -> list[str]:
    """Asks for a change that changes no row."""
    try:
        with readable_errors(name):
            connection.execute(update(AnimalRow).where(AnimalRow.prep_id == "").values(active=True))
    except BrainstackError as error:
        return [f"Nothing can be written: {error}"]
    finally:
        connection.rollback()
    return []


def _network(url: Any) -> list[str]:
    file = sqlite_file(url)
    if file is None or not is_on_network(file):
        return []
    return [
        f"It is on a disk in a network ({filesystem_of(file)}): one process writes at a time. "
        "Where several computers write, use a MySQL or MariaDB server."
    ]
