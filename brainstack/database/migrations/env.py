"""Run by Alembic: where its revisions are applied. The connection and its transaction are the caller's.

A new revision, after a change of tables.py (in Python, at the root of a checkout):

    with engine_for("sqlite:////tmp/old.sqlite") as engine, engine.connect() as connection:   # a database at head
        alembic.command.revision(alembic_config(connection), "what changes", autogenerate=True, rev_id="0002")

Then read it, mend it by hand, and set HEAD in schema.py.
"""

from typing import Any

from alembic import context
from alembic.ddl.mysql import MySQLImpl
from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError

from brainstack.database import tables
from brainstack.database.servers import CHARSET, COLLATION
from brainstack.database.trouble import number_of

DONE_BEFORE = {1050, 1060, 1061, 1062, 1091, 1826, 3821, 3822}
"""Numbers of errors: the table, column, index, row or constraint is there already; what is dropped is gone already."""


class OnServer(MySQLImpl):
    """MySQL and MariaDB: tables have transactions, foreign keys and every letter whatever the server's defaults are.

    They keep each statement that changes a table, also where the upgrade is then cut short. The next upgrade begins
    with the same revision, and passes over what was done of it.
    """

    __dialect__ = "mysql"

    def create_table(self, table: Table, **named: Any) -> None:
        table.dialect_kwargs.update(mysql_engine="InnoDB", mysql_charset=CHARSET, mysql_collate=COLLATION)
        super().create_table(table, **named)

    def _exec(self, *arguments: Any, **named: Any) -> Any:
        try:
            return super()._exec(*arguments, **named)
        except DBAPIError as error:
            if number_of(error.orig) in DONE_BEFORE:
                return None
            raise


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.Table.metadata,
    transactional_ddl=True,  # SQLite takes back tables too, when the caller's transaction fails
    render_as_batch=True,  # SQLite cannot alter a constraint; batches copy the table
)
with context.begin_transaction():
    context.run_migrations()
