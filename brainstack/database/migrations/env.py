"""Run by Alembic: where its revisions are applied. The connection and its transaction are the caller's.

A new revision, after a change of tables.py (in Python, at the root of a checkout):

    with engine_for("sqlite:////tmp/old.sqlite") as engine, engine.connect() as connection:   # a database at head
        alembic.command.revision(alembic_config(connection), "what changes", autogenerate=True, rev_id="0002")

Then read it, mend it by hand, and set HEAD in schema.py.
"""

from alembic import context

from brainstack.database.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    transactional_ddl=True,  # SQLite takes back tables too, when the caller's transaction fails
    render_as_batch=True,  # SQLite cannot alter a constraint; batches copy the table
)
with context.begin_transaction():
    context.run_migrations()
