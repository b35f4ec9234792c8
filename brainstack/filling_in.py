"""What people fill in about an animal, and no code reads: who bred it, how it was perfused, what scanned it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from brainstack.database import Database, create_or_upgrade, run_in_transaction
from brainstack.database.filled_in import COLUMNS, FIELDS, Field, checked
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.said import Decided, Decision


def fill_in(prep_id: str, values: Mapping[str, str], *, person: str = "", reason: str = "") -> list[Decided]:
    """Write it to the database, and keep who did. values : column, as "histology.fixative_method", to its text; "" for
    nothing. Returns what was changed by it. Raises BrainstackError for a column that there is not, or is not filled in
    by people, or a text that it cannot take."""
    if not values:
        raise BrainstackError("Nothing to fill in was given; wanted words such as histology.fixative_method=PFA.")
    check_texts(values)
    create_or_upgrade(database_url())
    return run_in_transaction(
        database_url(), lambda database: fill_in_with(database, prep_id, values, person=person, reason=reason)
    )


def fill_in_with(
    database: Database, prep_id: str, values: Mapping[str, str], *, person: str = "", reason: str = ""
) -> list[Decided]:
    """`fill_in` in a transaction that does more than that."""
    made = [Decision(field_named(name).name, text.strip()) for name, text in values.items()]
    return database.decide(prep_id, made, person=person, reason=reason)


def check_texts(values: Mapping[str, str]) -> None:
    """Raises BrainstackError for what `fill_in` would not take."""
    for name, text in values.items():
        checked(field_named(name), text)


def field_named(name: str) -> Field:
    """The field of "histology.fixative_method", or of "fixative_method" where only one table has it."""
    table, _, column = name.rpartition(".")
    if table in COLUMNS and column in COLUMNS[table]:
        return Field(table, column)
    if name in FIELDS:
        return FIELDS[name]
    known = [f"{one.table}.{one.column}" for one in FIELDS.values()]
    near = difflib.get_close_matches(name, [*known, *FIELDS], n=1)
    hint = f" Did you mean {near[0]}?" if near else f" Wanted one of {', '.join(known)}."
    raise BrainstackError(f"{name!r} is no column that people fill in.{hint}")
