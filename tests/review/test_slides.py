"""The page of slides, and the overview, as their server answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from lab import Lab
from review_accounts import wait_for

from brainstack.database import open_database
from brainstack.decided_before import DecidedMeanwhileError
from brainstack.deciding import Change, change_animal, undo_decision
from brainstack.planning import write_failed
from brainstack.review import slide_pictures, slides_kept, slides_page
from brainstack.stamps import Step

NOW, DECIDE, PLACE, UNDO = (f"/DEMO/slides/{name}" for name in ("now", "decide", "place", "undo"))


@pytest.fixture(autouse=True)
def nothing_decided(demo: Lab) -> Iterator[None]:
    """Each test finds the animal as it was."""
    yield
    with open_database(demo.url) as database:
        decided = [one.number for one in database.decided("DEMO") if not one.undone]
    for number in reversed(decided):
        with open_database(demo.url) as database:
            is_in_force = any(one.number == number and not one.undone for one in database.decided("DEMO"))
        if is_in_force:
            undo_decision("DEMO", number=number)


def scene_in(state: dict[str, Any], key: str) -> dict[str, Any]:
    return next(one for slide in state["slides"] for one in slide["scenes"] if one["key"] == key)


def keys_in(state: dict[str, Any]) -> list[str]:
    return [one["key"] for one in state["slots"]]


def say(client: httpx.Client, scene: int, *, slide: int = 1, **says: Any) -> httpx.Response:
    """As the page does: with the version that it sees."""
    state = client.get(NOW).json()
    seen = scene_in(state, f"slide{slide:03d}_S{scene}")["version"] if scene else state["slides"][slide - 1]["version"]
    body = {"slide": slide, "rescan": 1, "scene": scene, "seen": seen} | says
    return client.post(DECIDE, json=body)


def test_the_page_has_all_slides_with_their_pictures_and_the_stack_as_it_will_be(client: httpx.Client) -> None:
    assert 'id="state"' in client.get("/DEMO/slides", headers={"Accept": "text/html"}).text
    state = client.get(NOW).json()
    assert [(one["number"], len(one["scenes"])) for one in state["slides"]] == [(1, 4), (2, 4)]
    assert keys_in(state) == [f"slide00{slide}_S{scene}" for slide in (1, 2) for scene in (1, 2, 3, 4)]
    assert [one["z_um"] for one in state["slots"][:3]] == [0, state["thickness_um"], 2 * state["thickness_um"]]
    for slide in state["slides"]:
        for address in (slide["label"], slide["preview"], *(one["pictures"][0] for one in slide["scenes"])):
            answer = client.get(address)
            assert answer.headers["content-type"] == "image/jpeg"
            assert "immutable" in answer.headers["cache-control"]


def test_a_picture_is_the_scene_s_made_small(client: httpx.Client, demo: Lab) -> None:
    address = scene_in(client.get(NOW).json(), "slide001_S2")["pictures"][0]
    whole = cv2.imread(str(next(demo.folder.scene_picture("x").parent.glob("*slide001_S2_C1.png"))), 0)
    small = cv2.imdecode(np.frombuffer(client.get(address).content, np.uint8), 0)
    assert max(small.shape) == 260
    expected = cv2.resize(whole, small.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).mean() < 3  # JPEG's


@pytest.mark.parametrize("name", ["x", "..%2f..%2fsettings", "DEMO_ID_0001_slide001_S9_C1", "%00"])
def test_what_is_no_picture_of_the_animal_is_not_given_out(client: httpx.Client, name: str) -> None:
    assert client.get(f"/DEMO/slides/picture/{name}").status_code == 404


def test_a_link_that_leads_elsewhere_is_no_picture(client: httpx.Client, demo: Lab) -> None:
    link = demo.folder.scene_picture("secret.tif")
    link.symlink_to(demo.folder.slide_label("DEMO_ID_0001_slide001"))
    assert client.get("/DEMO/slides/picture/secret").status_code == 404
    link.unlink()


@pytest.mark.parametrize(
    ("verdict", "slots", "gap"),
    [("bad", 8, True), ("out of focus", 8, True), ("end", 7, None), ("dropped", 7, None), ("good", 8, False)],
)
def test_a_verdict_changes_the_stack_that_will_be(
    client: httpx.Client, verdict: str, slots: int, gap: bool | None
) -> None:
    state = say(client, 2, verdict=verdict, reason="folded").json()
    assert scene_in(state, "slide001_S2")["verdict"] == verdict
    assert len(state["slots"]) == slots
    found = [one["gap"] for one in state["slots"] if one["key"] == "slide001_S2"]
    assert found == ([] if gap is None else [gap])
    assert [one["number"] for one in state["slots"]] == list(range(slots))


def test_an_answer_brings_what_changed_to_a_page_that_says_what_it_has(client: httpx.Client) -> None:
    known = [one["tag"] for one in client.get(NOW).json()["slides"]]
    brief = say(client, 2, verdict="dropped", known=known).json()
    state = client.get(NOW).json()
    assert brief["slides"] == [state["slides"][0], known[1]]
    assert known[1] == state["slides"][1]["tag"] != state["slides"][0]["tag"]
    assert brief["slots"] == [list(one.values()) for one in state["slots"]]
    assert list(state["slots"][0]) == ["key", "number", "z_um", "gap", "copy", "scene"], "as slides.js names them"
    assert {name: brief[name] for name in ("animal", "channels", "undo", "thickness_um")} == {
        name: state[name] for name in ("animal", "channels", "undo", "thickness_um")
    }


def test_a_reason_is_kept_with_who_said_it(client: httpx.Client) -> None:
    scene = scene_in(say(client, 2, verdict="bad", reason="  folded ").json(), "slide001_S2")
    assert (scene["reason"], scene["by"].split(",")[0]) == ("folded", "anna")
    assert scene_in(say(client, 2, verdict="bad", reason="torn").json(), "slide001_S2")["reason"] == "torn"


def test_a_dropped_scene_is_shown_still_and_comes_back(client: httpx.Client) -> None:
    dropped = say(client, 2, verdict="dropped").json()
    assert scene_in(dropped, "slide001_S2")["verdict"] == "dropped"
    assert "slide001_S2" in keys_in(say(client, 2, verdict="kept").json())


def test_copies_gaps_and_the_neighbours_that_fill_them(client: httpx.Client) -> None:
    copied = say(client, 2, copies=2).json()
    assert keys_in(copied)[1:4] == ["slide001_S2", "slide001_S2_copy1", "slide001_S2_copy2"]
    filled = say(client, 2, verdict="bad", copies=1).json()
    assert keys_in(filled)[:3] == ["slide001_S1", "slide001_S1_copy1", "slide001_S3"]
    gap = say(client, 2, copies=0).json()
    assert [one["gap"] for one in gap["slots"][:3]] == [False, True, False]


def test_one_scene_is_turned_and_all_others_with_the_animal(client: httpx.Client) -> None:
    say(client, 2, rotation=1, flip="flop")
    version = client.get(NOW).json()["animal"]["version"]
    state = client.post(DECIDE, json={"slide": 0, "rotation": 2, "flip": "none", "seen": version}).json()
    turns = {one["key"]: (one["rotation"], one["flip"]) for slide in state["slides"] for one in slide["scenes"]}
    assert turns.pop("slide001_S2") == (1, "flop")
    assert set(turns.values()) == {(2, "none")}
    assert scene_in(say(client, 2, as_animal=True).json(), "slide001_S2")["rotation"] == 2


def test_a_section_is_put_on_its_slide_and_elsewhere(client: httpx.Client) -> None:
    def place(key: str, after: str) -> list[str]:
        state = client.get(NOW).json()
        seen = {"seen": scene_in(state, key)["version"], "seen_slide": state["slides"][int(key[7]) - 1]["version"]}
        answer = client.post(PLACE, json={"key": key, "after": after, **seen})
        assert answer.status_code == 200, answer.text
        return keys_in(answer.json())

    assert place("slide001_S4", "")[:2] == ["slide001_S4", "slide001_S1"]
    assert place("slide001_S1", "slide002_S2")[4:7] == ["slide002_S2", "slide001_S1", "slide002_S3"]
    assert keys_in(say(client, 1, moved_after="").json())[:2] == ["slide001_S4", "slide001_S1"]
    assert keys_in(say(client, 0, scene_order="1,2,3,4").json())[:2] == ["slide001_S1", "slide001_S2"]


def test_what_this_person_did_last_is_taken_back_and_named(client: httpx.Client) -> None:
    change_animal("DEMO", Change(slide=2, scene=1, qc=2), person="ben")
    state = say(client, 2, verdict="bad", copies=1).json()
    assert state["undo"]["words"].startswith("slide 1, scene 2: ")
    change_animal("DEMO", Change(slide=2, scene=2, qc=2), person="ben")
    back = client.post(UNDO, json={"number": state["undo"]["number"]}).json()
    assert "slide 1, scene 2: verdict bad -> good" in back["said"]
    assert back["places"] == [[1, 1, 2]] * 2  # the verdict and the copies, which were said at once
    assert scene_in(back, "slide001_S2")["copies"] == 0
    assert [scene_in(back, f"slide002_S{scene}")["verdict"] for scene in (1, 2)] == ["bad", "bad"]
    assert back["undo"] is None
    again = client.post(UNDO, json={"number": state["undo"]["number"]})
    assert again.status_code == 409
    assert "undone already" in again.json()["error"]


def test_the_second_of_two_people_is_told_and_overwrites_nothing(client: httpx.Client) -> None:
    seen = scene_in(client.get(NOW).json(), "slide001_S2")["version"]
    change_animal("DEMO", Change(slide=1, scene=2, qc=1), person="ben")
    answer = client.post(DECIDE, json={"slide": 1, "rescan": 1, "scene": 2, "verdict": "bad", "seen": seen})
    assert answer.status_code == 409
    assert "ben changed verdict from good to out of focus at" in answer.json()["error"]
    assert scene_in(client.get(NOW).json(), "slide001_S2")["verdict"] == "out of focus"


def test_who_moves_a_scene_while_another_is_being_moved_is_told(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ben's order of the slide is there after Anna's page was looked at, and before hers is written."""
    state = client.get(NOW).json()
    seen = {"seen": scene_in(state, "slide001_S4")["version"], "seen_slide": state["slides"][0]["version"]}
    find = slides_page.moved_behind

    def and_then(*asked: Any) -> Any:
        found = find(*asked)
        change_animal("DEMO", Change(slide=1, scene_order="2,1,3,4"), person="ben")
        return found

    monkeypatch.setattr(slides_page, "moved_behind", and_then)
    answer = client.post(PLACE, json={"key": "slide001_S4", "after": "slide001_S1", **seen})
    assert answer.status_code == 409
    assert "ben changed scene_order" in answer.json()["error"]
    assert keys_in(client.get(NOW).json())[:4] == [f"slide001_S{scene}" for scene in (2, 1, 3, 4)]
    change = Change(slide=1, rescan=1, scene=4, scene_order="1,4,2,3", moved_after="")
    with pytest.raises(DecidedMeanwhileError, match="ben changed scene_order"):  # the scene itself is as it was seen
        change_animal("DEMO", change, seen="0.0", seen_slide=seen["seen_slide"])


def test_an_edit_to_what_was_dropped_meanwhile_is_refused(client: httpx.Client) -> None:
    state = client.get(NOW).json()
    change_animal("DEMO", Change(slide=1, scene=2, dropped=True), person="ben")
    version = scene_in(state, "slide001_S2")["version"]
    answer = client.post(DECIDE, json={"slide": 1, "rescan": 1, "scene": 2, "copies": 1, "seen": version})
    assert answer.status_code == 409
    assert "ben changed verdict from good to dropped" in answer.json()["error"]
    moved = client.post(PLACE, json={"key": "slide001_S2", "after": "", "seen": version, "seen_slide": ""})
    assert moved.status_code == 404
    assert "no section 'slide001_S2'" in moved.json()["error"]
    gone = client.post(DECIDE, json={"slide": 1, "rescan": 1, "scene": 9, "verdict": "bad", "seen": "0.0"})
    assert gone.status_code == 404
    assert "no scene 9" in gone.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        {"slide": 1, "scene": 2, "verdict": "awful"},
        {"slide": 1, "scene": 2, "copies": 21, "seen": "0.0", "rescan": 1},
        {"slide": 1, "scene": 2, "copies": -1},
        {"slide": 1, "scene": 2, "rotation": 4},
        {"slide": 1, "scene": 2, "rotation": float("inf")},
        {"slide": 1, "scene": 2, "moved_after": "slide001_S1"},
        {"slide": 1, "scene": 2},
        {"slide": 1, "scene": 2, "verdict": "bad", "reason": "x" * 501},
        {"slide": 1, "rescan": 1, "seen": "0.0", "scene_order": "1,2"},
        {"slide": 0},
        {"strange": 1},
        [],
    ],
)
def test_what_makes_no_sense_changes_nothing_and_says_so(client: httpx.Client, body: Any) -> None:
    before = client.get(NOW).json()
    answer = client.post(DECIDE, content=str(body).replace("'", '"').replace("inf", "1e999").encode())
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert client.get(NOW).json() == before


def test_a_slide_scanned_again_is_beside_the_first_and_either_can_be_used(client: httpx.Client, demo: Lab) -> None:
    first = demo.folder.czi / "DEMO_ID_0001_slide001.czi"
    again = first.with_name("DEMO_ID_0001_slide001_rescan2.czi")
    shutil.copy(first, again)
    unread = client.get(NOW).json()["slides"][1]
    assert (unread["rescan"], unread["in_use"], unread["scenes"]) == (2, False, [])
    assert "was not read yet" in unread["trouble"]
    write_failed(demo.folder, {Step("Meta", 0, again.stem): "Its directory is damaged."})
    assert "could not be read: Its directory is damaged." in client.get(NOW).json()["slides"][1]["trouble"]
    demo.folder.failed.unlink()
    again.unlink()


def test_scenes_scanned_in_another_order_than_they_lie_are_asked_about(client: httpx.Client, demo: Lab) -> None:
    from sqlalchemy import text

    from brainstack.database.engine import engine_for

    def swap() -> None:
        with engine_for(demo.url) as engine, engine.begin() as connection:
            connection.execute(text("UPDATE slide_czi_to_tif SET x = -x WHERE slide_id = 1"))

    swap()
    (notice,) = client.get(NOW).json()["slides"][0]["notices"]
    assert "in the order 1, 2, 3, 4, but row by row from the left they lie in the order 2, 1, 4, 3" in notice["words"]
    scan, lying = notice["choices"]
    assert "1 slide with something to settle" in client.get("/DEMO/overview/summary").text
    assert keys_in(say(client, 0, **lying["says"]).json())[:2] == ["slide001_S2", "slide001_S1"]
    assert client.get(NOW).json()["slides"][0]["notices"] == []
    assert keys_in(say(client, 0, **scan["says"]).json())[:2] == ["slide001_S1", "slide001_S2"]
    swap()


def test_a_slide_is_marked_as_bad_as_a_whole(client: httpx.Client) -> None:
    state = say(client, 0, status="Bad").json()
    assert [one["gap"] for one in state["slots"]] == [True] * 4 + [False] * 4


def test_the_overview_says_what_there_is_and_what_needs_a_person(client: httpx.Client) -> None:
    say(client, 2, verdict="bad")
    page = client.get("/DEMO", headers={"Accept": "text/html"}).text
    assert "2 slides, 8 scenes: 1 bad" in page
    cards = client.get("/DEMO/overview/cards").text
    for words in ("8 sections, 1 gap", "0 of 7 masks approved", "nothing noted", "steps are done"):
        assert words in cards
    assert client.get("/", headers={"Accept": "text/html"}).url.path == "/DEMO"  # there is only one


def test_pictures_of_the_first_slides_are_made_before_somebody_opens_their_page(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(slides_kept, "small_pictures", slide_pictures.SmallPictures())
    monkeypatch.setattr(slides_page, "small_pictures", slides_kept.small_pictures)
    monkeypatch.setattr(slides_kept, "_animals", {})
    whole = slide_pictures.read_picture
    monkeypatch.setattr(slide_pictures, "read_picture", lambda path: (read.append(path.name), whole(path))[1])

    for _ in range(2):
        client.get("/DEMO/overview/cards").raise_for_status()
    wait_for(lambda: len(read) == 12)  # of two slides: the label, the preview, and a picture of each scene
    state = client.get(NOW).json()
    for slide in state["slides"]:
        for address in (slide["label"], slide["preview"], *(one["pictures"][0] for one in slide["scenes"])):
            client.get(address).raise_for_status()
    assert len(read) == len(set(read)) == 12


def test_whoever_may_only_look_changes_nothing(
    client: httpx.Client, gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from brainstack.review.access import Role

    monkeypatch.setattr(gate, "_visitor", replace(gate._visitor, role=Role.LOOK))
    assert client.get(NOW).status_code == 200
    assert say(client, 2, verdict="bad").status_code == 403
    assert client.post(UNDO, json={"number": 1}).status_code == 403
    assert client.post(PLACE, json={"key": "slide001_S2", "after": ""}).status_code == 403
    assert scene_in(client.get(NOW).json(), "slide001_S2")["verdict"] == "good"
