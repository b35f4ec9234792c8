"""The review page of a made-up animal: its server, a client that was let in, and the page in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from lab import Lab, copy_of, entered

from brainstack.review.access import TokenGate
from brainstack.review.animals import Animals
from brainstack.review.app import make_app
from brainstack.review.asking import Desk
from brainstack.review.serving import ReviewServer

PERSON = "anna"
"""Who the server takes its visitors for."""


@pytest.fixture(scope="module")
def demo(finished: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The made animal DEMO after a run, in a data root that the tests of a module share and may change; the environment
    leads there."""
    lab = copy_of(finished, tmp_path_factory.mktemp("review"))
    with entered(lab):
        yield lab


@pytest.fixture(scope="module")
def gate() -> TokenGate:
    """The gate of `server`; `gate.token` is the token of its link."""
    return TokenGate(PERSON)


@pytest.fixture(scope="module")
def server(demo: Lab, gate: TokenGate) -> Iterator[ReviewServer]:
    """The review page of `demo`."""
    with ReviewServer() as server:
        server.start(make_app(Desk(Animals(), gate, cookie=f"brainstack_{server.port}")))
        yield server


@pytest.fixture(scope="module")
def client(server: ReviewServer, gate: TokenGate) -> Iterator[httpx.Client]:
    """Somebody who came with the link, and whose scripts send what the page's would. `client.get("/DEMO/slides")`."""
    with httpx.Client(base_url=server.url, follow_redirects=True, timeout=60, trust_env=False) as client:
        page = client.get("/DEMO", params={"token": gate.token}, headers={"Accept": "text/html"})
        found = re.search(r'data-csrf="(\w+)"', page.text)
        assert found, page.text
        client.headers.update({"X-CSRF-Token": found[1], "Accept": "application/json"})
        yield client


@pytest.fixture
def open_page(browser: Any, server: ReviewServer, gate: TokenGate) -> Callable[[str], Any]:
    """Opens a page, such as "/DEMO/slides", with the token of the link in its address, and returns the browser."""

    def open_it(path: str) -> Any:
        browser.get("about:blank")  # as if nothing had been open before
        browser.get(f"{server.url}{path}?token={gate.token}")
        return browser

    return open_it
