"""Waiting for what a page is about to show, and a page whose server is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def offline(browser: Any) -> Iterator[None]:
    """For the length of a block, the page reaches no server."""
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions | {"offline": True})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions | {"offline": False})
