"""The lab's own database, as its scripts of 2021 and of 2023 left it: read whole, and never written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, column, func, inspect, select, table
from sqlalchemy.dialects.mysql import DATETIME, TIMESTAMP

from brainstack.database.engine import engine_for, parse, shown, sqlite_file
from brainstack.errors import BrainstackError

Row = dict[str, Any]

READ = (
    "animal", "histology", "scan_run", "slide", "slide_czi_to_tif", "elastix_transformation", "structure",
    "brain_region", "annotation_session", "structure_com", "marked_cells", "polygon_sequences", "cell_type",
    "center_of_mass", "layer_data", "annotations_points", "com_type", "input_type", "neuroglancer_urls",
    "neuroglancer_state", "auth_user", "journals",
)  # fmt: skip
"""Tables that are read; not all forms have all of them."""
MUST_HAVE = "animal", "scan_run", "slide"
NOT_THE_BRAINS = "account_", "auth_", "authtoken_", "django_", "socialaccount_"
"""Tables of the lab's web site."""


@dataclass
class Report:
    """What was taken over, and what was not. left : sentence -> how often it would have to be said."""

    placed: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)

    def leave(self, sentence: str, times: int = 1) -> None:
        if times:
            self.left[sentence] += times

    def add(self, other: Report) -> None:
        self.placed += other.placed
        self.left += other.left

    def lines(self) -> list[str]:
        """What to tell the person."""
        placed = [f"taken over: {count} rows of {name}" for name, count in self.placed.items()]
        return [*placed, *(f"{said}{f' ({count} times)' if count > 1 else ''}" for said, count in self.left.items())]


@dataclass(frozen=True)
class Lab:
    """rows : of each table that is there, by its name. others : how many rows the tables have that are not read."""

    rows: dict[str, list[Row]]
    others: dict[str, int]

    def of(self, name: str) -> list[Row]:
        return self.rows.get(name, [])

    def of_animal(self, name: str, prep_id: str) -> list[Row]:
        """Rows about an animal; the form of 2023 calls the key FK_prep_id in some tables."""
        return [row for row in self.of(name) if first_of(row, "prep_id", "FK_prep_id") == prep_id]

    def by_id(self, name: str, *columns: str) -> dict[Any, str]:
        """id -> the first of these columns that is there."""
        return {row["id"]: str(first_of(row, *columns) or "") for row in self.of(name)}

    @property
    def people(self) -> dict[Any, str]:
        return self.by_id("auth_user", "username", "last_name")


def has_password(url: str) -> bool:
    """True for a URL that should not be typed where others can read it."""
    parsed = parse(url)
    return parsed.password is not None or "password" in parsed.query


def read_lab(url: str) -> Lab:
    """Read the lab's database in one transaction that may not write.

    Raises BrainstackError where it cannot be reached, or has not the lab's tables.
    """
    file = sqlite_file(parse(url))
    if file is not None and not file.is_file():  # SQLite would make an empty one
        raise BrainstackError(
            f"There is no database {file}; wanted the one of the lab's own scripts: correct the path."
        )
    with engine_for(url) as engine, engine.connect() as connection:
        _may_only_read(connection)
        names = set(inspect(connection).get_table_names())
        missing = [name for name in MUST_HAVE if name not in names]
        if missing or "alembic_version" in names:
            why = f"has no table {missing[0]}" if missing else "is one of brainstack's own"
            raise BrainstackError(
                f"The database {shown(url)} {why}; wanted the lab's own, which its scripts made: correct the URL."
            )
        rows = {name: _rows(connection, name) for name in READ if name in names}
        unread = sorted(name for name in names - set(READ) if not name.startswith(NOT_THE_BRAINS))
        counts = {name: connection.scalar(select(func.count()).select_from(table(name))) or 0 for name in unread}
    return Lab(rows, {name: count for name, count in counts.items() if count})


def _may_only_read(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
        return
    connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    connection.commit()  # it is for those that follow


def _rows(connection: Connection, name: str) -> list[Row]:
    columns = [column(one["name"], _kind(one["type"])) for one in inspect(connection).get_columns(name)]
    return [dict(row) for row in connection.execute(select(table(name, *columns))).mappings()]


def _kind(kind: Any) -> Any:
    """Times of SQLite may be anything a person typed, and come as they are; so may those of MySQL that are all 0."""
    return None if isinstance(kind, DATETIME | TIMESTAMP) or "DATE" in str(kind).upper() else kind


def first_of(row: Row, *columns: str) -> Any:
    """The value of the first of these columns that is there and not NULL."""
    return next((row[name] for name in columns if row.get(name) is not None), None)


def day(value: Any) -> date | None:
    """A day, however the lab's database gives it; None for what is none."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def moment(value: Any) -> str:
    """A time as ISO 8601, UTC, as the lab's server kept it; "" for what is none."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return ""
    return found.replace(tzinfo=UTC).isoformat()


def grouped(rows: Iterable[Row], *columns: str) -> Iterator[tuple[Any, list[Row]]]:
    """Rows that have the same in the first of these columns that is there."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(first_of(row, *columns), []).append(row)
    yield from found.items()
