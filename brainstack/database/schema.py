"""Is the database there, and of this version? Makes it and brings it up to date by Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.schema import CreateSchema

from brainstack.database.engine import WRITES, engine_for, parse, shown, sqlite_file
from brainstack.database.servers import is_server
from brainstack.database.tables import Table
from brainstack.database.trouble import DatabaseUnavailable, readable_errors
from brainstack.errors import BrainstackError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0011"
"""The newest revision in migrations/versions. Said here too, as to ask Alembic costs a quarter of a second."""

VERSION = text("SELECT version_num FROM alembic_version")

MIGRATIONS = Path(__file__).parent / "migrations"


def create_or_upgrade(url: str) -> None:
    """Make the tables, or bring them to the newest version; nothing where they are already.

    Two processes may call it at once: the second waits for the first and finds nothing to do. On SQLite it is done
    whole or not at all. A server keeps each step of it; what was cut short there is finished by the next call.
    Raises BrainstackError where the file cannot be made or written, where the user may not make tables, where other
    tables of these names are there, or for a database of a newer brainstack.
    """
    with engine_for(url) as engine:
        file = sqlite_file(engine.url)
        if file and not file.parent.is_dir():
            _make_folder(file)
        with engine.connect() as connection:
            if version_of(connection) == HEAD:
                return
        with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            if version_of(connection) != HEAD:  # another process may have been faster
                _upgrade(connection)


def make_on_server(url: str) -> None:
    """An empty database on the server that the URL names, where it has none of this name; nothing for a file.

    Raises BrainstackError where the user may not make one.
    """
    parsed = parse(url)
    name = parsed.database
    if not is_server(parsed) or name is None:
        return
    anybodys = parsed.set(database="information_schema").render_as_string(hide_password=False)
    with engine_for(anybodys) as engine, readable_errors(shown(url)), engine.connect() as connection:
        if name not in inspect(connection).get_schema_names():
            connection.execute(CreateSchema(name))


def refuse_missing(url: URL | str) -> None:
    """Raises DatabaseUnavailable where a file of SQLite is not there: SQLite would make an empty one."""
    file = sqlite_file(parse(url) if isinstance(url, str) else url)
    if file and not file.is_file():
        raise DatabaseUnavailable(
            f"There is no database {file}; 'brainstack animal add' makes it with its first animal."
        )


def refuse_gone(url: str) -> None:
    """Raises DatabaseUnavailable where the database is a file of SQLite that is not there. Asks no server."""
    file = sqlite_file(parse(url))
    if file and not file.is_file():
        raise DatabaseUnavailable(
            f"The database {file} is not there any more; put it back, or see whether its disk is mounted."
        )


def check_version(connection: Connection) -> None:
    """Raises BrainstackError, saying what to do, where the tables are missing, old or newer than this code."""
    version = version_of(connection)
    if version == HEAD:
        return
    name = shown(connection.engine.url)
    if version is None:
        raise BrainstackError(f"The database {name} has no tables yet; 'brainstack animal add' makes them.")
    refuse_newer(version, alembic_config(connection), name)
    raise BrainstackError(f"The database {name} is of an older brainstack; 'brainstack database upgrade' mends it.")


def version_of(connection: Connection) -> str | None:
    """The revision that Alembic noted in the database; None where there is none."""
    try:
        return connection.execute(VERSION).scalar()
    except (OperationalError, ProgrammingError):
        if inspect(connection).has_table("alembic_version"):
            raise
        return None


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings, without an alembic.ini; migrations/env.py takes the connection from here."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _upgrade(connection: Connection) -> None:
    from alembic import command

    config = alembic_config(connection)
    name = shown(connection.engine.url)
    refuse_newer(version_of(connection), config, name)
    _refuse_strange(connection, name)
    command.upgrade(config, "head")


def _refuse_strange(connection: Connection, name: str) -> None:
    """The lab's own database has tables of the same names."""
    there = set(inspect(connection).get_table_names())
    strange = sorted(there & set(Table.metadata.tables))
    if strange and "alembic_version" not in there:
        raise BrainstackError(
            f"The database {name} has tables that are not brainstack's ({', '.join(strange[:3])}); give brainstack a "
            "database of its own. 'brainstack database import' takes over what the lab's own one holds."
        )


def refuse_newer(version: str | None, config: Config, name: str) -> None:
    """Raises BrainstackError for a revision that this code does not know."""
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise BrainstackError(
            f"The database {name} is of a newer brainstack (its version is {version}, this one knows up to {HEAD}); "
            "update brainstack."
        )


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BrainstackError(
            f"The folder of the database {file} cannot be made ({error.strerror}); make it or choose another place."
        ) from error
