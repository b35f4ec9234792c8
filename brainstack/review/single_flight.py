"""What many ask for at once is made once for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Makes one value at a time. Whoever asks while one is being made waits for the next, which all who wait share: it
    was begun after each of them asked, so that what they changed before is in it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._condition = threading.Condition()
        self._begun = 0
        self._made: tuple[int, T] | None = None
        self._is_making = False

    def now(self) -> T:
        """As things stand now. Raises what making it raises; each who waited then tries it for themselves."""
        with self._condition:
            wanted = self._begun + 1
            while self._is_making:
                self._condition.wait()
                if self._made is not None and self._made[0] >= wanted:
                    return self._made[1]
            self._begun += 1
            number, self._is_making = self._begun, True
        try:
            made = self._make()
        except BaseException:
            self._end(None)
            raise
        self._end((number, made))
        return made

    def _end(self, made: tuple[int, T] | None) -> None:
        with self._condition:
            self._made, self._is_making = made or self._made, False
            self._condition.notify_all()
