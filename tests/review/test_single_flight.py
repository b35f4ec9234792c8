"""What many people ask for at once: brainstack/review/single_flight.py."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from review_accounts import wait_for

from brainstack.review.single_flight import SingleFlight

PEOPLE = 8
PATIENCE_S = 20


class Slow:
    """Counts how often it was made; the first time takes until `go_on` is called."""

    def __init__(self) -> None:
        self.count = 0
        self.begun, self._gate = threading.Event(), threading.Event()

    def __call__(self) -> int:
        self.count += 1
        self.begun.set()
        assert self._gate.wait(PATIENCE_S)
        return self.count

    def go_on(self) -> None:
        self._gate.set()


def test_all_who_wait_share_one_that_was_begun_after_they_asked() -> None:
    slow = Slow()
    looks = SingleFlight(slow)
    with ThreadPoolExecutor(PEOPLE + 1) as people:
        first = people.submit(looks.now)
        assert slow.begun.wait(PATIENCE_S)
        started = [threading.Event() for _ in range(PEOPLE)]
        others = [people.submit(_asked, looks, event) for event in started]
        assert all(event.wait(PATIENCE_S) for event in started)
        wait_for(lambda: len(looks._condition._waiters) == PEOPLE)  # type: ignore[attr-defined]
        slow.go_on()
        assert first.result(PATIENCE_S) == 1
        assert [one.result(PATIENCE_S) for one in others] == [2] * PEOPLE
    assert slow.count == 2


def _asked(looks: SingleFlight[int], event: threading.Event) -> int:
    event.set()
    return looks.now()


def test_what_somebody_changed_before_they_asked_is_in_what_they_get() -> None:
    lock, changes = threading.Lock(), 0
    looks = SingleFlight(lambda: changes)

    def work() -> None:
        nonlocal changes
        for _ in range(200):
            with lock:
                changes += 1
                mine = changes
            assert looks.now() >= mine

    with ThreadPoolExecutor(PEOPLE) as people:
        for one in [people.submit(work) for _ in range(PEOPLE)]:
            one.result(PATIENCE_S)
    assert looks.now() == 200 * PEOPLE


def test_each_is_told_what_went_wrong_and_the_next_one_tries_again() -> None:
    answers = iter([ValueError("once"), ValueError("twice"), 3])

    def make() -> int:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    looks = SingleFlight(make)
    for said in ("once", "twice"):
        with pytest.raises(ValueError, match=said):
            looks.now()
    assert looks.now() == 3


def test_who_waits_behind_one_that_failed_makes_it_anew() -> None:
    slow = Slow()

    def make() -> int:
        if slow() == 1:
            raise ValueError("the first one fails")
        return slow.count

    looks = SingleFlight(make)
    with ThreadPoolExecutor(2) as people:
        first = people.submit(looks.now)
        assert slow.begun.wait(PATIENCE_S)
        second = people.submit(looks.now)
        slow.go_on()
        with pytest.raises(ValueError, match="the first"):
            first.result(PATIENCE_S)
        assert second.result(PATIENCE_S) == 2
