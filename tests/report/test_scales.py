from __future__ import annotations

import math

import pytest

from brainstack.report.scales import linear, logarithmic, number


def test_all_values_lie_on_the_axis_and_numbers_are_round() -> None:
    axis = linear([3.2, 61.7])
    assert axis.ticks == (10, 20, 30, 40, 50, 60)
    assert axis.low < 3.2
    assert axis.high > 61.7


def test_what_an_axis_must_have_is_its_end() -> None:
    axis = linear([50.0, 61.0], include=(0.0,))
    assert axis.low == 0
    assert axis.share(0) == 0
    assert axis.share(axis.high) == 1


def test_section_numbers_are_whole() -> None:
    assert linear([0, 3], most=12, whole=True).ticks == (0, 1, 2, 3)
    assert linear([0, 439], most=12, whole=True).ticks == tuple(range(0, 451, 50))


@pytest.mark.parametrize("values", [[], [math.nan], [5.0], [0.0], [-7.0, -7.0]])
def test_an_axis_of_few_values_has_a_length(values: list[float]) -> None:
    axis = linear(values)
    assert axis.high > axis.low
    assert len(axis.ticks) >= 2
    assert all(0 <= axis.share(value) <= 1 for value in values if math.isfinite(value))


def test_equal_ratios_are_equal_distances() -> None:
    axis = logarithmic([3.0, 250.0], lowest=0.1, least_top=100.0)
    assert axis.ticks == (0.1, 1, 10, 100, 1000)
    assert [round(axis.share(value), 6) for value in axis.ticks] == [0, 0.25, 0.5, 0.75, 1]
    assert axis.share(0) == 0, "what has no logarithm is at the bottom"
    assert axis.share(1e9) == 1


def test_numbers_are_as_people_write_them() -> None:
    assert [number(one) for one in (0, 0.25, 20, 10000, -0.5, -3000)] == ["0", "0.25", "20", "10,000", "−0.5", "−3,000"]
