"""The page of masks in a real browser, as a person uses it: with a mouse, keys, and a connection that goes away."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import imagecodecs
import numpy as np
import pytest
from lab import Counted, Lab
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from waiting_in_browser import offline

from brainstack import masking
from brainstack.files.browser_pictures import sent_mask
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.stamps import digest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
KEYS = [f"slide00{slide}_S{scene}" for slide in (1, 2) for scene in (1, 2, 3, 4)]
CONTROL, SHIFT = Keys.CONTROL, Keys.SHIFT
OPENED = "return document.getElementById('stage')?.dataset.section"
BOX = "const box = document.getElementById('stage').getBoundingClientRect(); return [box.left, box.top]"
FETCHED = "return performance.getEntriesByType('resource').some(one => one.name.includes(arguments[0]))"
HELD = """
const held = new KeyboardEvent("keydown", {key: arguments[0], repeat: true, bubbles: true});
document.getElementById("stage").dispatchEvent(held);
"""
ASK = "document.dispatchEvent(new Event('visibilitychange'))"
ASKED = "return performance.getEntriesByType('resource').filter(one => one.name.includes('?page=')).length"
SIZE = "const one = document.getElementById('size'); one.value = arguments[0]; one.dispatchEvent(new Event('input'))"


class MasksPage:
    """The page with one section shown, and a hand at the mouse."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def open(self, open_page: Callable[[str], Any], key: str) -> MasksPage:
        open_page("/DEMO/masks")
        self.wait(lambda: self.browser.execute_script(OPENED))
        self.click(f"#strip button[data-key='{key}']")
        return self.wait(lambda: self.data["section"] == key)

    @property
    def data(self) -> dict[str, str]:
        return dict(self.browser.execute_script("return {...document.getElementById('stage').dataset}"))

    def text(self, selector: str) -> str:
        return str(
            self.browser.execute_script("return document.querySelector(arguments[0])?.textContent ?? ''", selector)
        )

    def strip(self, key: str) -> str:
        """What the list of sections makes of one: names of CSS classes."""
        script = "return document.querySelector(`#strip button[data-key='${arguments[0]}']`).className"
        return str(self.browser.execute_script(script, key))

    def wait(self, condition: Callable[[], Any], within_s: float = 30) -> MasksPage:
        until = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until, (self.data, self.text("#saving"), self.text("#trouble"))
            time.sleep(0.05)
        return self

    def saved(self) -> MasksPage:
        return self.wait(lambda: self.text("#saving") == "Saved")

    def click(self, selector: str) -> None:
        self.browser.find_element("css selector", selector).click()

    def keys(self, *keys: str, holding: tuple[str, ...] = ()) -> MasksPage:
        chain = ActionChains(self.browser)
        for key in holding:
            chain.key_down(key)
        for key in keys:
            chain.send_keys(key)
        for key in holding:
            chain.key_up(key)
        chain.perform()
        return self

    def at(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of the window nearest a place on the picture."""
        (left, top), data = self.browser.execute_script(BOX), self.data
        scale, dx, dy = (float(data[name]) for name in ("scale", "left", "top"))
        return round(left + dx + x * scale), round(top + dy + y * scale)

    def place(self, x: int, y: int) -> np.ndarray:
        """(x, y) on the picture of a pixel of the window."""
        (left, top), data = self.browser.execute_script(BOX), self.data
        scale, dx, dy = (float(data[name]) for name in ("scale", "left", "top"))
        return np.array([(x - left - dx) / scale, (y - top - dy) / scale])

    def drag(self, *points: tuple[float, float]) -> list[np.ndarray]:
        """Along places on the picture, with the left button. Returns where it truly was."""
        places = [self.at(*point) for point in points]
        chain = ActionChains(self.browser, duration=20)
        pointer = chain.w3c_actions.pointer_action
        pointer.move_to_location(*places[0])
        pointer.pointer_down()
        for place in places[1:]:
            pointer.move_to_location(*place)
        pointer.pointer_up()
        chain.perform()
        return [self.place(*place) for place in places]

    def brush(self, value: int) -> float:
        """Set the slider. Returns the radius in pixels of the mask."""
        self.browser.execute_script(SIZE, value)
        return float(0.5 * 300 ** (value / 100))


@pytest.fixture
def page(browser: Any) -> Iterator[MasksPage]:
    yield MasksPage(browser)
    browser.get("about:blank")


def mask_of(client: httpx.Client, key: str) -> np.ndarray:
    return np.asarray(imagecodecs.png_decode(client.get(f"/DEMO/masks/{key}/mask.png").content))


def put(client: httpx.Client, key: str, mask: np.ndarray) -> str:
    """What another person does."""
    version = client.get(f"/DEMO/masks/{key}").json()["version"]
    content = bytes(imagecodecs.png_encode(mask))
    return str(client.put(f"/DEMO/masks/{key}/mask", params={"based_on": version}, content=content).json()["version"])


def as_proposed(client: httpx.Client, key: str) -> np.ndarray:
    """The mask of a section, without what earlier tests painted."""
    info = client.get(f"/DEMO/masks/{key}").json()
    if info["edited"]:
        client.post(f"/DEMO/masks/{key}/to-proposal", json={"version": info["version"]}).raise_for_status()
    return mask_of(client, key)


def distance_to(segment: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Of the middle of each pixel, to the line from one place (x, y) to another."""
    (a, b), (rows, columns) = segment, shape
    x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    line = b - a
    along = np.clip(((x - a[0]) * line[0] + (y - a[1]) * line[1]) / (line @ line), 0, 1)
    return np.hypot(x - a[0] - along * line[0], y - a[1] - along * line[1])


def test_a_stroke_is_saved_stays_and_exactly_that_section_is_made_again(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client, demo: Lab
) -> None:
    """Within the tissue, so that neither the canvas nor the gain is another one."""
    before = mask_of(client, KEYS[2])
    row, column = (int(one) for one in np.argwhere(before > 0).mean(axis=0))
    page.open(open_page, KEYS[2]).keys("e")
    radius = page.brush(40)
    segment = page.drag((column - 10, row), (column + 10, row + 2))
    page.saved()
    after, distance = mask_of(client, KEYS[2]), distance_to(segment, before.shape)
    assert (before[distance < radius] == 255).all(), "there is tissue in the middle"
    assert (after[distance < radius - 0.1] == 0).all()
    np.testing.assert_array_equal(after[distance > radius + 0.8], before[distance > radius + 0.8])

    page.open(open_page, KEYS[2])
    assert page.data["version"] == digest(after)
    x, y = page.at(*segment[1])
    picture = imagecodecs.png_decode(page.browser.get_screenshot_as_png())[..., :3].astype(int)
    near = picture[y - 40 : y + 40, x - 40 : x + 40].reshape(-1, 3)
    assert (np.abs(near - (255, 160, 0)).max(axis=1) < 40).sum() > 20, "its outline is seen"

    page.keys("z", holding=(CONTROL,)).wait(lambda: page.data["version"] == digest(before))
    np.testing.assert_array_equal(mask_of(client, KEYS[2]), before)
    page.keys("z", holding=(CONTROL, SHIFT)).wait(lambda: page.data["version"] == digest(after))

    since, counted = len(demo.ran()), Counted(demo)
    run = demo.luigi()
    assert run.returncode == 0, run.stderr
    made = counted.by_stage()
    assert [made[stage] for stage in ("MaskProposal", "Masks", "Clean")] == [1, 1, 3]
    touched = {one.item for one in demo.ran()[since:] if one.stage in ("MaskProposal", "Masks", "Clean", "Histogram")}
    assert touched == {KEYS[2]}
    np.testing.assert_array_equal(read_tiff(demo.folder.keyed("thumbnail_masked", KEYS[2])), after)


def test_what_is_painted_without_a_connection_is_kept_and_saved_when_it_is_back(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    page.open(open_page, KEYS[3])
    before = mask_of(client, KEYS[3])
    radius = page.brush(40)
    with offline(page.browser):
        first = page.drag((8, 8), (20, 8))
        page.wait(lambda: page.text("#saving") == "Not saved")
        assert "Your strokes are kept here" in page.text("#trouble")
        second = page.drag((8, 24), (20, 24))
        np.testing.assert_array_equal(mask_of(client, KEYS[3]), before)
    page.saved()
    after = mask_of(client, KEYS[3])
    for segment in (first, second):
        assert (after[distance_to(segment, before.shape) < radius - 0.1] == 255).all()
    assert page.text("#trouble") == ""


def test_what_was_not_saved_is_offered_again_when_the_tab_was_closed(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for as long as the tab is open."""
    before, first_tab = mask_of(client, KEYS[4]), page.browser.current_window_handle
    with monkeypatch.context() as full:
        full.setattr(masking, "write_tiff", no_room)
        page.browser.switch_to.new_window("tab")
        page.open(open_page, KEYS[4])
        radius = page.brush(40)
        segment = page.drag((8, 8), (20, 8))
        page.wait(lambda: page.text("#saving") == "Not saved")
        assert "is full" in page.text("#trouble")
        page.browser.close()
        page.browser.switch_to.window(first_tab)
        np.testing.assert_array_equal(mask_of(client, KEYS[4]), before)
    page.open(open_page, KEYS[4])
    page.wait(lambda: "were not saved" in page.text("#notices"))
    page.click("#notices p.draft button")
    page.saved()
    assert (mask_of(client, KEYS[4])[distance_to(segment, before.shape) < radius - 0.1] == 255).all()

    with monkeypatch.context() as full:
        full.setattr(masking, "write_tiff", no_room)
        page.browser.switch_to.new_window("tab")
        page.open(open_page, KEYS[4])
        page.drag((8, 24), (20, 24))
        page.wait(lambda: page.text("#saving") == "Not saved")
        page.browser.close()
        page.browser.switch_to.window(first_tab)
    put(client, KEYS[4], before)
    page.open(open_page, KEYS[4])
    page.wait(lambda: "was changed since (anna, 20" in page.text("#notices p.conflict"))
    np.testing.assert_array_equal(mask_of(client, KEYS[4]), before, "nothing is put over it unasked")
    page.click("#notices p.conflict button:first-of-type")  # take theirs
    page.open(open_page, KEYS[4]).wait(lambda: page.data["version"] == digest(before))
    assert "not saved" not in page.text("#notices")


def test_what_a_tab_has_not_saved_is_left_alone_by_another_and_offered_once_it_is_closed(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    before, first_tab = as_proposed(client, KEYS[3]), page.browser.current_window_handle
    page.browser.switch_to.new_window("tab")
    page.open(open_page, KEYS[3])
    radius = page.brush(40)
    with offline(page.browser):
        lost = page.drag((8, 8), (20, 8))
        page.wait(lambda: "Your strokes are kept here" in page.text("#trouble"))
        second_tab = page.browser.current_window_handle
        page.browser.switch_to.window(first_tab)
        page.open(open_page, KEYS[3])
        page.brush(40)
        page.drag((8, 24), (20, 24))
        page.saved()
        theirs = mask_of(client, KEYS[3])
        page.open(open_page, KEYS[3])
        time.sleep(0.3)
        assert "not saved" not in page.text("#notices"), "they are still there, in the other tab"
        page.browser.switch_to.window(second_tab)
        page.browser.close()
        page.browser.switch_to.window(first_tab)
    page.open(open_page, KEYS[3])
    page.wait(lambda: "were not saved, and it was changed since (anna" in page.text("#notices p.conflict"))
    np.testing.assert_array_equal(mask_of(client, KEYS[3]), theirs)
    page.click("#notices p.conflict button:last-of-type")  # put mine over it
    page.saved()
    mine = mask_of(client, KEYS[3])
    assert (mine[distance_to(lost, before.shape) < radius - 0.1] == 255).all()
    page.open(open_page, KEYS[3])
    time.sleep(0.3)
    assert "not saved" not in page.text("#notices"), "it was answered"


LEFT = """
const [key, made, done] = arguments, stage = document.getElementById("stage");
Promise.all([import('/static/masks_store.js'), import('/static/masks_bits.js')]).then(async ([{store}, {Bits}]) => {
  const answer = await fetch(`/DEMO/masks/${key}/mask.bits`), shown = Bits.ofPacked(await answer.arrayBuffer());
  for (const [name, at, y] of made) {
    const {columns, rows} = shown, bits = shown.copy(), place = {x: 10, y};
    bits.stroke(place, place, 4, 1);
    await store.put("drafts", name, {runs: bits.runs(), columns, rows, version: stage.dataset.version, at});
  }
  done();
});
"""


def test_strokes_of_several_tabs_that_are_gone_are_offered_one_after_the_other(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    """The latest first. As brainstack kept them before, one draft of a section had no tab in its name."""
    before = as_proposed(client, KEYS[1])
    page.open(open_page, KEYS[1])
    section, now = f"DEMO/{KEYS[1]}", time.time() * 1000
    made = [(section, now - 7200e3, 10), ([section, "gone", "1"], now, 26), ([section, "gone", "2"], now - 3600e3, 42)]
    page.browser.execute_async_script(LEFT, KEYS[1], made)
    page.open(open_page, KEYS[1])
    page.wait(lambda: "were not saved." in page.text("#notices p.draft"))
    assert "unsaved" in page.strip(KEYS[1])
    latest = page.text("#notices p.draft")
    page.click("#notices p.draft button:last-of-type")  # forget them
    page.wait(lambda: page.text("#notices p.draft") not in ("", latest))
    page.click("#notices p.draft button:first-of-type")  # put them back
    page.wait(lambda: "were not saved, and it" in page.text("#notices p.conflict")).saved()
    page.click("#notices p.conflict button:first-of-type")  # take theirs
    page.wait(lambda: not page.text("#notices"))
    changed = np.argwhere(mask_of(client, KEYS[1]) != before)
    assert len(changed) > 0
    assert np.abs(changed - (42, 10)).max() <= 4, "what was put back, and no other"
    page.open(open_page, KEYS[1])
    time.sleep(0.3)
    assert page.text("#notices") == ""
    assert "unsaved" not in page.strip(KEYS[1])


FULL = """IDBObjectStore.prototype.put = () => { throw new DOMException("no room", "QuotaExceededError"); }"""


def test_strokes_that_the_browser_cannot_keep_are_said_to_be_in_this_tab_only(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    as_proposed(client, KEYS[3])
    page.open(open_page, KEYS[3])
    page.brush(40)
    with offline(page.browser):
        page.drag((8, 8), (20, 8))
        page.wait(lambda: "Your strokes are kept here" in page.text("#trouble"))
        page.browser.execute_script(FULL)
        page.drag((8, 40), (20, 40))
        page.wait(lambda: "Your strokes are only in this tab" in page.text("#trouble"))
        assert "kept here" not in page.text("#trouble")
    page.saved().wait(lambda: page.text("#trouble") == "")


def test_a_stroke_that_is_not_saved_is_still_there_when_one_comes_back_to_its_section(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another channel is shown meanwhile, so that all other sections are fetched anew."""
    page.open(open_page, KEYS[1])
    before, radius = mask_of(client, KEYS[1]), page.brush(40)
    with monkeypatch.context() as full:
        full.setattr(masking, "write_tiff", no_room)
        first = page.drag((8, 8), (20, 8))
        page.wait(lambda: page.text("#saving") == "Not saved")
        page.keys(Keys.ARROW_RIGHT).wait(lambda: page.data["section"] == KEYS[2])
        page.keys("3").wait(lambda: page.browser.execute_script(FETCHED, f"{KEYS[2]}/picture/3"))
        time.sleep(0.3)  # it is drawn, and the others are forgotten
        page.keys(Keys.ARROW_LEFT)
        page.wait(lambda: page.data["section"] == KEYS[1])
        second = page.drag((8, 24), (20, 24))
    page.saved()
    after = mask_of(client, KEYS[1])
    for segment in (first, second):
        assert (after[distance_to(segment, before.shape) < radius - 0.1] == 255).all()


def test_a_stroke_ends_in_the_section_where_it_was_begun(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    page.open(open_page, KEYS[6])
    before, following = mask_of(client, KEYS[6]), mask_of(client, KEYS[7])
    radius = page.brush(30)
    places = [page.at(8, 8), page.at(20, 8), page.at(20, 20)]
    segment = [page.place(*place) for place in places[:2]]
    held = ActionChains(page.browser, duration=20)
    held.w3c_actions.pointer_action.move_to_location(*places[0]).pointer_down()
    held.w3c_actions.pointer_action.move_to_location(*places[1])
    held.perform()
    page.keys(Keys.ARROW_RIGHT).wait(lambda: page.data["section"] == KEYS[7])
    let_go = ActionChains(page.browser, duration=20)
    let_go.w3c_actions.pointer_action.move_to_location(*places[2]).pointer_up()
    let_go.perform()
    page.saved()
    assert (mask_of(client, KEYS[6])[distance_to(segment, before.shape) < radius - 0.1] == 255).all()
    np.testing.assert_array_equal(mask_of(client, KEYS[7]), following)
    assert page.browser.execute_script("return document.getElementById('undo').disabled"), "nothing was done here"
    page.keys(Keys.ARROW_LEFT).wait(lambda: page.data["section"] == KEYS[6])
    page.keys("z", holding=(CONTROL,)).wait(lambda: page.data["version"] == digest(before))


HISTORIES = """
const [made, done] = arguments, kept = {past: [], future: [], now: new Uint32Array([1])};
import('/static/masks_store.js').then(async ({store}) => {
  for (const [name, person, days] of made) {
    await store.put("histories", name, {...kept, person, at: Date.now() - days * 86400000});
  }
  done(await store.names("histories"));
});
"""


def test_what_is_kept_for_undo_is_forgotten_when_it_is_old_or_another_person_s(
    page: MasksPage, open_page: Callable[[str], Any]
) -> None:
    made = [("X/now", "", 1), ("X/old", "", 20), ("X/other/ben", "ben", 1)]
    page.open(open_page, KEYS[0])
    there = page.browser.execute_async_script(HISTORIES, made)
    assert {name for name, *_ in made} <= set(there)
    page.open(open_page, KEYS[0])
    there = page.browser.execute_async_script(HISTORIES, [])
    assert [name for name in there if name.startswith("X/")] == ["X/now"]


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_second_of_two_people_is_told_and_chooses(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    page.open(open_page, KEYS[5])
    page.brush(40)
    theirs = mask_of(client, KEYS[5])
    theirs[-3:, :40] = 255
    version = put(client, KEYS[5], theirs)
    page.drag((8, 8), (20, 8))
    page.wait(lambda: "was changed meanwhile (anna, 20" in page.text("#notices p.conflict"))
    assert page.text("#saving") == "Not saved"
    np.testing.assert_array_equal(mask_of(client, KEYS[5]), theirs)
    page.click("#notices p.conflict button:first-of-type")  # take theirs
    page.wait(lambda: page.data["version"] == version).wait(lambda: page.text("#saving") == "Saved")
    np.testing.assert_array_equal(mask_of(client, KEYS[5]), theirs)

    theirs[-6:, :40] = 255
    put(client, KEYS[5], theirs)
    page.drag((8, 8), (20, 8))
    page.wait(lambda: "was changed meanwhile" in page.text("#notices p.conflict"))
    page.click("#notices p.conflict button:last-of-type")  # put mine over it
    page.saved()
    mine = mask_of(client, KEYS[5])
    assert mine[8, 12] == 255
    assert (mine[-6:-3, :40] == 0).all(), "as it was painted, without what the other did"


def test_a_mask_is_approved_by_a_key_and_is_not_any_more_when_it_is_painted(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.open(open_page, KEYS[0])
    page.keys(Keys.ENTER).wait(lambda: page.data["section"] == KEYS[1])
    states = {row["key"]: row["approved"] for row in client.get("/DEMO/masks/states").json()["sections"]}
    assert (states[KEYS[0]], states[KEYS[1]]) == (True, False)
    assert page.text("#counts").startswith("1 of 8")
    page.keys(Keys.ARROW_LEFT).wait(lambda: page.data["section"] == KEYS[0])
    assert page.data["word"] == "approved"
    page.drag((8, 8), (20, 8))
    page.saved().wait(lambda: page.data["word"] == "edited")
    assert page.text("#counts").startswith("0 of 8")
    page.keys("a").wait(lambda: page.data["word"] == "approved")
    page.keys("a").wait(lambda: page.data["word"] == "edited")

    with monkeypatch.context() as slow:
        slow.setattr(masking, "write_tiff", lambda *words: (time.sleep(0.5), write_tiff(*words)))
        page.drag((8, 24), (20, 24))
        page.keys("a", Keys.ARROW_RIGHT).wait(lambda: page.data["section"] == KEYS[1])
        page.wait(lambda: page.text("#counts").startswith("1 of 8"))
    assert page.text("#trouble") == "", "what was painted is what is approved, wherever one is by then"
    for key in ("Enter", "a", "ArrowLeft"):
        page.browser.execute_script(HELD, key)
    page.wait(lambda: page.data["section"] == KEYS[0])
    assert page.text("#counts").startswith("1 of 8"), "a key that is held approves nothing"

    page.keys("a").wait(lambda: page.data["word"] == "edited")
    page.click("#to-proposal")
    page.wait(lambda: page.data["word"] in ("proposal", "doubtful"))


def test_what_somebody_saves_during_a_stroke_is_not_overwritten_by_it(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    """The page may ask how the section is while the button is down."""
    theirs = as_proposed(client, KEYS[5])
    page.open(open_page, KEYS[5])
    page.brush(40)
    places = [page.at(8, 8), page.at(20, 8)]
    held = ActionChains(page.browser, duration=20)
    held.w3c_actions.pointer_action.move_to_location(*places[0]).pointer_down().move_to_location(*places[1])
    held.perform()
    theirs[-3:, :40] ^= 255
    put(client, KEYS[5], theirs)
    count = page.browser.execute_script(ASKED)
    page.browser.execute_script(ASK)
    page.wait(lambda: page.browser.execute_script(ASKED) > count)
    time.sleep(0.2)
    let_go = ActionChains(page.browser)
    let_go.w3c_actions.pointer_action.pointer_up()
    let_go.perform()
    page.wait(lambda: "was changed meanwhile" in page.text("#notices p.conflict"))
    np.testing.assert_array_equal(mask_of(client, KEYS[5]), theirs)
    page.click("#notices p.conflict button:first-of-type")  # take theirs
    page.saved()


def approved(client: httpx.Client, key: str) -> bool:
    return bool(client.get(f"/DEMO/masks/{key}").json()["approved"])


def test_an_approval_is_kept_and_sent_again_until_it_arrives(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    page.open(open_page, KEYS[2])
    with offline(page.browser):
        page.keys("a").wait(lambda: "approval is not sent yet" in page.text("#said"))
        assert page.text("#saving") == "Not saved yet"
        page.wait(lambda: "sent again until it is saved" in page.text("#trouble"))
        assert "unsaved" in page.strip(KEYS[2])
        page.keys("a").wait(lambda: "not sent yet" in page.text("#notices"))
    page.wait(lambda: page.data["word"] == "approved").saved()
    assert approved(client, KEYS[2]), "once, and not taken back by the second press"
    assert (page.text("#trouble"), "unsaved" in page.strip(KEYS[2])) == ("", False)
    page.keys("a").wait(lambda: page.data["word"] != "approved")


def test_an_approval_waits_for_the_strokes_before_it(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    as_proposed(client, KEYS[2])
    page.open(open_page, KEYS[2])
    page.brush(20)
    with offline(page.browser):
        page.drag((8, 8), (20, 8))
        page.wait(lambda: page.text("#saving") == "Not saved")
        page.keys("a").wait(lambda: "approval is not sent yet" in page.text("#said"))
    page.wait(lambda: page.data["word"] == "approved").saved()
    assert client.get(f"/DEMO/masks/{KEYS[2]}").json()["version"] == page.data["version"]
    assert approved(client, KEYS[2])

    with offline(page.browser):
        page.drag((8, 24), (20, 24))
        page.wait(lambda: page.text("#saving") == "Not saved")
        page.keys("a").wait(lambda: "approval is not sent yet" in page.text("#said"))
        page.drag((8, 40), (20, 40))
    page.wait(lambda: "was painted on after that" in page.text("#trouble"))
    page.wait(lambda: client.get(f"/DEMO/masks/{KEYS[2]}").json()["version"] == page.data["version"])
    assert not approved(client, KEYS[2]), "nobody approved what was painted then"

    with offline(page.browser):
        page.click("#to-proposal")
        page.wait(lambda: "back to its proposal is not sent yet" in page.text("#said"))
    page.wait(lambda: page.data["word"] in ("proposal", "doubtful")).saved()
    assert client.get(f"/DEMO/masks/{KEYS[2]}").json()["edited"] is False


def test_an_approval_that_comes_too_late_is_told_and_stays_told(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    page.open(open_page, KEYS[5])
    page.wait(lambda: page.browser.execute_script(FETCHED, f"{KEYS[6]}/picture/1"))
    time.sleep(0.3)  # the next section is there, to be shown without a server
    with offline(page.browser):
        page.keys("a").wait(lambda: "approval is not sent yet" in page.text("#said"))
        page.keys(Keys.ARROW_RIGHT).wait(lambda: page.data["section"] == KEYS[6])
        page.keys("a").wait(lambda: "approval is not sent yet" in page.text("#said"))
        theirs = mask_of(client, KEYS[5])
        theirs[-3:, :40] ^= 255
        version = put(client, KEYS[5], theirs)
    page.wait(lambda: page.data["word"] == "approved")
    page.wait(lambda: "was changed since it was shown; nothing was approved" in page.text("#trouble"))
    time.sleep(1)
    assert "section 5 " in page.text("#trouble"), "what was approved meanwhile does not wipe it away"
    assert not approved(client, KEYS[5])
    page.keys("a").wait(lambda: page.data["word"] != "approved")
    page.keys(Keys.ARROW_LEFT).wait(lambda: page.data["version"] == version)
    assert "nothing was approved" in page.text("#trouble")
    page.keys("a").wait(lambda: page.data["word"] == "approved").saved()
    assert page.text("#trouble") == ""
    page.keys("a").wait(lambda: page.data["word"] == "edited")


TABS = "return navigator.locks.query().then(({held}) => held.length)"


def test_a_tab_is_told_of_others_and_never_of_itself(page: MasksPage, open_page: Callable[[str], Any]) -> None:
    """One that was duplicated has what the first kept for its own tab."""
    first_tab, other = page.browser.current_window_handle, "Another tab or browser has this section open as well."

    def asked() -> str:
        count = page.browser.execute_script(ASKED)
        page.browser.execute_script(ASK)
        page.wait(lambda: page.browser.execute_script(ASKED) > count)
        time.sleep(0.2)
        return page.text("#notices")

    page.open(open_page, KEYS[4])
    assert asked() == ""
    for loaded_again in (
        "",
        "window.fetch = () => new Promise(() => {})",
    ):  # the second time, it cannot say that it goes
        page.browser.execute_script(loaded_again)
        page.browser.refresh()
        page.wait(lambda: page.browser.execute_script(OPENED) == KEYS[4])
        assert asked() == ""
    page.browser.execute_script("window.open(location.href)")
    (second_tab,) = {*page.browser.window_handles} - {first_tab}
    page.browser.switch_to.window(second_tab)
    page.wait(lambda: page.browser.execute_script(OPENED) == KEYS[4])
    page.wait(lambda: page.text("#notices") == other)
    page.browser.switch_to.window(first_tab)
    assert asked() == other
    assert page.browser.execute_script(TABS) == 2
    page.browser.switch_to.window(second_tab)
    assert asked() == other
    page.browser.close()
    page.browser.switch_to.window(first_tab)
    page.wait(lambda: asked() == "", within_s=20)  # and not after a minute


BITS = """
const done = arguments[arguments.length - 1];
import('/static/masks_bits.js').then(({Bits}) => {
  const bits = new Bits(40, 30), from = {x: 10, y: 10}, said = {};
  bits.stroke(from, {x: 20, y: 10}, 4, 1);
  said.stroke = [...bits.data];
  bits.polygon([{x: 13, y: 8}, {x: 17, y: 8}, {x: 17, y: 12}, {x: 13, y: 12}], 0);
  said.cut = [...bits.data];
  said.hole = bits.region(14, 9).pixels.length;
  said.holeReachesEdge = bits.region(14, 9).reachesEdge;
  said.glassReachesEdge = bits.region(0, 0).reachesEdge;
  said.piece = bits.region(10, 10).pixels.length;
  const isSame = (a, b) => a.data.every((one, at) => one === b.data[at]);
  said.runs = isSame(Bits.ofRuns(40, 30, bits.runs()), bits);
  const whole = new Bits(4, 4); whole.data.fill(1);
  said.whole = isSame(Bits.ofRuns(4, 4, whole.runs()), whole);
  const dot = new Bits(5, 5); dot.stroke({x: 2.9, y: 2.1}, {x: 2.9, y: 2.1}, 0.5, 1);
  said.dot = [...dot.data].map((one, at) => one ? at : -1).filter(at => at >= 0);
  bits.toPacked().then(blob => blob.arrayBuffer())
    .then(bytes => { said.sent = [...new Uint8Array(bytes)]; done(said); });
});
"""


def test_what_tools_do_to_the_pixels(page: MasksPage, open_page: Callable[[str], Any]) -> None:
    page.open(open_page, KEYS[0])
    said = page.browser.execute_async_script(BITS)
    distance = distance_to([np.array([10, 10]), np.array([20, 10])], (30, 40))
    stroke = np.array(said["stroke"]).reshape(30, 40)
    assert (stroke[distance < 3.8] == 1).all()
    assert (stroke[distance > 4.01] == 0).all()
    cut = np.array(said["cut"]).reshape(30, 40)
    assert (stroke - cut == 1).sum() == 16
    assert (cut[8:12, 13:17] == 0).all()
    assert said["hole"] == 16
    assert (said["holeReachesEdge"], said["glassReachesEdge"]) == (False, True)
    assert said["piece"] == cut.sum()
    assert said["runs"]
    assert said["whole"]
    assert said["dot"] == [2 * 5 + 2]
    np.testing.assert_array_equal(sent_mask(bytes(said["sent"]), shape=(30, 40), name="it") // 255, cut)


def test_a_hole_is_filled_and_a_piece_deleted_by_a_click(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    before = mask_of(client, KEYS[6])
    holed = before.copy()
    row, column = (int(one) for one in np.argwhere(before > 0).mean(axis=0))
    holed[row - 3 : row + 3, column - 3 : column + 3] = 0
    holed[1:6, 1:6] = 255
    assert before[row - 4 : row + 4, column - 4 : column + 4].all(), "there is tissue in the middle"
    put(client, KEYS[6], holed)
    page.open(open_page, KEYS[6]).keys("f")
    page.drag((column, row), (column, row))
    page.saved()
    filled = holed.copy()
    filled[row - 3 : row + 3, column - 3 : column + 3] = 255
    np.testing.assert_array_equal(mask_of(client, KEYS[6]), filled)
    page.keys("d").drag((3, 3), (3, 3))
    page.wait(lambda: page.data["version"] == digest(np.where(before > 0, 255, 0).astype(np.uint8)))
    page.keys("f").drag((3, 3), (3, 3))
    page.wait(lambda: "reaches the edge of the picture" in page.text("#notices"))


def test_the_wheel_zooms_at_the_pointer_and_painting_goes_on_there(
    page: MasksPage, open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    page.open(open_page, KEYS[7])
    before = mask_of(client, KEYS[7])
    x, y = page.at(12, 12)
    place, scale = page.place(x, y), float(page.data["scale"])
    chain = ActionChains(page.browser)
    chain.w3c_actions.wheel_action.scroll(x, y, 0, -400, duration=0)
    chain.perform()
    page.wait(lambda: float(page.data["scale"]) > 1.5 * scale)
    np.testing.assert_allclose(page.place(x, y), place, atol=0.05)
    page.brush(0)
    (painted, _) = page.drag(tuple(place), tuple(place))
    page.saved()
    changed = np.argwhere(mask_of(client, KEYS[7]) != before)
    np.testing.assert_array_equal(changed, [[int(painted[1]), int(painted[0])]])
