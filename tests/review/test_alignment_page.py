"""The page of the alignment: sections drawn where they lie, compared, and placed by hand."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import httpx
import imagecodecs
import numpy as np
import pytest
from lab import Counted, Lab
from numpy.typing import NDArray
from waiting_in_browser import until

from brainstack import aligning
from brainstack.database import open_database
from brainstack.files.tiff import read_tiff
from brainstack.geometry import inverse, points, rigid, rigid_parts, shift
from brainstack.images.normalizing import to_8_bit
from brainstack.planning import look
from brainstack.stack_preview import last_laid, next_laid
from brainstack.viewing import web_range

ALIGNMENT = "/DEMO/alignment"
KEYS = [f"slide00{slide}_S{scene}" for slide in (1, 2) for scene in (1, 2, 3, 4)]
KEY = KEYS[2]


@pytest.fixture(autouse=True)
def nothing_said(demo: Lab) -> Iterator[None]:
    """What other tests said of the alignment is taken back."""
    yield
    for edit in look("DEMO").records.alignment_edits:
        other = edit.other if edit.kind == "leave_out" else ""
        aligning.release("DEMO", edit.section, other, person="bo")


def stack(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{ALIGNMENT}/stack.json").json()
    return found


def section(found: dict[str, Any], key: str = KEY) -> dict[str, Any]:
    return next(one for one in found["sections"] if one["key"] == key)


def say(client: httpx.Client, what: str, key: str = KEY, **body: Any) -> httpx.Response:
    return client.post(f"{ALIGNMENT}/sections/{key}/{what}", json=body)


PLACE = {"rotation_rad": 0.1, "shift_x_um": 50.0, "shift_y_um": -20.0, "mirrored": False, "seen": ""}


def edits() -> list[tuple[str, str, str]]:
    return [(one.kind, one.section, one.other) for one in look("DEMO").records.alignment_edits]


# What is known of the stack


def test_the_places_are_those_of_the_last_run_and_the_next_changes_none(client: httpx.Client, demo: Lab) -> None:
    found = stack(client)
    content = json.loads(demo.folder.small("transforms").read_text())
    assert found["canvas"] == content["canvas"]
    for one in found["sections"]:
        wanted = np.array(content["matrices"][one["key"]])[:2].ravel()
        np.testing.assert_allclose(one["before"], wanted, atol=1e-9)
        np.testing.assert_allclose(one["after"], wanted, atol=1e-9)
    assert [one["number"] for one in found["sections"]] == list(range(8))


def test_the_metrics_are_those_of_the_database(client: httpx.Client, demo: Lab) -> None:
    with open_database(demo.url) as database:
        judged = {one.section: one for one in database.sections_aligned("DEMO")}
    for one in stack(client)["sections"]:
        wanted = judged[one["key"]]
        found = one["verdict"], one["metric"], one["metric_before"], one["residual_um"], one["overlap"], one["reason"]
        assert found == (
            wanted.verdict, wanted.metric, wanted.metric_before, wanted.residual_um, wanted.overlap, wanted.reason
        )  # fmt: skip


def test_a_place_by_hand_moves_that_section_alone_and_an_anchor_those_around_it(client: httpx.Client) -> None:
    before = stack(client)
    cleaned, pixel_um, corner = before["cleaned"], before["pixel_size_um"], before["corner"]
    say(client, "place", **PLACE)
    alone = stack(client)
    given = rigid(0.1, 50 / pixel_um, -20 / pixel_um, tuple(cleaned)) @ shift(*corner)
    np.testing.assert_allclose(section(alone)["after"], given[:2].ravel(), atol=1e-9)
    assert moved(alone) == [KEY]
    say(client, "place", **PLACE | {"anchor": True, "seen": section(alone)["seen"]})
    assert set(moved(stack(client))) > {KEY, KEYS[1], KEYS[3]}


def moved(found: dict[str, Any]) -> list[str]:
    return [one["key"] for one in found["sections"] if not np.allclose(one["before"], one["after"], atol=1e-4)]


def test_neighbours_are_followed_and_pairs_left_out_and_all_is_taken_back(client: httpx.Client) -> None:
    before = stack(client)
    say(client, "follow", other=KEYS[1], seen="")
    np.testing.assert_allclose(section(stack(client))["after"], section(before, KEYS[1])["after"], atol=1e-9)
    told = say(client, "leave-out", other=KEYS[3], seen="").json()["told"]
    assert edits() == [("follow", KEY, KEYS[1]), ("leave_out", KEYS[3], KEY)]
    assert "the pair of section 2" in told
    said = [(one["words"], one["seen"]) for one in stack(client)["edits"]]
    assert all("(anna, " in words for words, _ in said)
    say(client, "release", other="", seen=said[0][1])
    say(client, "release", other=KEYS[3], seen=said[1][1])
    assert edits() == []
    assert moved(stack(client)) == []


def test_the_second_of_two_people_is_told_and_overwrites_nothing(client: httpx.Client) -> None:
    seen = section(stack(client))["seen"]
    assert say(client, "place", **PLACE).status_code == 200
    for what, body in (
        ("place", PLACE | {"rotation_rad": 0.3, "seen": seen}),
        ("follow", {"other": KEYS[1], "seen": seen}),
        ("release", {"seen": seen}),
    ):
        second = say(client, what, **body)
        assert second.status_code == 409
        assert "section 2 (slide001_S3) lies at 5.73 degrees" in second.json()["error"]
        assert "(anna, " in second.json()["error"]
    assert edits() == [("place", KEY, "")]


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        ("place", {"shift_x_um": 30_000.0}, 422),
        ("place", {"rotation_rad": math.nan}, 422),
        ("place", {"shift_y_um": math.inf}, 422),
        ("place", {"rotation_rad": None}, 422),
        ("place", {"mirrored": "perhaps"}, 422),
        ("follow", {"other": KEY}, 422),
        ("follow", {"other": "slide009_S1"}, 404),
        ("leave-out", {"other": KEYS[7]}, 422),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    client: httpx.Client, what: str, body: dict[str, Any], status: int
) -> None:
    sent = (PLACE if what == "place" else {"seen": ""}) | body
    answer = client.post(
        f"{ALIGNMENT}/sections/{KEY}/{what}", content=json.dumps(sent), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, edits()) == (status, [])
    assert answer.json()["error"].strip()


def test_an_edit_to_a_section_that_has_just_been_dropped_is_refused(client: httpx.Client, demo: Lab) -> None:
    assert demo.brainstack("slide", "DEMO", "1", "--scene", "3", "--drop").returncode == 0
    try:
        answer = say(client, "place", **PLACE)
        assert (answer.status_code, edits()) == (404, [])
        assert f"DEMO has no section {KEY} any more" in answer.json()["error"]
        assert client.get(f"{ALIGNMENT}/pictures/{KEY}.jpg").status_code == 404
        found = stack(client)
        assert KEY not in [one["key"] for one in found["sections"]]
        assert found["missing"] == 2, "pairs over four slots, which are three now"
    finally:
        demo.brainstack("slide", "DEMO", "1", "--scene", "3", "--keep")


@pytest.mark.parametrize("name", ["..%2f..%2fsecret", "slide009_S9", "000"])
def test_what_is_no_section_has_no_picture(client: httpx.Client, name: str) -> None:
    assert client.get(f"{ALIGNMENT}/pictures/{name}.jpg").status_code == 404


def test_the_views_are_the_middle_of_the_aligned_sections_and_follow(client: httpx.Client, demo: Lab) -> None:
    """Seen from the side, a column is the mean over the middle columns of an aligned section."""
    from brainstack.images.stack_views import slab_of

    def view(name: str, when: str) -> NDArray[np.float64]:
        content = client.get(f"{ALIGNMENT}/views/{name}.png", params={"when": when}).content
        return np.asarray(imagecodecs.png_decode(content), float)

    slabs = [slab_of(read_tiff(demo.folder.keyed("thumbnail_aligned", key, 1))) for key in KEYS]
    for name in ("side", "top"):
        wanted = np.stack([getattr(slab, name) for slab in slabs], axis=1)
        found = view(name, "after")
        assert found.shape == wanted.shape
        assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.99
        np.testing.assert_array_equal(found, view(name, "before"))
    say(client, "place", **PLACE)
    changed = np.flatnonzero((view("side", "after") != view("side", "before")).any(axis=0))
    assert changed.tolist() == [2]


# In a browser


@pytest.fixture
def page(open_page: Callable[[str], Any]) -> Any:
    browser = open_page(ALIGNMENT)
    until(browser, "return typeof alignment !== 'undefined' && alignment.current")
    return browser


def show(browser: Any, key: str, mode: str, neighbours: str = "previous") -> None:
    """Choose a section and how it is compared, and wait until it is drawn so."""
    browser.execute_script(
        "alignment.choose(arguments[0]);"
        "document.querySelector(`[data-mode=${arguments[1]}]`).click();"
        "document.querySelector(`[data-with=${arguments[2]}]`).click();",
        key, mode, neighbours,
    )  # fmt: skip
    shown = "return (document.getElementById('alignment').dataset.shown || '').startsWith(arguments[0])"
    until(browser, shown, f"{key} {mode}")


def drawn(browser: Any) -> NDArray[np.float64]:
    """What the page draws on the aligned canvas, a pixel a pixel: (rows, columns, 3)."""
    url = browser.execute_script("return alignment.stage.asDrawn().toDataURL('image/png')")
    return np.asarray(imagecodecs.png_decode(base64.b64decode(url.partition(",")[2])), float)[..., :3]


def aligned(demo: Lab, key: str) -> NDArray[np.float64]:
    """The aligned thumbnail, as bright as the page draws it."""
    _, white = web_range(look("DEMO"))
    return to_8_bit(read_tiff(demo.folder.keyed("thumbnail_aligned", key, 1)), white).astype(float)


def offset_px(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """How far a picture lies beside another."""
    window = cv2.createHanningWindow(found.shape[::-1], cv2.CV_64F)
    (x, y), _ = cv2.phaseCorrelate(found.copy(), wanted.copy(), window)
    return math.hypot(x, y)


def test_maps_in_the_browser_are_those_of_the_code(page: Any) -> None:
    """For turned, shifted and mirrored places: the map, its parts, and what moving on the screen makes of them."""
    shape, rng = (250, 314), np.random.default_rng(1)
    for mirrored in (False, True):
        rotation, x, y = rng.uniform(-3, 3), *rng.uniform(-40, 40, 2)
        wanted = rigid(rotation, x, y, shape, mirrored=mirrored)
        given = {"rotation": rotation, "x": x, "y": y, "mirrored": mirrored}
        found = page.execute_script("return geometry.rigid(...arguments)", given, shape)
        np.testing.assert_allclose(found, wanted[:2].ravel(), atol=1e-9)
        assert page.execute_script("return geometry.parts(...arguments)", found, shape) == pytest.approx(given)
        back = page.execute_script("return geometry.inverse(arguments[0])", found)
        np.testing.assert_allclose(back, inverse(wanted)[:2].ravel(), atol=1e-9)
        # a point of the section that was seen at p is seen 3 to the right and 2 down, then turned about it
        at = points(inverse(wanted), (100.0, 50.0))
        pushed = page.execute_script("return geometry.pushed(arguments[0], 3, 2)", found)
        there = page.execute_script("return geometry.moved(...arguments)", pushed, [at[0] + 3, at[1] + 2])
        np.testing.assert_allclose(there, (100, 50), atol=1e-9)
        turned = page.execute_script("return geometry.turned(arguments[0], Math.PI / 2, arguments[1])", found, [*at])
        seen = points(inverse(wanted), (110.0, 50.0)) - at  # is turned clockwise: (x, y) -> (-y, x)
        np.testing.assert_allclose(
            page.execute_script("return geometry.moved(...arguments)", turned, [at[0] - seen[1], at[1] + seen[0]]),
            (110, 50), atol=1e-9,
        )  # fmt: skip


@pytest.mark.parametrize("key", [KEYS[0], KEYS[5]])
def test_a_section_is_drawn_where_the_run_aligned_it(page: Any, demo: Lab, key: str) -> None:
    """To a hundredth of a pixel or so; half a pixel would be the halves of pixels forgotten."""
    show(page, key, "alone")
    found, wanted = drawn(page)[..., 0], aligned(demo, key)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).mean() < 3, "JPEG and interpolation"
    assert offset_px(found, wanted) < 0.06
    beside = np.roll(wanted, 1, axis=1) / 2 + wanted / 2
    assert offset_px(found, beside) > 0.3, "what half a pixel would look like"


def test_an_overlay_is_green_and_magenta(page: Any, demo: Lab) -> None:
    show(page, KEYS[3], "overlay", "next")
    found = drawn(page)
    own, other = aligned(demo, KEYS[3]), aligned(demo, KEYS[4])
    for channel, wanted in enumerate((other, own, other)):
        assert np.abs(found[..., channel] - wanted).mean() < 3


def test_a_checkerboard_has_squares_of_both(page: Any, demo: Lab) -> None:
    show(page, KEYS[3], "checkerboard", "previous")
    found, pictures = drawn(page)[..., 0], [aligned(demo, KEYS[2]), aligned(demo, KEYS[3])]
    rows, columns = found.shape
    side = min(rows, columns) / 8
    row, column = np.indices(found.shape)
    which = ((row + 0.5) // side + (column + 0.5) // side) % 2
    wanted = np.where(which == 0, *pictures)
    assert np.abs(found - wanted).mean() < 3
    assert np.abs(found - pictures[0]).mean() > np.abs(found - wanted).mean() + 1, "the two are not the same"


def test_flicker_shows_one_and_then_the_other(page: Any, demo: Lab) -> None:
    page.execute_script("alignment.stage.setSpeed(10)")
    show(page, KEYS[3], "flicker", "next")
    pictures = [aligned(demo, KEYS[3]), aligned(demo, KEYS[4])]
    seen = set()
    for _ in range(200):
        found = drawn(page)[..., 0]
        off = [float(np.abs(found - one).mean()) for one in pictures]
        assert min(off) < 3
        seen.add(int(np.argmin(off)))
        if len(seen) == 2:
            return
    raise AssertionError("it does not flicker")


def test_whoever_may_only_look_sees_it_all_and_has_nothing_to_move(
    open_page: Callable[[str], Any], gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from selenium.webdriver import ActionChains

    from brainstack.review.access import Role

    monkeypatch.setattr(gate, "_visitor", replace(gate._visitor, role=Role.LOOK))
    browser = open_page(ALIGNMENT)
    until(browser, "return typeof alignment !== 'undefined' && alignment.current")
    show(browser, KEY, "overlay")
    browser.get_log("browser")
    ActionChains(browser).send_keys("m", "e", "x", "n", "c").perform()
    until(browser, "return document.getElementById('alignment').dataset.shown.startsWith('slide001_S3 checkerboard')")
    assert browser.get_log("browser") == []
    assert not browser.find_elements("id", "move")


def test_doubtful_sections_come_first_and_the_list_leads_to_a_section(page: Any, client: httpx.Client) -> None:
    page.execute_script("""
      const one = alignment.stack.sections[5];
      Object.assign(one, {verdict: "doubtful", reason: "its pairs do not close"});
      document.getElementById("filter").dispatchEvent(new Event("change"));
    """)
    rows = page.execute_script("return [...document.querySelectorAll('#table tbody tr')].map(row => row.dataset.key)")
    assert rows[:2] == [KEYS[5], KEYS[5]], "and why"
    page.find_element("css selector", f"#table tr[data-key='{KEYS[6]}']").click()
    until(page, "return alignment.current.key === arguments[0]", KEYS[6])
    page.find_element("css selector", "th[data-sort='metric'] button").click()
    metrics = {one["key"]: one["metric"] for one in stack(client)["sections"]}
    rows = page.execute_script("return [...document.querySelectorAll('#table tbody tr')].map(row => row.dataset.key)")
    assert list(dict.fromkeys(rows)) == sorted(KEYS, key=lambda key: metrics[key])


def test_a_section_is_dragged_and_turned_by_its_handle_live_and_let_lie_as_it_was(page: Any) -> None:
    from selenium.webdriver import ActionChains, Keys

    show(page, KEY, "overlay")
    before = drawn(page)
    page.find_element("id", "move").click()
    stage, scale = page.find_element("id", "stage"), page.execute_script("return alignment.stage.stage.scaleX()")
    ActionChains(page).drag_and_drop_by_offset(stage, 30, -18).perform()
    pixel_um = page.execute_script("return alignment.stack.pixel_size_um")
    moved_um = number(page, "right"), number(page, "down")
    assert moved_um == pytest.approx((30 / scale * pixel_um, -18 / scale * pixel_um), abs=0.1)
    x, y = round(30 / scale), round(-18 / scale)
    found = drawn(page)
    np.testing.assert_array_equal(found[..., 0], before[..., 0], "the neighbour stays")
    assert offset_px(found[..., 1], np.roll(before[..., 1], (y, x), (0, 1))) < 0.6, "the section moves"
    handle = page.execute_script("""
      const handle = alignment.stage.stage.find("Circle")[0].getAbsolutePosition(), middle = alignment.stage.middle();
      const box = document.getElementById("stage").getBoundingClientRect();
      const at = alignment.stage.stage.getAbsoluteTransform().point({x: middle[0] + 0.5, y: middle[1] + 0.5});
      return [handle.x - box.width / 2, handle.y - box.height / 2, at.x - handle.x, at.y - handle.y];
    """)
    right, down, to_x, to_y = handle
    length, angle = math.hypot(to_x, to_y), math.radians(10)
    # from straight above the middle, or nearly, to ten degrees clockwise of that
    start = math.atan2(-to_y, -to_x)
    end_x, end_y = to_x + length * math.cos(start + angle), to_y + length * math.sin(start + angle)
    drag = ActionChains(page).move_to_element_with_offset(stage, round(right), round(down)).click_and_hold()
    drag.move_by_offset(round(end_x), round(end_y)).release().perform()
    assert number(page, "rotation") == pytest.approx(10, abs=0.7), "whole pixels of the screen"
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    show(page, KEY, "overlay")
    until(page, "return document.getElementById('save').disabled")
    np.testing.assert_array_equal(drawn(page), before)
    assert edits() == []


def test_a_drag_ends_with_its_section_and_all_of_a_section_is_released_where_another_is_chosen(
    page: Any, client: httpx.Client
) -> None:
    from selenium.webdriver import ActionChains, Keys

    show(page, KEY, "alone")
    page.find_element("id", "move").click()
    stage = page.find_element("id", "stage")
    ActionChains(page).move_to_element(stage).click_and_hold().move_by_offset(20, 0).send_keys(Keys.PAGE_DOWN).perform()
    following = KEYS[KEYS.index(KEY) + 1]
    until(page, "return alignment.current.key === arguments[0]", following)
    shown = "return document.getElementById('alignment').dataset.shown.startsWith(arguments[0])"
    until(page, shown, following)
    ActionChains(page).move_by_offset(10, 0).move_by_offset(10, 0).release().perform()
    assert number(page, "right") == 0, "of the section that was not dragged"
    page.execute_script("alignment.choose(arguments[0])", KEY)
    page.find_element("id", "drop").click()

    given = {"rotation_rad": 0, "shift_x_um": 0, "shift_y_um": 0, "mirrored": False, "seen": ""}
    assert say(client, "place", **given).status_code == 200
    assert say(client, "leave-out", other=following, seen="").status_code == 200
    assert len(edits()) == 2
    page.refresh()
    until(page, "return typeof alignment !== 'undefined' && alignment.current")
    page.execute_script("alignment.choose(arguments[0])", KEY)
    page.execute_script("document.getElementById('release').click(); alignment.choose(arguments[0])", following)
    until(page, "return alignment.stack.edits.length === 0")
    assert (edits(), page.execute_script("return alignment.current.key")) == ([], following)


def test_a_section_is_turned_by_hand_seen_in_the_stack_and_its_web_pictures_follow_the_contrast(
    page: Any, client: httpx.Client, demo: Lab
) -> None:
    """As a person does: chosen, turned and moved by keys, saved, and run. It lies as the page drew it, turned by that
    angle; no other section is aligned again, and all web pictures are made in the range that was set. The section is
    moved by so little that the canvas of aligned sections holds it as before."""
    from selenium.webdriver import ActionChains, Keys

    key = KEYS[5]
    before = aligned(demo, key)
    was = np.array(json.loads(demo.folder.small("transforms").read_text())["matrices"][key])
    show(page, key, "alone")
    page.find_element("id", "move").click()
    page.execute_script("document.getElementById('stage').focus()")
    keys = ActionChains(page)
    keys.key_down(Keys.SHIFT).send_keys("e").key_up(Keys.SHIFT).send_keys("e", Keys.ARROW_RIGHT).perform()
    assert (number(page, "rotation"), number(page, "right")) == pytest.approx((1.1, 20), abs=0.06)
    drew = drawn(page)[..., 0]
    ActionChains(page).send_keys(Keys.ENTER).perform()
    until(page, "return alignment.current.seen")
    last = last_laid(look("DEMO"))
    assert last
    predicted = next_laid(look("DEMO"), last)
    seen = client.get("/DEMO/contrast/1.json").json()["seen"]
    client.post("/DEMO/contrast/1", json={"low": 200, "high": 5000, "seen": seen})

    counted, run = Counted(demo), demo.luigi()
    assert run.returncode == 0, run.stderr
    made = counted.by_stage()

    content = json.loads(demo.folder.small("transforms").read_text())
    assert content["canvas"] == list(predicted.canvas)
    for one, matrix in content["matrices"].items():
        np.testing.assert_allclose(matrix, predicted.matrices[one], atol=1e-9)
    change = inverse(np.array(content["matrices"][key])) @ was  # of what is seen on the canvas
    assert math.degrees(rigid_parts(change, predicted.canvas).rotation_rad) == pytest.approx(1.1, abs=1e-6)
    after = aligned_now(demo, key)
    assert np.abs(after - drew).mean() < 3, "as the page drew it"
    assert offset_px(after, drew) < 0.06
    turned = cv2.warpAffine(before, change[:2], before.shape[::-1])
    assert np.abs(after - turned).mean() < np.abs(after - before).mean() / 2, "turned by that angle"

    assert (made["Web"], made["Alignment"]) == (8, 3), "of the section in three channels, and no other"
    again = {"Transforms", "Alignment", "AlignmentPictures", "Shell", "Web", "NeuroglancerImage", "Downsampling"}
    assert set(made) <= again | {"Report"}
    picture = imagecodecs.png_decode(demo.folder.keyed("web", key, 1, ".png").read_bytes())
    black, white = web_range(look("DEMO"))
    wanted = to_8_bit(read_tiff(demo.folder.keyed("thumbnail_aligned", key, 1)), white, black)
    np.testing.assert_array_equal(picture, wanted)


def number(page: Any, name: str) -> float:
    return float(page.execute_script("return document.getElementById(arguments[0]).value", name))


def aligned_now(demo: Lab, key: str) -> NDArray[np.float64]:
    """As `aligned`, as bright as the page drew it before the contrast was set."""
    white = look("DEMO").settings.gain.target * 65535
    return to_8_bit(read_tiff(demo.folder.keyed("thumbnail_aligned", key, 1)), white).astype(float)
