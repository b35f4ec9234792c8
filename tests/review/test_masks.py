"""The page of masks as its script asks it: what it is told, what is refused, and that what was there stays."""

from __future__ import annotations

import errno
import gzip
import os
import struct
from pathlib import Path
from typing import Any

import httpx
import imagecodecs
import numpy as np
import pytest
from lab import Lab
from review_accounts import make_hashes_quick, site_with_accounts

from brainstack import masking
from brainstack.deciding import Change, change_animal
from brainstack.review.access import Role, TokenGate, Visitor
from brainstack.review.animals import Animals
from brainstack.review.app import make_app
from brainstack.review.asking import Desk
from brainstack.review.masks_page import LARGEST_PNG
from brainstack.review.serving import ReviewServer
from brainstack.stamps import digest

BASE = "/DEMO/masks"
KEYS = [f"slide00{slide}_S{scene}" for slide in (1, 2) for scene in (1, 2, 3, 4)]


def info_of(client: httpx.Client, key: str, page: str = "") -> dict[str, Any]:
    answer = client.get(f"{BASE}/{key}", params={"page": page} if page else {})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def mask_of(client: httpx.Client, key: str) -> np.ndarray:
    return np.asarray(imagecodecs.png_decode(client.get(f"{BASE}/{key}/mask.png").content))


def png(mask: np.ndarray) -> bytes:
    """As a canvas makes it: RGBA."""
    return bytes(imagecodecs.png_encode(np.dstack([mask, mask, mask, np.full_like(mask, 255)])))


def save(client: httpx.Client, key: str, content: bytes, based_on: str | None = None) -> httpx.Response:
    version = info_of(client, key)["version"] if based_on is None else based_on
    return client.put(f"{BASE}/{key}/mask", params={"based_on": version}, content=content)


def take_back(client: httpx.Client, key: str, seen: str | None = None) -> httpx.Response:
    version = info_of(client, key)["version"] if seen is None else seen
    return client.request("DELETE", f"{BASE}/{key}/approval", json={"version": version})


def with_row(mask: np.ndarray, row: int) -> np.ndarray:
    changed = mask.copy()
    changed[row] ^= 255
    return changed


def test_all_sections_are_listed_with_the_states_of_their_masks(client: httpx.Client) -> None:
    rows = client.get(f"{BASE}/states").json()["sections"]
    assert [row["key"] for row in rows] == KEYS
    assert [row["number"] for row in rows] == list(range(8))
    assert {row["word"] for row in rows} <= {"proposal", "doubtful"}


def test_the_page_shows_pictures_masks_and_what_is_known(client: httpx.Client, demo: Lab) -> None:
    info = info_of(client, KEYS[0])
    mask = mask_of(client, KEYS[0])
    assert mask.shape == (info["rows"], info["columns"])
    assert set(np.unique(mask)) == {0, 255}
    assert digest(mask) == info["version"] == info["proposal_version"]
    assert list(info["pictures"]) == ["1", "2", "3"]
    picture = client.get(info["pictures"]["2"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert "immutable" in picture.headers["cache-control"]
    assert imagecodecs.jpeg8_decode(picture.content).shape == mask.shape
    again = client.get(info["pictures"]["2"], headers={"If-None-Match": picture.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_mask_that_is_saved_is_the_one_that_is_shown_then(client: httpx.Client) -> None:
    before, painted = info_of(client, KEYS[0]), with_row(mask_of(client, KEYS[0]), 3)
    answer = save(client, KEYS[0], png(painted))
    assert answer.status_code == 200, answer.text
    np.testing.assert_array_equal(mask_of(client, KEYS[0]), painted)
    after = info_of(client, KEYS[0])
    assert after["version"] == answer.json()["version"] == digest(painted)
    assert (after["word"], after["edited"]) == ("edited", True)
    assert after["made_by"].startswith("anna, ")
    assert after["proposal_version"] == before["version"], "the proposal is kept"
    content = client.get(after["proposal"]).content
    bits = np.unpackbits(np.frombuffer(content, np.uint8, offset=8), count=painted.size).reshape(painted.shape)
    assert struct.unpack_from(">II", content) == painted.shape
    assert digest(bits * np.uint8(255)) == before["version"]
    packed = gzip.compress(content[:8] + np.packbits(painted > 0).tobytes())
    assert save(client, KEYS[0], packed).json()["version"] == after["version"], "as the page sends it"
    gone = client.get(f"{BASE}/{KEYS[0]}/mask.png", params={"v": before["version"]})
    assert gone.status_code == 404, "never other pixels than those of the version"

    answer = client.post(f"{BASE}/{KEYS[0]}/to-proposal", json={"version": after["version"]})
    assert answer.json()["version"] == before["version"]
    assert info_of(client, KEYS[0])["edited"] is False


BAD = {
    "a JPEG": (lambda mask: bytes(imagecodecs.jpeg8_encode(mask)), 422, "is no PNG picture"),
    "nothing": (lambda mask: b"", 422, "is no PNG picture"),
    "half a PNG": (lambda mask: png(mask)[:100], 422, "is no whole PNG picture"),
    "another size": (lambda mask: png(mask[:-1]), 422, "but its section is"),
    "one pixel": (lambda mask: png(np.full((1, 1), 255, np.uint8)), 422, "is 1 x 1 pixels"),
    "one pixel of tissue": (lambda mask: png(_one_pixel(mask)), 422, "has 1 pixel of tissue"),
    "all black": (lambda mask: png(np.zeros_like(mask)), 422, "is all black"),
    "a picture": (lambda mask: png(np.tile(np.linspace(0, 255, mask.shape[1]).astype(np.uint8), (len(mask), 1))), 422,
                  "grey pixels"),
    "a PNG that unpacks to gigabytes": (lambda mask: _bomb(mask), 422, "is 60000 x 60000 pixels"),
    "bits that unpack to gigabytes": (lambda mask: _bits(mask, 1 << 26), 422, "but its section is"),
    "bits of another size": (lambda mask: _bits(mask[1:], mask.size // 8), 422, "but its section is"),
    "half of the bits": (lambda mask: _bits(mask, 90), 422, "but its section is"),
    "damaged bits": (lambda mask: b"\x1f\x8b" + bytes(90), 422, "is damaged"),
    "a giant": (lambda mask: bytes(LARGEST_PNG + 1), 413, "which is more than there can be"),
}  # fmt: skip


def _bits(mask: np.ndarray, count: int) -> bytes:
    """So many bytes that say to be a mask of this shape."""
    return gzip.compress(struct.pack(">II", *mask.shape) + bytes(count))


def _one_pixel(mask: np.ndarray) -> np.ndarray:
    one = np.zeros_like(mask)
    one[5, 5] = 255
    return one


def _bomb(mask: np.ndarray) -> bytes:
    content = png(mask)
    return content[:16] + struct.pack(">II", 60000, 60000) + content[24:]


@pytest.mark.parametrize("name", BAD)
def test_bad_uploads_are_refused_in_a_sentence_and_what_was_there_stays(client: httpx.Client, name: str) -> None:
    make, status, words = BAD[name]
    before = mask_of(client, KEYS[1])
    answer = save(client, KEYS[1], make(before))
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
    np.testing.assert_array_equal(mask_of(client, KEYS[1]), before)


def test_a_giant_that_does_not_say_how_long_it_is_is_refused_too(client: httpx.Client) -> None:
    version = info_of(client, KEYS[1])["version"]
    chunks = (bytes(1 << 20) for _ in range(LARGEST_PNG // (1 << 20) + 2))
    answer = client.put(f"{BASE}/{KEYS[1]}/mask", params={"based_on": version}, content=chunks)
    assert answer.status_code == 413


def test_the_second_of_two_people_is_told_and_nothing_is_overwritten(client: httpx.Client) -> None:
    version, mask = info_of(client, KEYS[2])["version"], mask_of(client, KEYS[2])
    first, second = with_row(mask, 1), with_row(mask, 2)
    assert save(client, KEYS[2], png(first), version).status_code == 200
    answer = save(client, KEYS[2], png(second), version)
    assert answer.status_code == 409
    assert "section 2 was changed meanwhile (anna, 20" in answer.json()["error"]
    np.testing.assert_array_equal(mask_of(client, KEYS[2]), first)
    assert save(client, KEYS[2], png(second), digest(first)).status_code == 200, "put over it, knowing of it"
    old = client.post(f"{BASE}/{KEYS[2]}/to-proposal", json={"version": version})
    assert old.status_code == 409


def test_that_another_tab_has_the_same_section_open_is_said_once(client: httpx.Client) -> None:
    """Whoever has the link is the same person to the server."""
    assert info_of(client, KEYS[3], page="one")["others"] == ""
    other = "Another tab or browser has this section open as well."
    assert info_of(client, KEYS[3], page="two")["others"] == other
    assert info_of(client, KEYS[3], page="three")["others"] == other
    assert info_of(client, KEYS[4], page="two")["others"] == "", "it went to another section"
    assert info_of(client, KEYS[3], page="one")["others"] == other
    assert client.post(f"{BASE}/left", json={"page": "three"}).status_code == 200
    assert info_of(client, KEYS[3], page="one")["others"] == ""


def test_others_who_have_the_same_section_open_are_named_once(demo: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    make_hashes_quick(monkeypatch)
    said = "{} this section open as well.".format
    with site_with_accounts() as site, site.visitor("lena") as lena, site.visitor("emil") as emil:
        assert info_of(lena, KEYS[0], page="a")["others"] == ""
        assert info_of(lena, KEYS[0], page="b")["others"] == said("You, in another tab, have")
        assert info_of(emil, KEYS[0], page="c")["others"] == said("lena has")
        assert info_of(lena, KEYS[0], page="a")["others"] == said("emil and you, in another tab, have")
        assert lena.post(f"{BASE}/left", json={"page": "b"}).status_code == 200, "also by who may only look"
        assert info_of(lena, KEYS[0], page="a")["others"] == said("emil has")


def test_an_approval_is_of_the_mask_that_was_shown(client: httpx.Client) -> None:
    version = info_of(client, KEYS[3])["version"]
    wrong = client.post(f"{BASE}/{KEYS[3]}/approval", json={"version": "another"})
    assert wrong.status_code == 409
    said = client.post(f"{BASE}/{KEYS[3]}/approval", json={"version": version}).json()
    assert (said["word"], said["approved"].split(",")[0]) == ("approved", "anna")
    assert save(client, KEYS[3], png(with_row(mask_of(client, KEYS[3]), 4))).status_code == 200
    changed = info_of(client, KEYS[3])
    assert (changed["word"], changed["approved"], changed["approved_before"].split(",")[0]) == ("edited", "", "anna")
    states = {row["key"]: row for row in client.get(f"{BASE}/states").json()["sections"]}
    assert states[KEYS[3]]["approved"] is False
    said = client.post(f"{BASE}/{KEYS[3]}/approval", json={"version": changed["version"]}).json()
    assert said["approved"]
    wrong = take_back(client, KEYS[3], version)
    assert (wrong.status_code, "nothing was taken back" in wrong.json()["error"]) == (409, True)
    assert info_of(client, KEYS[3])["approved"]
    assert take_back(client, KEYS[3]).json()["approved"] == ""


def test_a_section_that_was_just_dropped_takes_no_mask(client: httpx.Client) -> None:
    mask, version = mask_of(client, KEYS[7]), info_of(client, KEYS[7])["version"]
    change_animal("DEMO", Change(slide=2, scene=4, dropped=True), person="ben")
    try:
        answer = save(client, KEYS[7], png(with_row(mask, 1)), version)
        assert answer.status_code == 404
        assert "it was dropped, or is marked as bad; nothing was changed" in answer.json()["error"]
    finally:
        change_animal("DEMO", Change(slide=2, scene=4, dropped=False), person="ben")
    np.testing.assert_array_equal(mask_of(client, KEYS[7]), mask)


@pytest.mark.parametrize("path", ["../../lock", "..%2F..%2Flock", "slide009_S1", "%2e%2e", "x" * 300])
def test_only_keys_of_sections_lead_to_files(client: httpx.Client, path: str) -> None:
    for what in ("/mask.png", "/picture/1", "/proposal.png", ""):
        assert client.get(f"{BASE}/{path}{what}").status_code == 404
    assert client.get(f"{BASE}/{KEYS[0]}/picture/9").status_code == 404


def test_the_disk_full_is_said_and_the_mask_before_stays(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = mask_of(client, KEYS[5])
    version = save(client, KEYS[5], png(with_row(mask, 2))).json()["version"]

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(masking, "write_tiff", full)
        answer = save(client, KEYS[5], png(with_row(mask, 3)), version)
    assert answer.status_code == 507
    assert "is full, and nothing was changed" in answer.json()["error"]
    np.testing.assert_array_equal(mask_of(client, KEYS[5]), with_row(mask, 2))
    assert save(client, KEYS[5], png(with_row(mask, 3)), version).status_code == 200, "once there is room"


def test_the_database_gone_for_a_minute_loses_nothing(client: httpx.Client, demo: Lab) -> None:
    version = info_of(client, KEYS[6])["version"]
    file, away = demo.root / "brainstack.db", demo.root / "away"
    file.rename(away)
    try:
        answer = client.post(f"{BASE}/{KEYS[6]}/approval", json={"version": version})
        assert 400 <= answer.status_code < 600
        assert answer.json()["error"].endswith(".")
    finally:
        away.replace(file)
    assert client.post(f"{BASE}/{KEYS[6]}/approval", json={"version": version}).status_code == 200
    take_back(client, KEYS[6])


def test_a_stranger_s_page_changes_nothing(client: httpx.Client) -> None:
    version, mask = info_of(client, KEYS[6])["version"], mask_of(client, KEYS[6])
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}, {"X-CSRF-Token": "no"}):
        answer = client.put(f"{BASE}/{KEYS[6]}/mask", params={"based_on": version}, content=png(with_row(mask, 1)),
                            headers=headers)  # fmt: skip
        assert answer.status_code == 403
    assert info_of(client, KEYS[6])["version"] == version


class OnlyLooking(TokenGate):
    def visitor(self, session: str) -> Visitor | None:
        found = super().visitor(session)
        return found and Visitor(found.person, Role.LOOK, found.csrf)


def test_who_may_only_look_cannot_change_a_mask(demo: Lab, tmp_path: Path) -> None:
    gate = OnlyLooking("lena")
    with ReviewServer() as server:
        server.start(make_app(Desk(Animals(["DEMO"]), gate, cookie="looking")))
        with httpx.Client(base_url=server.url, follow_redirects=True, timeout=60, trust_env=False) as looking:
            page = looking.get(BASE, params={"token": gate.token})
            assert 'id="approve"' not in page.text
            looking.headers["X-CSRF-Token"] = gate.visitor(looking.cookies["looking"]).csrf
            mask = mask_of(looking, KEYS[6])
            answers = [
                save(looking, KEYS[6], png(with_row(mask, 1))),
                looking.post(f"{BASE}/{KEYS[6]}/approval", json={"version": digest(mask)}),
                take_back(looking, KEYS[6]),
                looking.post(f"{BASE}/{KEYS[6]}/to-proposal", json={"version": digest(mask)}),
            ]
            assert {answer.status_code for answer in answers} == {403}
            np.testing.assert_array_equal(mask_of(looking, KEYS[6]), mask)
