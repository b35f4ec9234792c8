"""The tables of the review page: who may use it, who is using it, and which masks people approved."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from brainstack.database.tables_base import (
    AboutAnimal,
    Active,
    Created,
    Id,
    Person,
    SectionKey,
    Table,
    one_of,
)

ROLES = "look", "edit", "run"
"""What a reviewer may do; each may do what those before it may."""


class ReviewerRow(Table):
    """A person who may use the review page. password_hash : Argon2's, with its salt and costs; never a password."""

    __tablename__ = "reviewer"
    __table_args__ = (one_of("role", ROLES),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(10))
    active: Mapped[Active]
    created: Mapped[Created]


class ReviewSessionRow(Table):
    """A browser in which a reviewer is logged in. session_hash : SHA-256 of what its cookie holds, so that who reads
    the database cannot take the session over."""

    __tablename__ = "review_session"

    id: Mapped[Id]
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("reviewer.id"))
    session_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[Created]
    expires: Mapped[datetime]


class MaskApprovalRow(AboutAnimal, Table):
    """A mask that a person approved. section : its key. mask : digest of the pixels that were approved: another mask is
    not. active : 0 where it was taken back, or somebody approved it anew. released_by, released : who did that, and
    when; '' and NULL where nobody did."""

    __tablename__ = "mask_approval"
    __table_args__ = (Index(None, "prep_id", "section"),)

    section: Mapped[SectionKey]
    mask: Mapped[str] = mapped_column(String(64))
    person: Mapped[Person]
    active: Mapped[Active]
    created: Mapped[Created]
    released_by: Mapped[Person]
    released: Mapped[datetime | None]
