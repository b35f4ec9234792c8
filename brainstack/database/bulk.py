"""Many rows at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from brainstack.database.tables import Table

Values = dict[str, Any]
MOST_ROWS = 1000
"""Of one statement: a server takes no more than its max_allowed_packet at once, which is 16 MB by default."""


def write_rows(session: Session, table: type[Table], known: dict[Any, int], given: dict[Any, Values]) -> None:
    """Change the rows that are there and add the others. (Every database has its own statement for this; two plain
    ones do the same everywhere.)

    known : key -> id of its row. given : the same kind of key -> values by column.
    """
    session.flush()
    new = [values for key, values in given.items() if key not in known]
    changed = [values | {"id": known[key]} for key, values in given.items() if key in known]
    for first in range(0, len(new), MOST_ROWS):
        session.execute(insert(table), new[first : first + MOST_ROWS])
    if changed:
        session.execute(update(table), changed)
    session.expire_all()  # rows read before do not know of it
