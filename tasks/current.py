"""The plan that this process works by, one for each animal. The process that drives a run makes it and renews it;
its worker processes inherit it when they are forked, and jobs on a cluster read it."""

from __future__ import annotations

from collections.abc import Callable

from brainstack.plan import Plan
from brainstack.planning import look, progress_of
from brainstack.progress import Progress
from brainstack.stamps import Step

_progress: dict[str, Progress] = {}
_suspects: set[Step] = set()

cluster_stages: frozenset[str] = frozenset()
"""Stages that are made by jobs on a cluster."""


def _always() -> None:
    pass


check_in: Callable[[], None] = _always
"""Called before a step begins and before its stamp is written. It raises where this process was taken for dead, and
another makes the step."""


def progress(animal: str) -> Progress:
    """What is done of an animal. Where no run is driven from here, the plan is made by looking."""
    if animal not in _progress:
        set_plan(animal, look(animal))
    return _progress[animal]


def plan(animal: str) -> Plan:
    return progress(animal).plan


def set_plan(animal: str, new: Plan) -> None:
    _progress[animal] = progress_of(new)


def suspect(step: Step) -> None:
    """The process that made this step died: it is tried once more, by itself."""
    _suspects.add(step)


def is_suspect(step: Step) -> bool:
    return step in _suspects
