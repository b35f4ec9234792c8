"""Who gets to which page, for every page; and what strangers, other names and lies get."""

from __future__ import annotations

import errno
import http.client
import os
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from lab import Lab, copy_of, entered
from review_accounts import PEOPLE, Site, make_hashes_quick, site_with_accounts
from starlette.requests import Request
from starlette.responses import Response
from typer.testing import CliRunner

from brainstack.cli import app
from brainstack.database.animals import RESERVED, is_name
from brainstack.review import repeats
from brainstack.review.access import Role, TokenGate
from brainstack.review.animals import Animals
from brainstack.review.app import make_app
from brainstack.review.asking import Asked, Desk, Page, json_answer
from brainstack.review.pages import PAGES
from brainstack.review.repeats import Repeats
from brainstack.review.serving import ReviewServer
from brainstack.review.tables_page import tables_at
from brainstack.review.telling import told

L, E, R = Role.LOOK, Role.EDIT, Role.RUN
ROLES: dict[tuple[str, str], Role | None] = {
    ("GET", "/"): L,
    ("GET", "/login"): None,
    ("POST", "/login"): None,
    ("POST", "/logout"): L,
    ("GET", "/account"): L,
    ("POST", "/account"): L,
    ("GET", "/{animal}"): L,
    ("GET", "/tables"): L,
    ("GET", "/{animal}/overview/cards"): L,
    ("GET", "/{animal}/overview/summary"): L,
    ("GET", "/{animal}/slides"): L,
    ("GET", "/{animal}/slides/now"): L,
    ("GET", "/{animal}/slides/picture/{name}"): L,
    ("POST", "/{animal}/slides/decide"): E,
    ("POST", "/{animal}/slides/place"): E,
    ("POST", "/{animal}/slides/undo"): E,
    ("GET", "/{animal}/masks"): L,
    ("GET", "/{animal}/masks/states"): L,
    ("GET", "/{animal}/masks/{key}"): L,
    ("GET", "/{animal}/masks/{key}/picture/{channel}"): L,
    ("GET", "/{animal}/masks/{key}/mask.png"): L,
    ("GET", "/{animal}/masks/{key}/proposal.png"): L,
    ("GET", "/{animal}/masks/{key}/mask.bits"): L,
    ("GET", "/{animal}/masks/{key}/proposal.bits"): L,
    ("PUT", "/{animal}/masks/{key}/mask"): E,
    ("POST", "/{animal}/masks/{key}/to-proposal"): E,
    ("POST", "/{animal}/masks/left"): L,
    ("POST", "/{animal}/masks/{key}/approval"): E,
    ("DELETE", "/{animal}/masks/{key}/approval"): E,
    ("GET", "/{animal}/alignment"): L,
    ("GET", "/{animal}/alignment/stack.json"): L,
    ("GET", "/{animal}/alignment/views/{view}.png"): L,
    ("GET", "/{animal}/alignment/pictures/{key}.jpg"): L,
    ("POST", "/{animal}/alignment/sections/{key}/place"): E,
    ("POST", "/{animal}/alignment/sections/{key}/follow"): E,
    ("POST", "/{animal}/alignment/sections/{key}/leave-out"): E,
    ("POST", "/{animal}/alignment/sections/{key}/release"): E,
    ("GET", "/{animal}/contrast"): L,
    ("GET", "/{animal}/contrast/{channel}.json"): L,
    ("GET", "/{animal}/contrast/{channel}/pictures/{key}.jpg"): L,
    ("POST", "/{animal}/contrast/{channel}"): E,
    ("GET", "/{animal}/problems"): L,
    ("POST", "/{animal}/problems"): E,
    ("GET", "/{animal}/problems/list"): L,
    ("GET", "/{animal}/problems/open.json"): L,
    ("GET", "/{animal}/problems/pictures/{key}.jpg"): L,
    ("POST", "/{animal}/problems/{number}/done"): E,
    ("POST", "/{animal}/problems/{number}/reopen"): E,
    ("GET", "/{animal}/next-run"): L,
    ("GET", "/{animal}/run"): L,
    ("GET", "/{animal}/run/outlook"): L,
    ("GET", "/{animal}/run/command"): L,
    ("GET", "/{animal}/run/progress"): L,
    ("POST", "/{animal}/run/start"): R,
    ("POST", "/{animal}/run/stop"): R,
}
"""Each page, and who may use it; None is everybody. What is said in the code must be what is said here."""
TABLES: dict[tuple[str, str], Role] = {
    ("GET", "/tables/"): L,
    ("GET", "/tables/animal/list"): L,
    ("GET", "/tables/animal/details/DEMO"): L,
    ("GET", "/tables/animal/edit/DEMO"): E,
    ("POST", "/tables/animal/edit/DEMO"): E,
}
CLOSED = [
    ("GET", "/tables/login"), ("POST", "/tables/login"), ("GET", "/tables/logout"), ("GET", "/tables/animal/create"),
    ("POST", "/tables/animal/create"), ("DELETE", "/tables/animal/delete?pks=DEMO"), ("POST", "/tables/animal/import"),
    ("GET", "/tables/animal/export/csv"), ("GET", "/tables/animal/ajax/lookup"),
    ("GET", "/tables/animal/DEMO/comments/download/"), ("GET", "/tables/review-session/list"),
]  # fmt: skip
"""What sqladmin has, and this page has not."""
ALL = [*ROLES, *TABLES]
CHANGES = [one for one in ALL if one[0] != "GET"]
SENT = {"/{animal}/run/start": {"target": "Nothing"}}
"""What is sent to a page that would do something with nothing."""


@pytest.fixture(scope="module")
def demo(scanned: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = copy_of(scanned, tmp_path_factory.mktemp("access"))
    with entered(lab) as environment:
        make_hashes_quick(environment)
        yield lab


@pytest.fixture(scope="module")
def site(demo: Lab) -> Iterator[Site]:
    with site_with_accounts() as site:
        yield site


@pytest.fixture(scope="module")
def people(site: Site) -> Iterator[dict[str, httpx.Client]]:
    """A browser of each role, and one of nobody."""
    found = {role: site.visitor(name) for name, role in PEOPLE.items()} | {"nobody": site.visitor()}
    yield found
    for client in found.values():
        client.close()


def ask(client: httpx.Client, method: str, path: str, **headers: str) -> httpx.Response:
    """As a page's script would: with its word, and something to send."""
    filled = re.sub(r"{\w+}", "x", path.replace("{animal}", "DEMO"))
    sent: dict[str, Any] = {} if method == "GET" else {"data": SENT[path]} if path in SENT else {"content": b"{}"}
    return client.request(method, filled, headers={name.replace("_", "-"): value for name, value in headers.items()},
                          **sent)  # fmt: skip


def test_each_page_is_in_the_table_of_this_test_with_its_role() -> None:
    assert {(method, page.path): page.role for page in PAGES for method in page.methods} == ROLES


def test_each_page_is_for_those_who_may(site: Site, people: dict[str, httpx.Client]) -> None:
    wrong = []
    for (method, path), wanted in (ROLES | TABLES).items():
        for role in ("nobody", "look", "edit", "run"):
            if path == "/logout" and role != "nobody":
                continue  # it would end the session; see test_accounts.py
            status = ask(people[role], method, path).status_code
            if wanted is None:
                as_it_should = status < 500
            elif role == "nobody":
                as_it_should = status == 401
            elif Role(role).allows(wanted):
                as_it_should = status not in (401, 403, 421) and status < 500
            else:
                as_it_should = status == 403
            wrong += [] if as_it_should else [(method, path, role, status)]
    assert not wrong


def test_nothing_is_changed_for_strangers(demo: Lab, site: Site, people: dict[str, httpx.Client]) -> None:
    """Somebody who may do everything has the page of another site open, too."""
    before = (demo.root / "brainstack.db").read_bytes()
    files = sorted(str(path) for path in demo.folder.root.rglob("*"))
    wrong = []
    for method, path in CHANGES:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": site.address.replace("http:", "https:")},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
            {"X_CSRF_Token": "0" * 64},
            {"X_CSRF_Token": ""},
        ):
            answer = ask(people["run"], method, path, **headers)
            is_told = answer.status_code == 403 and ("page of another site" in answer.text or path == "/login")
            # the login has a word of its own, which test_accounts.py looks at
            wrong += [] if is_told else [(method, path, headers, answer.status_code)]
    assert not wrong
    assert (demo.root / "brainstack.db").read_bytes() == before
    assert sorted(str(path) for path in demo.folder.root.rglob("*")) == files


def test_each_link_at_the_top_of_a_page_leads_to_a_page(people: dict[str, httpx.Client]) -> None:
    pages = [ask(people["run"], "GET", path, Accept="text/html").text for path in ("/", "/DEMO", "/DEMO/slides")]
    links = {link for page in pages for link in re.findall(r'<a [^>]*href="(/[^"]*)"', page)}
    assert links >= {"/tables", "/account", "/DEMO", "/DEMO/masks"}
    for link in links:
        answer = people["run"].get(link, headers={"Accept": "text/html"}, follow_redirects=True)
        assert answer.status_code == 200, (link, answer.text)


def test_no_animal_is_called_as_a_page_of_the_server(site: Site) -> None:
    first = {page.path.split("/")[1] for page in PAGES} | {"static", "tables"}
    assert first - {"", "{animal}"} == RESERVED
    assert not any(is_name(name) for name in (*RESERVED, "Tables"))


@pytest.mark.parametrize("row", ["decision/details/abc", "slide/edit/abc", "slide/edit/1;2", "slide/details/9999999"])
def test_a_row_that_there_cannot_be_is_not_found(people: dict[str, httpx.Client], row: str) -> None:
    assert ask(people["run"], "GET", f"/tables/{row}").status_code == 404


def test_under_another_name_there_is_nothing(people: dict[str, httpx.Client]) -> None:
    """A page of another site whose name leads to this computer would be taken for ours."""
    for method, path in (*ALL, ("GET", "/static/review.js"), ("GET", "/tables/statics/js/main.js")):
        answer = ask(people["run"], method, path, Host="evil.example")
        assert answer.status_code == 421
        assert "not known as evil.example" in answer.text


def test_what_sqladmin_can_do_beyond_rows_is_not_there(people: dict[str, httpx.Client]) -> None:
    for method, path in CLOSED:
        assert ask(people["run"], method, path).status_code in (404, 405), path
        assert ask(people["nobody"], method, path).status_code == 401, path


def test_every_answer_tells_browsers_to_be_careful(people: dict[str, httpx.Client]) -> None:
    for path in ("/", "/login", "/DEMO/run", "/nothing/here/at/all", "/static/review.js", "/tables/animal/list"):
        headers = people["run"].get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "Access-Control-Allow-Origin" not in headers
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/vendor/..%2f..%2fapp.py",
        "/static//etc/passwd",
        "/tables/statics/..%2f..%2fmodels.py",
        "/DEMO/../../etc/passwd",
        "/%2e%2e/slides",
        "/DEMO/slides/picture/..%2f..%2fsettings.toml",
        "/DEMO/masks/..%2f..%2f/mask.png",
        "/DEMO/alignment/pictures/%2e%2e%2f%2e%2e%2fsettings.jpg",
        "/DEMO%00/slides",
        "//evil.example/%2e%2e",
    ],
)
def test_only_what_belongs_to_a_page_is_given_out(site: Site, people: dict[str, httpx.Client], path: str) -> None:
    """As it stands in the request: browsers and httpx would tidy it up."""
    cookies = "; ".join(f"{name}={value}" for name, value in people["run"].cookies.items())
    connection = http.client.HTTPConnection("127.0.0.1", site.server.port, timeout=30)
    connection.request("GET", path, headers={"Cookie": cookies, "Accept": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status in (400, 404, 422), body
    assert b"root:" not in body
    assert b"def " not in body


def test_of_too_much_nothing_is_kept(people: dict[str, httpx.Client]) -> None:
    def giant() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * (1 << 20)

    for path in ("/DEMO/slides/decide", "/tables/animal/edit/DEMO"):
        said = people["run"].post(path, content=b"x" * (1 << 20))
        assert said.status_code == 413
        assert "nothing was changed" in said.json()["error"]
    assert people["run"].post("/DEMO/slides/decide", content=giant()).status_code == 413, "without saying how much"
    assert people["run"].put("/DEMO/masks/x/mask", content=giant()).status_code == 413


def test_a_form_that_is_none_is_refused(people: dict[str, httpx.Client]) -> None:
    for path in ("/DEMO/run/start", "/tables/animal/edit/DEMO", "/login"):
        for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
            said = people["run"].post(path, content=b"--y\r\nno form", headers={"Content-Type": kind})
            assert said.status_code in (400, 403), path
            assert "fault of brainstack" not in said.text


@pytest.mark.parametrize("length", ["-5", "1e9", "99999999999999999999", "5, 6"])
def test_a_length_that_is_none_is_refused(site: Site, people: dict[str, httpx.Client], length: str) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in people["run"].cookies.items())
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=30) as line:
        line.sendall(
            f"POST /DEMO/slides/decide HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n"
            f"Content-Length: {length}\r\n\r\n{{}}".encode()
        )
        assert line.recv(100).split()[1] in (b"400", b"413")


def test_a_change_whose_answer_was_lost_is_made_once(demo: Lab) -> None:
    made: list[str] = []

    def change(asked: Asked) -> Any:
        made.append(asked.person)
        return json_answer({"made": len(made)})

    gate = TokenGate("anna")
    with ReviewServer() as server:
        desk = Desk(Animals(), gate)
        server.start(make_app(desk, pages=[Page("/change", change, Role.EDIT, ("POST",))]))
        session = gate.admit(gate.token) or ""
        visitor = gate.visitor(session)
        assert visitor
        headers = {"X-CSRF-Token": visitor.csrf, "Cookie": f"{desk.cookie}={session}"}
        post = [
            httpx.post(f"{server.url}/change", headers=headers | ({"X-Change-Id": one} if one else {})).json()["made"]
            for one in ("a", "a", "b", "", "")
        ]
    assert post == [1, 1, 2, 3, 4]


def test_answers_are_kept_by_their_bytes_and_their_age() -> None:
    now, made = [0.0], []

    def once(which: str, size: int) -> None:
        def work() -> Response:
            made.append(which)
            return Response(b"x" * size)

        found.once("anna", which, work)

    found = Repeats(lambda: now[0])
    for which in ("a", "b", "a", "b"):
        once(which, repeats.MOST_BYTES // 3)
    assert made == ["a", "b"]
    once("c", repeats.MOST_BYTES // 2)
    once("b", 1)
    once("a", 1)
    assert made == ["a", "b", "c", "a"], "the one that was asked for first is gone"
    now[0] = repeats.KEPT_S + 1
    once("d", 1)
    once("c", 1)
    assert made == ["a", "b", "c", "a", "d", "c"]


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_what_the_server_may_not_write_is_said_and_not_sent_again_for_ever(number: int) -> None:
    request = Request({"type": "http", "method": "PUT", "path": "/", "headers": []})
    said = told(request, OSError(number, os.strerror(number), "/data/DK39/x.tif"))
    assert said.status_code == 403
    assert b"/data/DK39/x.tif: " in said.body
    assert b"mend their permissions" in said.body


def test_the_link_with_the_token_lets_in_and_is_gone_from_the_address(demo: Lab) -> None:
    gate = TokenGate("anna")
    with ReviewServer() as server:
        desk = Desk(Animals(), gate, cookie="c")
        server.start(make_app(desk, mounts=[tables_at(desk)]))
        with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as browser:
            assert browser.get("/DEMO/run").status_code == 401
            assert browser.get("/DEMO/run", params={"token": gate.token + "x"}).status_code == 403
            assert browser.get("/DEMO/run", params={"token": "\u00e9"}).status_code == 403
            assert browser.head("/DEMO/run", params={"token": gate.token}).status_code == 401
            let_in = browser.get("/DEMO/run", params={"token": gate.token, "target": "Masks"})
            assert (let_in.status_code, let_in.headers["Location"]) == (303, "/DEMO/run?target=Masks")
            cookie = let_in.headers["Set-Cookie"]
            assert gate.token not in cookie
            assert "HttpOnly" in cookie
            assert "samesite=strict" in cookie.lower()
            page = browser.get("/DEMO/run", headers={"Accept": "text/html"})
            assert page.status_code == 200
            assert gate.token not in page.text
            csrf = re.search(r'data-csrf="(\w+)"', page.text)
            assert csrf
            word = {"X-CSRF-Token": csrf[1]}
            stolen = browser.post(
                "/DEMO/run/start", params={"token": gate.token}, headers=word | {"Origin": "https://evil.example"}
            )
            assert stolen.status_code == 403
            assert "page of another site" in stolen.json()["error"]
            for method in ("OPTIONS", "TRACE", "PROPFIND"):
                assert browser.request(method, "/DEMO/run").status_code == 405


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("DEMO", "--host", "0.0.0.0"), "--host 0.0.0.0 would show the page to others, who could all do everything"),
        (("--public-url", "https://review.example"), "--public-url would show the page to others"),
        (("--accounts", "--public-url", "https://lab.example/review/"), "below a path"),
        (("--accounts", "--public-url", "review.example"), "wanted an address such as"),
    ],
)
def test_the_server_is_not_shown_to_others_by_mistake(demo: Lab, words: tuple[str, ...], said: str) -> None:
    refused = CliRunner().invoke(app, ["review", "--port", "0", *words])
    assert said in str(refused.exception)
