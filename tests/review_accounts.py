"""A review page with accounts, for tests: its server, and browsers of people who may look, edit or run."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from brainstack import passwords, reviewing
from brainstack.review.access import AccountGate
from brainstack.review.animals import Animals
from brainstack.review.app import make_app
from brainstack.review.asking import Desk
from brainstack.review.serving import ReviewServer
from brainstack.review.tables_page import tables_at

PASSWORD = "correct horse battery"
PEOPLE = {"lena": "look", "emil": "edit", "ruth": "run"}


def make_hashes_quick(environment: pytest.MonkeyPatch) -> None:
    """What makes guessing slow makes tests slow."""
    quick = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    environment.setattr(passwords, "_HASHER", quick)


@dataclass(frozen=True)
class Site:
    """The server, and the way in. address : under which browsers ask it."""

    server: ReviewServer
    gate: AccountGate
    desk: Desk
    address: str

    def visitor(self, name: str = "") -> httpx.Client:
        """A browser's scripts: of somebody who is logged in, or of nobody. To be closed."""
        client = httpx.Client(
            base_url=self.address, timeout=60, trust_env=False, headers={"Accept": "application/json"}
        )
        if name:
            session = reviewing.begin_session(name)
            client.cookies.set(self.desk.cookie, session)
            visitor = self.gate.visitor(session)
            assert visitor
            client.headers["X-CSRF-Token"] = visitor.csrf
        return client


@contextmanager
def site_with_accounts(public_url: str = "") -> Iterator[Site]:
    """The review page of all animals, where the environment leads, with the reviewers of PEOPLE."""
    known = {one.name for one in reviewing.known_reviewers()}
    for name, role in PEOPLE.items():
        if name not in known:
            reviewing.add_reviewer(name, PASSWORD, role)
    gate = AccountGate()
    with ReviewServer() as server:
        desk = Desk(Animals(), gate, public_url, "__Host-brainstack" if public_url else f"brainstack_{server.port}")
        server.start(make_app(desk, mounts=[tables_at(desk)]))
        yield Site(server, gate, desk, server.url)


def log_in(client: httpx.Client, name: str, password: str, onwards: str = "/", **headers: str) -> httpx.Response:
    """As a person does: opens the form, fills it in, sends it."""
    form = client.get("/login", params={"next": onwards}, headers={"Accept": "text/html"})
    found = re.search(r'name="csrf" value="(\w+)"', form.text)
    assert found, form.text
    fields = {"csrf": found[1], "next": onwards, "name": name, "password": password}
    return client.post("/login", data=fields, headers={"Accept": "text/html"} | headers)


def wait_for(ready: Callable[[], bool], within_s: float = 60) -> None:
    """Until it is so. Raises AssertionError where that takes too long."""
    until = time.monotonic() + within_s
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.05)
