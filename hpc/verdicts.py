"""What became of an element of an array, and what to do about it. Pure: what is known goes in, a verdict comes out.

The truth about a job is what the queue says, what the job itself left, and whether its outputs are there. What is not
known is never taken for an end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hpc.arrays import Claim, ElementEnd
from hpc.backend import Job
from hpc.cluster import Limits, Request

ALIVE = "alive"
UNKNOWN = "unknown"
ENDED = "ended"
"""It left its own record, which says of each task how it went. A task's own error is not tried again: the same input
would give it again."""
OUT_OF_MEMORY = "out of memory"
TIME_LIMIT = "time limit"
NODE_FAILURE = "node failure"
PREEMPTED = "preempted"
NEVER_STARTED = "never started"
LOST = "lost"
"""It began, and nothing says how it ended."""
CANCELLED = "cancelled"
NOT_TRIED = "not tried"

AGAIN = {OUT_OF_MEMORY: 3, TIME_LIMIT: 3, NODE_FAILURE: 3, PREEMPTED: 20, NEVER_STARTED: 2, LOST: 2}
"""How many times a task is tried again for each cause; not at all for others."""
MORE_MEMORY = 2.0
MORE_TIME = 2.0


@dataclass(frozen=True)
class Known:
    """What is known of an element. job : as the queue says, None where it did not name it. asked : the queue was asked
    and answered since the array was submitted. unseen_s : for how long it has not been named. booked : as the queue's
    books say. ended_s : for how long the queue has called it ended."""

    job: Job | None = None
    end: ElementEnd | None = None
    claim: Claim | None = None
    booked: Job | None = None
    asked: bool = False
    unseen_s: float = 0.0
    ended_s: float = 0.0


ENDINGS = {
    "OUT_OF_MEMORY": OUT_OF_MEMORY,
    "TIMEOUT": TIME_LIMIT,
    "NODE_FAIL": NODE_FAILURE,
    "PREEMPTED": PREEMPTED,
    "CANCELLED": CANCELLED,
}


def judge(known: Known, grace_s: float) -> str:
    """ALIVE, UNKNOWN, ENDED, or the cause of an end that left no record."""
    if known.end is not None:
        return OUT_OF_MEMORY if known.end.out_of_memory else ENDED
    job = known.job or (known.booked if known.unseen_s >= grace_s / 4 else None)
    if job is None:
        if not known.asked or known.unseen_s < grace_s:
            return UNKNOWN
        return NEVER_STARTED if known.claim is None else LOST
    if job.is_alive:
        return ALIVE
    if cause := ENDINGS.get(job.state):
        return cause
    # COMPLETED or FAILED: the record may be on its way through a slow disk
    if known.ended_s < (grace_s / 4 if known.claim is None else grace_s):
        return UNKNOWN
    return NEVER_STARTED if known.claim is None else LOST


def next_request(request: Request, cause: str, tries: tuple[str, ...], limits: Limits, node: str) -> Request | None:
    """What to ask for when a task is tried again; None where it is not. tries : causes before this one."""
    if tries.count(cause) >= AGAIN.get(cause, 0):
        return None
    if cause == OUT_OF_MEMORY:
        memory_gb = min(request.memory_gb * MORE_MEMORY, limits.memory_gb)
        return replace(request, memory_gb=memory_gb) if memory_gb > request.memory_gb else None
    if cause == TIME_LIMIT:
        minutes = min(request.minutes * MORE_TIME, limits.minutes)
        return replace(request, minutes=minutes) if minutes > request.minutes else None
    if cause in (NODE_FAILURE, NEVER_STARTED) and node:
        return replace(request, exclude=tuple(sorted({*request.exclude, node})))
    return request


def sentence(cause: str, request: Request, stage: str, node: str, tries: int) -> str:
    """What a person is told of a task that is not tried again."""
    where = f" on {node}" if node else ""
    often = f", {tries} times" if tries > 1 else ""
    ask = f"[stages.{stage}] in config/cluster.toml"
    said = {
        OUT_OF_MEMORY: f"ran out of memory{where} with {request.memory_gb:g} GB{often}; raise memory_gb of {ask}, or "
        "of [limits], as far as a node has that much",
        TIME_LIMIT: f"was ended{where} by its time limit of {request.minutes:g} minutes{often}; raise minutes of "
        f"{ask}, or of [limits]",
        NODE_FAILURE: f"its node failed{where}{often}; run the same command again, and tell the administrators",
        PREEMPTED: f"had to make way for others{often}; run the same command again, or take another partition in {ask}",
        NEVER_STARTED: f"was called ended by the queue and never began{where}{often}; does that node see the animal's "
        "folder and brainstack's? data_root and the environment have to be on a disk that all nodes share",
        LOST: f"began{where} and left no word of how it ended{often}; it may have run out of memory or been killed: "
        "see its log",
        CANCELLED: f"was cancelled in the queue{where} by somebody; run the same command again when that is right",
    }
    return said.get(cause, cause) + "."


def is_hopeless(ended: int, failed: int, waiting: int) -> bool:
    """True for an array of which most elements fail by the task's own error: the rest is not worth a try.

    ended : elements that came to an end. failed : those by their own error. waiting : that have not begun.
    """
    return waiting > 0 and failed >= LEAST_FAILED and failed * 2 > ended


LEAST_FAILED = 5
