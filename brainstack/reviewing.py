"""Who may use the review page: reviewers with a role and a password, and the sessions in which they are logged in."""

from __future__ import annotations

import hashlib
import logging
import secrets
import unicodedata
from datetime import UTC, datetime, timedelta

from brainstack.database import create_or_upgrade, open_database, run_in_transaction
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.passwords import hash_password, is_password, needs_new_hash
from brainstack.records import Reviewer

log = logging.getLogger(__name__)

LONGEST_NAME = 100
LASTS_S = 12 * 3600.0
"""A session ends when it was not used for so long."""
AT_MOST = timedelta(days=7)
"""... and after so long in any case."""
RENEW_AFTER_S = 3600.0
"""Use is noted in the database once in so long."""


def add_reviewer(name: str, password: str, role: str) -> None:
    """role : "look", "edit" or "run". Raises BrainstackError for a name that is taken or cannot be one, or a password
    that is too short."""
    name, kept = checked_name(name), hash_password(password)
    create_or_upgrade(database_url())
    run_in_transaction(database_url(), lambda database: database.add_reviewer(name, kept, role))


def known_reviewers() -> list[Reviewer]:
    """All who may use the page, by name."""
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        return database.reviewers()


def set_role(name: str, role: str) -> None:
    """Holds at once, also where the reviewer is logged in."""
    run_in_transaction(database_url(), lambda database: database.set_reviewer_role(name, role))


def remove_reviewer(name: str) -> None:
    """Ends all sessions of theirs. What they decided stays, under their name."""
    run_in_transaction(database_url(), lambda database: database.remove_reviewer(name))


def change_password(name: str, password: str) -> None:
    """Ends all sessions of the reviewer's."""
    kept = hash_password(password)
    run_in_transaction(database_url(), lambda database: database.set_password_hash(name, kept))


def knows_password(name: str, password: str) -> bool:
    """Takes as long for a name that nobody has."""
    with open_database(database_url()) as database:
        kept = database.password_hash_of(name)
    if not is_password(password, kept):
        return False
    if kept is not None and needs_new_hash(kept):
        new = hash_password(password)
        run_in_transaction(database_url(), lambda database: database.set_password_hash(name, new, is_new=False))
    return True


def secret_of(name: str) -> str | None:
    """What only the server and its database know of a reviewer; None where there is none (any more). It stays the same
    through a new start of the server and a new login, so that what a page has not saved yet can still be; with another
    password it is another one."""
    with open_database(database_url()) as database:
        kept = database.password_hash_of(name)
    return _hash(f"secret {kept}") if kept else None


def begin_session(name: str) -> str:
    """A new session of a reviewer's. Returns what their browser keeps; the database keeps a hash of it."""
    session = secrets.token_urlsafe(32)
    run_in_transaction(database_url(), lambda database: database.begin_review_session(name, _hash(session), LASTS_S))
    return session


def reviewer_of(session: str) -> Reviewer | None:
    """Whose session it is, which goes on by being used; None for one that there is not, or not any more. Where the
    database cannot be written, it ends when it would have ended."""
    if not session:
        return None
    with open_database(database_url()) as database:
        found = database.review_session(_hash(session))
    if found is None:
        return None
    reviewer, began, ends = found
    wanted = min(_now() + timedelta(seconds=LASTS_S), began + AT_MOST)
    if (wanted - ends).total_seconds() > RENEW_AFTER_S:
        try:
            run_in_transaction(database_url(), lambda database: database.renew_review_session(_hash(session), wanted))
        except BrainstackError as error:
            log.warning("review: the session of %s is not prolonged: %s", reviewer.name, error)
    return reviewer


def end_session(session: str) -> None:
    """Nothing where there is none."""
    run_in_transaction(database_url(), lambda database: database.end_review_session(_hash(session)))


def checked_name(name: str) -> str:
    """The name as it is kept. Raises BrainstackError for what cannot be one."""
    found = unicodedata.normalize("NFC", name.strip())
    if not 0 < len(found) <= LONGEST_NAME or not found.isprintable():
        raise BrainstackError(
            f"{name!r} cannot be a reviewer's name; wanted 1 to {LONGEST_NAME} letters, such as anna."
        )
    return found


def _hash(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
