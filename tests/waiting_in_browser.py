"""Waiting for what a page is about to show."""

from __future__ import annotations

import time
from typing import Any

WITHIN_S = 60


def until(browser: Any, script: str, *given: Any) -> Any:
    """What a script returns, once that is something."""
    end = time.monotonic() + WITHIN_S
    while time.monotonic() < end:
        if found := browser.execute_script(script, *given):
            return found
        time.sleep(0.05)
    raise AssertionError(f"in vain: {script}")
