"""Logging in: passwords, sessions, how often somebody may try, and what is told to strangers."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from review_accounts import PASSWORD, Site, log_in, make_hashes_quick, site_with_accounts
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from brainstack import passwords, reviewing
from brainstack.cli import app
from brainstack.database import DatabaseUnavailable, create_or_upgrade
from brainstack.database.trouble import readable_errors
from brainstack.errors import BrainstackError
from brainstack.review import access
from brainstack.review.account_pages import local_path
from brainstack.review.tries import MOST_OF_ADDRESS, MOST_OF_NAME_AND_ADDRESS, WITHIN_S, TooManyTriesError, Tries

COSTS = passwords.PasswordHasher()


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    make_hashes_quick(monkeypatch)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing in it."""
    file = tmp_path_factory.mktemp("template") / "brainstack.db"
    create_or_upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def site(template: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    shutil.copy(template, data_root)
    monkeypatch.setattr(access, "KNOWN_S", 0.0)
    with site_with_accounts() as site:
        yield site


def test_a_password_is_known_by_its_hash_alone() -> None:
    kept = passwords.hash_password(PASSWORD)
    assert PASSWORD not in kept
    assert kept.startswith("$argon2id$")
    assert kept != passwords.hash_password(PASSWORD), "each has a salt of its own"
    assert passwords.is_password(PASSWORD, kept)
    assert not passwords.is_password(PASSWORD + "x", kept)
    assert not passwords.is_password(PASSWORD, None)
    assert not passwords.is_password("of nobody", None), "what stands in for a name that nobody has lets nobody in"
    assert not passwords.needs_new_hash(kept)
    assert passwords.needs_new_hash(passwords.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD))
    assert COSTS.memory_cost >= 19 * 1024, "KiB: the least that is advised for Argon2id"
    assert COSTS.time_cost >= 2
    with pytest.raises(BrainstackError, match="has 5 letters; wanted 10 to 500"):
        passwords.hash_password("short")


def test_a_person_logs_in_and_out(site: Site) -> None:
    with site.visitor() as browser:
        assert browser.get("/account", headers={"Accept": "text/html"}).headers["Location"] == "/login?next=/account"
        entered = log_in(browser, "lena", PASSWORD, "/account")
        assert (entered.status_code, entered.headers["Location"]) == (303, "/account")
        cookie = next(one for one in entered.headers.get_list("Set-Cookie") if one.startswith(f"{site.desk.cookie}="))
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert "max-age" not in cookie.lower()
        page = browser.get("/account", headers={"Accept": "text/html"}).text
        assert "lena (look)" in page

        session = browser.cookies[site.desk.cookie]
        csrf = site.gate.visitor(session)
        assert csrf
        assert browser.post("/logout", headers={"X-CSRF-Token": "0" * 64}).status_code == 403
        assert browser.post("/logout", data={"csrf": csrf.csrf}).headers["Location"] == "/login"
        browser.cookies.set(site.desk.cookie, session)
        assert browser.get("/account").status_code == 401, "a session that ended is of no use to whoever has kept it"


def test_what_a_page_sends_holds_after_a_new_start_and_a_new_login(site: Site) -> None:
    word = site.gate.visitor(reviewing.begin_session("ruth"))
    again = access.AccountGate().visitor(reviewing.begin_session("ruth"))
    other = site.gate.visitor(reviewing.begin_session("emil"))
    assert word
    assert again
    assert other
    assert word.csrf == again.csrf != other.csrf
    reviewing.change_password("ruth", "another long word")
    changed = site.gate.visitor(reviewing.begin_session("ruth"))
    assert changed
    assert changed.csrf != word.csrf


def test_the_database_holds_no_session_and_no_password(site: Site, data_root: Path) -> None:
    session = reviewing.begin_session("ruth")
    content = (data_root / "brainstack.db").read_bytes()
    assert b"$argon2id$" in content
    assert session.encode() not in content
    assert PASSWORD.encode() not in content


def test_strangers_hear_the_same_of_a_wrong_name_and_a_wrong_password(site: Site) -> None:
    with site.visitor() as browser:
        wrong = [log_in(browser, name, "not the password") for name in ("lena", "nobody")]
    assert [one.status_code for one in wrong] == [403, 403]
    texts = [one.text.replace('value="lena"', "").replace('value="nobody"', "") for one in wrong]
    assert texts[0] == texts[1]
    assert "Name or password are wrong" in texts[0]


def test_the_login_form_of_another_site_is_refused(site: Site) -> None:
    fields = {"name": "lena", "password": PASSWORD, "next": "/"}
    with site.visitor() as browser:
        assert browser.post("/login", data=fields).status_code == 403, "without the word that came with the form"
        assert browser.post("/login", data=fields | {"csrf": "0" * 64}).status_code == 403
        evil = log_in(browser, "lena", PASSWORD, Origin="https://evil.example")
        assert evil.status_code == 403
        assert "page of another site" in evil.text
        assert log_in(browser, "lena", PASSWORD, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert site.desk.cookie not in browser.cookies


def test_who_tries_too_often_waits_and_others_do_not(site: Site) -> None:
    with site.visitor() as browser:
        for _ in range(MOST_OF_NAME_AND_ADDRESS):
            assert log_in(browser, "lena", "not the password").status_code == 403
        refused = log_in(browser, "lena", PASSWORD)
        assert refused.status_code == 429
        assert "try again in 15 minutes" in refused.text
        assert 0 < int(refused.headers["Retry-After"]) <= WITHIN_S + 1
        assert log_in(browser, "emil", PASSWORD).status_code == 303


def test_tries_are_counted_by_name_and_address_and_forgotten() -> None:
    now = [0.0]
    tries = Tries(lambda: now[0])

    def wrong(name: str, address: str) -> None:
        with tries.one(name, address) as outcome:
            outcome.is_right = False

    for _ in range(3 * MOST_OF_NAME_AND_ADDRESS):
        with pytest.raises(DatabaseUnavailable), tries.one("anna", "here"):
            raise DatabaseUnavailable("The server is away.")
    for _ in range(MOST_OF_NAME_AND_ADDRESS):
        wrong("anna", "here")
    with pytest.raises(TooManyTriesError):
        wrong("ANNA", "here")
    wrong("anna", "there")
    for number in range(MOST_OF_ADDRESS - MOST_OF_NAME_AND_ADDRESS):
        wrong(f"name {number}", "here")
    with pytest.raises(TooManyTriesError):
        wrong("somebody else", "here")
    now[0] = WITHIN_S + 1
    for _ in range(3 * MOST_OF_NAME_AND_ADDRESS):
        with tries.one("anna", "here") as outcome:
            outcome.is_right = True


def test_another_password_or_none_ends_all_sessions(site: Site) -> None:
    with site.visitor("lena") as first, site.visitor("lena") as second:
        fields = {"old": PASSWORD, "new": "another long word", "again": "another long word"}
        assert first.post("/account", data=fields | {"old": "wrong"}).status_code == 422
        assert first.post("/account", data=fields | {"again": "other"}).status_code == 422
        assert second.get("/account").status_code == 200
        changed = first.post("/account", data=fields)
        assert changed.status_code == 303
        assert second.get("/account").status_code == 401
        assert first.get("/account").status_code == 200, "whoever changed it goes on"
        reviewing.set_role("lena", "run")
        assert "lena (run)" in first.get("/account").text
        reviewing.remove_reviewer("lena")
        assert first.get("/account").status_code == 401
        assert log_in(first, "lena", "another long word").status_code == 403


def test_a_session_goes_on_by_use_and_ends_without(site: Site, data_root: Path) -> None:
    with site.visitor("lena") as browser, sqlite3.connect(data_root / "brainstack.db") as database:
        ends = "SELECT expires FROM review_session"
        database.execute("UPDATE review_session SET expires = datetime('now', '+2 hours')")
        database.commit()
        ((before,),) = database.execute(ends).fetchall()
        assert browser.get("/account").status_code == 200
        ((after,),) = database.execute(ends).fetchall()
        assert after > before
        database.execute("UPDATE review_session SET expires = datetime('now', '-1 seconds')")
        database.commit()
        assert browser.get("/account").status_code == 401
        database.execute(
            "UPDATE review_session SET created = datetime('now', '-7 days', '-1 hours'), "
            "expires = datetime('now', '+1 seconds')"
        )
        database.commit()
        browser.get("/account")
        ((latest,),) = database.execute(ends).fetchall()
        assert latest < after, "use does not lengthen it for ever"
    database.close()


def test_where_the_disk_of_the_database_is_full_people_look_on_and_log_out(
    site: Site, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session is to be prolonged, which cannot be written."""
    with site.visitor("lena") as browser, closing(sqlite3.connect(data_root / "brainstack.db")) as database:
        database.execute("UPDATE review_session SET expires = datetime('now', '+2 hours')")
        database.commit()

        def full(*_: object) -> None:
            with readable_errors("brainstack.db"):
                raise OperationalError("UPDATE ...", {}, sqlite3.OperationalError("database or disk is full"))

        monkeypatch.setattr(reviewing, "run_in_transaction", full)
        assert browser.get("/account").status_code == 200
        session = browser.cookies.get(site.desk.cookie)
        with site.visitor() as stranger:
            refused = log_in(stranger, "lena", PASSWORD)
            assert refused.status_code == 507
            assert "the disk is full. Free some space, then try again" in refused.text
        left = browser.post("/logout")
        assert left.status_code == 303
        assert "Max-Age=0" in left.headers["Set-Cookie"]
        browser.cookies.set(site.desk.cookie, str(session))
        assert browser.get("/account").status_code == 401


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/DK39/slides", "/DK39/slides"),
        ("/DK39/slides?section=3", "/DK39/slides?section=3"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\tevil", "/"),
        ("/a\r\nSet-Cookie: b=c", "/"),
        ("javascript:alert(1)", "/"),
        ("DK39", "/"),
    ],
)
def test_after_the_login_one_stays_on_this_server(given: str, path: str) -> None:
    assert local_path(given) == path


def test_a_token_in_the_link_is_nothing_where_people_log_in(site: Site) -> None:
    with site.visitor() as browser:
        assert browser.get("/account", params={"token": "guessed"}).status_code == 401


def test_reviewers_are_kept_by_command(template: Path, data_root: Path) -> None:
    shutil.copy(template, data_root)

    def typed(*words: str, given: str = "") -> str:
        done = CliRunner().invoke(app, ["reviewer", *words], input=given)
        return done.output if done.exception is None else str(done.exception)

    assert "no reviewer yet" in typed("list")
    assert "nothing came" in typed("add", "anna", "--role", "edit")
    assert "anna may edit now" in typed("add", "anna", "--role", "edit", given=f"{PASSWORD}\n")
    assert "There is a reviewer anna already" in typed("add", "Anna", given=PASSWORD)
    assert "anna may run now" in typed("set", "anna", "--role", "run")
    assert reviewing.knows_password("anna", PASSWORD)
    assert "has a new password" in typed("password", "anna", given="another long word")
    assert not reviewing.knows_password("anna", PASSWORD)
    assert [(one.name, one.role) for one in reviewing.known_reviewers()] == [("anna", "run")]
    assert "let in no more" in typed("remove", "anna")
    assert "no reviewer 'anna'" in typed("remove", "anna")
    assert "anna may look now" in typed("add", "anna", given=PASSWORD), "and may come back"
