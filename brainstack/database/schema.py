"""Is the database there, and of this version? Makes it and brings it up to date by Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from brainstack.database.engine import WRITES, engine_for, shown, sqlite_file
from brainstack.errors import BrainstackError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0005"
"""The newest revision in migrations/versions. Said here too, as to ask Alembic costs a quarter of a second."""

MIGRATIONS = Path(__file__).parent / "migrations"


def create_or_upgrade(url: str) -> None:
    """Make the database, or bring it to the newest version; nothing where it is already.

    Two processes may call it at once: the second waits for the first and finds nothing to do.
    Raises BrainstackError where the file cannot be made or written, or is of a newer brainstack.
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


def check_version(engine: Engine) -> None:
    """Raises BrainstackError, saying what to do, where the tables are missing, old or newer than this code."""
    file = sqlite_file(engine.url)
    if file and not file.is_file():  # SQLite would make an empty one
        raise BrainstackError(f"There is no database {file}; 'brainstack animal add' makes it with its first animal.")
    with engine.connect() as connection:
        version = version_of(connection)
        if version == HEAD:
            return
        name = shown(engine.url)
        if version is None:
            raise BrainstackError(f"The database {name} has no tables yet; 'brainstack animal add' makes them.")
        _refuse_newer(version, alembic_config(connection), name)
        raise BrainstackError(f"The database {name} is of an older brainstack; 'brainstack database upgrade' mends it.")


def version_of(connection: Connection) -> str | None:
    """The revision that Alembic noted in the database; None where there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings, without an alembic.ini; migrations/env.py takes the connection from here."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _upgrade(connection: Connection) -> None:
    from alembic import command

    config = alembic_config(connection)
    _refuse_newer(version_of(connection), config, shown(connection.engine.url))
    command.upgrade(config, "head")


def _refuse_newer(version: str | None, config: Config, name: str) -> None:
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
