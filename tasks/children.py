"""What the worker processes share with the process that drives the run: they die with it, and count what they did."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from types import FrameType

from brainstack.stages import STAGES

DRIVER = os.getpid()
_PLACES = {name: place for place, name in enumerate(STAGES)}
OUTCOMES = ("made", "failed", "left")
"""Of a step that was handed to a worker: left, as it turned out to be done already."""
_counts = {outcome: multiprocessing.Array("q", len(STAGES)) for outcome in OUTCOMES}
_PR_SET_PDEATHSIG = 1
HELD_BACK = (signal.SIGINT, signal.SIGTERM)
"""Signals that the driver holds back while it forks."""


def prepare() -> None:
    """Called first in a worker process: a Ctrl-C is for the driver to deal with, and a dead driver is the end."""
    if os.getpid() == DRIVER:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != DRIVER:
            os.kill(os.getpid(), signal.SIGKILL)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)  # what is half written is removed on the way out


def count(stage: str, outcome: str) -> None:
    counts = _counts[outcome]
    with counts.get_lock():
        counts[_PLACES[stage]] += 1


def counted(stage: str, outcome: str) -> int:
    """How many steps of a stage had this outcome since this process began."""
    return int(_counts[outcome][_PLACES[stage]])
