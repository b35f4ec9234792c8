"""What many ask for at once is made once for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Makes one value at a time. Whoever asks while one is being made waits for the next, which all who wait share, or
    what went wrong with it: it was begun after each of them asked, so that what they changed before is in it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._condition = threading.Condition()
        self._begun = 0
        self._last: tuple[int, Future[T]] | None = None
        self._is_making = False

    def now(self) -> T:
        """As things stand now. Raises what making it raises."""
        with self._condition:
            wanted = self._begun + 1
            while self._is_making:
                self._condition.wait()
                if self._last is not None and self._last[0] >= wanted:
                    return self._last[1].result()
            self._begun += 1
            number, self._is_making = self._begun, True
        made: Future[T] = Future()
        try:
            made.set_result(self._make())
        except BaseException as error:
            made.set_exception(error)
        with self._condition:
            self._last, self._is_making = (number, made), False
            self._condition.notify_all()
        return made.result()
