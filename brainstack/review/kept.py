"""Pictures that were made small or packed for browsers, kept in memory while they are asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable


class KeptPictures:
    """Pictures by what they show, the ones that were last asked for, up to so many bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._pictures: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, name: Hashable, make: Callable[[], bytes]) -> bytes:
        with self._lock:
            if name in self._pictures:
                self._pictures.move_to_end(name)
                return self._pictures[name]
        made = make()  # by several at once, where several ask: each has the same
        with self._lock:
            if name not in self._pictures:
                self._pictures[name] = made
                self._bytes += len(made)
            while self._bytes > self._most and len(self._pictures) > 1:
                _, gone = self._pictures.popitem(last=False)
                self._bytes -= len(gone)
        return made
