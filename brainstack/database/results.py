"""What runs leave: the gains, and the log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database.animals import animal_row
from brainstack.database.bulk import Values, write_rows
from brainstack.database.tables import GainRow, LogRow, without_zone
from brainstack.records import ChannelGain, Ran

WHITE = ("white_red", "white_green", "white_blue")


def take_in_gains(session: Session, prep_id: str, gains: Iterable[ChannelGain]) -> None:
    """What each channel is made bright by, new or instead of what was in force before. One with neither gain nor white
    failed: nothing is in force, and its row goes."""
    animal_row(session, prep_id)
    rows = {row.channel: row for row in session.scalars(select(GainRow).where(GainRow.prep_id == prep_id))}
    given = {one.channel: one for one in gains}
    failed = [number for number, one in given.items() if one.gain is None and one.white is None]
    for number in failed:
        given.pop(number)
        if (row := rows.pop(number, None)) is not None:
            session.delete(row)
    known = {number: row.id for number, row in rows.items()}
    write_rows(session, GainRow, known, {number: _gain_values(prep_id, one) for number, one in given.items()})


def _gain_values(prep_id: str, one: ChannelGain) -> Values:
    white = one.white or (None,) * len(WHITE)
    values = {"prep_id": prep_id, "channel": one.channel, "gain": one.gain, "approved": one.approved}
    return values | dict(zip(WHITE, white, strict=True))


def gains(session: Session, prep_id: str) -> list[ChannelGain]:
    """What is in force, by channel."""
    animal_row(session, prep_id)
    rows = session.scalars(select(GainRow).where(GainRow.prep_id == prep_id).order_by(GainRow.channel))
    return [ChannelGain(row.channel, row.gain, _white(row), row.approved) for row in rows]


def _white(row: GainRow) -> tuple[int, int, int] | None:
    red, green, blue = row.white_red, row.white_green, row.white_blue
    return None if red is None or green is None or blue is None else (red, green, blue)


def take_in_log(session: Session, prep_id: str, entries: Iterable[Ran]) -> None:
    """Steps that were run. One of the same stage, channel, item and start as one in the log is the same step."""
    animal_row(session, prep_id)
    given = {
        (values["stage"], values["channel"], values["item"], values["started_at"]): values
        for values in (_log_values(prep_id, entry) for entry in entries)
    }
    if not given:
        return
    starts = [key[3] for key in given]
    query = select(LogRow.stage, LogRow.channel, LogRow.item, LogRow.started_at, LogRow.id)
    between = LogRow.started_at.between(min(starts), max(starts))
    found = session.execute(query.where(LogRow.prep_id == prep_id, between))
    known = {tuple(row[:4]): row[4] for row in found}
    write_rows(session, LogRow, known, given)


def _log_values(prep_id: str, entry: Ran) -> Values:
    return {
        "prep_id": prep_id,
        "stage": entry.stage,
        "channel": int(entry.channel),
        "item": entry.item,
        "started_at": without_zone(entry.started_at),
        "seconds": float(entry.seconds),
        "memory_gb": float(entry.memory_gb),
        "host": entry.host,
        "error": entry.error,
        "details": json.dumps(entry.details, sort_keys=True),
        "version": entry.version,
    }


def log_of(
    session: Session,
    prep_id: str,
    *,
    stage: str | None = None,
    channel: int | None = None,
    item: str | None = None,
    failed: bool | None = None,
) -> list[Ran]:
    """The log of an animal by time of start, or what of it fits. failed : True for failures, False for successes."""
    animal_row(session, prep_id)
    query = select(LogRow).where(LogRow.prep_id == prep_id)
    chosen = ((LogRow.stage, stage), (LogRow.channel, channel), (LogRow.item, item))
    for column, value in chosen:
        if value is not None:
            query = query.where(column == value)
    if failed is not None:
        query = query.where(LogRow.error != "" if failed else LogRow.error == "")
    return [_ran(row) for row in session.scalars(query.order_by(LogRow.started_at, LogRow.id))]


def _ran(row: LogRow) -> Ran:
    return Ran(
        row.stage,
        row.channel,
        row.item,
        row.started_at.replace(tzinfo=UTC).isoformat(),
        row.seconds,
        row.memory_gb,
        row.host,
        row.error,
        json.loads(row.details),
        row.version,
    )
