"""Who is asking, and what they may do."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from brainstack import reviewing
from brainstack.errors import BrainstackError
from brainstack.review.tries import Tries

log = logging.getLogger(__name__)

KNOWN_S = 2.0
"""The database is asked anew whose a session is after so long: each page asks for many pictures at once. So long does
it take at most until somebody who was removed is not let in any more."""


class Role(StrEnum):
    """What a person may do; each role may do what those before it may."""

    LOOK = "look"
    EDIT = "edit"
    RUN = "run"

    def allows(self, wanted: Role) -> bool:
        roles = list(Role)
        return roles.index(self) >= roles.index(wanted)


@dataclass(frozen=True)
class Visitor:
    """Somebody who was let in. csrf : what their pages send back with everything that changes something, as no other
    site can know it."""

    person: str
    role: Role
    csrf: str


class Gate(Protocol):
    """How people come in. same_site : of the session's cookie, "strict" or "lax"."""

    same_site: str
    has_accounts: bool

    def visitor(self, session: str) -> Visitor | None:
        """Who has this session; None for one that there is not, or not any more. session : of the cookie."""

    def admit(self, token: str) -> str | None:
        """The session of whoever comes with the token of the link; None for a wrong one, or where there is none."""


class TokenGate:
    """One person, who started the server and has its link; they may do everything."""

    same_site = "strict"
    has_accounts = False

    def __init__(self, person: str, token: str = "") -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._session = _derived(self.token, "session")
        self._visitor = Visitor(person, Role.RUN, _derived(self.token, "csrf"))

    def visitor(self, session: str) -> Visitor | None:
        return self._visitor if is_same(session, self._session) else None

    def admit(self, token: str) -> str | None:
        return self._session if is_same(token, self.token) else None


class WrongPasswordError(BrainstackError):
    """It is not said whether it was the name or the password."""

    status = 403


class AccountGate:
    """Reviewers, who log in with a name and a password."""

    same_site = "lax"  # a link in a message opens the page, for whoever is logged in
    has_accounts = True

    def __init__(self) -> None:
        self.tries = Tries()
        self._secret = secrets.token_urlsafe(32)
        self._known: dict[str, tuple[float, Visitor | None]] = {}
        self._ended: set[str] = set()
        self._lock = threading.Lock()

    def visitor(self, session: str) -> Visitor | None:
        if not session:
            return None
        with self._lock:
            if session in self._ended:
                return None
            until, visitor = self._known.get(session, (0.0, None))
        if time.monotonic() < until:
            return visitor
        found = reviewing.reviewer_of(session)
        secret = None if found is None else reviewing.secret_of(found.name)
        visitor = Visitor(found.name, Role(found.role), _derived(secret, "csrf")) if found and secret else None
        with self._lock:
            if len(self._known) > 1000:  # of cookies that somebody made up
                self._known.clear()
            self._known[session] = time.monotonic() + KNOWN_S, visitor
        return visitor

    def admit(self, token: str) -> str | None:
        return None

    def log_in(self, name: str, password: str, address: str) -> str:
        """A new session. address : where it is asked from. Raises WrongPasswordError, and TooManyTriesError where that
        was so too often."""
        with self.tries.one(name, address) as outcome:
            outcome.is_right = reviewing.knows_password(name, password)
        if not outcome.is_right:
            raise WrongPasswordError("Name or password are wrong; try again, or ask for a new password.")
        return reviewing.begin_session(name)

    def log_out(self, session: str) -> None:
        """It ends at once, wherever it is used. Where the database cannot be written, this server knows it as ended."""
        with self._lock:
            self._known.pop(session, None)
        try:
            reviewing.end_session(session)
        except BrainstackError as error:
            log.warning("review: a session was ended, but stays in the database until its time is over: %s", error)
            with self._lock:
                self._ended.add(session)
        with self._lock:
            self._known.pop(session, None)

    def forget(self) -> None:
        """Ask the database anew whose all sessions are."""
        with self._lock:
            self._known.clear()

    def form_token(self, seed: str) -> str:
        """What the login page's form sends back. seed : of a cookie that came with the page."""
        return _derived(self._secret, f"login {seed}")


def is_same(given: str, wanted: str) -> bool:
    """As "==", in a time that does not tell how far they are the same."""
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def _derived(secret: str, what: str) -> str:
    return hmac.new(secret.encode(errors="replace"), what.encode(errors="replace"), hashlib.sha256).hexdigest()
