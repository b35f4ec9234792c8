"""Waiting for others who write: how long, and again after how long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from brainstack.errors import BrainstackError

BUSY_TIMEOUT_S = 30.0  # a transaction takes below 2 s; network disks are slow to hand a lock over
AGAIN_FOR_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 2.0

T = TypeVar("T")


class DatabaseBusy(BrainstackError):  # noqa: N818  # a state, which passes
    """Others write, and this transaction was not done, nothing of it: it may be tried again."""


def again_while_busy(work: Callable[[], T]) -> T:
    """What work returns. It is run again when it raised DatabaseBusy, after a pause that grows and is never the same
    for two processes, until AGAIN_FOR_S have passed."""
    until = time.monotonic() + AGAIN_FOR_S
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return work()
        except DatabaseBusy:
            if time.monotonic() > until:
                raise
        time.sleep(random.uniform(0, pause_s))
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
