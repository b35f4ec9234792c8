"""The tables of what people say: their decisions about slides and scenes, and the problems that they note."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from brainstack.database.tables_base import (
    AboutAnimal,
    Active,
    Comments,
    Count,
    Created,
    No,
    Person,
    Table,
)


class DecisionRow(AboutAnimal, Table):
    """One thing that a person changed: what it was, what it is since, who, when and why.

    slide, rescan : of slide_physical_id and rescan_number, 0 for what is about the whole animal. scene : scene_number,
    0 for what is about the whole slide. what : see brainstack/said.py. old_value, new_value : as texts. command : id of
    the first of the decisions that were made by one command, and are undone together. undone_by, undone : who took it
    back, and when; '' and NULL where nobody did.
    """

    __tablename__ = "decision"
    __table_args__ = (Index(None, "prep_id", "slide", "scene"),)

    slide: Mapped[Count]
    rescan: Mapped[Count]
    scene: Mapped[Count]
    what: Mapped[str] = mapped_column(String(30))
    old_value: Mapped[str] = mapped_column(String(200))
    new_value: Mapped[str] = mapped_column(String(200))
    person: Mapped[Person]
    reason: Mapped[str] = mapped_column(Text)
    command: Mapped[Count]
    created: Mapped[Created]
    undone_by: Mapped[Person]
    undone: Mapped[datetime | None]


class JournalRow(AboutAnimal, Table):
    """A problem that a person noted. section : its key, or '' for one of the whole animal. channel : 0 for all.

    entry : what is wrong. fix : what was done about it. completed : 1 where nothing is left to be done.
    """

    __tablename__ = "journals"

    person: Mapped[Person]
    section: Mapped[str] = mapped_column(String(64), default="", server_default=text("''"))
    channel: Mapped[Count]
    entry: Mapped[str] = mapped_column(Text)
    fix: Mapped[Comments]
    completed: Mapped[No]
    active: Mapped[Active]
    created: Mapped[Created]
