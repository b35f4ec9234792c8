"""A Chromium without a window, and when a page of Neuroglancer in it is drawn.

Selenium drives it: Chromium's own --screenshot takes the page before its chunks are there, and stretches it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from brainstack.errors import BrainstackError

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "headless=new",
    "no-sandbox",  # root and containers have none; only brainstack's own page is opened
    "disable-dev-shm-usage",
    "hide-scrollbars",
    "use-angle=swiftshader",  # WebGL without a graphics card
    "enable-unsafe-swiftshader",
    "force-device-scale-factor=1",
)
FOUND = """
const done = arguments[arguments.length - 1];
if (!window.viewer) return done({ready: false, waiting: ['the page'], wrong: [], said: ''});
const said = [...document.querySelectorAll('#neuroglancer-status-container > *')].map(one => one.textContent)
  .filter(text => text.includes('Dismiss')).join('; ').replaceAll('Dismiss', '').trim();
const layers = viewer.layerManager.managedLayers;
const wrong = layers.flatMap(one => (one.layer ? one.layer.dataSources : [])
  .filter(source => source.loadState && source.loadState.error)
  .map(source => one.name + ': ' + source.loadState.error.message));
const waiting = layers.filter(one => !one.layer || !one.isReady()).map(one => one.name);
if (layers.length == 0 || waiting.length || wrong.length || !viewer.isReady())
  return done({ready: false, waiting, wrong, said});
const STATES = {downloading: 3, queued: 4, asked: 5}, NUMBERS_OF_A_STATE = 9;
viewer.chunkQueueManager.getStatistics().then(found => {
  const unfinished = [...found.values()].reduce((sum, one) =>
    sum + Object.values(STATES).reduce((more, state) => more + one[state * NUMBERS_OF_A_STATE], 0), 0);
  done({ready: unfinished == 0, waiting: [], wrong: [], said});
});
"""
"""What the page says of itself. The client says that it is ready before it has asked its worker for all chunks, so the
worker is asked as well: of each source it counts the chunks in view that are in each state (chunk_manager/base.ts)."""

SCRIPT_S = 60
TRIES = 3
LOOKS_IN_A_ROW = 5
"""A page that is ready once may still be asking for finer chunks: it has to be ready so often, a tenth of a second
apart."""


def missing_programs() -> list[str]:
    """What has to be installed before `open_browser` works."""
    return [
        name
        for name, found in (("chromium", _first_of(PROGRAMS)), ("chromium-driver", _first_of(("chromedriver",))))
        if found is None
    ]


@contextmanager
def open_browser(size: tuple[int, int] = (1280, 800)) -> Iterator[Chrome]:
    """A browser for the length of a block. size : (width, height) of the page in pixels.

    Raises BrainstackError where Chromium or its driver is not installed, or does not start.
    """
    if missing := missing_programs():
        raise BrainstackError(
            f"Pictures of the viewer are taken by Chromium, and {' and '.join(missing)} is not installed; on Debian: "
            f"sudo apt-get install {' '.join(missing)}"
        )
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(_first_of(PROGRAMS))
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    try:
        browser = webdriver.Chrome(options=options, service=Service(_first_of(("chromedriver",))))
    except WebDriverException as error:
        reason = (error.msg or "no reason was given").splitlines()[0]
        raise BrainstackError(
            f"Chromium does not start: {reason}. It has to be as new as its driver: install both anew."
        ) from error
    try:
        resize(browser, size)
        browser.set_script_timeout(SCRIPT_S)
        yield browser
    finally:
        browser.quit()


def resize(browser: Chrome, size: tuple[int, int]) -> None:
    """Give the page another size: (width, height) in pixels."""
    page = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", page)


class PageError(Exception):
    """The client itself said that something went wrong, which another try may mend."""


def picture_of_page(browser: Chrome, url: str, *, within_s: float = 120) -> bytes:
    """Open a page; its picture as in `picture_when_drawn`. On a computer that has too much to do the client loses a
    layer now and then while it starts, and says so: the page is then opened again."""
    for _ in range(TRIES):
        browser.get("about:blank")  # else the page would stay, and with it what it has loaded
        browser.get(url)
        try:
            return picture_when_drawn(browser, within_s=within_s)
        except PageError as error:
            said = str(error)
    raise BrainstackError(
        f"The viewer's page says, {TRIES} times in a row: {said}. Try again; where it stays so, open the view in your "
        "own browser."
    )


def picture_when_drawn(browser: Chrome, *, within_s: float = 120) -> bytes:
    """The page as PNG, once all chunks and meshes in view are drawn and it stands still.

    Raises BrainstackError, naming the layer, where one cannot be loaded, or where it takes too long; PageError where
    the client says that it is in trouble.
    """
    from selenium.common.exceptions import TimeoutException, WebDriverException

    end = time.monotonic() + within_s
    before: bytes | None = None
    while True:
        try:
            _wait_until_ready(browser, end)
            browser.execute_script("viewer.display.draw()")  # what has come since its last frame as well
            picture = browser.get_screenshot_as_png()
        except TimeoutException as error:  # a picture has to be there within 10 s: not on a computer that is too busy
            if time.monotonic() > end:
                raise BrainstackError(
                    "Chromium does not answer: this computer has too much else to do; try again when it has less."
                ) from error
            continue
        except WebDriverException as error:
            raise BrainstackError(
                f"Chromium ended or failed: {(error.msg or 'no reason was given').splitlines()[0]}. Try again."
            ) from error
        if picture == before:
            return bytes(picture)
        if time.monotonic() > end:
            raise BrainstackError(f"The viewer's page goes on changing after {within_s:.0f} s; try a smaller --size.")
        before = picture
        time.sleep(0.2)


def _wait_until_ready(browser: Chrome, end: float) -> None:
    in_a_row = 0
    while in_a_row < LOOKS_IN_A_ROW:
        found: dict[str, Any] = browser.execute_async_script(FOUND)
        if found["wrong"]:
            raise BrainstackError(f"The viewer cannot load a layer: {'; '.join(found['wrong'])}. Make it again.")
        if found["said"]:
            raise PageError(found["said"])
        in_a_row = in_a_row + 1 if found["ready"] else 0
        if time.monotonic() > end:
            waits = ", ".join(found["waiting"]) or "what its panels show"
            raise BrainstackError(f"The viewer still waits for {waits}; is a chunk or a mesh missing on the disk?")
        time.sleep(0.1)


def _first_of(names: tuple[str, ...]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)
