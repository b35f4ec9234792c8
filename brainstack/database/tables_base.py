"""What all tables share: their base, the types of their columns, the values that code acts on.

Only what every SQL database understands. Times are UTC without a zone; texts that code acts on have a CHECK.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    MetaData,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""How constraints are called, so that a migration can name the one it changes."""

Microseconds = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
"""MySQL's own DATETIME rounds to seconds; steps that start within one second must stay apart."""
LongText = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
"""MySQL's own TEXT ends at 64 kB; states of Neuroglancer are longer."""


def utc_now() -> datetime:
    """Now, as the tables keep times: UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def without_zone(iso: str) -> datetime:
    """The time as the tables keep it. A time without a zone is taken as UTC."""
    moment = datetime.fromisoformat(iso)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def with_zone(moment: datetime | None) -> str:
    """A time of the tables as ISO 8601, UTC; "" for none."""
    return "" if moment is None else moment.replace(tzinfo=UTC).isoformat()


Id = Annotated[int, mapped_column(primary_key=True)]
AnimalKey = Annotated[str, mapped_column(String(20), ForeignKey("animal.prep_id"))]
Words = Annotated[str | None, mapped_column(String(100))]
FileName = Annotated[str, mapped_column(String(200))]
Comments = Annotated[str | None, mapped_column(Text)]
Number = Annotated[float, mapped_column(Double)]
Count = Annotated[int, mapped_column(default=0, server_default=text("0"))]
Bytes = Annotated[int, mapped_column(BigInteger, default=0, server_default=text("0"))]
Duration = Annotated[float, mapped_column(Double, default=0, server_default=text("0"))]
Created = Annotated[datetime, mapped_column(default=utc_now, server_default=func.current_timestamp())]
Active = Annotated[bool, mapped_column(default=True, server_default=text("1"))]
No = Annotated[bool, mapped_column(default=False, server_default=text("0"))]
Measure = Annotated[float | None, mapped_column(Double)]
SectionKey = Annotated[str, mapped_column(String(64))]
Person = Annotated[str, mapped_column(String(100), default="", server_default=text("''"))]


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """Of a column with texts that code acts on. NULL is let through where the column may be."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


def within(column: str, numbers: range) -> CheckConstraint:
    """Of a column with numbers that code acts on."""
    return CheckConstraint(f"{column} BETWEEN {numbers[0]} AND {numbers[-1]}", name=column)


class Table(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention=NAMES)


class AboutAnimal:
    """The columns of each table of what is known, or was said, of an animal."""

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
