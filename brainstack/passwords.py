"""Passwords: what is kept of them is Argon2id's hash, which says itself how it was made."""

from __future__ import annotations

import threading
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from brainstack.errors import BrainstackError

SHORTEST, LONGEST = 10, 500
AT_ONCE = threading.BoundedSemaphore(2)
"""A hash takes 64 MiB of memory and a core; many people, or one who guesses, wait for each other."""

_HASHER = PasswordHasher()  # RFC 9106, second choice: 64 MiB, three passes


def hash_password(password: str) -> str:
    """What is kept of a password. Raises BrainstackError for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BrainstackError(
            f"The password has {len(password)} letters; wanted {SHORTEST} to {LONGEST}: a few words are easy to keep "
            "in mind."
        )
    with AT_ONCE:
        return _HASHER.hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """True for the password of which `kept` is the hash. It takes as long where nothing is kept, so that the time does
    not tell whether somebody is known."""
    with AT_ONCE:
        nobodys = _nobodys()
        try:
            return _HASHER.verify(kept or nobodys, password[: LONGEST + 1]) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def needs_new_hash(kept: str) -> bool:
    """True for a hash that was made with other costs than are usual now."""
    return _HASHER.check_needs_rehash(kept)


@lru_cache(1)
def _nobodys() -> str:
    return _HASHER.hash("of nobody")
