"""The tables as they are, for pages that show plain rows. To be read: who writes uses the functions of Database.

A session of these raises BrainstackError where the database cannot be reached or used, as `open_database` does.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ExceptionContext, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from brainstack.database import servers, tables
from brainstack.database.engine import parse, shown
from brainstack.database.tables import Table
from brainstack.database.trouble import readable_errors

MODELS: dict[str, type[Table]] = {
    mapper.local_table.name: mapper.class_  # type: ignore[attr-defined]
    for mapper in sorted(tables.Table.registry.mappers, key=lambda one: str(one.local_table))
}
"""Each table's name -> its class."""
SECRET = {"reviewer": ("password_hash",)}
"""Columns that nobody is shown."""
UNSHOWN = {"review_session"}
"""Tables that nobody is shown."""


def columns_of(table: str) -> list[str]:
    """Those that people may see, in their order."""
    return [one.name for one in MODELS[table].__table__.columns if one.name not in SECRET.get(table, ())]


def sessions_for(url: str) -> sessionmaker[Session]:
    """Makes sessions that read. The database is asked for nothing yet."""
    parsed = parse(url)
    engine = create_engine(parsed, poolclass=NullPool)
    if servers.is_server(parsed):
        servers.listen(engine)
    name = shown(url)

    @event.listens_for(engine, "handle_error")
    def tell(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, DBAPIError):
            _raise_readable(name, context.sqlalchemy_exception)

    return sessionmaker(bind=engine, class_=Session, autoflush=False)


def as_text(value: Any) -> str:
    """A value of a column, as the functions that write take it."""
    return "" if value is None else str(value)


def _raise_readable(name: str, error: DBAPIError) -> None:
    with readable_errors(name):
        raise error
