"""The database is gone for a while: the page keeps what it could not save, says so, and saves it when it is back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mariadb_server
import pytest
from review_accounts import Site, make_hashes_quick, site_with_accounts, wait_for
from waiting_in_browser import offline

from brainstack.database import create_or_upgrade, open_database
from brainstack.records import Animal, Histology, ScanRun
from brainstack.review import access


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    make_hashes_quick(monkeypatch)
    monkeypatch.setattr(access, "KNOWN_S", 0.0)


def add_animal(url: str, root: Path) -> None:
    """Its only slide was not read yet."""
    (root / "DK39" / "czi").mkdir(parents=True)
    (root / "DK39" / "czi" / "DK39_slide001.czi").write_bytes(bytes(1000))
    create_or_upgrade(url)
    with open_database(url) as database:
        database.add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "/scans"))


def open_as_ruth(site: Site, browser: Any, path: str) -> None:
    """A page, in a browser that has her session."""
    with site.visitor("ruth") as ruth:
        session = ruth.cookies[site.desk.cookie]
    browser.get(f"{site.address}/static/icon.svg")
    browser.delete_all_cookies()
    browser.add_cookie({"name": site.desk.cookie, "value": session, "httpOnly": True})
    browser.get(f"{site.address}{path}")


def notes(url: str) -> list[str]:
    with open_database(url) as database:
        return [one.entry for one in database.notes("DK39")]


@pytest.fixture
def on_sqlite(data_root: Path) -> Iterator[tuple[Site, str]]:
    url = f"sqlite:///{data_root / 'brainstack.db'}"
    add_animal(url, data_root)
    with site_with_accounts() as site:
        yield site, url


def test_a_file_that_is_gone_is_not_made_anew(on_sqlite: tuple[Site, str], data_root: Path, tmp_path: Path) -> None:
    """A command would make a database with nothing in it, and all would go on in that one."""
    site, url = on_sqlite
    with site.visitor("ruth") as ruth:
        shutil.move(data_root / "brainstack.db", tmp_path / "elsewhere")
        for said in (
            ruth.get("/DK39/run"),
            ruth.post("/DK39/problems", json={"entry": "torn"}),
            ruth.get("/tables/animal/list"),
            ruth.get("/login"),
        ):
            assert said.status_code == 503
            assert "is not there any more; put it back" in said.json()["error"]
            assert int(said.headers["Retry-After"]) > 0
        assert not (data_root / "brainstack.db").exists()
        shutil.move(tmp_path / "elsewhere", data_root / "brainstack.db")
        saved = ruth.post("/DK39/problems", json={"entry": "torn"})
        assert saved.is_success, saved.text
        assert ruth.get("/tables/animal/list").status_code == 200
    assert notes(url) == ["torn"]


@pytest.mark.browser
def test_a_page_keeps_its_change_until_the_database_is_back(
    on_sqlite: tuple[Site, str], data_root: Path, tmp_path: Path, browser: Any
) -> None:
    site, url = on_sqlite
    seen = changed_while_gone(
        site, browser,
        lambda: shutil.move(data_root / "brainstack.db", tmp_path / "elsewhere"),
        lambda: shutil.move(tmp_path / "elsewhere", data_root / "brainstack.db"),
    )  # fmt: skip
    assert "is not there any more" in seen
    assert notes(url) == ["torn at the edge"]


@pytest.mark.browser
def test_a_part_that_could_not_be_fetched_comes_when_the_database_is_back(
    on_sqlite: tuple[Site, str], data_root: Path, tmp_path: Path, browser: Any
) -> None:
    """The page asks again by itself, and takes back what it complained of."""
    site, _ = on_sqlite
    open_as_ruth(site, browser, "/DK39/run")
    wait_for(lambda: "looking" not in (browser.find_element("id", "next-run").text or "looking"))
    shutil.move(data_root / "brainstack.db", tmp_path / "elsewhere")
    browser.execute_script(
        "document.getElementById('next-run').textContent = ''; document.body.dispatchEvent(new Event('stale'))"
    )
    wait_for(lambda: "is not there any more" in browser.find_element("id", "trouble").text)
    shutil.move(tmp_path / "elsewhere", data_root / "brainstack.db")
    wait_for(lambda: browser.find_element("id", "next-run").text != "")
    wait_for(lambda: browser.find_element("id", "trouble").text == "")


POLLS = """
window.asked = {whole: 0, part: 0};
document.body.addEventListener('htmx:sendError', event => {
  window.asked[event.detail.elt.id === 'next-run' ? 'whole' : 'part'] += 1;
});
const whole = document.getElementById('next-run');
whole.innerHTML = '<span hx-get="/DK39/next-run" hx-trigger="every 200ms" hx-target="#next-run">looking</span>';
htmx.process(whole);
"""


@pytest.mark.browser
def test_a_part_that_polls_while_the_server_is_away_wakes_no_other(on_sqlite: tuple[Site, str], browser: Any) -> None:
    """Else each question that fails would begin another round, and a page that stays open over night would ask hundreds
    of times a second."""
    site, _ = on_sqlite
    open_as_ruth(site, browser, "/DK39/problems")
    wait_for(lambda: "looking" not in (browser.find_element("id", "next-run").text or "looking"))
    with offline(browser):
        browser.execute_script(POLLS)
        wait_for(lambda: browser.execute_script("return window.asked.part") >= 30)  # 6 s: twice the time to "again"
        assert browser.execute_script("return window.asked.whole") == 0
    wait_for(lambda: "looking" not in browser.find_element("id", "next-run").text)
    wait_for(lambda: browser.find_element("id", "trouble").text == "")


def changed_while_gone(site: Site, browser: Any, go: Callable[[], Any], come: Callable[[], Any]) -> str:
    """A person changes something while the database is gone. Returns what they read before it came back."""
    open_as_ruth(site, browser, "/account")
    go()
    browser.execute_script(
        "window.saved = null; review.change('POST', '/DK39/problems', {entry: 'torn at the edge'})"
        ".then(() => { window.saved = true; }, () => { window.saved = false; })"
    )
    wait_for(lambda: "Not saved yet" in browser.find_element("id", "saving").text)
    said = str(browser.find_element("id", "trouble").text)
    assert "sent again until it is saved" in said
    assert browser.execute_script("return window.saved") is None
    come()
    wait_for(lambda: browser.execute_script("return window.saved") is True)
    assert browser.find_element("id", "saving").text == "Saved"
    assert browser.find_element("id", "trouble").text == ""
    return said


@pytest.mark.browser
def test_a_server_that_is_stopped_and_started_loses_nothing(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch, browser: Any
) -> None:
    """A MariaDB of this test's own."""
    if reason := mariadb_server.why_not():
        pytest.skip(reason)
    monkeypatch.setenv("HOME", str(tmp_path))  # nobody's my.cnf
    (tmp_path / "server").mkdir()
    server = mariadb_server.start(tmp_path / "server")
    try:
        server.sql("CREATE DATABASE brains")
        url = server.url("brains")
        monkeypatch.setenv("BRAINSTACK_DATABASE_URL", url)
        add_animal(url, data_root)
        monkeypatch.setattr(mariadb_server, "_free_port", lambda: server.port)

        def come_back() -> None:
            nonlocal server
            server = mariadb_server.start(tmp_path / "server")

        with site_with_accounts() as site:
            with site.visitor("ruth") as ruth:
                assert ruth.get("/DK39/run").status_code in (200, 422)
            said = changed_while_gone(site, browser, lambda: mariadb_server.stop(server), come_back)
            assert "cannot be reached" in said or "broke off" in said
        assert notes(url) == ["torn at the edge"]
    finally:
        mariadb_server.stop(server)
