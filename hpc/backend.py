"""What a queue has to offer. Slurm's is slurm.py; another one (SGE, LSF, PBS) is one new file with these functions, and
with QUEUE, the class that has them."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hpc.cluster import ClusterError, Request

ALIVE = ("PENDING", "RUNNING")
"""States of a job that will still come to an end; all others are ends. What a queue knows beside these (completing,
suspended, configuring ...) is one of them to us."""
ENDS = ("COMPLETED", "FAILED", "OUT_OF_MEMORY", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "CANCELLED")


class Refused(Exception):  # noqa: N818 - read as a sentence
    """The queue will not take an array. for_now : True where it may take it later, or a smaller one."""

    def __init__(self, sentence: str, *, for_now: bool = False) -> None:
        self.for_now = for_now
        super().__init__(sentence)


class Unreachable(Exception):  # noqa: N818 - read as a sentence
    """The queue did not answer: nothing is known, and nothing must be concluded. An array may have been taken."""


@dataclass(frozen=True)
class Job:
    """An element of an array, as the queue sees it. state : one of ALIVE or ENDS. reason : why it waits."""

    array: str
    index: int
    name: str
    state: str
    reason: str = ""
    node: str = ""

    @property
    def is_alive(self) -> bool:
        return self.state in ALIVE


@dataclass(frozen=True)
class Submission:
    """An array to be submitted. name : the queue knows it by this. logs : folder for its logs, `<index>.log`. command :
    runs an element, when its number is put behind it. setup : shell that goes before.

    A job says in the environment, as HPC_JOB, what the queue calls it: another one each time it is submitted.
    """

    name: str
    elements: int
    command: str
    request: Request
    logs: Path
    running_elements: int
    setup: str = ""


@dataclass(frozen=True)
class QueueLimits:
    """0 : the queue does not say."""

    array_size: int = 0
    submitted: int = 0


class Backend(Protocol):
    name: str

    def check(self, requests: Iterable[tuple[str, Request]]) -> None:
        """requests : (stage, request). Raises ClusterError for what can be known before anything is submitted."""

    def limits(self) -> QueueLimits: ...

    def most(self, request: Request) -> Request:
        """The same, with the memory and minutes that the nodes it would go to have and allow at most; as they are where
        the queue does not say."""

    def submit(self, submission: Submission) -> str:
        """The queue's number for the array. Raises Refused, or Unreachable where it is not known what became of it."""

    def jobs(self, names: Collection[str]) -> list[Job]:
        """All that the queue knows of arrays of these names, in one question. Raises Unreachable."""

    def ended(self, arrays: Collection[str]) -> list[Job]:
        """What the queue's books say of arrays that it has forgotten, by their numbers: nothing where it has no
        books."""

    def cancel(self, array: str, *, waiting_only: bool = False) -> None:
        """Raises Unreachable."""


def backend_named(name: str) -> Backend:
    """That of the file of this name. Raises ClusterError where there is none."""
    try:
        found = getattr(importlib.import_module(f"hpc.{name}"), "QUEUE", None)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise ClusterError(f"[hpc] backend = {name!r} in luigi.cfg is no queue; wanted local, slurm or salloc.")
    backend: Backend = found()
    return backend
