"""What is known of an element -> what became of it; and what is done then."""

from __future__ import annotations

import pytest

from hpc import verdicts
from hpc.arrays import Claim, ElementEnd
from hpc.backend import ALIVE, ENDS, Job
from hpc.cluster import Limits, Request
from hpc.verdicts import Known, is_hopeless, judge, next_request, sentence

GRACE_S = 60.0
CLAIM = Claim("5_0", "n1", 1, "")
END = ElementEnd("5_0", "n1", "", 1.0, 1.0, 0.1)
KILLED = ElementEnd("5_0", "n1", "", 1.0, 1.0, 0.1, out_of_memory=True)


def job(state: str) -> Job:
    return Job("5", 0, "name", state)


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        # nothing is known: nobody asked, or not for long enough
        (Known(), verdicts.UNKNOWN),
        (Known(unseen_s=1000), verdicts.UNKNOWN),
        (Known(asked=True, unseen_s=59), verdicts.UNKNOWN),
        (Known(asked=True, unseen_s=59, claim=CLAIM), verdicts.UNKNOWN),
        # the queue forgot it
        (Known(asked=True, unseen_s=60), verdicts.NEVER_STARTED),
        (Known(asked=True, unseen_s=60, claim=CLAIM), verdicts.LOST),
        # its own record is worth more than anything the queue says
        (Known(end=END), verdicts.ENDED),
        (Known(end=END, job=job("RUNNING")), verdicts.ENDED),
        (Known(end=END, job=job("NODE_FAIL")), verdicts.ENDED),
        (Known(end=END, asked=True, unseen_s=1000), verdicts.ENDED),
        # ... but where the kernel killed a part of it, and the rest went on as if nothing was
        (Known(end=KILLED, job=job("COMPLETED")), verdicts.OUT_OF_MEMORY),
        # the queue says that it lives
        (Known(job=job("PENDING")), verdicts.ALIVE),
        (Known(job=job("RUNNING"), claim=CLAIM), verdicts.ALIVE),
        # the queue says what ended it: no record will come
        (Known(job=job("OUT_OF_MEMORY"), claim=CLAIM), verdicts.OUT_OF_MEMORY),
        (Known(job=job("TIMEOUT"), claim=CLAIM), verdicts.TIME_LIMIT),
        (Known(job=job("NODE_FAIL"), claim=CLAIM), verdicts.NODE_FAILURE),
        (Known(job=job("PREEMPTED")), verdicts.PREEMPTED),
        (Known(job=job("CANCELLED")), verdicts.CANCELLED),
        # the queue says that it ended: the record may be on its way
        (Known(job=job("COMPLETED"), claim=CLAIM, ended_s=59), verdicts.UNKNOWN),
        (Known(job=job("FAILED"), claim=CLAIM, ended_s=59), verdicts.UNKNOWN),
        (Known(job=job("COMPLETED"), claim=CLAIM, ended_s=60), verdicts.LOST),
        (Known(job=job("FAILED"), claim=CLAIM, ended_s=60), verdicts.LOST),
        # ... and the claim as well, for a while that is shorter
        (Known(job=job("FAILED"), ended_s=14), verdicts.UNKNOWN),
        (Known(job=job("FAILED"), ended_s=15), verdicts.NEVER_STARTED),
        (Known(job=job("COMPLETED"), ended_s=60), verdicts.NEVER_STARTED),
        (Known(job=job("NOT_STARTED"), ended_s=60), verdicts.NEVER_STARTED),
        # the books know what the queue forgot, and are not asked before it did
        (Known(booked=job("TIMEOUT"), asked=True, unseen_s=15, claim=CLAIM), verdicts.TIME_LIMIT),
        (Known(booked=job("TIMEOUT"), asked=True, unseen_s=14, claim=CLAIM), verdicts.UNKNOWN),
        (Known(booked=job("TIMEOUT"), job=job("RUNNING"), claim=CLAIM), verdicts.ALIVE),
    ],
)
def test_what_became_of_an_element(known: Known, verdict: str) -> None:
    assert judge(known, GRACE_S) == verdict


@pytest.mark.parametrize("state", [*ALIVE, *ENDS])
def test_each_state_of_a_job_has_a_verdict_and_only_the_living_live(state: str) -> None:
    verdict = judge(Known(job=job(state), claim=CLAIM, ended_s=GRACE_S), GRACE_S)

    assert (verdict == verdicts.ALIVE) is (state in ALIVE)
    assert verdict != verdicts.UNKNOWN


REQUEST = Request(memory_gb=4, minutes=30)
LIMITS = Limits(memory_gb=10, minutes=45)


@pytest.mark.parametrize(
    ("cause", "tries", "node", "asked"),
    [
        (verdicts.OUT_OF_MEMORY, 0, "n1", Request(memory_gb=8, minutes=30)),
        (verdicts.TIME_LIMIT, 0, "n1", Request(memory_gb=4, minutes=45)),  # not above the limit
        (verdicts.NODE_FAILURE, 0, "n1", Request(memory_gb=4, minutes=30, exclude=("n1",))),
        (verdicts.NODE_FAILURE, 0, "", REQUEST),
        (verdicts.NEVER_STARTED, 1, "n1", Request(memory_gb=4, minutes=30, exclude=("n1",))),
        (verdicts.PREEMPTED, 19, "n1", REQUEST),  # the same again, and no node is to blame
        (verdicts.LOST, 0, "n1", REQUEST),
        (verdicts.NODE_FAILURE, 3, "n1", None),
        (verdicts.PREEMPTED, 20, "n1", None),
        (verdicts.NEVER_STARTED, 2, "n1", None),
        (verdicts.CANCELLED, 0, "n1", None),
    ],
)
def test_each_cause_has_its_policy(cause: str, tries: int, node: str, asked: Request | None) -> None:
    assert next_request(REQUEST, cause, (cause,) * tries, LIMITS, node) == asked


def test_tries_for_another_cause_do_not_count() -> None:
    assert next_request(REQUEST, verdicts.LOST, (verdicts.NODE_FAILURE,) * 3, LIMITS, "") == REQUEST


def test_what_has_all_there_is_is_not_tried_again() -> None:
    assert next_request(Request(memory_gb=10), verdicts.OUT_OF_MEMORY, (), LIMITS, "") is None
    assert next_request(Request(minutes=45), verdicts.TIME_LIMIT, (), LIMITS, "") is None


def test_nodes_that_failed_are_remembered() -> None:
    request = Request(exclude=("n2",))

    assert next_request(request, verdicts.NODE_FAILURE, (), LIMITS, "n1") == Request(exclude=("n1", "n2"))
    assert next_request(request, verdicts.NODE_FAILURE, (), LIMITS, "n2") == request


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (verdicts.OUT_OF_MEMORY, "ran out of memory on n1 with 4 GB, 3 times; raise memory_gb of [stages.Tifs] in "
         "config/cluster.toml, or of [limits], as far as a node has that much."),
        (verdicts.TIME_LIMIT, "was ended on n1 by its time limit of 30 minutes, 3 times; raise minutes of "
         "[stages.Tifs] in config/cluster.toml, or of [limits]."),
        (verdicts.NODE_FAILURE, "its node failed on n1, 3 times; run the same command again, and tell the "
         "administrators."),
        (verdicts.LOST, "began on n1 and left no word of how it ended, 3 times; it may have run out of memory or been "
         "killed: see its log."),
        (verdicts.CANCELLED, "was cancelled in the queue on n1 by somebody; run the same command again when that is "
         "right."),
    ],
)  # fmt: skip
def test_a_person_is_told_the_cause_and_what_to_do(cause: str, said: str) -> None:
    assert sentence(cause, REQUEST, "Tifs", "n1", 3) == said


def test_what_is_not_known_is_not_told() -> None:
    assert sentence(verdicts.LOST, REQUEST, "Tifs", "", 1).startswith("began and left no word of how it ended; ")


@pytest.mark.parametrize(
    ("ended", "failed", "waiting", "hopeless"),
    [
        (5, 5, 100, True),
        (9, 5, 100, True),
        (10, 5, 100, False),  # half of them went well
        (4, 4, 100, False),  # too few to tell
        (5, 5, 0, False),  # nothing is left to spare
    ],
)
def test_an_array_is_hopeless_when_most_of_it_fails(ended: int, failed: int, waiting: int, hopeless: bool) -> None:
    assert is_hopeless(ended, failed, waiting) is hopeless
