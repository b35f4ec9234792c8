"""The page of slides as a person uses it: in Chromium, by keys and by dragging."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from lab import Lab
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from waiting_in_browser import offline

from brainstack.database import open_database
from brainstack.deciding import Change, change_animal
from brainstack.records import SlideScene

pytestmark = pytest.mark.browser
OpenPage = Callable[[str], Any]
WITHIN_S = 30.0
STRIP = "return [...document.querySelectorAll('#strip .slot')].map(one => one.dataset.key)"
SCENES = "return [...document.querySelectorAll('.scan[data-name$=slide001] .scene')].map(one => one.dataset.key)"
GAPS = "return [...document.querySelectorAll('#strip .slot.gap')].map(one => one.dataset.key)"
CHOSEN = "return document.querySelector('.scene.current').dataset.key"
NOT_SAVED = "return document.getElementById('stack-words').textContent.includes('not saved')"
ALL = [f"slide00{slide}_S{scene}" for slide in (1, 2) for scene in (1, 2, 3, 4)]


def until(found: Callable[[], Any], wanted: Any) -> None:
    """Wait until something is as it should be; a busy computer takes its time."""
    end = time.monotonic() + WITHIN_S
    while (now := found()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    assert now == wanted


def press(page: Any, *keys: str) -> None:
    for key in keys:
        ActionChains(page).send_keys(key).perform()


def saved(page: Any) -> None:
    until(lambda: page.execute_script(NOT_SAVED), False)


def drag(page: Any, grabbed: str, onto: str, *, right_px: int = 0) -> None:
    """Both by their selectors. right_px : of the middle of the second."""
    start, end = (page.find_element("css selector", one) for one in (grabbed, onto))
    actions = ActionChains(page).move_to_element(start).click_and_hold().pause(0.1).move_by_offset(12, 0).pause(0.1)
    actions.move_to_element_with_offset(end, right_px, 0).pause(0.3).move_by_offset(3, 0).pause(0.5).release().perform()


def scenes(demo: Lab, slide: int = 1) -> tuple[SlideScene, ...]:
    with open_database(demo.url) as database:
        return database.animal_records("DEMO").slides[slide - 1].scenes


@pytest.fixture
def page(open_page: OpenPage, demo: Lab) -> Any:
    """The page of slides, once it is drawn; the animal is as it was in the beginning."""
    demo.brainstack("slide", "DEMO", "1", "--scene-order", "settings")
    for number in (1, 2, 3, 4):
        change_animal(
            "DEMO", Change(slide=1, scene=number, qc=0, replicates=0, moved_after="", as_animal=True), person="nobody"
        )
    page = open_page("/DEMO/slides")
    until(lambda: page.execute_script("return document.body.dataset.ready"), "yes")
    page.execute_script("localStorage.clear()")
    return page


def test_the_bad_scene_is_marked_the_order_changes_and_it_is_taken_back(page: Any, demo: Lab) -> None:
    press(page, Keys.ARROW_RIGHT)
    assert page.execute_script(CHOSEN) == "slide001_S2"
    press(page, "1")
    assert page.execute_script(GAPS) == ["slide001_S2"]  # at once, whatever the server does
    assert page.execute_script(CHOSEN) == "slide001_S3"  # and it goes on
    saved(page)
    assert (scenes(demo)[1].qc, page.find_element("id", "count").text) == (2, "2 slides, 8 scenes, 1 bad")
    press(page, "d")
    until(lambda: page.execute_script(STRIP), [key for key in ALL if key != "slide001_S3"])
    numbers = "return [...document.querySelectorAll('#strip .slot .number')].map(one => one.textContent)"
    assert page.execute_script(numbers) == [str(number) for number in range(7)]
    press(page, "u")
    until(lambda: page.find_element("id", "done").text, "Taken back: slide 1, scene 3: verdict dropped -> good")
    assert page.execute_script(STRIP) == ALL
    assert page.execute_script(CHOSEN) == "slide001_S3"
    press(page, "u")
    until(lambda: page.execute_script(GAPS), [])
    assert [scene.qc for scene in scenes(demo)] == [0, 0, 0, 0]


def test_each_key_does_what_its_button_says(page: Any, demo: Lab) -> None:
    press(page, "n")  # stay at the scene
    for key, qc in (("f", 1), ("b", 2), ("e", 3), ("k", 0), ("g", 0)):
        press(page, key)
        saved(page)
        assert scenes(demo)[0].qc == qc, key
    press(page, "r", "m", "r", "+", "+", "-")
    saved(page)
    assert scenes(demo)[0].turns == (0, "flop")  # turned to the right, mirrored, and to the right of what is then seen
    assert scenes(demo)[0].replicates == 1
    until(lambda: page.execute_script(STRIP)[:2], ["slide001_S1", "slide001_S1_copy1"])
    press(page, "x", "o")
    saved(page)
    assert (scenes(demo)[0].qc, scenes(demo)[0].replicates, scenes(demo)[0].turns) == (2, 0, None)
    press(page, "g", "]")
    until(lambda: page.execute_script(STRIP)[:2], ["slide001_S2", "slide001_S1"])
    press(page, "[", "B")
    until(lambda: page.execute_script(GAPS), ALL[:4])
    press(page, "G")
    until(lambda: page.execute_script(GAPS), [])
    assert page.execute_script(STRIP) == ALL
    press(page, "w", "torn at its edge", Keys.ENTER)
    saved(page)
    assert "torn at its edge" in demo.brainstack("slides", "DEMO").stdout
    assert page.find_element("css selector", ".scene .why").text == "torn at its edge"
    press(page, Keys.END)
    assert page.execute_script(CHOSEN) == "slide002_S4"
    press(page, Keys.ARROW_UP)
    assert page.execute_script(CHOSEN) == "slide001_S1"
    press(page, "?")
    assert page.find_element("id", "help").is_displayed()
    press(page, "?", "n")
    assert not page.find_element("id", "help").is_displayed()


def test_a_scene_is_seen_turned_as_its_section_will_be(page: Any) -> None:
    press(page, "r", "m")
    saved(page)
    turned = "return getComputedStyle(document.querySelector('.scene[data-key=slide001_S1] img')).transform"
    width = "return document.querySelector('.scene[data-key=slide001_S1] img').getBoundingClientRect()"
    values = [float(one) for one in page.execute_script(turned).removeprefix("matrix(").removesuffix(")").split(",")]
    # The matrix (a, b, c, d): a point to the right of the middle goes down when turned by a quarter to the right, and a
    # point below it goes to the left, which the mirror makes the right.
    assert values[:4] == pytest.approx([0, 1, 1, 0], abs=1e-6)
    box = page.execute_script(width)
    assert box["height"] > box["width"]  # the scene lies on its side


def test_scenes_are_dragged_on_their_slide_and_in_the_stack(page: Any, demo: Lab) -> None:
    drag(page, ".scene[data-key=slide001_S1]", ".scene[data-key=slide001_S3]", right_px=30)
    until(lambda: page.execute_script(STRIP)[:4], ["slide001_S2", "slide001_S3", "slide001_S1", "slide001_S4"])
    saved(page)
    assert [scene.order for scene in scenes(demo)] == [3, 1, 2, 4]
    assert page.execute_script(SCENES) == ["slide001_S2", "slide001_S3", "slide001_S1", "slide001_S4"]
    drag(page, ".slot[data-key=slide001_S2]", ".slot[data-key=slide002_S2]", right_px=20)
    moved = ["slide001_S3", "slide001_S1", "slide001_S4", "slide002_S1", "slide002_S2", "slide001_S2"]
    until(lambda: page.execute_script(STRIP)[:6], moved)
    saved(page)
    assert scenes(demo)[1].moved_after == "slide002_S2"
    assert page.execute_script(CHOSEN) == "slide001_S2"
    press(page, "h")
    until(lambda: page.execute_script(STRIP)[0], "slide001_S2")


def test_what_another_person_decided_meanwhile_is_shown_and_not_overwritten(page: Any, demo: Lab) -> None:
    change_animal("DEMO", Change(slide=1, scene=1, qc=1), person="ben", reason="blurred")
    press(page, "b")
    said = page.find_element("id", "refused")
    until(lambda: "ben changed verdict from good to out of focus" in said.text, True)
    assert scenes(demo)[0].qc == 1
    mark = "return document.querySelector('.scene[data-key=slide001_S1] .mark').textContent"
    until(lambda: page.execute_script(mark), "out of focus")
    press(page, Keys.ESCAPE, Keys.HOME, "b")
    saved(page)
    assert scenes(demo)[0].qc == 2
    assert not said.is_displayed()


def test_what_could_not_be_sent_is_sent_when_the_server_is_back(page: Any, demo: Lab) -> None:
    with offline(page):
        press(page, "b", "f")
        until(lambda: "does not answer" in page.find_element("id", "trouble").text, True)
        assert "2 not saved yet" in page.find_element("id", "stack-words").text
    saved(page)
    assert [scene.qc for scene in scenes(demo)[:2]] == [2, 1]
    until(lambda: page.find_element("id", "trouble").is_displayed(), False)


def test_what_waits_behind_a_refused_change_takes_back_no_older_one(page: Any, demo: Lab) -> None:
    press(page, "b")
    saved(page)
    change_animal("DEMO", Change(slide=1, scene=2, qc=1), person="ben")
    with offline(page):
        press(page, "b", "u")  # of the second scene, which ben decided meanwhile
        assert "2 not saved yet" in page.find_element("id", "stack-words").text
    until(lambda: "Nothing was taken back" in page.find_element("id", "refused").text, True)
    saved(page)
    assert [scene.qc for scene in scenes(demo)[:2]] == [2, 1]


def test_a_key_that_is_held_judges_one_scene(page: Any, demo: Lab) -> None:
    held = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], repeat: true, bubbles: true}))"
    press(page, "b")
    page.execute_script(held, "b")
    saved(page)
    assert [scene.qc for scene in scenes(demo)] == [2, 0, 0, 0]
    page.execute_script(held, "ArrowRight")
    assert page.execute_script(CHOSEN) == "slide001_S3"
