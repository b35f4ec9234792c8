"""What many ask for at once is made once for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Makes one value at a time. Whoever asks while one is being made waits for the next, which all who wait share, or
    what went wrong with it: it was begun after each of them asked, so that what they changed before is in it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._condition = threading.Condition()
        self._begun = 0
        self._made: tuple[int, Callable[[], T]] | None = None
        self._is_making = False

    def now(self) -> T:
        """As things stand now. Raises what making it raises."""
        with self._condition:
            wanted = self._begun + 1
            while self._is_making:
                self._condition.wait()
                if self._made is not None and self._made[0] >= wanted:
                    return self._made[1]()
            self._begun += 1
            number, self._is_making = self._begun, True
        try:
            made = self._make()
        except BaseException as error:
            self._end(number, partial(_raise, error))
            raise
        self._end(number, lambda: made)
        return made

    def _end(self, number: int, made: Callable[[], T]) -> None:
        with self._condition:
            self._made, self._is_making = (number, made), False
            self._condition.notify_all()


def _raise(error: BaseException) -> Any:
    raise error
