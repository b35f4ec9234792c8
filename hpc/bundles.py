"""Tasks are bundled into elements of an array, so that an element lasts some minutes: a queue that starts a job for
every second of work serves nobody."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import TypeVar

from hpc.cluster import Limits, Request

Task = TypeVar("Task")


def tasks_of_element(count: int, seconds: float, limits: Limits) -> int:
    """How many tasks an element shall have. count : of tasks that are ready. seconds : that one takes."""
    lasting = max(1, math.floor(limits.element_minutes * 60 / max(seconds, 0.001)))
    return min(lasting, max(1, count))


def bundled(tasks: Sequence[Task], size: int) -> list[list[Task]]:
    """Elements of at most so many tasks, all of about the same length."""
    count = math.ceil(len(tasks) / size)
    edges = [round(len(tasks) * place / count) for place in range(count + 1)]
    return [list(tasks[start:end]) for start, end in itertools.pairwise(edges)]


def element_request(request: Request, tasks: int, seconds: float) -> Request:
    """What an element of so many tasks asks for: the minutes that one slow task may take, and twice what all of them
    shall take together."""
    return replace(request, minutes=request.minutes + (0 if tasks == 1 else 2 * tasks * seconds / 60))


def seconds_of(stage: str, history: Sequence[tuple[str, float]], request: Request) -> float:
    """How long a task of a stage takes: the median of the last ones seen, or as the request says.

    history : (stage, seconds), the oldest first.
    """
    seen = [seconds for name, seconds in history if name == stage][-LAST:]
    return median(seen) if seen else request.seconds


def packed(
    tasks: Sequence[Task], request: Request, seconds: float, limits: Limits, *, alone: bool = False
) -> tuple[list[list[Task]], Request]:
    """Elements, and what each of them asks for. alone : a task an element, as one of them may be the end of others."""
    elements = bundled(tasks, 1 if alone else tasks_of_element(len(tasks), seconds, limits))
    asked = element_request(request, max(map(len, elements)), seconds)
    return elements, replace(asked, minutes=max(request.minutes, min(asked.minutes, limits.minutes)))


LAST = 500
"""Tasks that the history goes back: those of one animal."""
