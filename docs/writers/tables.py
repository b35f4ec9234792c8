"""The page of the database's tables, from the models and from a database that was just made."""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, UniqueConstraint, create_engine, text
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects import sqlite

from brainstack.database import create_or_upgrade
from brainstack.database.tables import Table
from writers.settings import cell

WORDS = {
    "INTEGER": "whole number",
    "BIGINT": "whole number, of 64 bits",
    "DOUBLE": "number",
    "BOOLEAN": "0 or 1",
    "TEXT": "text",
    "DATETIME": "time",
}
"""SQL's type -> in words."""


def tables_page() -> str:
    models = {mapper.class_.__tablename__: mapper.class_ for mapper in Table.registry.mappers}
    lines = [*head(), "\n## Tables"]
    for name in sorted(models):
        lines += one_table(models[name].__table__, inspect.getdoc(models[name]) or "")
    return "\n".join([*lines, "\n## Views", *views()]) + "\n"


def head() -> list[str]:
    return [
        "# Tables and columns\n",
        "Written by `make docs` from `brainstack/database/tables_*.py`. Who writes which table, and what people do",
        "with them, is in [the database](database.md).\n",
        "- `id` numbers the rows; `prep_id` is the name of the animal.",
        "- Times (`created`, `start` ...) are in UTC, without a zone. `created` is when the row was written.",
        "- `active` is 0 where a row does not count any more; it is kept so that what was said can be seen.",
        "- Lengths are micrometres, angles radians, unless a table says otherwise. What is not known is NULL.",
        "- Values in the column *may be* are checked by the database itself.",
    ]


def one_table(table: SqlTable, said: str) -> Iterator[str]:
    first, _, rest = said.partition("\n\n")
    yield f"\n### {table.name}\n"
    for paragraph in (first, rest):
        if words := " ".join(paragraph.split()):
            yield named(words, table) + "\n"
    yield "| column | kind | NULL | without a value | may be |"
    yield "|---|---|---|---|---|"
    for column in table.columns:
        shown = (kind(column), "yes" if column.nullable else "", otherwise(column), allowed(table, column))
        yield f"| `{column.name}` | {' | '.join(cell(one) for one in shown)} |"
    together = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    for names in sorted(", ".join(f"`{column.name}`" for column in one.columns) for one in together):
        yield f"\nNo two rows have the same {names}."


def named(words: str, table: SqlTable) -> str:
    """Names of columns as code, where a docstring says what they are: `gain :` or `xshift, yshift :`."""
    columns = {column.name for column in table.columns}

    def as_code(found: re.Match[str]) -> str:
        names = found[1].split(", ")
        known = any(name.rstrip(".n_") in one for name in names for one in columns)
        return ", ".join(f"`{name}`" for name in names) + ":" if known else found[0]

    marked = re.sub(r"\b([a-z_]+\.{0,3}(?:, [a-z_]+\.{0,3})*) :", as_code, words)
    return marked.replace("*", r"\*")


def kind(column: Column[object]) -> str:
    name = column.type.compile(dialect=sqlite.dialect())  # type: ignore[no-untyped-call]
    length = re.fullmatch(r"VARCHAR\((\d+)\)", name)
    return f"text, up to {length[1]} letters" if length else WORDS.get(name, name.lower())


def otherwise(column: Column[object]) -> str:
    """The value that the database gives a row that says none."""
    if column.server_default is None:
        return ""
    value = str(getattr(column.server_default, "arg", ""))
    return "now" if "current_timestamp" in value.lower() else f"`{value}`"


def allowed(table: SqlTable, column: Column[object]) -> str:
    """What the database lets a column be, and which row it leads to."""
    found = [
        f"a `{element.target_fullname}`"
        for one in table.constraints
        if isinstance(one, ForeignKeyConstraint)
        for element in one.elements
        if element.parent is column
    ]
    for one in table.constraints:
        if isinstance(one, CheckConstraint) and str(one.sqltext).split()[0] == column.name:
            words = str(one.sqltext).removeprefix(column.name).strip()
            words = re.sub(r"^IN \((.*)\)$", r"\1", words)
            found.append(re.sub(r"^BETWEEN (\S+) AND (\S+)$", r"\1 to \2", words).replace("'", "`"))
    return "; ".join(found)


def views() -> Iterator[str]:
    """What stands in a new database."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'new.db'}"
        create_or_upgrade(url)
        engine = create_engine(url)
        with engine.connect() as connection:
            found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'view' ORDER BY name"))
            made = [(row.name, row.sql) for row in found]
        engine.dispose()
    for name, sql in made:
        yield f"\n### {name}\n\n```sql\n{sql.strip()}\n```"
