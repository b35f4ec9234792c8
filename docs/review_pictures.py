"""Make the pictures of docs/review.md: python docs/review_pictures.py DEMO [PAGE ...]

Needs an animal that was run, BRAINSTACK_DATA_ROOT as its run had it, and Chromium with its driver. Nothing is changed:
who looks here may only look, unless --edit is given.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from selenium.webdriver.common.action_chains import ActionChains

from brainstack.browser import open_browser
from brainstack.review.access import Role, TokenGate, Visitor
from brainstack.review.animals import Animals
from brainstack.review.app import make_app
from brainstack.review.asking import Desk
from brainstack.review.serving import ReviewServer
from brainstack.review.tables_page import tables_at

PICTURES = Path(__file__).parent / "pictures"
PAGES = {"overview": "", "slides": "/slides", "masks": "/masks", "alignment": "/alignment", "contrast": "/contrast",
         "problems": "/problems", "run": "/run", "tables": "/tables/slide/list"}  # fmt: skip
OF_ALL = {"tables"}
"""Pages that are not of one animal."""
SIZE = (1280, 720)
DRAWN_S = 4.0
"""Until everything that a page asks for is there."""


class LookingGate(TokenGate):
    """Lets people look only."""

    def visitor(self, session: str) -> Visitor | None:
        found = super().visitor(session)
        return None if found is None else replace(found, role=Role.LOOK)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("animal")
    parser.add_argument("pages", nargs="*", choices=[*PAGES, []], help="all, where none is given")
    parser.add_argument("--edit", action="store_true", help="as somebody who may change the animal")
    parser.add_argument("--keys", default="", help="pressed one after the other once a page is there")
    asked = parser.parse_args()
    gate = (TokenGate if asked.edit else LookingGate)("anna")
    with ReviewServer() as server, open_browser(SIZE) as browser:
        desk = Desk(Animals(), gate, cookie="pictures")
        server.start(make_app(desk, mounts=[tables_at(desk)]))
        browser.get(f"{server.url}/?token={gate.token}")
        for name in asked.pages or PAGES:
            browser.get(server.url + ("" if name in OF_ALL else f"/{asked.animal}") + PAGES[name])
            time.sleep(DRAWN_S)
            for key in asked.keys:
                ActionChains(browser).send_keys(key).perform()
                time.sleep(0.5)
            time.sleep(DRAWN_S)
            picture = cv2.imdecode(np.frombuffer(browser.get_screenshot_as_png(), np.uint8), cv2.IMREAD_COLOR)
            cv2.imwrite(str(PICTURES / f"review_{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 74])


if __name__ == "__main__":
    main()
