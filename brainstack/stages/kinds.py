"""What a stage is made of: what one step reads and writes, and which settings and facts its result depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainstack.stamps import Step

if TYPE_CHECKING:
    from brainstack.plan import Plan


@dataclass(frozen=True)
class Input:
    """A step that another reads. part : which of its values, "" for the whole.

    needed : False for one of many that are gathered; the step goes on without those that failed, and says so.
    """

    step: Step
    part: str = ""
    needed: bool = True


Facts = dict[str, Any]
"""By names that `brainstack status` says when one has changed."""


def nothing(plan: Plan, step: Step) -> Facts:
    return {}


def no_step(plan: Plan, stage: str) -> Iterable[Step]:
    return ()


@dataclass(frozen=True)
class Stage:
    """version : raise it when the same inputs give another result. settings : "table" or "table.name".

    per : the stage's steps. asked : steps that are made only when somebody asks for them.
    facts : what it takes from the database and from people.
    """

    per: Callable[[Plan, str], Iterable[Step]]
    inputs: Callable[[Plan, Step], Iterable[Input]]
    outputs: Callable[[Plan, Step], list[Path]]
    settings: tuple[str, ...] = ()
    facts: Callable[[Plan, Step], Facts] = nothing
    version: int = 1
    asked: Callable[[Plan, str], Iterable[Step]] = no_step
