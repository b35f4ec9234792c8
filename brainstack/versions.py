"""Which version made something, for the log."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from brainstack.stages import STAGES


@cache
def brainstack_version() -> str:
    """As it was installed, such as "0.1.0"; "?" where it runs without having been."""
    try:
        return version("brainstack")
    except PackageNotFoundError:
        return "?"


def version_of(stage: str) -> str:
    """Of brainstack and of the stage's algorithm, such as "0.1.0/3"."""
    return f"{brainstack_version()}/{STAGES[stage].version}"
