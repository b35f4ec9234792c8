"""Templates of the pages, and how they write numbers and times."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from brainstack.tidying import readable


@cache
def environment() -> Environment:
    """Of the templates; what they show is escaped."""
    found = Environment(
        loader=PackageLoader("brainstack.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.filters |= {"duration": duration, "readable": readable, "figures": figures, "minute": minute}
    return found


def duration(seconds: float) -> str:
    """As people say it: "0.4 s", "75 s", "12 min", "3.2 h"."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds >= 0.1 else f"{seconds:.1g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def figures(value: float | None, digits: int = 3) -> str:
    """A number to so many digits; a dash for one that is not known."""
    if value is None:
        return "–"
    rounded = float(f"{value:.{digits}g}")
    return (f"{rounded:,.0f}" if abs(rounded) >= 10**digits else f"{rounded:.{digits}g}").replace("-", "−")


def minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
