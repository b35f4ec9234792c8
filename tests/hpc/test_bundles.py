"""Elements last some minutes, by what was seen of their stage."""

from __future__ import annotations

import pytest

from hpc.bundles import LAST, bundled, element_request, seconds_of, tasks_of_element
from hpc.cluster import Limits, Request


@pytest.mark.parametrize(
    ("count", "seconds", "tasks"),
    [
        (440, 60, 8),  # eight minutes
        (440, 5, 96),
        (440, 3600, 1),  # longer than an element shall be: one each
        (440, 481, 1),
        (3, 1, 3),  # no more than there are
        (440, 0, 440),  # nothing was seen to take time
    ],
)
def test_an_element_has_as_many_tasks_as_last_eight_minutes(count: int, seconds: float, tasks: int) -> None:
    assert tasks_of_element(count, seconds, Limits(element_minutes=8)) == tasks


@pytest.mark.parametrize(("count", "size"), [(1, 1), (10, 3), (440, 96), (97, 96), (5, 100)])
def test_elements_hold_each_task_once_in_order_and_are_alike(count: int, size: int) -> None:
    elements = bundled(range(count), size)
    sizes = {len(one) for one in elements}

    assert [task for element in elements for task in element] == list(range(count))
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1


def test_one_task_asks_for_what_it_may_take_and_more_for_twice_their_time_besides() -> None:
    request = Request(minutes=30)

    assert element_request(request, 1, 120) == request
    assert element_request(request, 4, 120) == Request(minutes=30 + 16)


def test_how_long_a_task_takes_is_the_median_of_its_stage() -> None:
    seen = [("A", 1.0), ("B", 50.0), ("A", 2.0), ("A", 90.0)]

    assert seconds_of("A", seen, Request()) == 2
    assert seconds_of("C", seen, Request(seconds=7)) == 7


def test_what_was_seen_long_ago_does_not_count() -> None:
    assert seconds_of("A", [("A", 1000.0)] * LAST + [("A", 1.0)] * LAST, Request()) == 1
