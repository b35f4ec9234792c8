"""Axes of plots: where their ends and their numbers are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Between two numbers of an axis, times a power of ten."""


@dataclass(frozen=True)
class Axis:
    """low, high : its ends. ticks : where numbers stand. is_log : whether equal distances are equal ratios."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value lies: 0 at its low end, 1 at its high one; what is beyond is held there."""
        if self.is_log:
            low, high, value = math.log(self.low), math.log(self.high), math.log(max(value, self.low))
        else:
            low, high = self.low, self.high
        return min(1.0, max(0.0, (value - low) / (high - low)))


def linear(values: Iterable[float], *, most: int = 6, include: Iterable[float] = (), whole: bool = False) -> Axis:
    """An axis on which all values fit, with some room. include : values that it must have. whole : only whole numbers
    are named."""
    known = [*(value for value in values if math.isfinite(value)), *include]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - max(0.5, abs(low) / 10), high + max(0.5, abs(high) / 10)
    step = _step(high - low, most)
    step = max(1.0, math.ceil(step)) if whole else step
    room = 0.04 * (high - low)
    fixed = set(include)
    low, high = (low if low in fixed else low - room), (high if high in fixed else high + room)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Axis(low, high, tuple(number * step for number in range(first, last + 1)))


def logarithmic(values: Iterable[float], *, lowest: float, least_top: float) -> Axis:
    """From `lowest` to the power of ten above all values, and at least to `least_top`."""
    top = max([least_top, *(value for value in values if math.isfinite(value))])
    high = 10.0 ** math.ceil(math.log10(top) - 1e-9)
    first = math.ceil(math.log10(lowest) - 1e-9)
    powers = range(first, round(math.log10(high)) + 1)
    every = -(-len(powers) // 8)
    return Axis(lowest, high, tuple(10.0**power for power in powers[::every]), is_log=True)


def _step(length: float, most: int) -> float:
    rough = length / most
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in STEPS if step * power >= rough * (1 - 1e-9))


def number(value: float) -> str:
    """A number of an axis, as people write it: 0.5, 20, 10,000."""
    if value == 0:
        return "0"
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", "−")
