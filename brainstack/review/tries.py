"""Wrong passwords: whoever has sent too many waits a while, and nobody for ever."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from brainstack.errors import BrainstackError

WITHIN_S = 15 * 60.0
MOST_OF_NAME_AND_ADDRESS = 5
MOST_OF_ADDRESS = 40
"""A lab may have one address for all."""
MOST_OF_NAME = 100
"""From everywhere: somebody else's guesses keep the one who has the name out only if they are many."""
MOST_KEPT = 20_000
"""Names and addresses that are remembered."""


class TooManyTriesError(BrainstackError):
    """wait_s : until the next try."""

    status = 429

    def __init__(self, wait_s: float) -> None:
        minutes = max(1, round(wait_s / 60))
        super().__init__(
            f"Too many wrong passwords were sent; try again in {minutes} minute{'s' * (minutes > 1)}. Who is logged in "
            "already stays so."
        )
        self.wait_s = wait_s


@dataclass
class Outcome:
    """Of a try. is_right : for the caller to say; None until then, also where it could not be found out."""

    is_right: bool | None = None


class Tries:
    """Counts them by name and address, by address, and by name. clock : seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[tuple[str, str], deque[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def one(self, name: str, address: str) -> Iterator[Outcome]:
        """A try, which counts as a wrong one while the block lasts: many at once are no way around. Afterwards it does
        where the block said so, and not where something else went wrong. Raises TooManyTriesError."""
        name = name.casefold()[:200]
        both, at = (name, address), self._clock()
        limits = {both: MOST_OF_NAME_AND_ADDRESS, ("", address): MOST_OF_ADDRESS, (name, ""): MOST_OF_NAME}
        with self._lock:
            waits = [self._wait_s(key, most, at) for key, most in limits.items()]
            if max(waits) > 0:
                raise TooManyTriesError(max(waits))
            self._make_room(at)
            for key in limits:
                self._wrong.setdefault(key, deque()).append(at)
        outcome = Outcome()
        try:
            yield outcome
        finally:
            with self._lock:
                if outcome.is_right:
                    self._wrong.pop(both, None)
                for key in limits if outcome.is_right is not False else ():
                    if at in self._wrong.get(key, ()):
                        self._wrong[key].remove(at)

    def _wait_s(self, key: tuple[str, str], most: int, now: float) -> float:
        times = self._wrong.get(key, deque())
        while times and times[0] <= now - WITHIN_S:
            times.popleft()
        return times[-most] + WITHIN_S - now if len(times) >= most else 0.0

    def _make_room(self, now: float) -> None:
        if len(self._wrong) < MOST_KEPT:
            return
        old = [key for key, times in self._wrong.items() if not times or times[-1] <= now - WITHIN_S]
        for key in old or list(self._wrong)[: MOST_KEPT // 10]:
            del self._wrong[key]
