"""Many rows at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from brainstack.database.tables import Table

Values = dict[str, Any]


def write_rows(session: Session, table: type[Table], known: dict[Any, int], given: dict[Any, Values]) -> None:
    """Change the rows that are there and add the others. (Every database has its own statement for this; two plain
    ones do the same everywhere.)

    known : key -> id of its row. given : the same kind of key -> values by column.
    """
    session.flush()
    new = [values for key, values in given.items() if key not in known]
    changed = [values | {"id": known[key]} for key, values in given.items() if key in known]
    if new:
        session.execute(insert(table), new)
    if changed:
        session.execute(update(table), changed)
    session.expire_all()  # rows read before do not know of it
