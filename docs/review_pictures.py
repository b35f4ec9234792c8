"""Make the pictures of docs/review.md: python docs/review_pictures.py DEMO [PAGE ...]

Needs an animal that was run, a second one for the page of all animals, BRAINSTACK_DATA_ROOT as its run had it, and
Chromium with its driver. Nothing is changed: who looks here may only look, unless --edit is given.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from selenium.webdriver.common.action_chains import ActionChains

from brainstack.browser import open_browser
from brainstack.review.access import AccountGate, Gate, Role, TokenGate, Visitor
from brainstack.review.animals import Animals
from brainstack.review.app import make_app
from brainstack.review.asking import Desk
from brainstack.review.serving import ReviewServer
from brainstack.review.tables_page import tables_at

PICTURES = Path(__file__).parent / "pictures"
PAGES = {"overview": "", "slides": "/slides", "masks": "/masks", "alignment": "/alignment", "contrast": "/contrast",
         "problems": "/problems", "run": "/run"}  # fmt: skip
OF_ALL = {"animals": "/", "tables": "/tables/slide/list"}
"""Pages that are not of one animal."""
WITH_ACCOUNTS = {"login": "/login", "account": "/account"}
"""Those that there are where people log in."""
SIZE = (1280, 720)
COOKIE = "pictures"
DRAWN_S = 8.0
"""Until everything that a page asks for is there."""


class LookingGate(TokenGate):
    """Lets people look only."""

    def visitor(self, session: str) -> Visitor | None:
        found = super().visitor(session)
        return None if found is None else replace(found, role=Role.LOOK)


class KnownGate(AccountGate):
    """Takes everybody with a session for anna, who may edit."""

    def visitor(self, session: str) -> Visitor | None:
        return Visitor("anna", Role.EDIT, "csrf") if session else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("animal")
    known = [*PAGES, *OF_ALL, *WITH_ACCOUNTS]
    parser.add_argument("pages", nargs="*", choices=[*known, []], help="all, where none is given")
    parser.add_argument("--edit", action="store_true", help="as somebody who may change the animal")
    parser.add_argument("--keys", default="", help="pressed one after the other once a page is there")
    asked = parser.parse_args()
    pages = {name: f"/{asked.animal}{path}" for name, path in PAGES.items()} | OF_ALL
    wanted = asked.pages or known
    with open_browser(SIZE) as browser:
        gate = (TokenGate if asked.edit else LookingGate)("anna")
        with served(gate) as url:
            browser.get(f"{url}/?token={gate.token}")
            for name in (name for name in wanted if name in pages):
                take(browser, name, url + pages[name], asked.keys)
        with served(KnownGate()) as url:
            for name in (name for name in wanted if name in WITH_ACCOUNTS):
                browser.get(f"{url}/static/icon.svg")
                browser.delete_all_cookies()
                if name != "login":
                    browser.add_cookie({"name": COOKIE, "value": "anna"})
                take(browser, name, url + WITH_ACCOUNTS[name])


@contextmanager
def served(gate: Gate) -> Iterator[str]:
    """The address of a review page."""
    with ReviewServer() as server:
        desk = Desk(Animals(), gate, cookie=COOKIE)
        server.start(make_app(desk, mounts=[tables_at(desk)]))
        yield server.url


def take(browser: Any, name: str, address: str, keys: str = "") -> None:
    """The picture of a page. keys : pressed once it is there."""
    browser.get(address)
    time.sleep(DRAWN_S)
    for key in keys:
        ActionChains(browser).send_keys(key).perform()
        time.sleep(0.5)
    time.sleep(DRAWN_S if keys else 0)
    picture = cv2.imdecode(np.frombuffer(browser.get_screenshot_as_png(), np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(PICTURES / f"review_{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 74])


if __name__ == "__main__":
    main()
