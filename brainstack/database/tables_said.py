"""The tables of what people say: their decisions about slides and scenes, and the problems that they note."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from brainstack.database.tables_base import (
    AboutAnimal,
    Active,
    Comments,
    Count,
    Created,
    Measure,
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

    entry : what is wrong. mark_x, mark_y : where, in micrometres from the top left corner of the section as it was
    scanned; NULL where that was not said. fix : what was done about it. completed : 1 where nothing is left to be done;
    closed_by, closed : who said so, and when. That is how it is now; what was before is in journal_change.
    """

    __tablename__ = "journals"

    person: Mapped[Person]
    section: Mapped[str] = mapped_column(String(64), default="", server_default=text("''"))
    channel: Mapped[Count]
    entry: Mapped[str] = mapped_column(Text)
    mark_x: Mapped[Measure]
    mark_y: Mapped[Measure]
    fix: Mapped[Comments]
    completed: Mapped[No]
    closed_by: Mapped[Person]
    closed: Mapped[datetime | None]
    active: Mapped[Active]
    created: Mapped[Created]


class JournalChangeRow(AboutAnimal, Table):
    """That a problem was closed, or opened again. journal_id : which. completed : 1 where it was closed. person : who
    said so. fix : what had been done about it. changed : when; NULL where nobody noted it."""

    __tablename__ = "journal_change"

    journal_id: Mapped[int] = mapped_column(ForeignKey("journals.id"))
    completed: Mapped[No]
    person: Mapped[Person]
    fix: Mapped[Comments]
    changed: Mapped[datetime | None]
