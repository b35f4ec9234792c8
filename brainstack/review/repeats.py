"""A change that was sent twice, as its answer was lost on the way, is made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.responses import Response

MOST_KEPT = 500
LONGEST_ID = 100
HEADER = "x-change-id"
"""Says which change it is: the page makes it up, and sends it again with the same change."""


@dataclass
class _Change:
    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: Response | None = None


class Repeats:
    """The answers to the last changes."""

    def __init__(self) -> None:
        self._changes: OrderedDict[tuple[str, str], _Change] = OrderedDict()
        self._lock = threading.Lock()

    def once(self, whose: str, which: str, work: Callable[[], Response]) -> Response:
        """What work returns, or returned when this change came first; an error is not kept. which : "" for a change
        that does not say; it is done in any case."""
        if not which or len(which) > LONGEST_ID:
            return work()
        with self._lock:
            change = self._changes.setdefault((whose, which), _Change())
            self._changes.move_to_end((whose, which))
            while len(self._changes) > MOST_KEPT:
                self._changes.popitem(last=False)
        with change.lock:  # the first may still be at work
            if change.answer is None:
                change.answer = work()
            return change.answer
