"""Reports in a real Chromium, opened as a file: on a screen, on a telephone, and printed."""

from __future__ import annotations

import base64
import csv
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from lab import Lab, copy_of, entered
from printed import pages_of

from brainstack.browser import resize
from brainstack.images.alignment_plots import DPI, WORDS_PT
from brainstack.report.group import group_report_of
from brainstack.report.page import report_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BROKEN = """
const done = arguments[arguments.length - 1];
const all = [...document.images].map(one => [one.alt, one.src]).concat(
  [...document.querySelectorAll('svg image')].map(one => [one.textContent, one.getAttribute('href')]));
Promise.all(all.map(([said, address]) => {
  const one = new Image(); one.src = address; return one.decode().then(() => '', () => said);
})).then(found => done(found.filter(one => one)));
"""
"""What pictures say of themselves that cannot be decoded; also those in an SVG, which document.images leaves out."""
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
SMALLEST_OF_PLOTS = """
return Math.min(...[...document.querySelectorAll('svg.plot text')].filter(one => one.checkVisibility()).map(
  one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a).filter(size => size > 0))
"""
"""Of plots' words as they are shown, in pixels of the screen; of turned ones the scale is in another number."""
PICTURES_WITH_WORDS = """
return [...document.querySelectorAll('.halves img, .scroll > img')].filter(one => one.checkVisibility())
  .map(one => ({shown: one.width / one.naturalWidth, left: one.x, top: one.y, right: one.x + one.width}))
"""
BROKEN_KEYS = """
const found = [], words = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
while (words.nextNode()) for (const key of words.currentNode.textContent.matchAll(/\\w*slide\\d+\\w*/g)) {
  const range = document.createRange();
  range.setStart(words.currentNode, key.index); range.setEnd(words.currentNode, key.index + key[0].length);
  if (new Set([...range.getClientRects()].map(one => one.top)).size > 1) found.push(key[0]);
} return found
"""
"""Keys of slides and sections that are on two lines."""
WORDS_PX = WORDS_PT * DPI / 72
"""Of the words in a picture that AlignmentPictures made, in its own pixels."""
PAPERS_IN = {"A4": (8.27, 11.69), "Letter": (8.5, 11)}
MARGINS_IN = 30 / 25.4, 33 / 25.4
"""Both sides together, and above and below, as the page's style says."""
REPORTS = ("finished", "troubled", "coloured")
PRINTED = (("finished", "A4"), ("finished", "Letter"), ("troubled", "A4"), ("coloured", "Letter"))


def open_file(browser: Any, path: Path, width_px: int) -> None:
    browser.get("about:blank")
    browser.get_log("browser")
    resize(browser, (width_px, 900))
    browser.get(path.as_uri())


@pytest.fixture(scope="module")
def troubled(finished: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The animal with all that can be wrong: a scene that is left out, one that is copied, a mask of which nothing is
    left, at which a run failed, and sections whose place or mask is in doubt."""
    lab = copy_of(finished, tmp_path_factory.mktemp("troubled"))
    for words in (("--scene", "2", "--qc", "1", "--why", "out of focus"), ("--scene", "1", "--replicate", "1")):
        decided = lab.brainstack("animal", "set", "DEMO", "--slide", "2", *words)
        assert decided.returncode == 0, decided.stderr
    mask = lab.folder.numbered("thumbnail_masked", 2)
    nothing = np.zeros_like(tifffile.imread(mask))
    mask.unlink()
    tifffile.imwrite(mask, nothing)
    assert lab.luigi("Masks").returncode == 30
    reasons = {"alignment_metrics": "it fits on neither neighbour", "mask_areas": ""}
    for table, reason in reasons.items():
        rewrite(getattr(lab.folder, table), ("slide001_S2", "slide001_S4"), reason)
    with entered(lab):
        report_of("DEMO")
    return lab


def rewrite(table: Path, keys: tuple[str, ...], reason: str) -> None:
    """The verdict of these sections is that they are doubtful."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row.get("key", row["section"]) in keys and not row.get("fixed"):
            row |= {"verdict": "doubtful"} | ({"reason": reason} if "reason" in row else {})
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Two sections in bright field, after a run."""
    lab = Lab(tmp_path_factory.mktemp("coloured"))
    made = lab.brainstack("demo", "--stain", "nissl", "--sections", "2", "--width-px", "300", "--height-px", "200")
    assert made.returncode == 0, made.stderr
    run = lab.luigi()
    assert run.returncode == 0, run.stderr
    return lab


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Path:
    lab: Lab = request.getfixturevalue(request.param)
    return lab.folder.report


@pytest.mark.parametrize("width_px", [1280, 390])
@pytest.mark.parametrize("report", REPORTS, indirect=True)
def test_nothing_is_broken_too_wide_or_too_small(browser: Any, report: Path, width_px: int) -> None:
    open_file(browser, report, width_px)

    assert browser.execute_script("return document.images.length") > 8
    assert browser.execute_script("return document.querySelectorAll('svg image').length") == 3, "cuts of the volume"
    assert browser.execute_async_script(BROKEN) == []
    assert browser.execute_script(TOO_WIDE) == []
    assert browser.execute_script(SMALLEST_TEXT) >= 11
    assert browser.execute_script(SMALLEST_OF_PLOTS) >= 9.5
    assert browser.execute_script(BROKEN_KEYS) == []
    assert browser.get_log("browser") == []
    if width_px == 1280:
        assert browser.execute_script(SCROLLING) == [], "on a screen, all of a table is seen"


def test_what_is_wrong_or_in_doubt_is_on_the_page_that_is_looked_at(browser: Any, troubled: Lab) -> None:
    """Else the tests of how it is shown would say nothing."""
    open_file(browser, troubled.folder.report, 1280)
    for shown in (
        ".state.failed", ".look.fail li", ".look:not(.fail) li", "#sections ~ .sheet .card.fail", "td .badge.doubt",
        "#sections ~ .sheet .card.doubt", ".badge.gap", ".badge.copy", "#masks ~ .sheet .card.doubt",
        "#troubles ~ .scroll",
    ):  # fmt: skip
        assert browser.execute_script("return document.querySelectorAll(arguments[0]).length", shown) > 0, shown


def test_a_broken_cut_of_the_volume_is_found(browser: Any, finished: Lab, tmp_path: Path) -> None:
    page, picture = tmp_path / "broken.html", '<image href="data:image/jpeg;base64,'
    page.write_text(finished.folder.report.read_text().replace(picture, f"{picture}AAAA", 1))
    open_file(browser, page, 1280)
    assert browser.execute_async_script(BROKEN) == ["the middle section"]


def test_on_a_telephone_before_and_after_lie_below_each_other_and_can_be_read(browser: Any, finished: Lab) -> None:
    for width_px, beside in ((1280, 2), (390, 1)):
        open_file(browser, finished.folder.report, width_px)
        views = browser.execute_script(PICTURES_WITH_WORDS)
        assert len(views) == 4
        assert len({one["left"] for one in views}) == beside
        assert len({one["top"] for one in views}) == 4 / beside
        assert max(one["right"] for one in views) <= width_px
        assert min(one["shown"] for one in views) * WORDS_PX >= 10


def test_what_scrolls_has_a_shadow_where_there_is_more(browser: Any, finished: Lab) -> None:
    open_file(browser, finished.folder.report, 390)
    browser.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    boxes = [
        box
        for box in browser.find_elements("css selector", ".scroll")
        if browser.execute_script("return arguments[0].scrollWidth > arguments[0].clientWidth + 1", box)
    ]
    assert len(boxes) >= 6
    for kind in ("svg", "img", "table"):
        box = next(one for one in boxes if one.find_elements("css selector", f":scope > {kind}"))
        left, right = edges_of(browser, box, 0)
        assert left > 235, "nothing is left of it"
        assert right < 220
        left, right = edges_of(browser, box, 10_000)
        assert left < 220
        assert right > 235


def edges_of(browser: Any, box: Any, scrolled_px: int) -> tuple[float, float]:
    """How bright, from 0 to 255, most of the first and of the last two columns of a box that scrolls are."""
    browser.execute_script("arguments[0].scrollLeft = arguments[1]", box, scrolled_px)
    picture = cv2.imdecode(np.frombuffer(box.screenshot_as_png, np.uint8), cv2.IMREAD_GRAYSCALE)
    return float(np.median(picture[:, :2])), float(np.median(picture[:, -2:]))


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


def test_what_is_folded_away_is_unfolded_for_print(browser: Any, finished: Lab) -> None:
    open_file(browser, finished.folder.report, 1280)
    folded = browser.execute_script("return document.querySelectorAll('details:not([open])').length")
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    open_now = browser.execute_script("return document.querySelectorAll('details:not([open])').length")
    browser.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert (folded > 0, open_now) == (True, 0)


@pytest.mark.parametrize(("report", "paper"), PRINTED, indirect=["report"])
def test_it_is_printed_on_full_pages_in_letters_that_can_be_read(browser: Any, report: Path, paper: str) -> None:
    """The tallest thing that is not parted has some 60 % of a page; the last page has more than the page's last line,
    which is all within the first eighth."""
    wide_in, high_in = PAPERS_IN[paper]
    open_file(browser, report, 1280)
    printed = browser.execute_cdp_cmd("Page.printToPDF", {
        "paperWidth": wide_in, "paperHeight": high_in, "preferCSSPageSize": False, "printBackground": True,
    })  # fmt: skip
    pages = pages_of(base64.b64decode(printed["data"]))

    assert 5 <= len(pages) <= 30
    assert min(mark.size_pt for page in pages for mark in page if mark.size_pt) >= 7
    filled = [max(mark.bottom for mark in page) for page in pages]
    assert min(filled[:-1]) > 0.4, filled
    assert filled[-1] > 0.125, filled


@pytest.mark.parametrize(("report", "paper"), PRINTED, indirect=["report"])
def test_nothing_is_wider_than_paper_and_no_key_is_broken(browser: Any, report: Path, paper: str) -> None:
    open_file(browser, report, 1280)
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    wide_px, high_px = (round(96 * (side - margin)) for side, margin in zip(PAPERS_IN[paper], MARGINS_IN, strict=True))
    try:
        resize(browser, (wide_px, high_px))
        assert browser.execute_script(TOO_WIDE) == []
        assert browser.execute_script(BROKEN_KEYS) == []
        pictures = browser.execute_script(PICTURES_WITH_WORDS)
        assert len(pictures) == 5, "four views, and the pairs"
        assert min(one["shown"] for one in pictures) * WORDS_PX * 0.75 >= 7, "points on paper"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


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
