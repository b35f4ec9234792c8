"""Who may use the review page, and who is logged in to it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from brainstack.database.animals import wanted
from brainstack.database.tables import ROLES, ReviewerRow, ReviewSessionRow, utc_now, with_zone
from brainstack.errors import BrainstackError
from brainstack.records import Reviewer


def add_reviewer(session: Session, name: str, password_hash: str, role: str) -> None:
    """A new reviewer, or one of before who was removed. Raises BrainstackError where there is one of this name."""
    wanted("role", role, ROLES)
    row = _row_of_any(session, name)
    if row is None:
        row = ReviewerRow(name=name)
        session.add(row)
    elif row.active:
        raise BrainstackError(
            f"There is a reviewer {row.name} already; change the role with `brainstack reviewer set`, or the password "
            "with `brainstack reviewer password`."
        )
    row.name, row.password_hash, row.role, row.active = name, password_hash, role, True
    session.flush()


def reviewers(session: Session) -> list[Reviewer]:
    """All who may use the page, by name."""
    query = select(ReviewerRow).where(ReviewerRow.active).order_by(ReviewerRow.name)
    return [_reviewer(row) for row in session.scalars(query)]


def set_role(session: Session, name: str, role: str) -> None:
    """Holds for all that the reviewer does from now on. Raises BrainstackError for an unknown name."""
    wanted("role", role, ROLES)
    _row(session, name).role = role
    session.flush()


def remove_reviewer(session: Session, name: str) -> None:
    """The name stays known, as the history speaks of it. Ends all sessions of theirs."""
    row = _row(session, name)
    row.active, row.password_hash = False, ""
    _end_all(session, row)


def set_password_hash(session: Session, name: str, password_hash: str, *, is_new: bool = True) -> None:
    """is_new : False for the same password with other costs; a new one ends all sessions of the reviewer's."""
    row = _row(session, name)
    row.password_hash = password_hash
    if is_new:
        _end_all(session, row)
    session.flush()


def password_hash_of(session: Session, name: str) -> str | None:
    """None for a name that nobody has."""
    query = select(ReviewerRow.password_hash).where(ReviewerRow.name == name, ReviewerRow.active)
    return session.scalars(query).one_or_none()


def begin_session(session: Session, name: str, session_hash: str, lasts_s: float) -> None:
    """session_hash : SHA-256 of what the browser keeps, in hexadecimal. Forgets sessions that ended."""
    now = utc_now()
    session.execute(delete(ReviewSessionRow).where(ReviewSessionRow.expires < now))
    row = _row(session, name)
    expires = now + timedelta(seconds=lasts_s)
    session.add(ReviewSessionRow(reviewer_id=row.id, session_hash=session_hash, expires=expires))
    session.flush()


def session_of(session: Session, session_hash: str) -> tuple[Reviewer, datetime, datetime] | None:
    """Whose session it is, when it began, and when it ends, both UTC without a zone; None where there is none."""
    query = (
        select(ReviewerRow, ReviewSessionRow.created, ReviewSessionRow.expires)
        .join(ReviewSessionRow, ReviewSessionRow.reviewer_id == ReviewerRow.id)
        .where(ReviewSessionRow.session_hash == session_hash, ReviewSessionRow.expires >= utc_now())
        .where(ReviewerRow.active)
    )
    found = session.execute(query).one_or_none()
    return None if found is None else (_reviewer(found[0]), found[1], found[2])


def renew_session(session: Session, session_hash: str, expires: datetime) -> None:
    """expires : UTC, without a zone."""
    row = session.scalars(select(ReviewSessionRow).where(ReviewSessionRow.session_hash == session_hash)).one_or_none()
    if row is not None:
        row.expires = expires
        session.flush()


def end_session(session: Session, session_hash: str) -> None:
    """Nothing where there is none."""
    session.execute(delete(ReviewSessionRow).where(ReviewSessionRow.session_hash == session_hash))


def _end_all(session: Session, row: ReviewerRow) -> None:
    session.execute(delete(ReviewSessionRow).where(ReviewSessionRow.reviewer_id == row.id))
    session.flush()


def _row(session: Session, name: str) -> ReviewerRow:
    row = session.scalars(select(ReviewerRow).where(ReviewerRow.name == name, ReviewerRow.active)).one_or_none()
    if row is None:
        raise BrainstackError(f"There is no reviewer {name!r}; `brainstack reviewer list` lists them.")
    return row


def _row_of_any(session: Session, name: str) -> ReviewerRow | None:
    """Of this name, in large or small letters: two who differ in that alone would be taken for each other."""
    rows = session.scalars(select(ReviewerRow)).all()
    return next((row for row in rows if row.name.casefold() == name.casefold()), None)


def _reviewer(row: ReviewerRow) -> Reviewer:
    return Reviewer(row.name, row.role, with_zone(row.created))
