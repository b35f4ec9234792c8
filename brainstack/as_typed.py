"""Commands of Luigi as they work when they are typed here: with --local-scheduler, where no luigid answers."""

from __future__ import annotations

import time
from functools import lru_cache

from brainstack.running import luigid_answers

LOCAL = "--local-scheduler"
AGAIN_S = 10.0
"""Between two looks whether luigid answers: tens of commands on a screen ask once, and a review page that stays open
hears of it soon."""


def as_typed(command: str) -> str:
    """The command itself, where it is none of Luigi's, or says its scheduler already."""
    if not command.startswith("luigi ") or LOCAL in command or _answers(time.monotonic() // AGAIN_S):
        return command
    return f"{command} {LOCAL}"


@lru_cache(maxsize=1)
def _answers(at: float) -> bool:
    """at : for which an answer is remembered."""
    return luigid_answers()
