"""Reports in a real Chromium, opened as a file: on a screen, on a telephone, and printed."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from lab import Lab, copy_of

from brainstack.browser import resize
from brainstack.report.group import group_report_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BROKEN = """
return [...document.images].filter(one => !one.complete || one.naturalWidth === 0).map(one => one.alt)
"""
TOO_WIDE = """
const wide = innerWidth, page = document.documentElement;
const cut = [...document.querySelectorAll('main *')].filter(one => one.getBoundingClientRect().right > wide + 1
  && !one.closest('.scroll') && !one.closest('svg')).map(one => one.outerHTML.slice(0, 120));
return page.scrollWidth > wide ? ['the page', ...cut] : cut
"""
"""What reaches beyond the right edge; wide tables and plots may, inside a box of their own that scrolls."""
SCROLLING = """
return [...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1)
  .map(one => one.innerText.slice(0, 120))
"""
SMALLEST_TEXT = """
return Math.min(...[...document.querySelectorAll('main *')].filter(one => [...one.childNodes].some(
  node => node.nodeType === 3 && node.textContent.trim()) && one.offsetParent !== null && !one.closest('svg'))
  .map(one => parseFloat(getComputedStyle(one).fontSize)))
"""
A4_IN = {"paperWidth": 8.27, "paperHeight": 11.69}


def open_file(browser: Any, path: Path, width_px: int) -> None:
    browser.get("about:blank")
    browser.get_log("browser")
    resize(browser, (width_px, 900))
    browser.get(path.as_uri())


@pytest.mark.parametrize("width_px", [1280, 390])
def test_nothing_is_broken_too_wide_or_too_small(browser: Any, finished: Lab, width_px: int) -> None:
    open_file(browser, finished.folder.report, width_px)

    assert browser.execute_script("return document.images.length") > 20
    assert browser.execute_script(BROKEN) == []
    assert browser.execute_script(TOO_WIDE) == []
    assert browser.execute_script(SMALLEST_TEXT) >= 11
    assert browser.get_log("browser") == []
    if width_px == 1280:
        assert browser.execute_script(SCROLLING) == [], "on a screen, all of a table is seen"


@pytest.mark.parametrize("width_px", [1280, 390])
def test_the_group_page_fits_too(
    browser: Any, finished: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width_px: int
) -> None:
    lab = copy_of(finished, tmp_path)
    monkeypatch.setenv("BRAINSTACK_DATA_ROOT", str(lab.root))

    open_file(browser, group_report_of(()), width_px)

    assert browser.execute_script(TOO_WIDE) == []
    assert browser.get_log("browser") == []
    assert width_px < 1280 or browser.execute_script(SCROLLING) == []


def test_long_words_of_people_and_of_failures_fit_on_a_telephone(browser: Any, finished: Lab, tmp_path: Path) -> None:
    """Where a sentence names a path that has no room to be broken."""
    text = finished.folder.report.read_text()
    long = "/data/" + "a_folder_with_a_long_name" * 8
    page = tmp_path / "long.html"
    page.write_text(text.replace("There are no warnings.", f"{long}<ul><li>{long}</li></ul>").replace("Cy5", long))

    open_file(browser, page, 390)

    assert long in browser.execute_script("return document.body.innerText")
    assert browser.execute_script(TOO_WIDE) == []


def test_two_neighbours_alternate_until_somebody_stops_them(browser: Any, finished: Lab) -> None:
    open_file(browser, finished.folder.report, 1280)
    running = "return document.getAnimations().filter(one => one.playState === 'running').length"

    assert browser.execute_script(running) == 5
    browser.execute_script("document.querySelector('[data-stop]').click()")
    assert browser.execute_script(running) == 0
    browser.execute_script("document.querySelector('.flicker .two').click()")
    shown = (
        "return [...document.querySelectorAll('.flicker')]"
        ".map(one => getComputedStyle(one.querySelectorAll('img')[1]).opacity)"
    )
    assert browser.execute_script(shown) == ["1", "0", "0", "0", "0"]


def test_a_dot_leads_to_its_section(browser: Any, finished: Lab) -> None:
    open_file(browser, finished.folder.report, 1280)
    browser.execute_script("location.hash = document.querySelector('#alignment ~ figure svg a').getAttribute('href')")

    target = "return document.querySelector(':target').className + ' ' + document.querySelector(':target').id"
    assert re.fullmatch(r"card.* s-slide00\d_S\d", browser.execute_script(target))


def test_it_is_printed_on_pages_and_all_of_it(browser: Any, finished: Lab) -> None:
    """Everything that is folded away on the screen is unfolded, and nothing is wider than the paper."""
    open_file(browser, finished.folder.report, 1280)
    folded = browser.execute_script("return document.querySelectorAll('details:not([open])').length")
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    open_now = browser.execute_script("return document.querySelectorAll('details:not([open])').length")
    browser.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert (folded > 0, open_now) == (True, 0)

    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        resize(browser, (680, 962))  # A4 without its margins, at 96 pixels an inch
        assert browser.execute_script(TOO_WIDE) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    printed = browser.execute_cdp_cmd("Page.printToPDF", A4_IN)
    pdf = base64.b64decode(printed["data"])
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert pdf.startswith(b"%PDF")
    assert 8 <= pages <= 30


def test_marks_differ_in_grey_print(browser: Any, finished: Lab) -> None:
    """Without colour, a failed card's edge, a doubtful one's and a good one's differ in brightness or in dashes."""
    open_file(browser, finished.folder.report, 1280)
    styles = browser.execute_script(
        "const card = document.querySelector('#sections ~ .sheet .card'); const found = [];"
        "for (const kind of ['', 'doubt', 'fail']) {"
        "  card.className = 'card ' + kind; const style = getComputedStyle(card);"
        "  found.push([style.borderTopStyle, style.borderTopWidth, style.borderTopColor]); } return found"
    )
    grey = [cv2.cvtColor(np.uint8([[list(map(int, re.findall(r"\d+", one[2])[:3]))]]), cv2.COLOR_RGB2GRAY)[0, 0]
            for one in styles]  # fmt: skip
    assert styles[1][0] == "dashed"
    assert float(grey[0]) - float(grey[2]) > 100
