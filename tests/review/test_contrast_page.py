"""The page of contrast: what it says of a channel, sections in a range, and a range that a person drags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import imagecodecs
import numpy as np
import pytest
from lab import Lab
from waiting_in_browser import until

from brainstack.contrast import set_contrast
from brainstack.files.tiff import read_tiff
from brainstack.gains import channel_gain
from brainstack.images.miniatures import fitted
from brainstack.planning import look, progress_of

CONTRAST = "/DEMO/contrast"
KEY = "slide001_S2"


@pytest.fixture(autouse=True)
def as_computed(demo: Lab) -> None:
    for channel in (1, 2, 3):
        set_contrast("DEMO", channel, None, person="bo")


def told(client: httpx.Client, channel: int) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{CONTRAST}/{channel}.json").json()
    return found


def test_the_histogram_has_every_pixel_of_tissue(client: httpx.Client) -> None:
    plan = look("DEMO")
    masks = [read_tiff(plan.folder.keyed("thumbnail_masked", key)) > 0 for key in plan.section]
    histogram = told(client, 2)["histogram"]
    assert sum(histogram["pixels"]) == sum(int(mask.sum()) for mask in masks)
    assert histogram["to"][-1] == 65535


def test_the_range_is_what_web_pictures_and_neuroglancer_use(client: httpx.Client) -> None:
    from brainstack.viewing import state_of

    plan = look("DEMO")
    layers = [layer for layer in state_of(plan)["layers"] if layer["name"].startswith("C")]
    for channel, layer in zip((1, 2, 3), layers, strict=True):
        found, gain = told(client, channel), channel_gain(plan, channel)
        assert [round(level * gain) for level in found["viewer"]] == layer["shaderControls"]["normalized"]["range"]
    web = [round(level * channel_gain(plan, 1)) for level in told(client, 1)["web"]]
    assert web == [0, round(plan.settings.gain.target * 65535)]
    assert told(client, 2)["web"] is None, "web pictures are of channel 1"


def test_a_section_is_shown_in_the_range(client: httpx.Client) -> None:
    """As the volume is: what is scanned as 500 is black, as 2500 white, between them evenly."""
    plan = look("DEMO")
    answer = client.get(f"{CONTRAST}/2/pictures/{KEY}.jpg", params={"low": 500, "high": 2500})
    shown = imagecodecs.jpeg8_decode(answer.content).astype(float)
    scanned = read_tiff(plan.folder.keyed("thumbnail_aligned", KEY, 2)) / channel_gain(plan, 2)
    wanted = fitted(np.clip((scanned - 500) / 2000 * 255, 0, 255).astype(np.uint8), 640).astype(float)
    assert shown.shape == wanted.shape
    assert np.abs(shown - wanted).mean() < 3, "JPEG"


def test_a_range_by_hand_makes_nothing_stale_but_web_pictures_of_its_channel(client: httpx.Client) -> None:
    answer = client.post(f"{CONTRAST}/2", json={"low": 300, "high": 4000, "seen": told(client, 2)["seen"]})
    assert answer.json()["by_hand"] | {"at": ""} == {"low": 300, "high": 4000, "person": "anna", "at": ""}
    assert answer.json()["viewer"] == pytest.approx([300, 4000], abs=0.1)
    assert stale() == {}
    client.post(f"{CONTRAST}/1", json={"low": 300, "high": 4000, "seen": told(client, 1)["seen"]})
    assert stale() == {"Web": 8}
    client.post(f"{CONTRAST}/1", json={"low": None, "high": None, "seen": told(client, 1)["seen"]})
    assert (stale(), told(client, 1)["by_hand"]) == ({}, None)


def stale() -> dict[str, int]:
    """What the next run would make again."""
    from brainstack.stages import STAGES

    progress = progress_of(look("DEMO"))
    counted = {
        stage: sum(not progress.is_done(step) for step in progress.plan.steps(stage))
        for stage in STAGES
    }  # fmt: skip
    return {stage: count for stage, count in counted.items() if count}


def test_the_second_of_two_people_is_told_and_overwrites_nothing(client: httpx.Client) -> None:
    seen = told(client, 2)["seen"]
    client.post(f"{CONTRAST}/2", json={"low": 300, "high": 4000, "seen": seen})
    second = client.post(f"{CONTRAST}/2", json={"low": 1, "high": 2, "seen": seen})
    assert (second.status_code, told(client, 2)["by_hand"]["high"]) == (409, 4000)
    assert "300 to 4000, by anna" in second.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/2", {"low": 300, "high": 200, "seen": ""}, 422),
        ("/2", {"low": 300, "high": None, "seen": ""}, 422),
        ("/2", {"low": -1, "high": 200, "seen": ""}, 422),
        ("/2", {"low": 0.5, "high": 200, "seen": ""}, 422),
        ("/2", {"low": 1, "high": 1e9, "seen": ""}, 422),
        ("/9", {"low": 1, "high": 2, "seen": ""}, 404),
        ("/x", {"low": 1, "high": 2, "seen": ""}, 404),
    ],
)
def test_what_makes_no_sense_changes_nothing(client: httpx.Client, path: str, body: Any, status: int) -> None:
    answer = client.post(f"{CONTRAST}{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"].strip()
    assert look("DEMO").records.contrasts == ()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/2/pictures/{KEY}.jpg?low=9&high=1", 422), (f"/2/pictures/{KEY}.jpg?low=nan&high=1", 422),
        (f"/2/pictures/{KEY}.jpg", 422), (f"/7/pictures/{KEY}.jpg?low=1&high=2", 404),
        ("/2/pictures/..%2f..%2fsecret.jpg?low=1&high=2", 404), ("/7.json", 404),
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_shown(client: httpx.Client, path: str, status: int) -> None:
    assert client.get(f"{CONTRAST}{path}").status_code == status


def test_a_person_drags_an_end_of_the_range_and_saves_it(open_page: Callable[[str], Any]) -> None:
    from selenium.webdriver import ActionChains, Keys

    browser = open_page(CONTRAST)
    until(browser, "return document.querySelectorAll('.channel')[1].querySelectorAll('.handle').length === 2")
    until(browser, "return document.querySelectorAll('.channel')[1].querySelector('figure img').naturalWidth")
    handle = browser.find_elements("css selector", ".channel")[1].find_elements("css selector", ".handle .grip")[1]
    before = int(browser.execute_script("return document.querySelectorAll('.channel .high')[1].value"))
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle)
    ActionChains(browser).drag_and_drop_by_offset(handle, -60, 0).perform()
    after = int(browser.execute_script("return document.querySelectorAll('.channel .high')[1].value"))
    assert after < before
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    until(browser, "return document.querySelectorAll('.channel .state')[1].textContent.startsWith('set by hand')")
    (kept,) = look("DEMO").records.contrasts
    assert (kept.channel, kept.high, kept.person) == (2, after, "anna")
    shown = browser.execute_script("return document.querySelectorAll('.channel')[1].querySelector('img').src")
    until(browser, f"return document.querySelectorAll('.channel')[1].querySelector('img').src.endsWith('high={after}')")
    assert shown
    browser.find_elements("css selector", ".channel .computed")[1].click()
    until(browser, "return document.querySelectorAll('.channel .state')[1].textContent.startsWith('computed')")
    assert look("DEMO").records.contrasts == ()


def test_numbers_are_typed_in_either_order_and_no_range_is_saved_that_is_none(open_page: Callable[[str], Any]) -> None:
    from selenium.webdriver import Keys

    browser = open_page(CONTRAST)
    until(browser, "return document.querySelectorAll('.channel')[1].querySelectorAll('.handle').length === 2")
    low, high = (browser.find_elements("css selector", f".channel {name}")[1] for name in (".low", ".high"))
    black = int(high.get_property("value")) + 100
    for field, level in ((low, black), (high, black - 50)):
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(str(level), Keys.ENTER)
        assert "the lower one first" in browser.find_element("id", "trouble").text
    low.send_keys(Keys.ENTER)
    assert look("DEMO").records.contrasts == ()
    assert [int(one.get_property("value")) for one in (low, high)] == [black, black - 50], "as typed"
    high.send_keys(Keys.CONTROL, "a")
    high.send_keys(str(black + 50), Keys.ENTER)
    until(browser, "return document.querySelectorAll('.channel .state')[1].textContent.startsWith('set by hand')")
    (kept,) = look("DEMO").records.contrasts
    assert (kept.low, kept.high) == (black, black + 50)
    assert not browser.find_element("id", "trouble").is_displayed()
