"""The page of problems: a note is added, closed, opened again; and what is not noted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from lab import Lab
from waiting_in_browser import until

from brainstack import noting
from brainstack.database import open_database

PROBLEMS = "/DEMO/problems"
KEY = "slide001_S2"


@pytest.fixture(autouse=True)
def nothing_noted(demo: Lab) -> None:
    """Notes of other tests are closed and forgotten."""
    import sqlite3

    with sqlite3.connect(demo.root / "brainstack.db") as database:
        database.execute("DELETE FROM journal_change")
        database.execute("DELETE FROM journals")
    database.close()


def add(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post(PROBLEMS, json={"entry": "torn", "section": KEY} | body)


def one() -> noting.JournalEntry:
    (found,) = noting.notes("DEMO")
    return found


def change(client: httpx.Client, what: str, seen: str, **body: Any) -> httpx.Response:
    return client.post(f"{PROBLEMS}/{one().number}/{what}", json={"seen": seen} | body)


def test_a_note_is_listed_with_who_noted_it_and_a_picture(client: httpx.Client) -> None:
    assert add(client, channel=2, mark=[0.5, 0.25]).status_code == 201
    page = client.get(f"{PROBLEMS}/list").text
    assert "torn" in page
    assert "by anna" in page
    assert "section 1</a> (slide001_S2)" in page
    picture = client.get(f"{PROBLEMS}/pictures/{KEY}.jpg", params={"channel": 2})
    assert picture.headers["content-type"] == "image/jpeg"
    assert client.get(f"{PROBLEMS}/open.json", params={"section": KEY}).json() == {"open": 1}
    assert client.get(f"{PROBLEMS}/open.json", params={"section": ""}).json() == {"open": 0}


def test_a_mark_is_kept_in_micrometres_of_the_scan(client: httpx.Client, demo: Lab) -> None:
    add(client, mark=[0.5, 0.25])
    with open_database(demo.url) as database:
        records = database.animal_records("DEMO")
    scene = next(one for one in records.slides if one.number == 1).scenes[1]
    pixel_um = records.scan_run.resolution_um
    assert pixel_um
    assert one().mark_um == pytest.approx((scene.width * pixel_um / 2, scene.height * pixel_um / 4))


def test_a_note_is_closed_with_what_was_done_and_opened_again(client: httpx.Client) -> None:
    add(client)
    assert change(client, "done", noting.version_of(one()), fix="scanned again").status_code == 200
    assert (one().completed, one().fix, one().closed_by) == (True, "scanned again", "anna")
    assert "scanned again" in client.get(f"{PROBLEMS}/list").text
    assert change(client, "reopen", noting.version_of(one())).status_code == 200
    assert not one().completed


def test_who_closed_a_note_and_opened_it_again_stands_below_it_in_order(client: httpx.Client) -> None:
    add(client)
    noting.done("DEMO", one().number, "glued", person="bo")
    change(client, "reopen", noting.version_of(one()))
    noting.done("DEMO", one().number, "<b>scanned</b> again", person="cleo")
    page = client.get(f"{PROBLEMS}/list").text
    said = re.search(r'<ol class="changes".*?</ol>', page, re.DOTALL)
    assert said
    lines = [" ".join(re.sub(r"<.*?>", "", line).split()) for line in said[0].split("</li>")[:-1]]
    at = one().closed_at[:10]
    assert [re.sub(rf", {at} \d\d:\d\d UTC$", " then", line) for line in lines] == [
        "Closed, what was done: glued by bo then",
        "Opened again by anna then",
        "Closed, what was done: &lt;b&gt;scanned&lt;/b&gt; again by cleo then",
    ]


def test_the_second_of_two_people_is_told_and_overwrites_nothing(client: httpx.Client) -> None:
    add(client)
    seen = noting.version_of(one())
    change(client, "done", seen, fix="scanned again")
    second = change(client, "done", seen, fix="thrown away")
    assert (second.status_code, one().fix) == (409, "scanned again")
    assert "anna closed it: scanned again" in second.json()["error"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"entry": "  "}, 422),
        ({"entry": "x" * 5000}, 422),
        ({"section": "slide009_S9"}, 404),
        ({"section": "../../etc"}, 404),
        ({"channel": 9}, 422),
        ({"mark": [2, 0]}, 422),
        ({"mark": [0.5]}, 422),
        ({"more": 1}, 422),
    ],
)
def test_what_makes_no_sense_is_not_noted_and_says_so(client: httpx.Client, body: Any, status: int) -> None:
    answer = add(client, **body)
    assert (answer.status_code, noting.notes("DEMO")) == (status, [])
    assert answer.json()["error"].strip()


@pytest.mark.parametrize("number", ["7", "x", "-1", "9" * 30])
def test_a_note_that_is_gone_is_named(client: httpx.Client, number: str) -> None:
    answer = client.post(f"{PROBLEMS}/{number}/done", json={"seen": ""})
    assert (answer.status_code, "has no note" in answer.json()["error"]) == (404, True)


@pytest.mark.parametrize("name", ["slide009_S9", "..%2f..%2fsecret", f"{KEY}.tif"])
def test_what_is_no_section_has_no_picture(client: httpx.Client, name: str) -> None:
    assert client.get(f"{PROBLEMS}/pictures/{name}.jpg").status_code == 404


def test_a_person_notes_a_problem_on_the_picture_and_closes_it(open_page: Callable[[str], Any]) -> None:
    browser = open_page(PROBLEMS)
    until(browser, "return document.querySelector('#problems p')")
    browser.execute_script("""
      const section = document.getElementById('new-section');
      section.value = 'slide001_S2'; section.dispatchEvent(new Event('change'));
    """)
    until(browser, "return document.getElementById('new-image').naturalWidth")
    browser.execute_script("""
      const box = document.getElementById('new-image').getBoundingClientRect();
      const at = {clientX: box.left + box.width / 4, clientY: box.top + box.height / 2, bubbles: true};
      document.getElementById('new-image').dispatchEvent(new MouseEvent('click', at));
    """)
    browser.find_element("id", "new-entry").send_keys("a bubble over the cortex")
    browser.find_element("css selector", "#new-note button.main").click()
    until(browser, "return document.querySelector('.problem .mark')")
    note = one()
    assert note.entry == "a bubble over the cortex"
    assert note.mark_um
    browser.find_element("css selector", ".problem form.close input").send_keys("scanned again")
    browser.find_element("css selector", ".problem form.close button").click()
    until(browser, "return document.querySelector('.problem.closed')")
    assert (one().completed, one().fix, one().closed_by) == (True, "scanned again", "anna")
    browser.find_element("css selector", ".problem .reopen").click()
    until(browser, "return document.querySelector('.problem:not(.closed)')")
    assert not one().completed
    closed, opened = (line.text for line in browser.find_elements("css selector", ".problem .changes li"))
    assert closed.startswith("Closed, what was done: scanned again by anna, ")
    assert opened.startswith("Opened again by anna, ")


def test_what_is_being_typed_about_one_note_stays_when_another_is_closed(
    open_page: Callable[[str], Any], client: httpx.Client
) -> None:
    add(client, entry="torn")
    add(client, entry="folded")
    browser = open_page(PROBLEMS)
    until(browser, "return document.querySelectorAll('.problem').length === 2")
    first, second = browser.find_elements("css selector", ".problem form.close input")
    second.send_keys("flattened")
    first.send_keys("scanned again")
    browser.find_element("css selector", ".problem form.close button").click()
    until(browser, "return document.querySelector('.problem.closed')")
    (left,) = browser.find_elements("css selector", ".problem form.close input")
    assert left.get_property("value") == "flattened"
    left.find_element("xpath", "..").find_element("css selector", "button").click()
    until(browser, "return document.querySelectorAll('.problem.closed').length === 2")
    assert sorted(one.fix for one in noting.notes("DEMO")) == ["flattened", "scanned again"]
