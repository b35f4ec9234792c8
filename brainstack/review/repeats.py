"""A change that was sent twice, as its answer was lost on the way, is made once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.responses import Response

MOST_KEPT = 500
MOST_BYTES = 8 << 20
"""Of all answers that are kept: of a large animal, one may have half a megabyte. The last one is kept in any case."""
KEPT_S = 120.0
"""Answers are kept for so long after they were asked for last; pages send again every 10 s."""
LONGEST_ID = 100
HEADER = "x-change-id"
"""Says which change it is: the page makes it up, and sends it again with the same change."""


@dataclass
class _Change:
    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: Response | None = None
    asked_at: float = 0.0

    @property
    def size(self) -> int:
        """Bytes of its answer."""
        return len(getattr(self.answer, "body", b""))


class Repeats:
    """The answers to the last changes. clock : seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
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
            change.asked_at = self._clock()
        try:
            with change.lock:  # the first may still be at work
                if change.answer is None:
                    change.answer = work()
                return change.answer
        finally:
            with self._lock:
                self._forget()

    def _forget(self) -> None:
        """The oldest go first. One that is still at work stays: it would be done twice."""
        size, old = sum(one.size for one in self._changes.values()), self._clock() - KEPT_S
        done = [key for key, one in self._changes.items() if not one.lock.locked()]
        for key in done[:-1]:
            one = self._changes[key]
            if len(self._changes) <= MOST_KEPT and size <= MOST_BYTES and one.asked_at > old:
                return
            size -= one.size
            del self._changes[key]
