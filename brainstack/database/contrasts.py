"""The contrasts that people gave channels: kept as decisions, and nowhere else."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database.tables import DecisionRow, with_zone
from brainstack.errors import BrainstackError
from brainstack.records import Contrast

OF_CHANNEL = re.compile(r"contrast ([1-9]\d{0,3})")
"""What such a decision is called."""


def contrasts(session: Session, prep_id: str) -> tuple[Contrast, ...]:
    """Those in force, by channel."""
    of_channels = DecisionRow.what.like("contrast %")
    query = select(DecisionRow).where(DecisionRow.prep_id == prep_id, of_channels, DecisionRow.undone.is_(None))
    last = {row.what: row for row in session.scalars(query.order_by(DecisionRow.id))}
    found = [_contrast(row) for what, row in last.items() if OF_CHANNEL.fullmatch(what) and row.new_value]
    return tuple(sorted(found, key=lambda one: one.channel))


def _contrast(row: DecisionRow) -> Contrast:
    low, high = map(int, row.new_value.split(","))
    return Contrast(int(row.what.split()[1]), low, high, row.person, with_zone(row.created))


def value_of(session: Session, prep_id: str, what: str) -> str:
    """The contrast in force as its decision has it; "" for the one that follows from the histogram."""
    in_force = (DecisionRow.prep_id == prep_id) & (DecisionRow.what == what) & DecisionRow.undone.is_(None)
    query = select(DecisionRow.new_value).where(in_force).order_by(DecisionRow.id.desc()).limit(1)
    return session.scalars(query).one_or_none() or ""


def check_value(value: str) -> None:
    """Raises BrainstackError for what is no contrast."""
    if not value:
        return
    found = re.fullmatch(r"(\d{1,5}),(\d{1,5})", value)
    if not found or int(found[1]) >= int(found[2]):
        raise BrainstackError(
            f"A contrast is {value!r}; wanted two grey values, the lower one first, such as 100,4000."
        )
