"""The tables of what runs leave: gains, and the log. The lab's task and file_log are views of the log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Double, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from brainstack.database.tables_base import (
    Active,
    AnimalKey,
    Comments,
    Count,
    Created,
    FileName,
    Id,
    Microseconds,
    No,
    Number,
    Table,
    Words,
)


class GainRow(Table):
    """What cleaning makes the sections of a channel bright by, as the last run had it.

    channel : from 1. gain : every grey value is multiplied by it; NULL for an animal in colour, which has the colour of
    its glass instead: white_red, white_green, white_blue, from 0 to 255. approved : 1 where a person keeps it as it is.
    """

    __tablename__ = "gain"
    __table_args__ = (UniqueConstraint("prep_id", "channel"),)

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    channel: Mapped[int]
    gain: Mapped[float | None] = mapped_column(Double)
    white_red: Mapped[int | None]
    white_green: Mapped[int | None]
    white_blue: Mapped[int | None]
    approved: Mapped[No]
    created: Mapped[Created]


class LogRow(Table):
    """One step that was run: when, how long, with how much memory, where, and the sentence when it failed.

    item : section key, slide or ''. channel : 0 where the stage has none. details : a JSON object of texts. version :
    of brainstack and of the stage's algorithm, such as "0.1.0/3"; '' where it was run before it was kept. The views
    file_log (the last try of each step) and task (the steps of a stage together) are made of this table.
    """

    __tablename__ = "task_log"
    __table_args__ = (UniqueConstraint("prep_id", "stage", "channel", "item", "started_at"),)

    id: Mapped[Id]
    prep_id: Mapped[AnimalKey]
    stage: Mapped[str] = mapped_column(String(64))
    channel: Mapped[int]
    item: Mapped[FileName]
    started_at: Mapped[datetime] = mapped_column(Microseconds)
    seconds: Mapped[Number]
    memory_gb: Mapped[Number]
    host: Mapped[str] = mapped_column(String(100))
    version: Mapped[str] = mapped_column(String(50), default="", server_default=text("''"))
    error: Mapped[str] = mapped_column(Text)
    details: Mapped[str] = mapped_column(Text)


class ProgressLookupRow(Table):
    """What the view task counts as one task: a stage, of one channel where it has channels. The lab's ids.

    script : of the lab's, that did it. stage, channel : as in task_log; stage is '' for what people do.
    """

    __tablename__ = "progress_lookup"

    id: Mapped[Id]
    ordinal: Mapped[Count]
    description: Mapped[Comments]
    script: Mapped[Words]
    stage: Mapped[str] = mapped_column(String(64), default="", server_default=text("''"))
    channel: Mapped[Count]
    action: Mapped[Words]
    downsample: Mapped[No]
    category: Mapped[Words]
    active: Mapped[Active]
    created: Mapped[Created]
