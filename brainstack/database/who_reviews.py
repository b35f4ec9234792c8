"""The part of an open database that is about who may use the review page."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from brainstack.database import reviewers
from brainstack.records import Reviewer


class WhoReviews:
    """Methods of Database; each that names a reviewer raises BrainstackError where nobody has the name."""

    _session: Session

    def _writing(self) -> Session:
        raise NotImplementedError

    def add_reviewer(self, name: str, password_hash: str, role: str) -> None:
        """A new one, or one of before who was removed. Raises BrainstackError where there is one of this name."""
        reviewers.add_reviewer(self._writing(), name, password_hash, role)

    def reviewers(self) -> list[Reviewer]:
        """All who may use the page, by name."""
        return reviewers.reviewers(self._session)

    def set_reviewer_role(self, name: str, role: str) -> None:
        """role : "look", "edit" or "run"."""
        reviewers.set_role(self._writing(), name, role)

    def remove_reviewer(self, name: str) -> None:
        """Ends all sessions of theirs."""
        reviewers.remove_reviewer(self._writing(), name)

    def set_password_hash(self, name: str, password_hash: str, *, is_new: bool = True) -> None:
        """is_new : False for the same password, hashed anew; a new one ends all sessions of the reviewer's."""
        reviewers.set_password_hash(self._writing(), name, password_hash, is_new=is_new)

    def password_hash_of(self, name: str) -> str | None:
        """None for a name that nobody has."""
        return reviewers.password_hash_of(self._session, name)

    def begin_review_session(self, name: str, session_hash: str, lasts_s: float) -> None:
        """session_hash : SHA-256 of what the browser keeps."""
        reviewers.begin_session(self._writing(), name, session_hash, lasts_s)

    def review_session(self, session_hash: str) -> tuple[Reviewer, datetime, datetime] | None:
        """Whose session it is, when it began, and when it ends, both UTC without a zone; None where there is none."""
        return reviewers.session_of(self._session, session_hash)

    def renew_review_session(self, session_hash: str, expires: datetime) -> None:
        """expires : UTC, without a zone."""
        reviewers.renew_session(self._writing(), session_hash, expires)

    def end_review_session(self, session_hash: str) -> None:
        """Nothing where there is none."""
        reviewers.end_session(self._writing(), session_hash)
